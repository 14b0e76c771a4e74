"""What a take switches: FK/IK properties of the rig, and constraints that it turns off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import bpy
import numpy as np

from ...core.rig.bone_maps import Switch
from ...core.rig.rig_description import RigDescription
from ...core.rig.rig_options import RigOptions
from ..access import pose_bones
from ..action.action_writer import Channel, property_channel
from ..rig.opposing_constraints import keyable_constraints
from ..rig.root_bones import moved_bones
from .ik_controls import ik_switches
from .record import BoneValue, TakeRecord


def switches_of(
    obj: bpy.types.Object, rig: RigDescription, options: RigOptions
) -> tuple[Switch, ...]:
    """The FK/IK switches that a take keys, of those that the armature has."""
    switches = ik_switches(obj, rig) if options.ik_controls else rig.switches
    bones = pose_bones(obj)
    return tuple(s for s in switches if s.prop in bones[s.bone])


def switch_channels(obj: bpy.types.Object, switches: Sequence[Switch]) -> Iterator[Channel]:
    """Channels that hold the switches at a take's values."""
    bones = pose_bones(obj)
    for switch in switches:
        yield property_channel(bones[switch.bone], switch.prop, switch.value)


def constraint_influences(
    obj: bpy.types.Object, rig: RigDescription, options: RigOptions
) -> tuple[BoneValue, ...]:
    """(bone, constraint, influence) of each constraint that a take has to turn off.

    Where an earlier take turned one off, its influence before that take.
    """
    before = influences_before_takes(obj)
    found: list[BoneValue] = []
    moved = moved_bones(obj, rig, options)
    for bone, constraint in keyable_constraints(obj, {*moved, *_names(rig)}, moved):
        influence = before.get((bone.name, constraint.name), float(constraint.influence))
        if influence > 0:
            found.append((bone.name, constraint.name, influence))
    return tuple(found)


def _names(rig: RigDescription) -> list[str]:
    return [control.name for control in rig.controls]


def constraint_off_channels(
    obj: bpy.types.Object, influences: Sequence[BoneValue]
) -> Iterator[Channel]:
    """Channels that hold the influences of constraints at zero."""
    bones = pose_bones(obj)
    for bone, name, _ in influences:
        path = bones[bone].constraints[name].path_from_id("influence")
        yield Channel(path, -1, bone, np.zeros(1))


def influences_before_takes(obj: bpy.types.Object) -> dict[tuple[str, str], float]:
    """Influences before the takes of an armature, as their records tell."""
    data = obj.animation_data
    out: dict[tuple[str, str], float] = {}
    for track in data.nla_tracks if data is not None else ():
        for strip in track.strips:
            record = TakeRecord.load(strip.action)
            for bone, name, influence in record.influences if record is not None else ():
                out.setdefault((bone, name), influence)
    return out
