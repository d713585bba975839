"""The tests that run in turn are named by their files: a file that was renamed would run beside the others."""

from pathlib import Path

from whole_pipeline import WHOLE_PIPELINE

ROOT = Path(__file__).parent.parent


def test_every_named_file_is_there() -> None:
    assert [name for name in sorted(WHOLE_PIPELINE) if not (ROOT / name).is_file()] == []
