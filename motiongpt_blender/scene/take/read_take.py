"""A take read back from its action: its whole motion, and what carries the body over the floor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np
from mathutils import Matrix

from ... import compat
from ...core.body.rotations import (
    IDENTITY,
    Array,
    from_matrix,
    inverse,
    local_basis,
    multiply,
    rotate,
)
from ...core.pose_constraints.rig_pose import RigPose, Vector
from ...core.rig.kinematics import root_transform, with_root_transform
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RootTarget
from ...core.translation import tr
from ..errors import RigError
from ..pose.object_space import transform_pose
from ..rig.bone_transforms import own_transform, quaternion_in
from ..rig.root_bones import root_bone
from .channels import relative_to_ancestors
from .played_motion import Curves, carried, is_animated, matrices, played_motion
from .record import ROOT_MOTION_KEY, TakeRecord
from .root_motion import with_unridden

#: Path of the curves of a motion in place.
ROOT_MOTION_PATH = f'["{ROOT_MOTION_KEY}"]'


@dataclass(frozen=True)
class Carrier:
    """What carries the hips of a take over the floor.

    Attributes:
        root: what its curves move.
        in_place: nothing moves; the path is kept as a custom property.
        rotations: (T, 4) of the carrier, model axes.
        positions: (T, 3) of the carrier, model axes, the rig's unit.
        origin: (4, 4) the object's own matrix from which a motion of the object is seen.
    """

    root: RootTarget
    in_place: bool
    rotations: Array
    positions: Array
    origin: Array


@dataclass(frozen=True)
class ReadTake:
    """A take as its curves play it.

    Attributes:
        action: the take's action.
        start: time of the action at its first frame.
        motion: all of it on the hips, a frame for each whole step from ``start`` on.
        carrier: what carries the hips.
    """

    action: bpy.types.Action
    start: float
    motion: RigMotion
    carrier: Carrier

    @property
    def slot(self) -> compat.Slot:
        """The action's slot; None before Blender 4.4."""
        return compat.only_slot(self.action)

    @property
    def curves(self) -> Curves:
        """The action's curves by path and index."""
        return curves_of(self.action)


def curves_of(action: bpy.types.Action) -> Curves:
    """The curves of a take's action by path and index."""
    slot = compat.only_slot(action)
    return {(c.data_path, c.array_index): c for c in compat.slot_curves(action, slot)}


def read_take(obj: bpy.types.Object, rig: RigDescription, action: bpy.types.Action) -> ReadTake:
    """Read a take; raises RigError for an action without frames."""
    curves = curves_of(action)
    first, last = action.curve_frame_range
    if not curves or last - first < 1:
        raise RigError(
            tr("The action '{action}' has no motion: choose another take.", action=action.name)
        )
    times = first + np.arange(round(last - first) + 1, dtype=np.float64)
    carrier = _carrier(obj, rig, action, curves, times)
    below = played_motion(obj, rig, curves, times)
    if carrier.root is not RootTarget.BONE:
        below = relative_to_ancestors(obj, rig, below, back=True)
    return ReadTake(action, float(first), with_carrier(obj, rig, below, carrier), carrier)


def with_carrier(
    obj: bpy.types.Object, rig: RigDescription, below: RigMotion, carrier: Carrier
) -> RigMotion:
    """The whole motion on the hips, from the motion below what carries them."""
    rotations, positions = root_transform(below)
    whole = with_root_transform(
        below,
        multiply(carrier.rotations, rotations),
        rotate(carrier.rotations, positions) + carrier.positions,
    )
    return _unridden(obj, rig, whole, below, carrier)


def below_carrier(
    obj: bpy.types.Object, rig: RigDescription, whole: RigMotion, carrier: Carrier
) -> RigMotion:
    """The motion below what carries the hips, from the whole one."""
    rotations, positions = root_transform(whole)
    back = inverse(carrier.rotations)
    below = with_root_transform(
        whole, multiply(back, rotations), rotate(back, positions - carrier.positions)
    )
    return _unridden(obj, rig, below, whole, carrier)


