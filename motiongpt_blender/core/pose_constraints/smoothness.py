"""How far a correction moves head, hands and feet, and how smooth they stay."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ..body.rotations import Array
from ..body.skeleton import SIDES, Joint
from ..rig.bone_maps import Part
from ..rig.kinematics import control_of, forward_kinematics, joint_position
from ..rig.rig_description import RigDescription, RigMotion
from .correction import PoseReport

#: Jerk in metres a second cubed that nobody sees; a body that stands still has less.
CALM: Final = 10.0


def smoothness_slices(
    reports: Sequence[PoseReport],
    rig: RigDescription,
    before: RigMotion,
    after: RigMotion,
    reach: float,
) -> Generator[None, None, tuple[PoseReport, ...]]:
    """The reports with what meeting each pose did to the motion, in slices of milliseconds.

    Args:
        reports: by index of the frame.
        rig: whose motion it is.
        before: the motion as the model gave it.
        after: the motion through the poses.
        reach: seconds about a pose that count.
    """
    if not reports:
        return ()
    was = _ends(rig, before)
    yield
    now = _ends(rig, after)
    yield
    out: list[PoseReport] = []
    for report in reports:
        around = round(reach * before.fps)
        part = slice(max(report.frame - around, 0), report.frame + around + 1)
        moved = 100 * float(np.linalg.norm(now[report.frame] - was[report.frame], axis=-1).max())
        jerk = _jerk(now[part], before.fps) / _jerk(was[part], before.fps)
        out.append(replace(report, moved_cm=moved, jerk=jerk))
    return tuple(out)


def _ends(rig: RigDescription, motion: RigMotion) -> Array:
    """Places (T, N, 3) of head, hands and feet, in metres of the model."""
    figure = forward_kinematics(rig, motion)
    names = [f"{side}_{joint}" for side in SIDES for joint in ("WRIST", "ANKLE", "FOOT")]
    rows = [joint_position(rig, figure, Joint[name]) for name in names]
    head = control_of(rig, Part.HEAD) or control_of(rig, Part.CHEST)
    if head is not None:
        rows.append(figure.places[head.name])
    return np.stack(rows, axis=1) / rig.scale


def _jerk(places: Array, fps: float) -> float:
    """Mean jerk of places (T, N, 3), metres a second cubed; at least ``CALM``."""
    if len(places) < 4:
        return CALM
    jerk = np.linalg.norm(np.diff(places, n=3, axis=0), axis=-1) * fps**3
    return max(float(jerk.mean()), CALM)
