"""Where hands and feet are that are not children of their limbs, read and shown again.

An animator may have put such a foot elsewhere than where its leg ends: a pose keeps where it is
beside the leg, so that it is met wherever the character goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...core.body.rotations import IDENTITY, inverse, normalise, rotate
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.kinematics import pose_rig
from ...core.rig.rig_description import RigDescription
from ..access import pose_bones
from ..rig.bone_transforms import carrying_matrix, location_axes
from ..rig.detached_limbs import detached_limbs


def detached_heads(posed: bpy.types.Object, rig: RigDescription) -> dict[str, Vector]:
    """Evaluated head of each such bone in the armature's space, its parent control at rest."""
    bones = pose_bones(posed)
    found: dict[str, Vector] = {}
    for limb in detached_limbs(posed, rig):
        matrix = bones[limb.control.name].matrix
        if limb.control.parent is not None:
            parent = bones[limb.control.parent]
            matrix = parent.bone.matrix_local @ parent.matrix.inverted_safe() @ matrix
        found[limb.control.name] = matrix.translation.copy()  # the matrix belongs to Blender
    return found


def with_limb_locations(
    obj: bpy.types.Object, rig: RigDescription, pose: RigPose, heads: Mapping[str, Vector]
) -> RigPose:
    """The pose with the place of each detached hand and foot beside the end of its limb.

    Args:
        obj: the armature object.
        rig: its description.
        pose: all rotations and the root's location.
        heads: from ``detached_heads``.
    """
    if not heads:
        return pose
    names = [*(c.name for c in rig.controls), *rig.extras]
    basis = {n: normalise(np.array([pose.rotations.get(n, tuple(IDENTITY))])) for n in names}
    posed = pose_rig(rig, basis, np.array([pose.root_location]))
    floor = np.array([0.0, rig.floor, 0.0])
    locations: dict[str, tuple[float, float, float]] = {}
    for limb in detached_limbs(obj, rig):
        point = rotate(inverse(rig.axes), np.array(heads[limb.control.name], np.float64)) - floor
        x, y, z = limb.limb_locations(posed, limb.carried_heads(posed, point[None]))[0]
        locations[limb.control.name] = (float(x), float(y), float(z))
    return replace(pose, limb_locations=locations)


def place_detached(obj: bpy.types.Object, rig: RigDescription, heads: Mapping[str, Vector]) -> None:
    """Move the detached hands and feet of an armature to where ``detached_heads`` saw them."""
    parents = {c.name: c.parent for c in rig.controls}
    for name, head in heads.items():
        bone = pose_bones(obj)[name]
        above: Matrix = carrying_matrix(bone) if parents[name] is None else bone.bone.matrix_local
        bone.location = location_axes(bone) @ (above.inverted_safe() @ head)
