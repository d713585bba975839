"""Logs: JSON lines in a child, no secrets, and never larger than allowed."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from pipeline import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_child_logs_json_lines_of_structlog_and_of_the_standard_library(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info", json_lines=True)
    structlog.get_logger("one").info("stored", rows=3, password="hunter2", nested={"api_key": "k", "n": 1})
    logging.getLogger("two").warning("away %s", "again")
    structlog.get_logger("one").debug("unheard")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["rows"], first["logger"]) == ("stored", 3, "one")
    assert first["password"] == "[hidden]"
    assert first["nested"] == {"api_key": "[hidden]", "n": 1}
    assert (second["event"], second["level"]) == ("away again", "warning")


def test_an_exception_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", json_lines=True)
    try:
        int("broken")
    except ValueError:
        structlog.get_logger("one").exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["exception"][0]["exc_value"].endswith("'broken'")


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_traceback_shows_no_local_variables_because_they_may_be_secrets(
    capsys: pytest.CaptureFixture[str], *, json_lines: bool
) -> None:
    logs.configure("debug", json_lines=json_lines)
    address = "slack://hunter2"
    try:
        int("broken")
    except ValueError:
        structlog.get_logger("one").exception("failed", known=len(address))
    written = capsys.readouterr().err
    assert "'broken'" in written
    assert "hunter2" not in written


def test_a_person_reads_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", json_lines=False)
    structlog.get_logger("one").warning("Cassandra is away", attempt=2)
    assert "Cassandra is away" in capsys.readouterr().err


def test_very_long_lines_are_broken_and_kept(tmp_path: Path) -> None:
    stream = io.BytesIO(b"x" * (logs.LONGEST_LINE + 10) + b"\nlast\xff\n")
    logs.pump(stream, logs.log_file(tmp_path / "a" / "child.log", max_bytes=10_000_000, kept=1))
    lines = (tmp_path / "a" / "child.log").read_text().splitlines()
    assert [len(lines[0]), lines[1], lines[2]] == [logs.LONGEST_LINE, "x" * 10, "last\ufffd"]


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    assert logs.tail(tmp_path / "none", 3) == []
    (tmp_path / "log").write_text("\n".join(map(str, range(100))))
    assert logs.tail(tmp_path / "log", 2) == ["98", "99"]
