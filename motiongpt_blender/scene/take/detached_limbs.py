"""Hands and feet that are not children of their limbs: moved to where legs and arms end.

Where an animator marked them elsewhere, they are met there, and return to their limbs within the
reach of the pose. Worked out from the solved channels; changes nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import bpy
import numpy as np

from ...core.body.rotations import Array
from ...core.pose_constraints.residuals import residual_curve
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.kinematics import forward_kinematics
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions, RootTarget
from ..access import pose_bones
from ..action.action_writer import Channel, location_channels_of
from ..rig.bone_transforms import rest_below_ancestors
from ..rig.detached_limbs import detached_limbs
from ..rig.root_bones import root_bone


def detached_limb_channels(
    obj: bpy.types.Object,
    rig: RigDescription,
    motion: RigMotion,
    whole: RigMotion,
    poses: Mapping[int, RigPose],
    options: RigOptions,
    *,
    loop: bool = False,
) -> Iterator[Channel]:
    """Locations of the controls that no parent carries to their place.

    Args:
        obj: the armature object.
        rig: its description.
        motion: the finished motion, below what takes its path.
        whole: the same, all of it on the hips.
        poses: index of a frame -> the marked pose there.
        options: what takes the path, and the seconds within which what a pose put beside its
            limb returns to it.
        loop: whether the motion ends as it begins.
    """
    limbs = detached_limbs(obj, rig)
    if not limbs:
        return
    path_bone = root_bone(obj, rig) if options.root is RootTarget.BONE else None
    carried, standing = forward_kinematics(rig, motion), forward_kinematics(rig, whole)
    for limb in limbs:
        name, bone = limb.control.name, pose_bones(obj)[limb.control.name]
        beside = {f: p.limb_locations[name] for f, p in poses.items() if name in p.limb_locations}
        faded = _faded(beside, len(motion), options.reach * motion.fps, loop=loop)
        posed = carried if path_bone is None or path_bone in bone.parent_recursive else standing
        locations = limb.parent_locations(posed, limb.heads(posed, faded))
        if limb.control.parent is None and path_bone is None:
            change = np.array(rest_below_ancestors(bone), dtype=np.float64)
            locations = locations @ change[:3, :3].T + change[:3, 3]
        yield from location_channels_of(bone, locations)


def _faded(
    beside: Mapping[int, tuple[float, float, float]], count: int, reach: float, *, loop: bool
) -> Array:
    """Locations (T, 3) beside a limb, as marked at some frames and zero beyond a reach of them."""
    last = count - 1
    known = {f: v for f, v in sorted(beside.items()) if 0 <= f <= last}
    if not known:
        return np.zeros((count, 3))
    if not loop or last == 0:
        return residual_curve(list(known), np.array(list(known.values())), count, reach)
    cycle = {f % last: v for f, v in reversed(known.items())}  # a start counts for the end too
    rounds = {f + k * last: cycle[f] for k in range(3) for f in sorted(cycle)}
    curve = residual_curve(list(rounds), np.array(list(rounds.values())), 3 * last + 1, reach)
    return curve[last : 2 * last + 1]
