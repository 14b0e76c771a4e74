"""Hands and feet that are not children of their limbs: moved to where legs and arms end.

Some game characters keep their feet and hands beside the limbs, not below them. Worked out
from the solved channels; changes nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ...core.body.rotations import inverse, rotate
from ...core.rig.kinematics import forward_kinematics
from ...core.rig.rig_description import RigDescription, RigMotion
from ..access import pose_bones
from ..action.action_writer import Channel, location_channels_of
from ..rig.description import rest_in_model_axes


def detached_limb_channels(
    obj: bpy.types.Object, rig: RigDescription, motion: RigMotion
) -> Iterator[Channel]:
    """Locations of the controls that no parent carries to their place."""
    detached = [c for c in rig.controls if c.carrier is not None]
    if not detached:
        return
    figure = forward_kinematics(rig, motion)
    heads = {c.name: c.head for c in rig.controls}
    for control in detached:
        bone = pose_bones(obj)[control.name]
        if bone.bone.use_connect:
            continue
        rest, head = rest_in_model_axes(rig, bone)
        moved = figure.positions[control.name]
        moved = moved + rotate(figure.rotations[control.name], head - control.head)
        if (above := control.parent) is not None:
            moved = rotate(inverse(figure.rotations[above]), moved - figure.positions[above])
            moved = moved + heads[above]
        moved = rotate(inverse(rest), moved - head)
        yield from location_channels_of(bone, moved)
