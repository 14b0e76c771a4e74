"""The NLA track of a take: alone, beside other animation, or a block of a sequence."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ... import compat
from ...core.timeline.frame_range import Fit
from ..access import current_scene
from ..action import nla
from ..action.action_writer import Channel, WrittenAction, write_action
from ..action.played_curves import animated_properties


def put_on_track(
    obj: bpy.types.Object,
    written: WrittenAction,
    start_frame: float,
    name: str,
    fit: Fit,
) -> nla.AddedTracks:
    """Put a take's action on the track where it belongs.

    Args:
        obj: the armature object.
        written: the take's action.
        start_frame: its first frame in the scene.
        name: of the take.
        fit: how the take fits into the animation that is there.
    """
    if fit.track:
        added = nla.add_block(obj, written, start_frame, name, fit.track)
    elif fit.alone:
        added = nla.push_take(obj, written, start_frame, name)
    else:
        held = _held_action(obj, written.action, name)
        try:
            added = nla.join_take(obj, written, held, start_frame, name, holds=fit.holds)
        except Exception:
            if held is not None:
                bpy.data.actions.remove(held.action)
            raise
    if fit.loop and fit.cyclic:
        assert obj.animation_data is not None
        strips = obj.animation_data.nla_tracks[added.track].strips
        strip = next(s for s in strips if s.action == written.action)
        last = float(current_scene().frame_end)
        nla.make_cyclic(written.action, strip, last, extend=fit.alone and not fit.track)
    return added


def _held_action(obj: bpy.types.Object, take: bpy.types.Action, name: str) -> WrittenAction | None:
    """An action that holds what only the take animates at its present value, outside the take.

    Without it Blender shows such a property's default there.
    """
    animated = animated_properties(obj)
    held: list[Channel] = []
    for curve in compat.all_curves(take):
        path, index = curve.data_path, curve.array_index
        if (path, index) in animated:
            continue
        try:
            now: Any = obj.path_resolve(path)
        except ValueError:  # the bone is gone
            continue
        single = not hasattr(now, "__len__")
        value = np.array([float(now if single else now[index])])
        group = curve.group.name if curve.group is not None else ""
        held.append(Channel(path, -1 if single else index, group, value))
    if not held:
        return None
    return write_action(obj, f"{name} (around)", held, round(current_scene().frame_start))
