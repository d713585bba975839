"""`models train` and `models backtest`: what is refused before Java starts, the report and the chart."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from models.evaluation import DAY_MS, Costs, Outcomes, evaluate
from models.fraud import FRAUD
from pipeline import backtest_chart, backtest_report
from pipeline.cli import app
from processing.backtest import Fold, FoldResult

MAP = """
event = "transaction"
[time]
column = "time"
unit = "ms"
[fields]
event_id = { column = "id" }
card = { column = "card", tokenise = true }
terminal = { column = "terminal" }
amount = { column = "amount" }
"""
LABEL = """
[label]
delay_days = 7.0
fraud = { column = "fraud" }
"""
READINGS = """
event = "reading"
[time]
column = "time"
unit = "ms"
[fields]
event_id = { column = "id" }
machine = { column = "card" }
measurements = { columns = ["amount"] }
"""
FIRST = 1_546_300_800_000  # 2019-01-01


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Thirty days of a transaction a day."""
    monkeypatch.chdir(tmp_path)
    days = range(30)
    table = {
        "time": [FIRST + day * DAY_MS for day in days],
        "id": [f"e{day}" for day in days],
        "card": ["4000000000000002" for _ in days],
        "terminal": ["t" for _ in days],
        "amount": [10.0 for _ in days],
        "fraud": [day % 2 == 0 for day in days],
    }
    pq.write_table(pa.table(table), tmp_path / "data.parquet")
    (tmp_path / "map.toml").write_text(MAP + LABEL)
    (tmp_path / "unlabelled.toml").write_text(MAP)
    (tmp_path / "readings.toml").write_text(READINGS)
    return tmp_path


def refusal(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["models", *arguments])
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


FILES = ("--data", "data.parquet", "--map", "map.toml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (FILES, "say when training begins"),
        ((*FILES, "--train-from", "25.7.2018"), "'25.7.2018' is no date"),
        ((*FILES, "--train-from", "2018-07-25"), "the data holds no events before 2018-08-15"),
        ((*FILES, "--train-from", "2018-12-31"), "need events from 2018-12-31 to 2019-01-20"),
        ((*FILES, "--train-from", "2019-01-11"), "need events from 2019-01-11 to 2019-01-31"),
        (
            (*FILES, "--folds", "2019-01-01,2019-01-12"),
            "need events from 2019-01-01 to 2019-02-01",
        ),
        ((*FILES, "--train-from", "2019-01-01", "--chart", "none/c.png"), "there is no folder"),
        (("--data", "data.parquet", "--train-from", "2019-01-01"), "needs a mapping file"),
        (("--data", "gone.parquet", "--map", "map.toml", "--train-from", "2019-01-01"), "there is no file"),
        (
            ("--data", "data.parquet", "--map", "unlabelled.toml", "--train-from", "2019-01-01"),
            "fraud learns from labels and the mapping has no [label]",
        ),
        (
            ("--data", "data.parquet", "--map", "readings.toml", "--train-from", "2019-01-01"),
            "the mapping makes reading events, fraud scores transaction events",
        ),
    ],
)
def test_what_a_backtest_can_not_do_is_refused(arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal("backtest", *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*FILES, "--days", "30"), "leave them out beside --data"),
        (("--map", "map.toml"), "say which file, too"),
        (("--data", "data.parquet", "--map", "unlabelled.toml"), "the mapping has no [label]"),
    ],
)
def test_what_training_can_not_do_is_refused(arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal("train", *arguments)


def result(first_day: int) -> FoldResult:
    rng = np.random.default_rng(first_day)
    fold = Fold(FIRST + first_day * DAY_MS, 7 * DAY_MS, 7 * DAY_MS, 7 * DAY_MS)
    fraud = rng.random(500) < 0.1
    outcomes = Outcomes(
        np.array([f"c{n % 50}" for n in range(500)], dtype=object),
        np.sort(rng.integers(fold.test.start_ms, fold.test.end_ms, 500)),
        rng.uniform(1, 100, 500),
        fraud,
        np.clip(fraud * 0.5 + rng.random(500) / 2, 0, 1),
    )
    return FoldResult(fold, 1000, 90, 20, evaluate(outcomes, 0.5, costs=Costs(), top=5), outcomes)


def test_the_report_has_every_fold_and_their_mean() -> None:
    results = [result(0), result(7)]
    told = json.loads(json.dumps(backtest_report.as_json(FRAUD, results, 5, 1.23)))
    assert [f["train_from"] for f in told["folds"]] == ["2019-01-01", "2019-01-08"]
    assert told["folds"][0]["test_from"] == "2019-01-15"
    for name in ("roc_auc", "average_precision", "card_precision"):
        assert told["mean"][name] == pytest.approx(np.mean([f[name] for f in told["folds"]]))
    assert set(told["folds"][0]) >= {"calibration", "alerts", "money", "left_out"}
    lines = backtest_report.lines(FRAUD, results, 5)
    assert len(lines) == 5
    assert len({len(line) for line in lines[1:]}) == 1
    assert f"{told['mean']['average_precision']:.3f}" in lines[-1]


def test_the_chart_is_a_picture_with_something_in_every_corner(tmp_path: Path) -> None:
    backtest_chart.draw(FRAUD, [result(0), result(7)], 5, tmp_path / "c.png")
    picture = imread(tmp_path / "c.png")
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    for part in (
        picture[:height, :width],
        picture[:height, width:],
        picture[height:, :width],
        picture[height:, width:],
    ):
        assert part[..., :3].std() > 0.05
