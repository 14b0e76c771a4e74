"""The way of a take: read from the character, begun where that stands, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ..core.body.motion import MODEL_FPS
from ..core.pose_constraints.body_parts import constrains_root
from ..core.pose_constraints.marked_pose import MarkedPose
from ..core.rig.rig_description import RigDescription
from ..core.timeline.frame_range import Fit, frame_text
from ..core.timeline.plan import Plan, PlanError
from ..core.translation import tr
from ..core.ways.gaits import speed_note, usual_speed
from ..core.ways.path import path_of
from ..core.ways.way import MOST_SECONDS, Way, WayError, Waypoint, check_way
from .adapters import Character

#: Metres from the character to the first waypoint up to which its way begins there.
HERE: Final = 0.3
#: Metres off its way from which a marked pose is told of.
OFF_WAY: Final = 0.5


def longest_frames(character: Character, max_frames: int) -> int:
    """The longest take in frames of the model: a way is followed piece by piece."""
    return max(max_frames, round(MOST_SECONDS * MODEL_FPS)) if character.has_way() else max_frames


def take_way(
    character: Character,
    rig: RigDescription,
    planned: Plan,
    marked: Sequence[MarkedPose],
    fit: Fit,
    fps: float,
) -> tuple[Way | None, tuple[str, ...]]:
    """The way of a take, and notes about it; None where the character has none.

    Raises:
        PlanError: with a sentence about a way that cannot be followed.
    """
    if not character.has_way():
        return None, ()
    if fit.loop:
        raise PlanError(
            tr(
                "A loop stays where it is, and a way goes on: switch Loop off under Timing, or "
                "the way off under Way."
            )
        )
    seconds = (planned.end_frame - planned.start_frame) / fps
    try:
        way = character.way(rig, fit.object_matrix, planned.start_frame, fps)
        way = from_here(way, _stands(character, rig, planned, marked))
        way = until_end(way, seconds)
        check_way(way, seconds)
    except WayError as error:
        raise PlanError(str(error)) from None
    path = path_of(way, usual_speed(planned.prompt))
    notes = [speed_note(planned.prompt, path.metres, seconds)]
    for pose in marked:
        away = path.nearest(pose.joints[0, [0, 2]].astype(np.float64))[1]
        if constrains_root(pose.body_parts) and away > OFF_WAY:
            notes.append(
                tr(
                    "The pose at frame {frame} is {metres:.1f} m off the way: the take leaves the "
                    "way for it.",
                    frame=frame_text(pose.frame),
                    metres=away,
                )
            )
    return way, tuple(filter(None, notes))


def from_here(way: Way, place: tuple[float, float]) -> Way:
    """Waypoints that begin where the character stands (x, z), unless the first says when it is."""
    if way.drawn or not way.points:
        return way
    first = way.points[0]
    if first.seconds == 0.0 or np.hypot(first.x - place[0], first.z - place[1]) < HERE:
        return way
    return replace(way, points=(Waypoint(*place), *way.points))


def until_end(way: Way, seconds: float) -> Way:
    """A way whose last point is met in the take's last frame, if it has no time of its own.

    The model's motion may end up to a frame later.
    """
    if not way.points or way.points[-1].seconds is not None:
        return way
    return replace(way, points=(*way.points[:-1], replace(way.points[-1], seconds=seconds)))


def _stands(
    character: Character, rig: RigDescription, planned: Plan, marked: Sequence[MarkedPose]
) -> tuple[float, float]:
    """Where the character stands (x, z) at the start of a take."""
    rooted = (pose for pose in marked if constrains_root(pose.body_parts))
    start = next((pose for pose in rooted if pose.frame == planned.start_frame), None)
    pose = start or character.standing_pose_at(rig, planned.start_frame)
    return float(pose.joints[0, 0]), float(pose.joints[0, 2])
