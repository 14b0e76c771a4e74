"""Contact sheets: the poses of motions in rows, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.skeleton import PARENTS, Joint

Array = NDArray[np.floating]

#: Clips of a sheet, poses of a clip, metres between poses that do not travel.
ROWS: Final = 6
POSES: Final = 12
POSE_SPACING: Final = 0.8
#: Colours of the person's left and right, and of what is between.
LEFT, RIGHT, MIDDLE = "#c2410c", "#2563eb", "#374151"


def draw_sheets(clips: Sequence[tuple[str, Array]], folder: Path) -> list[Path]:
    """Write sheets of titled clips (T, 22, 3); none where matplotlib is missing.

    Each pose stands over its own pelvis, seen from the side and a little from the front;
    the line under a clip is its path from above, the start being the dot.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    pages: list[Path] = []
    for start in range(0, len(clips), ROWS):
        part = clips[start : start + ROWS]
        figure = Figure(figsize=(13, 2.1 * len(part)), dpi=80, layout="constrained")
        rows = figure.subplots(len(part), 2, width_ratios=(6, 1), squeeze=False)
        for (strip, path), (title, joints) in zip(rows, part, strict=True):
            _strip(strip, joints)
            strip.set_title(title, loc="left", fontsize=9)
            _path(path, joints)
        pages.append(folder / f"sheet_{start // ROWS + 1:02}.png")
        FigureCanvasAgg(figure).print_png(pages[-1])
    return pages


def _strip(axes: Any, joints: Array) -> None:
    for place, frame in enumerate(np.linspace(0, len(joints) - 1, POSES).astype(int)):
        pose = joints[frame] - joints[frame, :1] * [1, 0, 1]
        across = 0.8 * pose[:, 2] - 0.6 * pose[:, 0] + POSE_SPACING * place
        for joint, parent in enumerate(PARENTS[1:], 1):
            pair = [joint, parent]
            axes.plot(across[pair], pose[pair, 1], color=_colour(joint), lw=1.6)
    axes.axhline(0, color="0.8", lw=0.8, zorder=0)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _path(axes: Any, joints: Array) -> None:
    walked = joints[:, 0, [0, 2]]
    axes.plot(-walked[:, 0], walked[:, 1], color=MIDDLE, lw=1.4)
    axes.plot(-walked[0, 0], walked[0, 1], "o", color=MIDDLE, ms=4)
    middle = (walked.max(0) + walked.min(0)) / 2
    reach = max(0.75, float(np.ptp(walked, axis=0).max()) / 2 * 1.1)
    axes.set_xlim(-middle[0] - reach, -middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(f"path, {2 * reach:.1f} m", fontsize=7)


def _colour(joint: int) -> str:
    name = Joint(joint).name
    return LEFT if name.startswith("L_") else RIGHT if name.startswith("R_") else MIDDLE
