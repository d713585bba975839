"""A backtest of remaining life as a picture: estimates over true lives, errors, intervals, first alerts."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.life_evaluation import Lives
from models.spec import ModelSpec
from processing.life_backtest import LifeResult

WIDTH_IN, HEIGHT_IN, DPI = 13.0, 8.5, 110
RUNS: Final = 4
"""So many machines are drawn over time."""

BIN_HOURS: Final = 10.0

_ESTIMATE, _INTERVAL, _MISSED = "#2a6f97", "#a9d6e5", "#b23a48"


def draw(spec: ModelSpec, result: LifeResult, file: Path) -> None:
    """Write the chart as PNG."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    upper, lower = figure.subplots(2, 2)
    figure.suptitle(f"Backtest of {spec.name} {spec.version}, scored by the compiled SQL")
    _estimates(upper[0], result)
    _errors(upper[1], result)
    _by_life(lower[0], result.judged)
    _runs(lower[1], result.lives)
    figure.savefig(file, dpi=DPI, format="png")


def _estimates(axes: Axes, result: LifeResult) -> None:
    judged, e = result.judged, result.evaluation
    missed = (judged.life < judged.lower) | (judged.life > judged.upper)
    if e.coverage is not None and len(judged.life) <= 500:  # noqa: PLR2004 - more lines are a black box
        axes.vlines(judged.life, judged.lower, judged.upper, color=_INTERVAL, linewidth=1)
    size = 14 if len(judged.life) <= 500 else 1  # noqa: PLR2004 - as above
    axes.scatter(judged.life, judged.estimate, size, color=np.where(missed, _MISSED, _ESTIMATE))
    top = float(max(judged.life.max(), judged.estimate.max()))
    axes.plot([0, top], [0, top], color="grey", linewidth=0.8, linestyle="--")
    axes.set(
        title=f"RMSE {e.rmse:.2f} h, {e.machines} machines (red: outside the interval)",
        xlabel="true remaining life, h",
        ylabel="estimate, h",
    )


def _errors(axes: Axes, result: LifeResult) -> None:
    error = result.judged.estimate - result.judged.life
    axes.hist(error, bins=40, color=_ESTIMATE)
    axes.axvline(0, color="grey", linewidth=0.8, linestyle="--")
    axes.set(
        title=f"Errors: mean {result.evaluation.bias:.1f} h, asymmetric score {result.evaluation.score:.0f}",
        xlabel="estimate less true life, h",
        ylabel="readings",
    )


def _by_life(axes: Axes, judged: Lives) -> None:
    """Draw error and coverage over the true life."""
    bins = np.floor(judged.life / BIN_HOURS)
    at = np.unique(bins)
    error = [np.sqrt(np.mean((judged.estimate - judged.life)[bins == b] ** 2)) for b in at]
    axes.bar((at + 0.5) * BIN_HOURS, error, BIN_HOURS * 0.9, color=_INTERVAL)
    axes.set(title="Error and coverage over the true life", xlabel="true remaining life, h", ylabel="RMSE, h")
    if np.isfinite(judged.upper).all():
        within = (judged.life >= judged.lower) & (judged.life <= judged.upper)
        share = axes.twinx()
        share.plot(
            (at + 0.5) * BIN_HOURS, [within[bins == b].mean() for b in at], color=_ESTIMATE, marker="o"
        )
        share.set(ylabel="share within the interval", ylim=(0, 1.02))


def _runs(axes: Axes, lives: Lives) -> None:
    """Draw what was said of a few machines over their life, the first, the last and some between by length."""
    names, counts = np.unique(lives.machine.astype(str), return_counts=True)
    ranked = names[np.argsort(counts, kind="stable")]
    chosen = ranked[np.unique(np.linspace(0, len(ranked) - 1, RUNS).round().astype(int))]
    for n, name in enumerate(chosen):
        run = lives.where(lives.machine == name)
        axes.fill_between(-run.life, run.lower, run.upper, color=f"C{n}", alpha=0.15, linewidth=0)
        axes.plot(-run.life, run.estimate, color=f"C{n}", label=name)
    axes.plot(axes.get_xlim(), [-x for x in axes.get_xlim()], color="grey", linewidth=0.8, linestyle="--")
    axes.set(
        title="Estimate and interval as machines age",
        xlabel="hours before the failure",
        ylabel="said to be left, h",
        ylim=(0, None),
    )
    axes.legend(fontsize="small")
