"""Everything that a take keys: controls, extras, IK controls, switches, bones of marked poses.

Works on a finished motion; changes nothing in the scene.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix

from ...core.body.rotations import continuous, multiply
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.timeline.frame_range import Fit
from ..access import ArmatureHandle, pose_bones
from ..action.action_writer import SLICE_SECONDS, Channel, location_channels, rotation_channels
from ..action.played_curves import animated_properties
from ..pose.undriven_bones import undriven_bone_channels
from ..rig.bone_transforms import quaternion_of, rest_below_ancestors
from .detached_limbs import detached_limb_channels
from .ik_controls import ik_channels
from .root_motion import split_root_motion
from .stale_transforms import stale_transform_channels
from .switches import constraint_influences, constraint_off_channels, switch_channels, switches_of


def channel_slices(
    obj: bpy.types.Object,
    rig: RigDescription,
    motion: RigMotion,
    poses: Mapping[int, RigPose],
    options: RigOptions,
    fit: Fit,
    anchor_frame: int | None = None,
) -> Generator[None, None, list[Channel]]:
    """The channels of a take, worked out in slices.

    Args:
        obj: the armature object.
        rig: its description.
        motion: the finished motion.
        poses: index of a frame -> the marked pose there.
        options: root, IK controls and others.
        fit: how the take fits into the animation that is there.
        anchor_frame: index of the frame whose position a motion in place keeps.
    """
    used = {c.name for c in rig.controls} | _used_extras(obj, rig, list(poses.values()))
    used |= {b.name for b in rig.twists if np.abs(motion.rotations[b.name][:, 1:]).max() > 1e-5}
    motion = replace(motion, rotations={n: q for n, q in motion.rotations.items() if n in used})
    whole = motion
    motion, channels = split_root_motion(obj, rig, motion, options, fit, anchor_frame)
    handle = ArmatureHandle(obj)
    motion, body = yield from body_channel_slices(
        obj, rig, motion, whole, poses, options, loop=fit.loop
    )
    channels += body
    obj = handle.obj
    channels += constraint_off_channels(obj, constraint_influences(obj, rig, options))
    yield
    obj = handle.obj
    if options.ik_controls:
        channels += ik_channels(obj, rig, motion)
    channels += switch_channels(obj, switches_of(obj, rig, options))
    yield
    obj = handle.obj
    animated = None if fit.alone else animated_properties(obj)
    yield
    keyed = {(c.path, c.index) for c in channels}
    undriven = undriven_bone_channels(handle.obj, rig, poses, len(motion), animated)
    channels += [c for c in undriven if (c.path, c.index) not in keyed]
    if fit.alone:
        yield
        channels += stale_transform_channels(
            handle.obj, rig, poses.values(), {c.path for c in channels}
        )
    return channels


def body_channel_slices(
    obj: bpy.types.Object,
    rig: RigDescription,
    motion: RigMotion,
    whole: RigMotion,
    poses: Mapping[int, RigPose],
    options: RigOptions,
    *,
    loop: bool = False,
) -> Generator[None, None, tuple[RigMotion, list[Channel]]]:
    """The channels of the body below what takes its path, and the motion that they show.

    Args:
        obj: the armature object.
        rig: its description.
        motion: the finished motion, below what takes its path.
        whole: the same, all of it on the hips.
        poses: index of a frame -> the marked pose there.
        options: which root.
        loop: whether the motion ends as it begins.
    """
    handle = ArmatureHandle(obj)
    channels = list(detached_limb_channels(obj, rig, motion, whole, poses, options, loop=loop))
    if options.root is not RootTarget.BONE:
        motion = relative_to_ancestors(obj, rig, motion)
    began = time.perf_counter()
    for control in motion.rotations:
        if time.perf_counter() - began > SLICE_SECONDS:
            yield
            obj, began = handle.obj, time.perf_counter()
        channels += rotation_channels(obj, control, motion)
    channels += location_channels(obj, motion)
    return motion, channels


def _used_extras(obj: bpy.types.Object, rig: RigDescription, poses: Sequence[RigPose]) -> set[str]:
    """Extra controls that a marked pose rotates, or that are rotated now."""
    bones = pose_bones(obj)
    used: set[str] = set()
    for name in rig.extras:
        now = tuple(quaternion_of(bones[name].matrix_basis))
        rotations = [now, *(p.rotations[name] for p in poses if name in p.rotations)]
        if any(np.linalg.norm(q[1:]) > 1e-5 for q in rotations):
            used.add(name)
    return used


def relative_to_ancestors(
    obj: bpy.types.Object, rig: RigDescription, motion: RigMotion, *, back: bool = False
) -> RigMotion:
    """The channels of what hangs on no control, below bones that are not at rest; or ``back``."""
    locations, rotations = motion.locations, dict(motion.rotations)
    for name in (rig.root, *motion.unparented):
        change = np.array(rest_below_ancestors(pose_bones(obj)[name]), dtype=np.float64)
        if back:
            change = np.linalg.inv(change)
        rotation = quaternion_of(Matrix(change.tolist()))
        if abs(abs(rotation[0]) - 1) < 1e-12 and np.linalg.norm(change[:3, 3]) < 1e-6:
            continue
        if name == rig.root:
            locations = locations @ change[:3, :3].T + change[:3, 3]
        rotations[name] = continuous(multiply(rotation, rotations[name]))
    return replace(motion, locations=locations, rotations=rotations)
