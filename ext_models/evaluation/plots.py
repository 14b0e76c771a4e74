"""Plots of an evaluation, where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ext_models.evaluation.prompts.prompt_scores import PART

from .baselines import NEAREST_CAPTION, RANDOM, REAL, RECONSTRUCTION, TEXT
from .evaluation import Evaluation
from .metrics import TOP
from .pose_tasks import GUIDED, RATIO
from .tables import Row, Table
from .targets import LIST_TARGET, POSE_TARGETS

#: One colour a method, in every picture; they differ in lightness too.
COLOURS: Final = {
    REAL: "#1f2937",
    RECONSTRUCTION: "#6b7280",
    TEXT: "#c2410c",
    NEAREST_CAPTION: "#2563eb",
    RANDOM: "#cbd5e1",
}
TARGET: Final = "#15803d"
#: The value of a row that has no interval and no highest value.
LOSS: Final = "held-out loss"


NONE_HERE: Final = "No pictures: install matplotlib into this environment."


def draw(evaluation: Evaluation, folder: Path) -> list[str]:
    """Write the pictures; returns sentences that say where they are, or why there are none."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return [NONE_HERE]
    pictures = {
        "text_motion.png": (_text_motion, evaluation.text_motion is not None, (11, 4)),
        "poses.png": (_poses, True, (11, 4)),
        "prompts.png": (_prompts, bool(evaluation.scores), (11, 4.5)),
    }
    sentences: list[str] = []
    for name, (paint, present, size) in pictures.items():
        if present:
            figure = Figure(figsize=size, dpi=100, layout="constrained")
            paint(evaluation, figure)
            FigureCanvasAgg(figure).print_png(folder / name)
            sentences.append(f"picture: {folder / name}")
    return sentences


