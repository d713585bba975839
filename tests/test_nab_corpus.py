"""The benchmark reads its corpus from the archive, and sends it as it would arrive."""

import io
import json
import tarfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.nab import ARCHIVE, by_series, lines
from benchmarks.nab_corpus import arriving, read_corpus

FIRST = 1_388_534_400_000
MINUTE = 60_000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    files = {
        "data/real/b.csv": "timestamp,value\n2014-01-01 00:00:00,1\n2014-01-01 00:10:00,2\n2014-01-01 00:05:00,3\n",
        "data/real/a.csv": "timestamp,value\n2014-01-01 00:07:00,4.5\n2014-01-01 00:20:00,5\n",
        "labels/combined_windows.json": json.dumps(
            {"real/b.csv": [["2014-01-01 00:10:00.000000", "2014-01-01 00:05:00.000000"]], "real/a.csv": []}
        ),
    }
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    path = tmp_path / "nab.tar.zst"
    with pa.output_stream(str(path), compression="zstd") as out:
        out.write(held.getvalue())
    return path


def test_series_and_windows_are_read_and_arrive_by_time(archive: Path) -> None:
    a, b = read_corpus(archive)
    assert (a.name, a.category, a.value.tolist(), a.windows) == ("real/a", "real", [4.5, 5.0], [])
    assert b.windows == [(FIRST + 10 * MINUTE, FIRST + 5 * MINUTE)]
    events = list(arriving([a, b]))
    assert [e.event_id for e in events] == [
        "real/b:000000",
        "real/a:000000",
        "real/b:000001",
        "real/b:000002",
        "real/a:000001",
    ]
    assert events[3].event_time == FIRST + 5 * MINUTE
    assert events[3].measurements == {"value": 3.0}


@pytest.mark.skipif(not ARCHIVE.exists(), reason="the corpus lies in ../shared/data, which is not here")
def test_the_corpus_is_version_1_1_and_a_silent_detector_scores_0() -> None:
    corpus = read_corpus(ARCHIVE)
    assert len(corpus) == 58
    assert sum(len(s.times) for s in corpus) == 365_558
    assert sum(len(s.windows) for s in corpus) == 116
    told = lines(corpus, {s.name: s.value * 0 for s in corpus})
    assert told[1].split() == ["standard", "0.00", "inf", "0.00"]


def test_a_reading_without_a_score_is_an_error(archive: Path) -> None:
    corpus = read_corpus(archive)
    with pytest.raises(SystemExit, match="4 readings have no score"):
        by_series(corpus, pd.DataFrame({"event_id": ["real/a:000001"], "score": [0.5]}))
