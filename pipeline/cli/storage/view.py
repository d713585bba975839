"""The texts of `storage`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from pipeline.backups.manifest import Manifest
from pipeline.bootstrap.storage_report import Outlook
from pipeline.forecast import DAY_S, HORIZON_DAYS, Store

GIB: Final = 1 << 30

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1_024


def outlook(found: Outlook) -> Iterator[str]:
    """Return a line a table, and what it means for the disk."""
    wide = max(len(store.name) for store in found.stores)
    yield f"{'':<{wide}}  {'rows live':>9}  {'size':>9}  {'a day':>9}  {'in the end':>10}"
    for store in found.stores:
        yield _store(store, wide)
    if found.free is None:
        yield "the disk is not known here: say --free-gib for a forecast"
        return
    of = "" if found.disk is None else f" of {size(found.disk)}"
    end = (
        f"not full within {HORIZON_DAYS // 365} years"
        if found.days is None
        else f"full in {found.days:,} days"
    )
    yield f"disk: {size(found.free)}{of} free; at this rate {end}"


def made(manifest: Manifest) -> str:
    """Return what a backup holds."""
    rows = sum(table.rows for table in manifest.tables.values())
    at = datetime.fromtimestamp(manifest.made_at / 1000, UTC)
    return (
        f"{rows:,} rows of {manifest.keyspace}, {len(manifest.files)} files, {size(manifest.bytes)}, "
        f"made {at:%Y-%m-%d %H:%M:%S}Z by {manifest.version}"
    )


def size(count: float) -> str:
    """Return bytes for people."""
    power = 0
    while count >= _STEP and power < len(_UNITS) - 1:
        count, power = count / _STEP, power + 1
    return f"{count:.0f} {_UNITS[power]}" if power == 0 else f"{count:.1f} {_UNITS[power]}"


def _store(store: Store, wide: int) -> str:
    life = "own lives" if store.life_s is None else f"{store.life_s / DAY_S:g} days"
    level = "grows" if store.level is None else size(store.level)
    return f"{store.name:<{wide}}  {life:>9}  {size(store.bytes):>9}  {size(store.bytes_per_day):>9}  {level:>10}"
