"""How far a correction moves head, hands and feet, and how smooth they stay."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ..body.rotations import Array
from ..body.skeleton import SIDES, of_side
from ..rig.bone_maps import Part
from ..rig.kinematics import control_of, forward_kinematics, joint_position
from ..rig.rig_description import RigDescription, RigMotion
from .reports import PoseReport

#: Jerk in metres a second cubed that cannot be seen; a body that stands still has less.
MIN_JERK: Final = 10.0


def smoothness_slices(
    reports: Sequence[PoseReport],
    rig: RigDescription,
    before: RigMotion,
    after: RigMotion,
    reach: float,
) -> Generator[None, None, tuple[PoseReport, ...]]:
    """The reports with what meeting each pose did to the motion.

    Works in slices of some milliseconds.

    Args:
        reports: by index of the frame.
        rig: the rig of both motions.
        before: the motion as the model gave it.
        after: the motion through the poses.
        reach: seconds about a pose that count.
    """
    if not reports:
        return ()
    was = _end_positions(rig, before)
    yield
    now = _end_positions(rig, after)
    yield
    out: list[PoseReport] = []
    around = round(reach * before.fps)
    for report in reports:
        part = slice(max(report.frame - around, 0), report.frame + around + 1)
        moved = 100 * float(np.linalg.norm(now[report.frame] - was[report.frame], axis=-1).max())
        jerk = _jerk(now[part], before.fps) / _jerk(was[part], before.fps)
        out.append(replace(report, moved_cm=moved, jerk=jerk))
    return tuple(out)


def _end_positions(rig: RigDescription, motion: RigMotion) -> Array:
    """Positions (T, N, 3) of head, hands and feet, in metres of the model."""
    posed = forward_kinematics(rig, motion)
    joints = (joint for side in SIDES for joint in of_side(side, "WRIST", "ANKLE", "FOOT"))
    rows = [joint_position(rig, posed, joint) for joint in joints]
    head = control_of(rig, Part.HEAD) or control_of(rig, Part.CHEST)
    if head is not None:
        rows.append(posed.positions[head.name])
    return np.stack(rows, axis=1) / rig.scale


def _jerk(positions: Array, fps: float) -> float:
    """Mean jerk of positions (T, N, 3), metres a second cubed; at least ``MIN_JERK``."""
    if len(positions) < 4:
        return MIN_JERK
    jerk = np.linalg.norm(np.diff(positions, n=3, axis=0), axis=-1) * fps**3
    return max(float(jerk.mean()), MIN_JERK)
