"""The ways of hips, hands and feet through an action, read from its curves.

The scene's frame is not changed: forward kinematics of the FK controls gives the places. What
only constraints or IK controls move is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import bpy
import numpy as np

from ... import compat
from ...core.body.rotations import Array, from_axis_angle, from_euler, normalise, to_matrix
from ...core.overlays.colours import TrailPoint
from ...core.overlays.trails import trail_points
from ...core.rig.rig_description import RigDescription, RigMotion
from ..access import pose_bones
from ..errors import RigError
from ..rig.bone_transforms import carrying_matrix, location_axes, rotation_property
from ..rig.root_bones import root_bone

#: Frames within which a key is at a time.
_SAME_TIME: Final = 1e-3

_Curves = Mapping[tuple[str, int], bpy.types.FCurve]
_Owner = bpy.types.PoseBone | bpy.types.Object


class TrailSpace(Enum):
    """The space in which ways are: it moves along with what the action does not move."""

    PARENT = "the object's parent's, as the action moves the object"
    ARMATURE = "the armature's, as the action moves the bone that carries the rig"
    HIPS = "that of what carries the hips"


@dataclass(frozen=True)
class TakeTrails:
    """The ways through a take.

    Attributes:
        points: point of the body -> (T, 3) its places.
        space: where they are.
        root: name of the control that carries the hips.
    """

    points: Mapping[TrailPoint, Array]
    space: TrailSpace
    root: str

    def matrix(self, obj: bpy.types.Object) -> Array:
        """Matrix (4, 4) from the ways' space to the world, as the armature stands now."""
        if self.space is TrailSpace.PARENT:
            return parent_matrix(obj)
        world = np.array(obj.matrix_world, dtype=np.float64)
        if self.space is TrailSpace.ARMATURE or self.root not in pose_bones(obj):
            return world
        return world @ _carrying_change(obj, self.root)


@dataclass(frozen=True)
class StripTime:
    """Which times of its action an NLA strip plays, and when.

    Attributes:
        start: first scene frame.
        end: last scene frame.
        action_start: time of the action at the first frame.
        scale: scene frames in a frame of the action.
    """

    start: float
    end: float
    action_start: float
    scale: float

    @classmethod
    def of(cls, strip: bpy.types.NlaStrip) -> StripTime:
        """The time of a strip, one pass of its action."""
        length = (strip.action_frame_end - strip.action_frame_start) * strip.scale
        end = min(strip.frame_end, strip.frame_start + length)
        return cls(strip.frame_start, end, strip.action_frame_start, strip.scale)

    def action_times(self) -> Array:
        """Times (T,) of the action at each scene frame from the first one on."""
        frames = np.arange(int(self.end - self.start + _SAME_TIME) + 1)
        return self.action_start + frames / (self.scale or 1.0)


def parent_matrix(obj: bpy.types.Object) -> Array:
    """Matrix (4, 4) from the space of an object's own matrix to the world."""
    return np.array(obj.matrix_world @ obj.matrix_basis.inverted_safe(), dtype=np.float64)


def trails_through(
    obj: bpy.types.Object,
    rig: RigDescription,
    action: bpy.types.Action,
    slot: compat.Slot,
    times: Array,
) -> TakeTrails:
    """The ways through an action.

    Args:
        obj: the armature object.
        rig: its description.
        action: what moves it.
        slot: the action's slot for it; None before Blender 4.4.
        times: (T,) times of the action.
    """
    curves = {(c.data_path, c.array_index): c for c in compat.slot_curves(action, slot)}
    points = trail_points(rig, _motion(obj, rig, curves, times))
    carrier = _moved_carrier(obj, rig, curves)
    if _is_animated(obj, curves):
        whole = _matrices(obj, curves, times) @ _carried(obj, rig, carrier, curves, times)
        space = TrailSpace.PARENT
    elif carrier is not None:
        whole, space = _carried(obj, rig, carrier, curves, times), TrailSpace.ARMATURE
    else:
        return TakeTrails(points, TrailSpace.HIPS, rig.root)
    moved = {point: _transformed(places, whole) for point, places in points.items()}
    return TakeTrails(moved, space, rig.root)


