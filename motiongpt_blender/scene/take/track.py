"""The track of a take: alone, beside other animation, or a block of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from ...core.timeline.frame_range import Fit
from ..action import nla
from ..action.action_writer import Channel, WrittenAction, write_action
from .remove_take import note, stands
from .surroundings import animated_properties


def put_on_track(
    obj: Any,
    written: WrittenAction,
    channels: Sequence[Channel],
    start_frame: float,
    name: str,
    fit: Fit,
) -> str:
    """Put the action where it belongs; returns the track's name."""
    stood = stands(obj)
    if fit.track:
        pushed = nla.add_block(obj, written, start_frame, name, fit.track)
    elif fit.alone:
        pushed = nla.push_take(obj, written, start_frame, name)
    else:
        held = _held(obj, channels, name)
        try:
            pushed = nla.join_take(obj, written, held, start_frame, name, holds=fit.holds)
        except Exception:
            if held is not None:
                bpy.data.actions.remove(held.action)
            raise
    note(written, pushed, stood)
    if fit.loop and fit.cyclic:
        strip = next(s for s in obj.animation_data.nla_tracks[pushed.track].strips
                     if s.action == written.action)  # fmt: skip
        last = float(bpy.context.scene.frame_end)
        nla.make_cyclic(written.action, strip, last, beyond=fit.alone and not fit.track)
    return pushed.track


def _held(obj: Any, channels: Sequence[Channel], name: str) -> WrittenAction | None:
    """An action that keeps what only the take animates as it stands now, outside the take.

    Without it Blender shows such a property's default there.
    """
    animated = animated_properties(obj)
    held: list[Channel] = []
    for channel in channels:
        if (channel.path, max(channel.index, 0)) in animated:
            continue
        now = obj.path_resolve(channel.path)
        value = now if channel.index < 0 else now[channel.index]
        held.append(replace(channel, values=np.array([float(value)])))
    if not held:
        return None
    return write_action(obj, f"{name} (around)", held, round(bpy.context.scene.frame_start))
