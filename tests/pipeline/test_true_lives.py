from pathlib import Path

import pytest

from pipeline.errors import RefuseUsageError
from pipeline.true_lives import read_true_lives

MACHINES = ["engine-1", "engine-2"]


@pytest.mark.parametrize(
    ("name", "text"), [("lives.txt", "112 \n98\n"), ("lives.json", '{"engine-2": 98, "engine-1": 112}')]
)
def test_a_life_for_each_machine(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_true_lives(tmp_path / name, MACHINES) == {"engine-1": 112, "engine-2": 98}


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("lives.txt", "112\n", "1 lives, the test data 2 machines"),
        ("lives.txt", "112\nlong\n", "no number of hours"),
        ("lives.txt", "112\n-1\n", "engine-2 had -1 h left"),
        ("lives.txt", "112\nnan\n", "engine-2 had nan h left"),
        ("lives.json", '{"engine-1": 3}', "no life of engine-2"),
        ("lives.json", "[3, 4]", "no JSON object"),
    ],
)
def test_what_is_no_set_of_lives_is_refused(tmp_path: Path, name: str, text: str, wrong: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RefuseUsageError, match=wrong):
        read_true_lives(tmp_path / name, MACHINES)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefuseUsageError, match="can't read"):
        read_true_lives(tmp_path / "lives.txt", MACHINES)
