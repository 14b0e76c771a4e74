"""The animation beside a take: where its keys are, and how it stands and moves there.

The scene's frame and the armature's pose are put back afterwards; nothing else is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ... import compat
from ...core.body.motion import MODEL_FPS
from ...core.pose_constraints.correction import RigPose
from ...core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ...core.rig.rig_description import RigDescription
from ...core.timeline.frame_range import Join
from ..pose.capture import capture_joints, capture_pose
from ..pose.marking import fit_fk_pose
from ..pose.object_space import transform_joints, transform_pose
from ..rig.description import RigError
from ..scene_time import scene_fps, show_frame

#: What carries a bone's or an object's pose.
_TRANSFORMS: Final = (
    "location", "scale", "rotation_quaternion", "rotation_euler", "rotation_axis_angle",
)  # fmt: skip


def keyed_frames(obj: Any, *, generated: bool = True) -> list[float]:
    """Scene frames at which the audible animation of an armature has keys, ascending.

    Args:
        obj: the armature object.
        generated: count keys that a model wrote too; without them the animator's alone,
            where there are any.
    """
    own: set[float] = set()
    written: set[float] = set()
    for frames, kinds in _keys(obj):
        by_model = kinds == _GENERATED
        own.update(frames[~by_model].tolist())
        written.update(frames[by_model].tolist())
    return sorted(own | written if generated or not own else own)


_GENERATED: Final = next(
    (i.value for i in bpy.types.Keyframe.bl_rna.properties["type"].enum_items
     if i.identifier == "GENERATED"),
    -1,
)  # fmt: skip


def selected_frames(obj: Any) -> tuple[float, float] | None:
    """First and last selected key of the active action, or None when none is."""
    data = obj.animation_data
    if data is None or data.action is None:
        return None
    found: list[float] = []
    for curve in compat.slot_curves(data.action, compat.active_slot(data)):
        points = curve.keyframe_points
        chosen = np.zeros(len(points), dtype=bool)
        points.foreach_get("select_control_point", chosen)
        found += np.asarray(_times(points))[chosen].tolist()
    if not found:
        return None
    first, last = min(found), max(found)
    if data.use_tweak_mode:  # the action of a strip, in its own time
        first, last = sorted(map(data.nla_tweak_strip_time_to_scene, (first, last)))
    return first, last


def check_no_solo(obj: Any) -> None:
    """Raise RigError when a take beside other animation could not be heard."""
    data = obj.animation_data
    if data is not None and data.use_nla and any(t.is_solo for t in data.nla_tracks):
        raise RigError(
            f"An NLA track of '{obj.name}' is soloed: put its star out in the NLA editor, then "
            "generate again."
        )


def motion_history(obj: Any, rig: RigDescription, start: float) -> NDArray[np.float32]:
    """The second before a frame as the model sees it: (20, 22, 3) metres, up to the step before."""
    step = scene_fps() / MODEL_FPS
    with preserving_frame(obj) as show:
        joints: list[NDArray[np.float32]] = []
        for k in range(round(MODEL_FPS), 0, -1):
            show(start - k * step)
            joints.append(capture_joints(obj, rig))
    return np.stack(joints)


def joints_at(obj: Any, rig: RigDescription, frame: float) -> NDArray[np.float32]:
    """How the armature stands at a frame: (22, 3) metres."""
    with preserving_frame(obj) as show:
        show(frame)
        return capture_joints(obj, rig)


def object_matrix_at(obj: Any, frame: float) -> NDArray[np.float64]:
    """The object's own matrix (4, 4) at a frame."""
    with preserving_frame(obj) as show:
        show(frame)
        return np.array(obj.matrix_basis, dtype=np.float64)


