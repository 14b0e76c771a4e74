"""The curves of a training as a picture: losses on the left, right tokens on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ext_models.packs import PackError

from .trainer import TrainingLog


def plot_logs(curves: Sequence[TrainingLog], path: Path) -> None:
    """Write a PNG, one row a stage; raises PackError when matplotlib is not there."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise PackError(f"{path} needs matplotlib: install it into this environment.") from None
    figure = Figure(figsize=(11, 3.2 * len(curves)), dpi=80, layout="constrained")
    rows = figure.subplots(len(curves), 2, squeeze=False)
    for (left, right), curve in zip(rows, curves, strict=True):
        for points, label, style in (
            (curve.train, "training", {"color": "0.6"}),
            (curve.held_out, "held out", {"color": "#c2410c", "marker": "."}),
        ):
            left.plot(*zip(*points, strict=True), label=label, **style)
        left.set_title(f"{curve.name}: loss", loc="left")
        left.legend(frameon=False)
        right.plot(*zip(*curve.right, strict=True), color="#c2410c", marker=".")
        right.set_title(f"{curve.name}: held-out tokens foreseen", loc="left")
        right.set_ylim(0, 1.1 * max((share for _, share in curve.right), default=0.0) or 1)
        right.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        for axes in (left, right):
            axes.set_xlabel("step")
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)
