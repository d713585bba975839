"""A backtest as a picture: precision over recall, calibration, alerts per day, money."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import log10
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from models.spec import ModelSpec
from processing.backtest import FoldResult

WIDTH_IN, HEIGHT_IN, DPI = 12.0, 8.5, 110
_COLOURS: Final = mpl.colormaps["viridis"]
_MONEY: Final = {"missed frauds": "#b23a48", "reviews": "#e0a458", "false declines": "#8a5a83"}


def draw(spec: ModelSpec, results: Sequence[FoldResult], top: int, file: Path) -> None:
    """Write the chart as PNG.

    Parameters
    ----------
    top
        Cards a day that were looked at.
    """
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    upper, lower = figure.subplots(2, 2)
    figure.suptitle(f"Backtest of {spec.name} {spec.version}, scored by the compiled SQL")
    _ranking(upper[0], results, top)
    _calibration(upper[1], results)
    _alerts(lower[0], results)
    _money(lower[1], results)
    figure.savefig(file, dpi=DPI, format="png")


def _ranking(axes: Axes, results: Sequence[FoldResult], top: int) -> None:
    for result, colour in zip(results, _colours(results), strict=True):
        e = result.evaluation
        precision, recall, _ = precision_recall_curve(result.outcomes.fraud, result.outcomes.score)
        label = f"{_day(result):%d %b}: AP {e.average_precision:.3f}, AUC {e.roc_auc:.3f}, CP@{top} {e.card_precision:.3f}"
        axes.step(recall, precision, where="post", color=colour, label=label)
    axes.set(title="Precision over recall", xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(title="trained from", fontsize="small", loc="lower left")


def _calibration(axes: Axes, results: Sequence[FoldResult]) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--", label="perfect")
    for result, colour in zip(results, _colours(results), strict=True):
        found = result.evaluation.calibration
        if found is not None:
            x, y = [b.mean_score for b in found.reliability], [b.fraud_share for b in found.reliability]
            label = f"{_day(result):%d %b}: Brier {found.brier:.4f}"
            axes.plot(x, y, color=colour, linewidth=0.8, label=label)
            axes.scatter(x, y, [12 * log10(1 + b.events) for b in found.reliability], color=colour)
    axes.set(
        title="Calibration (larger dots: more events)",
        xlabel="mean score of the bin",
        ylabel="share of frauds",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    axes.legend(fontsize="small", loc="lower right")


def _alerts(axes: Axes, results: Sequence[FoldResult]) -> None:
    for result, colour in zip(results, _colours(results), strict=True):
        first = datetime.fromtimestamp(result.outcomes.event_time.min() / 1_000, UTC)
        per_day = result.evaluation.alerts.per_day
        dates = [
            first.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=day)
            for day in range(len(per_day))
        ]
        axes.bar(dates, per_day, width=0.8, color=colour)  # type: ignore[arg-type] # matplotlib takes dates
    axes.tick_params(axis="x", rotation=30)
    axes.set(title="Alerts per day of the test windows", ylabel="alerts")


def _money(axes: Axes, results: Sequence[FoldResult]) -> None:
    names = [f"{_day(result):%d %b}" for result in results]
    at = range(len(results))
    axes.bar(
        [x - 0.2 for x in at],
        [r.evaluation.money.without_model for r in results],
        0.38,
        color="#c9c9c9",
        label="without a model",
    )
    below = [0.0] * len(results)
    for (name, colour), field in zip(
        _MONEY.items(), ("missed_frauds", "reviews", "false_declines"), strict=True
    ):
        part = [float(getattr(r.evaluation.money, field)) for r in results]
        axes.bar([x + 0.2 for x in at], part, 0.38, bottom=below, color=colour, label=name)
        below = [a + b for a, b in zip(below, part, strict=True)]
    axes.set_xticks(list(at), names)
    axes.set(title="Cost in the test windows", xlabel="trained from", ylabel="currency of the amounts")
    axes.legend(fontsize="small")


def _colours(results: Sequence[FoldResult]) -> list[tuple[float, float, float, float]]:
    return [_COLOURS(0.85 * n / max(1, len(results) - 1)) for n in range(len(results))]


def _day(result: FoldResult) -> datetime:
    return datetime.fromtimestamp(result.fold.train.start_ms / 1_000, UTC)
