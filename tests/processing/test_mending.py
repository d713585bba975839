"""A checkpoint's logs after a power cut: the torn end goes, whatever was whole stays."""

from pathlib import Path

import pytest

from processing.mending import mend

COMMIT = 'v1\n{"nextBatchWatermarkMs":0}'
OFFSETS = 'v1\n{"batchWatermarkMs":0}\n{"t":{"0":5}}\n-'


@pytest.fixture
def query(tmp_path: Path) -> Path:
    folder = tmp_path / "fraud-1"
    for log, text in (("commits", COMMIT), ("offsets", OFFSETS)):
        (folder / log).mkdir(parents=True)
        for number in (8, 9, 10):
            (folder / log / str(number)).write_text(text)
            (folder / log / f".{number}.crc").write_bytes(b"c")
    return folder


def test_whole_logs_stay_as_they_are(query: Path) -> None:
    assert mend(query.parent) == []
    assert mend(query.parent / "nothing") == []


@pytest.mark.parametrize("torn", ["", "v1", "v1\n", 'v1\n{"next', "\0\0\0\0"])
def test_a_torn_commit_is_as_if_never_written(query: Path, torn: str) -> None:
    last = query / "commits" / "10"
    last.write_text(torn)
    assert mend(query.parent) == [last]
    assert sorted(file.name for file in last.parent.iterdir()) == [".8.crc", ".9.crc", "8", "9"]
    assert (query / "offsets" / "10").exists()
    assert mend(query.parent) == []


def test_torn_offsets_go_where_they_were_not_committed(query: Path) -> None:
    offsets = query / "offsets" / "10"
    offsets.write_text(OFFSETS[:-10])
    assert mend(query.parent) == []
    (query / "commits" / "10").unlink()
    assert mend(query.parent) == [offsets]
    assert not offsets.exists()