def pose_in_take(
    obj: bpy.types.Object, rig: RigDescription, take: ReadTake, pose: RigPose, index: int
) -> RigPose:
    """A pose that the armature shows at a frame of a take, as the whole motion has it.

    Args:
        obj: the armature object, at that frame.
        rig: its description.
        take: the take.
        pose: as captured.
        index: of the frame in the take.
    """
    carrier = take.carrier
    if carrier.root is RootTarget.OBJECT:
        origin = Matrix(carrier.origin.tolist())
        return transform_pose(obj, rig, pose, origin.inverted() @ obj.matrix_basis)
    if not carrier.in_place:
        return pose
    moved = rotate(inverse(take.motion.root_rest), carrier.positions[index])
    x, y, z = (float(v) for v in np.array(pose.root_location) + moved)
    location: Vector = (x, y, z)
    return replace(pose, root_location=location)


def _unridden(
    obj: bpy.types.Object,
    rig: RigDescription,
    turned: RigMotion,
    own: RigMotion,
    carrier: Carrier,
) -> RigMotion:
    """The motion with what does not turn along with a root bone as it was."""
    if carrier.root is not RootTarget.BONE:
        return turned
    return with_unridden(turned, own, obj, root_bone(obj, rig))


def _carrier(
    obj: bpy.types.Object,
    rig: RigDescription,
    action: bpy.types.Action,
    curves: Curves,
    times: Array,
) -> Carrier:
    origin = _object_before(obj, action)
    still = np.broadcast_to(IDENTITY, (len(times), 4))
    if (ROOT_MOTION_PATH, 0) in curves:
        values = [[curves[ROOT_MOTION_PATH, k].evaluate(float(t)) for t in times] for k in (0, 1)]
        path = np.stack([values[0], np.zeros(len(times)), values[1]], axis=1)
        return Carrier(RootTarget.HIPS, True, still, path, origin)
    if is_animated(obj, curves):
        moved = np.linalg.inv(origin) @ matrices(obj, curves, times)
        return Carrier(RootTarget.OBJECT, False, *_in_model_axes(rig, moved), origin)
    bone = _moving_root_bone(obj, rig, curves)
    if bone is not None:
        moved = carried(obj, rig, bone, curves, times)
        return Carrier(RootTarget.BONE, False, *_in_model_axes(rig, moved), origin)
    return Carrier(RootTarget.HIPS, False, still, np.zeros((len(times), 3)), origin)


def _moving_root_bone(
    obj: bpy.types.Object, rig: RigDescription, curves: Curves
) -> bpy.types.PoseBone | None:
    """The bone that carries the whole rig, where more than one key moves it."""
    try:
        bone = root_bone(obj, rig)
    except RigError:
        return None
    moving = {key: curve for key, curve in curves.items() if len(curve.keyframe_points) > 1}
    return bone if is_animated(bone, moving) else None


def _object_before(obj: bpy.types.Object, action: bpy.types.Action) -> Array:
    """The object's own matrix (4, 4) before the take, or now where no record tells."""
    record = TakeRecord.load(action)
    own = record.transforms.get("") if record is not None else None
    own = own or own_transform(obj)
    matrix = Matrix.LocRotScale(own.location, quaternion_in(own), own.scale)
    return np.array(matrix, dtype=np.float64)


def _in_model_axes(rig: RigDescription, moved: Array) -> tuple[Array, Array]:
    """Rotations (T, 4) and positions (T, 3), heights from the floor, of matrices (T, 4, 4)."""
    sizes = np.linalg.norm(moved[:, :3, :3], axis=1, keepdims=True)
    rotations = local_basis(from_matrix(moved[:, :3, :3] / sizes), rig.axes)
    floor = np.broadcast_to([0.0, rig.floor, 0.0], (len(moved), 3))
    positions = rotate(inverse(rig.axes), moved[:, :3, 3]) + rotate(rotations, floor) - floor
    return rotations, positions
