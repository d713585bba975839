"""`models backtest` of remaining life: what is refused, the report and the chart."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from models.life_evaluation import Lives, evaluate, first_alerts
from models.maintenance import MAINTENANCE
from pipeline import life_chart, life_report
from pipeline.cli import app
from processing.life_backtest import LifeResult

MODEL = "models.maintenance:MAINTENANCE"
FILES = (MODEL, "--data", "gone.parquet", "--map", "m.toml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (FILES, "there is no file gone.parquet"),
        ((*FILES, "--test", "t.parquet"), "give both"),
        ((*FILES, "--truth", "t.txt"), "give both"),
        ((*FILES, "--train-from", "2024-01-01"), "--train-from has no meaning in"),
        ((*FILES, "--windows", "w.json"), "--windows has no meaning in a backtest of remaining life"),
        ((*FILES, "--test", "t", "--truth", "l", "--groups", "3"), "--groups has no meaning in"),
        (("models.fraud:FRAUD", *FILES[1:], "--truth", "l"), "--truth has no meaning in a backtest by dates"),
    ],
)
def test_what_can_not_be_done_is_refused(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["models", "backtest", *arguments])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())


def result(*, bounds: bool = True) -> LifeResult:
    rng = np.random.default_rng(1)
    machine = np.repeat(np.array([f"m{n}" for n in range(6)], dtype=object), 100)
    life = np.tile(np.arange(100.0)[::-1], 6)
    estimate = life + rng.normal(scale=8, size=len(life))
    width = np.where(bounds, 12.0, np.nan)
    lives = Lives(machine, life, estimate, np.maximum(estimate - width, 0), estimate + width)
    return LifeResult(
        600, 6, 3, lives, lives, evaluate(lives), first_alerts(machine, life, estimate - 12, 24.0)
    )


def test_the_report_has_the_figures_and_every_judged_reading() -> None:
    found = result()
    told = json.loads(json.dumps(life_report.as_json(MAINTENANCE, found, 1.23)))
    assert (told["model"], told["folds"], told["machines"], told["readings"]) == ("maintenance", 3, 6, 600)
    assert told["trained_on"] == {"machines": 6, "readings": 600}
    assert told["alerts"]["in_time"] == 6
    assert set(told["judged"][0]) == {"machine", "life", "estimate", "lower", "upper"}
    text = "\n".join(life_report.lines(MAINTENANCE, found))
    assert f"{found.evaluation.rmse:.2f} h" in text
    assert "within the interval" in text
    assert "machines warned 24 h ahead" in text


def test_a_model_without_bounds_is_told_without_them() -> None:
    found = result(bounds=False)
    told = json.loads(json.dumps(life_report.as_json(MAINTENANCE, found, 1.23)))
    assert told["coverage"] is None
    assert set(told["judged"][0]) == {"machine", "life", "estimate"}
    assert "within the interval" not in "\n".join(life_report.lines(MAINTENANCE, found))


@pytest.mark.parametrize("bounds", [True, False])
def test_the_chart_is_a_picture_with_something_in_every_corner(tmp_path: Path, *, bounds: bool) -> None:
    life_chart.draw(MAINTENANCE, result(bounds=bounds), tmp_path / "c.png")
    picture = imread(tmp_path / "c.png")
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    for rows in (picture[:height], picture[height:]):
        for part in (rows[:, :width], rows[:, width:]):
            assert part[..., :3].std() > 0.05
