"""What Generate will make: its length, its start, poses and takes; or why it cannot."""

from __future__ import annotations

from bpy.types import Context, Object

from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import FrameRangeMode, frame_text
from ..core.translation import tr
from ..operators import generation
from ..properties import armature
from ..properties import scene as scene_properties
from ..scene.errors import RigError
from ..scene.rig.bones import why_not_drivable
from ..scene.rig.usability import check_usable
from ..scene.scene_time import current_frame, scene_fps


def readiness_text(context: Context, obj: Object) -> str:
    """What Generate will make, as ``4.0 s from frame 1, 3 poses, 4 takes``."""
    panel, poses = scene_properties.of(context.scene), armature.of(obj).poses
    parts = [_span(context, obj)]
    if poses:
        count = len(poses)
        parts.append(tr("1 pose") if count == 1 else tr("{count} poses", count=count))
    if armature.of(obj).way.is_used:
        parts.append(tr("on its way"))
    count = panel.takes
    parts.append(tr("1 take") if count == 1 else tr("{count} takes", count=count))
    return ", ".join(parts)


def obstacle(obj: Object) -> str:
    """Why no take can be put on an armature as it is, or ""."""
    try:
        check_usable(obj)
        return why_not_drivable(obj)
    except RigError as error:
        return str(error)


def _span(context: Context, obj: Object) -> str:
    """When the takes begin and how long they last."""
    timing = scene_properties.of(context.scene).frame_range.timing()
    if timing.mode is FrameRangeMode.RANGE:
        return tr(
            "Frames {start} to {end}", start=frame_text(timing.start), end=frame_text(timing.end)
        )
    if timing.mode is FrameRangeMode.BETWEEN:
        return tr("Between the keyframes around frame {frame}", frame=frame_text(current_frame()))
    seconds = generation.length(context, obj)
    if timing.mode is FrameRangeMode.CONTINUE:
        return tr("{seconds:.1f} s after the last frame", seconds=seconds)
    frames = {pose.role: pose.at for pose in armature.of(obj).poses}
    first = min((pose.at for pose in armature.of(obj).poses), default=current_frame())
    start = frames.get(PoseRole.START.value, min(first, current_frame()))
    if (end := frames.get(PoseRole.END.value)) is not None:
        seconds = (end - start) / scene_fps()
    return tr("{seconds:.1f} s from frame {start}", seconds=seconds, start=frame_text(start))
