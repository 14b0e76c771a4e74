"""What the curves of an action do to a rig: channels, carriers, matrices, one for each time.

The scene's frame is not changed. What only constraints or IK controls move is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import bpy
import numpy as np

from ...core.body.rotations import Array, from_axis_angle, from_euler, normalise, to_matrix
from ...core.rig.rig_description import RigDescription, RigMotion
from ..access import pose_bones
from ..errors import RigError
from ..rig.bone_transforms import carrying_matrix, location_axes, rotation_property
from ..rig.root_bones import root_bone
from ..scene_time import scene_fps

#: Frames within which a key is at a time.
SAME_TIME: Final = 1e-3

#: (data path, index) -> the curve.
Curves: TypeAlias = Mapping[tuple[str, int], bpy.types.FCurve]
Owner: TypeAlias = bpy.types.PoseBone | bpy.types.Object


def played_motion(
    obj: bpy.types.Object, rig: RigDescription, curves: Curves, times: Array
) -> RigMotion:
    """The motion of the controls, and of the extras that curves rotate, a frame for each time."""
    bones = pose_bones(obj)
    root = bones[rig.root]
    names = [name for c in rig.controls for name in (c.name, *c.twist_bones)]
    names += [name for name in rig.extras if is_animated(bones[name], curves)]
    axes = np.linalg.inv(np.array(location_axes(root), dtype=np.float64))
    return RigMotion(
        rotations={name: _rotations(bones[name], curves, times) for name in names},
        root=rig.root,
        locations=values_of(root, "location", curves, times) @ axes.T,
        fps=scene_fps(),
        root_rest=next(c.rest for c in rig.controls if c.name == rig.root),
        root_head=rig.root_head,
        scale=rig.scale,
        unparented={
            c.name: c.rest for c in rig.controls if c.parent is None and c.name != rig.root
        },
    )


def moved_carrier(
    obj: bpy.types.Object, rig: RigDescription, curves: Curves
) -> bpy.types.PoseBone | None:
    """The bone that carries the whole rig, where curves move it."""
    try:
        carrier = root_bone(obj, rig)
    except RigError:
        return None
    return carrier if is_animated(carrier, curves) else None


def carried(
    obj: bpy.types.Object,
    rig: RigDescription,
    carrier: bpy.types.PoseBone | None,
    curves: Curves,
    times: Array,
) -> Array:
    """What carries the hips does this to them: matrices (T or 1, 4, 4), armature space."""
    if carrier is None:
        return carrying_change(obj, rig.root)[None]
    rest = np.array(carrier.bone.matrix_local, dtype=np.float64)
    own = matrices(carrier, curves, times)
    own[:, :3, 3] = own[:, :3, 3] @ np.linalg.inv(np.array(location_axes(carrier))).T
    return rest @ own @ np.linalg.inv(rest)


def carrying_change(obj: bpy.types.Object, root: str) -> Array:
    """What carries the hips does this to them now: matrix (4, 4) in the armature's space."""
    bone = pose_bones(obj)[root]
    change = carrying_matrix(bone) @ bone.bone.matrix_local.inverted_safe()
    return np.array(change, dtype=np.float64)


def matrices(owner: Owner, curves: Curves, times: Array) -> Array:
    """Matrices (T, 4, 4) of location, rotation and scale."""
    out = np.tile(np.eye(4), (len(times), 1, 1))
    scale = values_of(owner, "scale", curves, times)
    out[:, :3, :3] = to_matrix(_rotations(owner, curves, times)) * scale[:, None, :]
    out[:, :3, 3] = values_of(owner, "location", curves, times)
    return out


def _rotations(owner: Owner, curves: Curves, times: Array) -> Array:
    """Rotations (T, 4), whatever the rotation mode."""
    mode = str(owner.rotation_mode)
    values = values_of(owner, rotation_property(mode), curves, times)
    if mode == "QUATERNION":
        return normalise(values)
    return from_axis_angle(values) if mode == "AXIS_ANGLE" else from_euler(values, mode)


def values_of(owner: Owner, prop: str, curves: Curves, times: Array) -> Array:
    """Values (T, N) of a property: its curves', elsewhere the present ones."""
    path = path_of(owner, prop)
    out = np.tile(np.array(getattr(owner, prop), dtype=np.float64), (len(times), 1))
    for index in range(out.shape[1]):
        if (curve := curves.get((path, index))) is not None:
            out[:, index] = _evaluated(curve, times)
    return out


def _evaluated(curve: bpy.types.FCurve, times: Array) -> Array:
    """Values (T,) of a curve; read from its keys where each time has one, which is quicker."""
    co = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
    curve.keyframe_points.foreach_get("co", co)
    keyed, values = co[::2].astype(np.float64), co[1::2].astype(np.float64)
    index = np.minimum(np.searchsorted(keyed, times - SAME_TIME), max(len(keyed) - 1, 0))
    plain = len(keyed) > 0 and len(curve.modifiers) == 0
    if plain and (np.abs(keyed[index] - times) < SAME_TIME).all():
        return values[index]
    return np.array([curve.evaluate(float(time)) for time in times])


def is_animated(owner: Owner, curves: Curves) -> bool:
    """Whether a curve moves a bone or an object."""
    props = ("location", rotation_property(str(owner.rotation_mode)))
    return any((path_of(owner, prop), k) in curves for prop in props for k in range(4))


def path_of(owner: Owner, prop: str) -> str:
    """Data path of a property of a bone or an object."""
    return owner.path_from_id(prop) if isinstance(owner, bpy.types.PoseBone) else prop
