"""Everything that a take keys: controls, extras, IK controls, switches, what poses hold.

Works on a motion that is fitted already; changes nothing in the scene.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.body.rotations import continuous, multiply
from ...core.pose_constraints.correction import RigPose
from ...core.rig.bone_maps import Switch
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.timeline.frame_range import Fit
from ..action.action_writer import (
    SLICE,
    Channel,
    location_channels,
    property_channel,
    rotation_channels,
)
from ..pose.undriven_bones import undriven_bone_channels
from ..rig.description import armature_named, quaternion_of
from ..rig.ik_constraints import ik_influences, ik_off_channels
from .detached_limbs import detached_limb_channels
from .ik_controls import ik_channels, ik_switches
from .root_motion import split_root_motion
from .surroundings import animated_properties


def channel_slices(
    obj: Any,
    rig: RigDescription,
    motion: RigMotion,
    poses: Mapping[int, RigPose],
    options: RigOptions,
    fit: Fit,
    staying: int | None = None,
) -> Generator[None, None, list[Channel]]:
    """Everything to key: controls, extras that anything uses, switches, what poses hold.

    ``staying`` is the frame whose place a motion in place keeps.
    """
    used = {c.name for c in rig.controls} | _used_extras(obj, rig, list(poses.values()))
    used |= {b.name for b in rig.twists if np.abs(motion.rotations[b.name][:, 1:]).max() > 1e-5}
    motion = replace(motion, rotations={n: q for n, q in motion.rotations.items() if n in used})
    motion, channels = split_root_motion(obj, rig, motion, options, fit, staying)
    who = obj.name
    if options.root is not RootTarget.BONE:
        motion = _seen_from_carriers(obj, rig, motion)
    began = time.perf_counter()
    for name in motion.rotations:
        if time.perf_counter() - began > SLICE:
            yield
            obj, began = armature_named(who), time.perf_counter()
        channels += rotation_channels(obj, name, motion)
    channels += location_channels(obj, motion)
    channels += detached_limb_channels(obj, rig, motion)
    channels += ik_off_channels(obj, ik_influences(obj, [c.name for c in rig.controls]))
    yield
    obj = armature_named(who)
    if options.ik_controls:
        channels += ik_channels(obj, rig, motion)
    for switch in switches_of(obj, rig, options):
        bone = obj.pose.bones[switch.bone]
        if switch.prop in bone:
            channels.append(property_channel(bone, switch.prop, switch.value))
    yield
    obj = armature_named(who)
    animated = None if fit.alone else animated_properties(obj)
    taken = {(c.path, c.index) for c in channels}
    held = undriven_bone_channels(obj, rig, poses, len(motion), animated)
    yield
    return channels + [c for c in held if (c.path, c.index) not in taken]


def _used_extras(obj: Any, rig: RigDescription, poses: Sequence[RigPose]) -> set[str]:
    """Extra controls that a marked pose turns, or that stand turned now."""
    used: set[str] = set()
    for name in rig.extras:
        now = tuple(quaternion_of(obj.pose.bones[name].matrix_basis))
        seen = [now, *(p.rotations[name] for p in poses if name in p.rotations)]
        if any(np.linalg.norm(q[1:]) > 1e-5 for q in seen):
            used.add(name)
    return used


def _seen_from_carriers(obj: Any, rig: RigDescription, motion: RigMotion) -> RigMotion:
    """The root's channels when the bones that carry it are not at rest (a moved root bone)."""
    bone = obj.pose.bones[rig.root]
    carried = bone.matrix @ bone.matrix_basis.inverted()
    change = carried.inverted() @ bone.bone.matrix_local
    turn = quaternion_of(change)
    if abs(abs(turn[0]) - 1) < 1e-12 and change.translation.length < 1e-6:
        return motion
    matrix = np.array(change)
    locations = motion.locations @ matrix[:3, :3].T + matrix[:3, 3]
    rotation = continuous(multiply(np.broadcast_to(turn, (len(motion), 4)),
                                   motion.rotations[rig.root]))  # fmt: skip
    return replace(motion, locations=locations, rotations={**motion.rotations, rig.root: rotation})


def switches_of(obj: Any, rig: RigDescription, options: RigOptions) -> tuple[Switch, ...]:
    """The switches that a take holds."""
    return ik_switches(obj, rig) if options.ik_controls else rig.switches


def switch_values(obj: Any, switches: Sequence[Switch]) -> list[tuple[str, str, float]]:
    """What the switched properties hold now, each as the kind of number that it is."""
    bones = obj.pose.bones
    return [(s.bone, s.prop, bones[s.bone][s.prop]) for s in switches if s.prop in bones[s.bone]]
