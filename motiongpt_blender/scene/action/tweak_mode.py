"""Tweak mode of an NLA strip: while it is on, timeline and dope sheet show the strip's keys."""

from __future__ import annotations

import bpy


def enter_tweak_mode(
    data: bpy.types.AnimData, track: bpy.types.NlaTrack, strip: bpy.types.NlaStrip
) -> None:
    """Show the keys of one strip, which plays as before. Blender tweaks the selected strip."""
    data.use_tweak_mode = False
    for other in data.nla_tracks:
        other.select = other == track
        for each in other.strips:
            each.select = each == strip
    data.nla_tracks.active = track
    data.use_tweak_mode = True
    if bpy.app.background and (layer := bpy.context.view_layer) is not None:
        # No redraw comes, and Blender ends when the action is deleted before it was evaluated so.
        layer.update()


def leave_tweak_mode(obj: bpy.types.Object) -> None:
    """Leave the tweak mode of an object, if it is on."""
    if obj.animation_data is not None and obj.animation_data.use_tweak_mode:
        obj.animation_data.use_tweak_mode = False
