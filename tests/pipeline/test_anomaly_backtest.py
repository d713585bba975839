"""`models backtest --windows`: the file of windows, what is refused, the report and the chart."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from models.anomaly_evaluation import Window, evaluate, watched
from models.spec import AlertBelow
from models.univariate import UNIVARIATE
from pipeline import anomaly_chart, anomaly_report
from pipeline.cli import app
from pipeline.errors import RefuseUsageError
from pipeline.windows import read_windows
from processing.anomaly_backtest import AnomalyResult

HOUR = 3_600_000
MODEL = "models.univariate:UNIVARIATE"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.json").write_text('{"a": [["2024-01-01", "2024-01-02 12:00"]]}')
    (tmp_path / "data.csv").write_text("timestamp,value\n2024-01-01,1\n")
    return tmp_path


def test_windows_are_read_by_machine_with_times_of_either_kind(folder: Path) -> None:
    held = {
        "pump.7": [["2024-01-01T00:00:00+01:00", 1_704_067_200_000]],
        "real/speed_7578.csv": [["2024-01-01 00:00:00.000000", "2024-01-01 06:00"]],
    }
    (folder / "x.json").write_text(json.dumps(held))
    first = 1_704_067_200_000
    assert read_windows(folder / "x.json") == {
        "pump.7": [Window(first - HOUR, first)],
        "speed_7578": [Window(first, first + 6 * HOUR)],
    }


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"a": [["2024-01-01"]]}',
        '{"a": [["noon", "evening"]]}',
        '{"a": [["2024-01-02", "2024-01-01"]]}',
    ],
)
def test_a_wrong_file_of_windows_is_refused_with_its_name(folder: Path, text: str) -> None:
    (folder / "x.json").write_text(text)
    with pytest.raises(RefuseUsageError, match=r"x\.json is refused: .*; write"):
        read_windows(folder / "x.json")
    with pytest.raises(RefuseUsageError, match=r"can't read .*gone\.json"):
        read_windows(folder / "gone.json")


FILES = ("--data", "data.csv", "--map", "m.toml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((MODEL, *FILES, "--windows", "gone.json"), "can't read gone.json"),
        (
            (MODEL, *FILES, "--windows", "w.json", "--train-from", "2024-01-01"),
            "--train-from has no meaning in",
        ),
        ((MODEL, *FILES, "--windows", "w.json", "--review", "2"), "--review has no meaning in --windows"),
        ((MODEL, *FILES, "--learn-share", "0.3"), "--learn-share has no meaning in a backtest by dates"),
        ((MODEL, *FILES, "--windows", "w.json", "--learn-share", "1"), "lies between 0 and 1, not 1"),
        ((MODEL, *FILES, "--windows", "w.json", "--chart", "none/c.png"), "there is no folder"),
        (
            ("models.fraud:FRAUD", *FILES, "--windows", "w.json"),
            "fraud learns from labels: leave out --windows",
        ),
    ],
)
def test_what_can_not_be_done_is_refused(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(app, ["models", "backtest", *arguments])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())


def result(threshold: float = 1.0) -> AnomalyResult:
    rng = np.random.default_rng(1)
    names = np.repeat(np.array(["a", "b"], dtype=object), 200)
    strange = rng.exponential(0.2, 400)
    strange[[55, 350]] = 3.0
    windows = {"a": [Window(50 * HOUR, 70 * HOUR), Window(100 * HOUR, 110 * HOUR)]}
    machines = watched(names, np.tile(np.arange(200) * HOUR, 2), strange, windows)
    return AnomalyResult(60, machines, evaluate(machines, threshold))


def test_the_report_tells_what_was_found_of_each_machine() -> None:
    found = result(2.0)
    told = json.loads(json.dumps(anomaly_report.as_json(UNIVARIATE, found, 1.2)))
    assert (told["windows"], told["detected"], told["false_alarms"]) == (2, 0.5, 1)
    assert told["machines"][0]["windows"][0]["delay_ms"] == 5 * HOUR
    assert told["machines"][0]["windows"][1]["delay_ms"] is None
    lines = anomaly_report.lines(UNIVARIATE, found)
    assert lines[2].split() == ["a", "2", "1", "5.0", "h", "0"]
    assert lines[3].split() == ["b", "0", "0", "-", "1"]
    assert lines[4].split() == ["all", "machines", "2", "1", "5.0", "h", "1"]


def test_a_threshold_from_above_is_told_in_the_models_own_unit() -> None:
    spec = replace(UNIVARIATE, threshold=AlertBelow(24.0))
    assert anomaly_report.as_json(spec, result(-24.0), 0.1)["threshold"] == 24.0


def test_the_chart_is_a_picture(folder: Path) -> None:
    anomaly_chart.draw(UNIVARIATE, result(), folder / "c.png")
    assert imread(folder / "c.png").shape[:2] == (
        round(anomaly_chart.HEIGHT_IN * anomaly_chart.DPI),
        round(anomaly_chart.WIDTH_IN * anomaly_chart.DPI),
    )
