"""The motion that the model is writing, in the 3D view: the figure grows with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bpy

from ...compat import session_id
from ...core.body.rotations import Array
from ...core.overlays.cache import LastValue
from ...core.overlays.sketch import earlier_bodies, newest_body, sketch_points
from ...core.overlays.trails import Trails, trail_lines
from ...core.rig.rig_description import RigDescription
from ...generate.state import PendingTake
from ...operators.session import controller
from ...scene.pose.capture import capture_joints
from ...scene.scene_time import scene_fps
from ...scene.take.sketch import load_sketch, sketch_matrix, sketched_joints
from .drawing import Batches, batches, before_scene, placed
from .trails import described

#: Share of the lines' opacity that is left behind the scene's objects.
_BEHIND: Final = 0.4


@dataclass(frozen=True)
class SketchBatches:
    """What is drawn of the motion so far."""

    figures: Batches
    ways: Batches
    behind: Batches


_standing: LastValue[Array] = LastValue()
_kept: LastValue[SketchBatches | None] = LastValue()


def draw_sketch(obj: bpy.types.Object, *, figures: bool, ways: bool) -> None:
    """Draw what the model has written for an armature: bodies, and the ways through them."""
    take = controller().pending_of(session_id(obj))
    if take is None or not take.job.sketch or take.held:
        return
    key, rig = described(obj)
    if rig is None:
        return
    sketch = take.job.request.job, take.job.sketch, key
    drawn = _kept.get(sketch, lambda: _batches(obj, rig, take))
    if drawn is None:
        return
    with placed(sketch_matrix(obj, take.prepared.fit)):
        if figures:
            with before_scene(hidden=True):
                drawn.behind.draw()
        with before_scene(solid=True):
            if figures:
                drawn.figures.draw()
            if ways:
                drawn.ways.draw()


def forget() -> None:
    """Free what is kept on the graphics card."""
    _standing.forget()
    _kept.forget()


def _batches(obj: bpy.types.Object, rig: RigDescription, take: PendingTake) -> SketchBatches | None:
    clip = load_sketch(take.folder, take.job.sketch)
    if clip is None:
        return None
    prepared = take.prepared
    start = prepared.plan.start_frame
    known = prepared.fit.standing
    standing = (
        known.joints
        if known is not None
        else _standing.get(take.job.request.job, lambda: capture_joints(obj, rig))
    )
    joints = sketched_joints(rig, clip, prepared.marked, start, standing)
    lines = earlier_bodies(joints, scene_fps())
    return SketchBatches(
        figures=batches(newest_body(joints, rig.leg), lines),
        ways=batches(lines=trail_lines(Trails(start, sketch_points(joints), rig.leg))),
        behind=batches(lines=lines.faded(_BEHIND)),
    )