def draw_curve(
    title: str, points: Sequence[tuple[float, Row]], metrics: Sequence[str], path: Path
) -> str:
    """Draw how metrics between 0 and 1, and the loss, change with what the rows have more of.

    Args:
        title: what they have more and more of.
        points: how much of it, and the row.
        metrics: one line each, with its intervals.
        path: of the picture.

    Returns:
        A sentence that says where it is, or why there is none.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return NONE_HERE
    points = sorted(points, key=lambda point: point[0])
    has_loss = all(LOSS in row.values for _, row in points)
    figure = Figure(figsize=(9 if has_loss else 6, 4), dpi=100, layout="constrained")
    axes: Any = figure.subplots(1, 1 + has_loss, squeeze=False)[0]
    for metric, colour in zip(metrics, ("#2563eb", "#c2410c"), strict=True):
        _curve(axes[0], points, metric, colour)
    axes[0].set_ylim(0, 1.02)
    axes[0].legend(fontsize=8, loc="upper left")
    if has_loss:
        _curve(axes[1], points, LOSS, TARGET)
        axes[1].set_title(LOSS, loc="left", fontsize=10)
    axes[0].set_title(title, loc="left", fontsize=10)
    for one in axes:
        _plain(one)
    FigureCanvasAgg(figure).print_png(path)
    return f"picture: {path}"


def _curve(axes: Any, points: Sequence[tuple[float, Row]], metric: str, colour: str) -> None:
    """One metric over the amounts, which are marked on a scale of doublings."""
    from matplotlib.ticker import FixedLocator, NullLocator

    present = [(at, *pair) for at, row in points if (pair := _pair(row, metric))]
    if present:
        at, means, halves = zip(*present, strict=True)
        axes.errorbar(at, means, halves, color=colour, label=metric, marker="o", capsize=3)
    axes.set_xscale("log", base=2)
    places = [at for at, _ in points]
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{at:g}" for at in places])


def _text_motion(evaluation: Evaluation, figure: Any) -> None:
    """R@k of each method, and distances to the nearest training clip."""
    table = evaluation.tables["text_motion"]
    assert evaluation.text_motion is not None
    bars, distribution = figure.subplots(1, 2, width_ratios=(3, 2))
    metrics = [f"R@{k}" for k in range(1, TOP + 1)]
    _grouped(
        bars, [(r.name, COLOURS.get(r.name), _picked(r, metrics)) for r in table.rows], metrics
    )
    bars.set_ylim(0, 1.02)
    figure.suptitle(f"R-precision, {table.title}", x=0.01, ha="left", fontsize=10)
    bars.legend(fontsize=8, ncols=len(table.rows), loc="lower left", bbox_to_anchor=(0, 1))
    nearest = evaluation.text_motion.nearest
    for name in (name for name in (REAL, RECONSTRUCTION, TEXT) if name in nearest):
        distances = nearest[name]
        upto = np.linspace(0, 1, len(distances))
        distribution.plot(np.sort(distances), upto, color=COLOURS.get(name), label=name, lw=1.8)
    distribution.set_title("Distance to the nearest training clip", loc="left", fontsize=10)
    distribution.set_xlabel("distance in the evaluator's space")
    distribution.set_ylabel("share of clips nearer than this")
    _plain(distribution)


def _poses(evaluation: Evaluation, figure: Any) -> None:
    """Recon of each task: floor, with poses, text only; and what remains of text only's."""
    table = evaluation.tables["poses"]
    rows = [r for r in table.rows if r.name.endswith(GUIDED)] or table.rows
    bars, left = figure.subplots(1, 2, width_ratios=(3, 2))
    names = [
        row.name.rpartition(", ")[0].replace(", ", "\n").replace(" clip's", "'s") for row in rows
    ]
    kinds = [("Recon floor", "#6b7280"), ("Recon with", "#c2410c"), ("Recon text only", "#fdba74")]
    groups = [(k.removeprefix("Recon "), c, [_pair(r, k) for r in rows]) for k, c in kinds]
    _grouped(bars, groups, names)
    bars.set_ylabel("cm at the asked frame")
    how = rows[0].name.rpartition(", ")[2]
    figure.suptitle(f"Distance from the asked pose, {how}", x=0.01, ha="left", fontsize=10)
    bars.legend(fontsize=8, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    values = [_pair(r, f"Recon {RATIO}") for r in rows]
    _grouped(left, [("", "#c2410c", values)], names)
    for place, row in enumerate(rows):
        target = POSE_TARGETS[row.name.split(",")[0]]
        left.plot([place - 0.45, place + 0.45], [target, target], color=TARGET, lw=2)
    left.axhline(1, color="0.4", lw=1, ls=":")
    left.set_title(
        "What is left of text only's distance above the floor (green: target)",
        loc="left",
        fontsize=9,
    )


def _prompts(evaluation: Evaluation, figure: Any) -> None:
    """R@3 of every list, in plain pools and among alike labels."""
    table = evaluation.tables["prompts"]
    for axes, metric in zip(
        figure.subplots(1, 2, sharey=True), (f"R@{TOP}", f"R@{TOP} among alike"), strict=True
    ):
        named = dict.fromkeys(r.name.rpartition(": ")[0] for r in table.rows)
        lists = [name for name in named if PART not in name]
        groups = [
            (
                method,
                COLOURS[method],
                [_found(table, f"{name}: {method}", metric) for name in lists],
            )
            for method in (REAL, TEXT, NEAREST_CAPTION)
        ]
        _grouped(axes, groups, lists)
        plain = _found(table, f"{lists[0]}: {TEXT}", metric)
        if plain is not None:
            target = LIST_TARGET * plain[0]
            axes.axhline(
                target,
                color=TARGET,
                lw=1.5,
                ls="--",
                label=f"{LIST_TARGET} of plain text to motion",
            )
        axes.set_ylim(0, 1.02)
        axes.set_title(f"{metric}, {table.title}", loc="left", fontsize=10)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, fontsize=8, ncols=4, loc="outside lower center")


def _grouped(
    axes: Any,
    groups: Sequence[tuple[str, str | None, list[tuple[float, float] | None]]],
    names: list[str],
) -> None:
    """Bars side by side with their intervals; what is missing leaves a gap."""
    width = 0.8 / len(groups)
    for number, (label, colour, values) in enumerate(groups):
        places = np.arange(len(names)) - 0.4 + width * (number + 0.5)
        present = [(p, *v) for p, v in zip(places, values, strict=True) if v is not None]
        if present:
            at, means, halves = zip(*present, strict=True)
            axes.bar(at, means, 0.92 * width, yerr=halves, color=colour, label=label,
                     error_kw={"lw": 1, "ecolor": "0.25"})  # fmt: skip
    axes.set_xticks(range(len(names)), names, fontsize=8)
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)


def _picked(row: Row, metrics: list[str]) -> list[tuple[float, float] | None]:
    return [_pair(row, metric) for metric in metrics]


def _pair(row: Row, metric: str) -> tuple[float, float] | None:
    value = row.values.get(metric)
    return value if isinstance(value, tuple) or value is None else (value, 0.0)


def _found(table: Table, method: str, metric: str) -> tuple[float, float] | None:
    row = next((r for r in table.rows if r.name == method), None)
    return _pair(row, metric) if row else None
