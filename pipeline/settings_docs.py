"""Writes `docs/settings.md` from the settings themselves: `python -m pipeline.settings_docs`."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final

from pipeline import settings_catalog
from pipeline.settings import Settings
from pipeline.settings_catalog import Setting

PAGE: Final = Path(__file__).parent.parent / "docs" / "settings.md"
COMMAND: Final = "python -m pipeline.settings_docs"

_HEAD: Final = f"""# Settings

Written by `{COMMAND}`; a test fails when this page and the code differ.

A value comes from the first of these that has it:

1. a flag: `fastdata --set kafka.prefix=trial- verify` (`--namespace` is short for `--set namespace=`);
2. the environment: `FASTDATA_KAFKA__PREFIX=trial-` (two underscores for each dot; lists and tables as JSON);
3. a TOML file: `fastdata.toml` in the working directory, or the one named by `--config` or `FASTDATA_CONFIG`;
4. the servers that `fastdata up` has started and written down in `servers.json`, and the paths and names that follow
   from `embedded.state_dir` and `namespace`;
5. the default.

A name that is no setting is refused, wherever it stands, with the nearest one that is.
"""


def render() -> str:
    """Return the page as Markdown."""
    groups = groupby(settings_catalog.catalog(Settings), key=lambda s: s.name.rpartition(".")[0])
    return _HEAD + "".join(_table(section, settings) for section, settings in groups)


def _table(section: str, settings: Iterable[Setting]) -> str:
    title = f"`[{section}]`" if section else "Top level"
    rows = "".join(_row(setting) for setting in settings)
    return f"\n## {title}\n\n| Setting | Type | Default | Meaning |\n| --- | --- | --- | --- |\n{rows}"


def _row(setting: Setting) -> str:
    default = f"`{_at_home(setting.default)}`" if setting.default else ""
    cells = (f"`{setting.name}`", setting.kind, default, setting.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _at_home(default: str) -> str:
    return default.replace(str(Path.home()), "~")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