def surrounding_poses(
    obj: Any,
    rig: RigDescription,
    ends: Sequence[tuple[float, PoseRole]],
    seen_from: NDArray[np.float64] | None = None,
) -> tuple[tuple[MarkedPose, ...], tuple[Join, ...]]:
    """The poses at which a take joins what is there, and how that moves.

    Args:
        obj: the armature object.
        rig: its description.
        ends: first frame (START) and last frame (END) of the take, or one of them.
        seen_from: (4, 4) matrix that the object has at the take's start, where it travels.

    """
    poses: list[MarkedPose] = []
    joins: list[Join] = []
    with preserving_frame(obj) as show:

        def look(frame: float) -> tuple[RigPose, NDArray[np.float32]]:
            show(frame)
            pose, joints = capture_pose(obj, rig), capture_joints(obj, rig)
            if seen_from is None:
                return pose, joints
            change = Matrix(seen_from.tolist()).inverted() @ obj.matrix_basis
            return transform_pose(obj, rig, pose, change), transform_joints(joints, change, rig)

        for frame, role in ends:
            outward = -1 if role is PoseRole.START else 1
            outside = look(frame + outward)[0], look(frame + 2 * outward)[0]
            here = look(frame)
            _, fk_mismatches = fit_fk_pose(obj, rig)
            poses.append(MarkedPose(frame, role, *here, fk_mismatches=fk_mismatches))
            joins.append(Join(frame, outside))
    return tuple(poses), tuple(joins)


def animated_properties(obj: Any) -> set[tuple[str, int]]:
    """Data path and index of every property that the audible animation moves."""
    return {(curve.data_path, curve.array_index) for curve, _ in _played(obj)}


@contextmanager
def preserving_frame(obj: Any) -> Iterator[Callable[[float], None]]:
    """Gives a function that shows another frame; afterwards all is as before.

    A frame is the one that curves are keyed at: time remapping is counted in.
    """
    scene = bpy.context.scene
    before = scene.frame_current, scene.frame_subframe
    with preserving_transforms((*obj.pose.bones, *scene.objects)):
        try:
            yield show_frame
        finally:
            scene.frame_set(before[0], subframe=before[1])


@contextmanager
def preserving_transforms(owners: Iterable[Any]) -> Iterator[None]:
    """Bones or objects stand afterwards as they do now, also where that was not keyed yet."""
    stood = [(o, {n: tuple(getattr(o, n)) for n in _TRANSFORMS}) for o in owners]
    try:
        yield
    finally:
        for owner, values in stood:
            for name, value in values.items():
                if tuple(getattr(owner, name)) != value:
                    setattr(owner, name, value)
        bpy.context.view_layer.update()


def _keys(obj: Any) -> Iterator[tuple[Any, Any]]:
    """Scene frames and key types, a pair of arrays a curve that plays."""
    for curve, strip in _played(obj):
        at, kinds = _times(curve.keyframe_points), _kinds(curve.keyframe_points)
        if strip is not None:
            at, kinds = _in_scene(strip, at, kinds)
        yield at, kinds


def _in_scene(strip: Any, at: Any, kinds: Any) -> tuple[Any, Any]:
    """Keys of a strip's action where they play: backwards and repeated, as the strip says."""
    first, last = strip.action_frame_start, strip.action_frame_end
    heard = (at >= first - 1e-4) & (at <= last + 1e-4)
    at = (last - at if strip.use_reverse else at - first)[heard]
    starts = (last - first) * np.arange(max(int(np.ceil(strip.repeat - 1e-4)), 1))
    at = (starts[:, None] + at).ravel() * strip.scale + strip.frame_start
    kinds = np.tile(kinds[heard], len(starts))
    inside = (at >= strip.frame_start - 1e-4) & (at <= strip.frame_end + 1e-4)
    return np.round(at[inside], 3), kinds[inside]


def _played(obj: Any) -> Iterator[tuple[Any, Any]]:
    """Every curve that plays, with its NLA strip or None."""
    data = obj.animation_data
    if data is None:
        return
    if data.action is not None:
        for curve in compat.slot_curves(data.action, compat.active_slot(data)):
            yield curve, None
    for track in data.nla_tracks if data.use_nla else ():
        for strip in _audible(track.strips) if not track.mute else ():
            for curve in compat.slot_curves(strip.action, compat.strip_slot(strip)):
                yield curve, strip


def _audible(strips: Any) -> Iterator[Any]:
    """Strips that play an action, those within meta strips too; their frames are the scene's."""
    for strip in strips:
        if strip.mute:
            continue
        if strip.type == "META":
            yield from _audible(strip.strips)
        elif strip.action is not None:
            yield strip


def _times(points: Any) -> Any:
    co = np.empty(2 * len(points), dtype=np.float32)
    points.foreach_get("co", co)
    # A key on a frame is on it, whatever single precision makes of a long action.
    return np.round(co[::2].astype(np.float64), 3)


def _kinds(points: Any) -> Any:
    kinds = np.empty(len(points), dtype=np.int32)
    points.foreach_get("type", kinds)
    return kinds
