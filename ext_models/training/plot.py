"""The log of a training as a picture: losses on the left, token accuracy on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ext_models.packs import PackError

from .log import TOKEN_ACCURACY, Points, TrainingLog


def plot_logs(logs: Sequence[TrainingLog], path: Path) -> None:
    """Write a PNG, one row a training; raises PackError when matplotlib is not there."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise PackError(f"{path} needs matplotlib: install it into this environment.") from None
    figure = Figure(figsize=(11, 3.2 * len(logs)), dpi=80, layout="constrained")
    rows = figure.subplots(len(logs), 2, squeeze=False)
    for (left, right), log in zip(rows, logs, strict=True):
        accuracy = log.metrics.get(TOKEN_ACCURACY, [])
        for points, label, style in (
            (log.train, "training", {"color": "0.6"}),
            (log.held_out, "held out", {"color": "#c2410c", "marker": "."}),
        ):
            left.plot(*_columns(points), label=label, **style)
        left.set_title(f"{log.name}: loss", loc="left")
        left.legend(frameon=False)
        right.plot(*_columns(accuracy), color="#c2410c", marker=".")
        right.set_title(f"{log.name}: token accuracy on held-out clips", loc="left")
        right.set_ylim(0, 1.1 * max((share for _, share in accuracy), default=0.0) or 1)
        right.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        for axes in (left, right):
            axes.set_xlabel("step")
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)


def _columns(points: Points) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value for _, value in points]