def _motion(obj: bpy.types.Object, rig: RigDescription, curves: _Curves, times: Array) -> RigMotion:
    """The motion of the controls, one frame for each time."""
    bones = pose_bones(obj)
    root = bones[rig.root]
    names = [name for c in rig.controls for name in (c.name, *c.twist_bones)]
    axes = np.linalg.inv(np.array(location_axes(root), dtype=np.float64))
    return RigMotion(
        rotations={name: _rotations(bones[name], curves, times) for name in names},
        root=rig.root,
        locations=_values(root, "location", curves, times) @ axes.T,
        fps=1.0,
        root_rest=next(c.rest for c in rig.controls if c.name == rig.root),
        root_head=rig.root_head,
    )


def _moved_carrier(
    obj: bpy.types.Object, rig: RigDescription, curves: _Curves
) -> bpy.types.PoseBone | None:
    """The bone that carries the whole rig, where curves move it."""
    try:
        carrier = root_bone(obj, rig)
    except RigError:
        return None
    return carrier if _is_animated(carrier, curves) else None


def _carried(
    obj: bpy.types.Object,
    rig: RigDescription,
    carrier: bpy.types.PoseBone | None,
    curves: _Curves,
    times: Array,
) -> Array:
    """What carries the hips does this to them: matrices (T or 1, 4, 4), armature space."""
    if carrier is None:
        return _carrying_change(obj, rig.root)[None]
    rest = np.array(carrier.bone.matrix_local, dtype=np.float64)
    own = _matrices(carrier, curves, times)
    own[:, :3, 3] = own[:, :3, 3] @ np.linalg.inv(np.array(location_axes(carrier))).T
    return rest @ own @ np.linalg.inv(rest)


def _carrying_change(obj: bpy.types.Object, root: str) -> Array:
    """What carries the hips does this to them now: matrix (4, 4) in the armature's space."""
    bone = pose_bones(obj)[root]
    change = carrying_matrix(bone) @ bone.bone.matrix_local.inverted_safe()
    return np.array(change, dtype=np.float64)


def _matrices(owner: _Owner, curves: _Curves, times: Array) -> Array:
    """Matrices (T, 4, 4) of location, rotation and scale."""
    out = np.tile(np.eye(4), (len(times), 1, 1))
    scale = _values(owner, "scale", curves, times)
    out[:, :3, :3] = to_matrix(_rotations(owner, curves, times)) * scale[:, None, :]
    out[:, :3, 3] = _values(owner, "location", curves, times)
    return out


def _rotations(owner: _Owner, curves: _Curves, times: Array) -> Array:
    """Rotations (T, 4), whatever the rotation mode."""
    mode = str(owner.rotation_mode)
    values = _values(owner, rotation_property(mode), curves, times)
    if mode == "QUATERNION":
        return normalise(values)
    return from_axis_angle(values) if mode == "AXIS_ANGLE" else from_euler(values, mode)


def _values(owner: _Owner, prop: str, curves: _Curves, times: Array) -> Array:
    """Values (T, N) of a property: its curves', elsewhere the present ones."""
    path = _path(owner, prop)
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
    index = np.minimum(np.searchsorted(keyed, times - _SAME_TIME), max(len(keyed) - 1, 0))
    plain = len(keyed) > 0 and len(curve.modifiers) == 0
    if plain and (np.abs(keyed[index] - times) < _SAME_TIME).all():
        return values[index]
    return np.array([curve.evaluate(float(time)) for time in times])


def _is_animated(owner: _Owner, curves: _Curves) -> bool:
    """Whether a curve moves a bone or an object."""
    props = ("location", rotation_property(str(owner.rotation_mode)))
    return any((_path(owner, prop), k) in curves for prop in props for k in range(4))


def _transformed(points: Array, matrices: Array) -> Array:
    """Points (T, 3) transformed by matrices (T or 1, 4, 4)."""
    return (matrices[:, :3, :3] @ points[..., None])[..., 0] + matrices[:, :3, 3]


def _path(owner: _Owner, prop: str) -> str:
    return owner.path_from_id(prop) if isinstance(owner, bpy.types.PoseBone) else prop
