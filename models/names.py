"""Names in SQL text: columns renamed, literals, functions, aliases and struct members left as they are."""

import re
from collections.abc import Mapping
from typing import Final

_LITERAL_OR_COLUMN: Final = re.compile(r"'(?:[^'\\]|\\.)*'|(?<![.\w])(?<!\bas )[A-Za-z_]\w*(?!\w|\s*\()")


def renamed(sql: str, names: Mapping[str, str]) -> str:
    """Return the SQL with columns renamed, all at once.

    Parameters
    ----------
    names
        Old name -> new name.
    """
    changed = {old: new for old, new in names.items() if old != new}
    if not changed:
        return sql
    return _LITERAL_OR_COLUMN.sub(lambda found: changed.get(found[0], found[0]), sql)
