"""Figures for measured numbers. What needs matplotlib is imported when it is called for."""

from __future__ import annotations

from typing import Any

from motiongpt_blender.demo.command import CommandError


def new_figure(size: tuple[float, float]) -> Any:
    """An empty figure of so many inches, drawn without a screen.

    Raises:
        CommandError: without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise CommandError(
            "The pictures need matplotlib: install it into this environment."
        ) from None
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure
