"""Known anomalies from a file: JSON, machine -> [[first time, last time], ...]."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from models.anomaly_evaluation import Window
from models.errors import RefuseSpecError
from pipeline.errors import RefuseUsageError

Windows = Mapping[str, Sequence[Window]]

_FILES: Final = frozenset({".csv", ".parquet", ".jsonl", ".ndjson"})


def read_windows(path: Path) -> Windows:
    """Read a file of windows.

    Times are ISO 8601 (UTC where they name no zone) or milliseconds since the epoch. A machine that is written as a
    file is the file's name without its ending, as `@file` is in a mapping.

    Raises
    ------
    RefuseUsageError
        Saying what in the file is wrong.
    """
    try:
        held = msgspec.json.decode(path.read_bytes(), type=dict[str, list[tuple[str | int, str | int]]])
        return {
            _machine(name): [Window(*map(_ms, edges)) for edges in windows] for name, windows in held.items()
        }
    except OSError as error:
        raise RefuseUsageError(f"can't read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, RefuseSpecError, ValueError) as error:
        raise RefuseUsageError(
            f'{path} is refused: {error}; write {{"machine": [["2024-01-31 08:00", "2024-01-31 12:00"]]}}'
        ) from error


def _machine(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix in _FILES else name


def _ms(time: str | int) -> int:
    if isinstance(time, int):
        return time
    found = datetime.fromisoformat(time)
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)
