"""An armature's action read as a motion clip, frame by frame, as evaluated.

The scene's frame is put back afterwards; nothing else is touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.body.motion import MODEL_FPS, place_at_origin
from ...core.body.rotations import Array
from ...core.rig.rig_description import RigDescription
from ...core.translation import tr
from ..access import current_scene, evaluated
from ..errors import RigError
from ..scene_time import scene_fps
from .capture import capture_joints
from .object_space import transform_joints

#: The shortest clip that a training takes, and the longest that is read, in seconds.
MIN_SECONDS: Final = 0.8
MAX_SECONDS: Final = 300.0
#: Of a step: so nearly at its end, a frame belongs to an action. Importers round times.
NEARLY: Final = 0.01


@dataclass(frozen=True)
class ActionRange:
    """What is read: the name of an action or strip, and its first and last frame in the scene."""

    name: str
    start: float
    end: float


def current_action(obj: bpy.types.Object) -> ActionRange | None:
    """The active action, or without one the topmost NLA track that is not muted."""
    data = obj.animation_data
    if data is None:
        return None
    if data.action is not None:
        start, end = data.action.frame_range
        return ActionRange(data.action.name, float(start), float(end))
    for track in reversed(data.nla_tracks):
        if track.strips and not track.mute:
            first, last = track.strips[0], track.strips[-1]
            return ActionRange(first.name, first.frame_start, last.frame_end)
    return None


def played_action(obj: bpy.types.Object) -> bpy.types.Action | None:
    """The active action, or without one that of the only strip on the topmost audible track."""
    data = obj.animation_data
    if data is None or data.action is not None:
        return data.action if data is not None else None
    track = next((t for t in reversed(data.nla_tracks) if t.strips and not t.mute), None)
    return track.strips[0].action if track is not None and len(track.strips) == 1 else None


def exportable_action(obj: bpy.types.Object) -> ActionRange:
    """The current action, where it can become a clip.

    Raises:
        RigError: when there is none, or it is too short or too long for a clip.
    """
    found = current_action(obj)
    if found is None:
        raise RigError(
            tr(
                "'{name}' has no action to export: assign one in the Action Editor, or "
                "generate a take.",
                name=obj.name,
            )
        )
    seconds = (found.end - found.start) / scene_fps()
    if seconds < MIN_SECONDS - 1.0 / MODEL_FPS - 1e-4:
        raise RigError(
            tr(
                "The action '{name}' lasts {seconds:.2f} s: a clip for training needs at "
                "least {shortest:g} s.",
                name=found.name,
                seconds=max(seconds, 0.0),
                shortest=MIN_SECONDS,
            )
        )
    if seconds > MAX_SECONDS:
        raise RigError(
            tr(
                "The action '{name}' lasts {seconds:.0f} s: split it into actions of at "
                "most {longest:g} s.",
                name=found.name,
                seconds=seconds,
                longest=MAX_SECONDS,
            )
        )
    return found


def copyable_action(obj: bpy.types.Object) -> ActionRange:
    """The current action, where it can become a take of another character.

    Raises:
        RigError: when there is none, or it is too long.
    """
    found = current_action(obj)
    if found is None:
        raise RigError(
            tr(
                "'{name}' has no animation to copy: assign an action to it, or choose another "
                "armature.",
                name=obj.name,
            )
        )
    seconds = (found.end - found.start) / scene_fps()
    if seconds > MAX_SECONDS:
        raise RigError(
            tr(
                "The animation '{name}' lasts {seconds:.0f} s, and a take at most {longest:g} s: "
                "split it.",
                name=found.name,
                seconds=seconds,
                longest=MAX_SECONDS,
            )
        )
    return found


def capture_clip(
    obj: bpy.types.Object, rig: RigDescription, progress: Callable[[float], None]
) -> NDArray[np.float32]:
    """The current action as joints (T, 22, 3) at 20 fps, from the origin, facing +z.

    Args:
        obj: the armature.
        rig: its description.
        progress: called with the share that is done, 0 to 1.

    Raises:
        RigError: as ``exportable_action``.
    """
    return capture_motion(obj, rig, exportable_action(obj), MODEL_FPS, progress)


def capture_motion(
    obj: bpy.types.Object,
    rig: RigDescription,
    action: ActionRange,
    fps: float,
    progress: Callable[[float], None],
) -> NDArray[np.float32]:
    """What an armature does in the frames of an action, as ``capture_clip`` at any rate."""
    scene = current_scene()
    step = scene_fps() / fps
    count = int((action.end - action.start) / step + NEARLY) + 1
    before = scene.frame_current, scene.frame_subframe
    joints: list[Array] = []
    first = None
    try:
        for k in range(count):
            frame = action.start + k * step
            scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
            matrix = evaluated(obj).matrix_world.copy()
            first = first or matrix
            change = first.inverted_safe() @ matrix
            joints.append(transform_joints(capture_joints(obj, rig), change, rig))
            progress((k + 1) / count)
    finally:
        scene.frame_set(before[0], subframe=before[1])
    return place_at_origin(np.stack(joints)).astype(np.float32)
