"""Options of a command as the options object of the package that does the work."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.errors import RefuseUsageError

M = TypeVar("M", bound=BaseModel)


def checked(options: type[M], **values: Any) -> M:
    """Build an options object; what does not fit is refused by name."""
    try:
        return options(**values)
    except ValidationError as error:
        texts = (f"{'.'.join(map(str, e['loc']))} {e['msg']}".strip() for e in error.errors())
        raise RefuseUsageError("; ".join(texts)) from error


def progress_file(run_dir: Path, files: Sequence[Path], mapping: Path | None) -> Path:
    """Return where a replay of these files keeps how far it came."""
    named = "\n".join(str(path.absolute()) for path in (*files, *([mapping] if mapping else [])))
    return run_dir / "replays" / f"{blake2b(named.encode(), digest_size=8).hexdigest()}.json"
