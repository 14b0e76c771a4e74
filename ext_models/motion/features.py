"""Joints to the published motion features and back (HumanML3D 263-d, KIT-ML 251-d).

The representation is that of Guo et al. 2022 (``motion_representation.ipynb`` of
HumanML3D). Its quirks are kept, each marked below, because every data set and model
made with it contains them.

Layout of one frame with J joints: heading velocity 1 (half the angle), root velocity
x, z 2, root height 1, local positions 3(J-1), 6D rotations 6(J-1), local velocities
3J, foot contacts 4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Container
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from motiongpt_blender.core.body import rotations
from motiongpt_blender.core.body.motion import MotionError

from .representations import HUMANML3D, Representation, of_width

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float32]

UP: Final = np.array([0.0, 1.0, 0.0], dtype=np.float32)
FORWARD: Final = np.array([0.0, 0.0, 1.0], dtype=np.float32)
#: Frames; how far the facing direction is smoothed before it becomes the root's heading.
FACING_SIGMA: Final = 20
#: The most frames that are turned into features at once: 7 hours at 20 fps, some gigabytes.
MAX_FRAMES: Final = 500_000


def bone_offsets(pose: Array, rep: Representation = HUMANML3D) -> Array:
    """Offsets (J, 3) of a skeleton: the bone lengths of one pose along the rest directions."""
    lengths = np.linalg.norm(pose - pose[rep.parents], axis=-1, keepdims=True)
    return (lengths * np.array(rep.directions)).astype(np.float32)


@overload
def from_joints(
    joints: Tensor,
    rep: Representation = ...,
    *,
    offsets: Array | None = ...,
    uniform: bool = ...,
    ground: bool = ...,
) -> Tensor: ...


@overload
def from_joints(
    joints: Array,
    rep: Representation = ...,
    *,
    offsets: Array | None = ...,
    uniform: bool = ...,
    ground: bool = ...,
) -> Array: ...


def from_joints(
    joints: Any,
    rep: Representation = HUMANML3D,
    *,
    offsets: Array | None = None,
    uniform: bool = True,
    ground: bool = True,
) -> Any:
    """Features (..., T-1, 12J-1) float32 of joint positions (..., T, J, 3).

    Each motion of a batch is placed and grounded on its own. A tensor gives a tensor on
    the same device, without gradients.

    Args:
        joints: positions, y up, in the data set's unit (metres for HumanML3D).
        rep: which representation.
        offsets: (J, 3) target skeleton; by default that of the starter pack.
        uniform: carry the motion over to the target skeleton first.
        ground: move the lowest point to y = 0, as published; without it heights stay as they are.

    Raises:
        MotionError: for fewer than 2 frames, a wrong joint count, numbers that are not finite,
            or more frames than memory is sure to hold.
    """
    if (like := _as_tensor(joints)) is not None:
        features = from_joints(
            like.numpy(force=True), rep, offsets=offsets, uniform=uniform, ground=ground
        )
        return like.new_tensor(features, dtype=like.dtype)
    joints = np.asarray(joints)
    _check_size(joints.shape[:-2])
    joints = _checked(joints, rep)
    if uniform:
        wanted = default_offsets() if offsets is None else offsets
        each = [to_uniform_skeleton(j, wanted, rep) for j in joints.reshape(-1, *joints.shape[-3:])]
        joints = np.stack(each).reshape(joints.shape)
    facing = _facing(joints, rep)
    if ground:
        lowest = joints[..., 1].min(axis=(-2, -1))[..., None, None, None]
        joints = joints - lowest * np.array([0, 1, 0], dtype=np.float32)
    joints = joints - joints[..., :1, :1, :] * np.array([1, 0, 1], dtype=np.float32)
    first = facing[..., 0, :]
    turn = rotations.between(first, np.broadcast_to(FORWARD, first.shape))[..., None, :]
    joints = _turn(np.broadcast_to(turn, (*joints.shape[:-2], 4)), joints)

    contacts = np.concatenate(
        [_contacts(joints, f, rep) for f in (rep.left_foot, rep.right_foot)], -1
    )
    local, heading = inverse_kinematics(joints, rep, smooth=True)
    later, sooner = heading[..., 1:, :], heading[..., :-1, :]
    spin = rotations.multiply(later, rotations.inverse(sooner))
    root = joints[..., 0, :]
    velocity = rotations.rotate(later, root[..., 1:, :] - root[..., :-1, :])
    centred = joints - root[..., None, :] * np.array([1, 0, 1], dtype=np.float32)
    positions = _turn(heading, centred)[..., :-1, 1:, :]
    velocities = _turn(sooner, joints[..., 1:, :, :] - joints[..., :-1, :, :])
    return np.concatenate(
        [
            np.arcsin(np.clip(spin[..., 2:3], -1, 1)),
            velocity[..., [0, 2]],
            root[..., :-1, 1:2],
            positions.reshape(*positions.shape[:-2], -1),
            _sixd(local[..., :-1, 1:, :]),
            velocities.reshape(*velocities.shape[:-2], -1),
            contacts,
        ],
        axis=-1,
    ).astype(np.float32)


def from_poses(poses: Array, rep: Representation = HUMANML3D) -> Array:
    """Features (K, 12J-1) of single poses (K, J, 3), each as if it were held still.

    The same as the first frame of ``from_joints`` on the pose repeated, without its floor
    step: a pose keeps its own height, because it may be one in mid-air.
    """
    poses = _checked(poses, rep, least=1, dimensions=(3,))
    poses = poses - poses[:, :1] * np.array([1, 0, 1], dtype=np.float32)
    facing = _facing(poses, rep)
    poses = _turn(rotations.between(facing, np.broadcast_to(FORWARD, facing.shape)), poses)
    root = np.broadcast_to(rotations.IDENTITY.astype(np.float32), (len(poses), 4))
    zeros = np.zeros((len(poses), 3 + 3 * rep.joints + 4), dtype=np.float32)
    zeros[:, -4:] = 1  # feet that do not move stand
    sixd = _sixd(_local_rotations(poses, root, rep)[:, 1:])
    local = poses[:, 1:].reshape(len(poses), -1)
    return np.concatenate(
        [zeros[:, :3], poses[:, 0, 1:2], local, sixd, zeros[:, 3:]], axis=1
    ).astype(np.float32)


@overload
def to_joints(features: Tensor, rep: Representation | None = ...) -> Tensor: ...


@overload
def to_joints(features: Array, rep: Representation | None = ...) -> Array: ...


def to_joints(features: Any, rep: Representation | None = None) -> Any:
    """Joint positions (..., T, J, 3) float32 of features (..., T, 12J-1).

    A tensor gives a tensor on the same device, without gradients.

    Raises:
        MotionError: for a wrong width, or more frames than memory is sure to hold.
    """
    if (like := _as_tensor(features)) is not None:
        return like.new_tensor(to_joints(like.numpy(force=True), rep), dtype=like.dtype)
    rep = rep or of_width(features.shape[-1])
    _check_size(features.shape[:-1])
    count = rep.joints
    half = np.zeros_like(features[..., 0])
    half[..., 1:] = np.cumsum(features[..., :-1, 0], axis=-1)
    zero = np.zeros_like(half)
    back = np.stack([np.cos(half), zero, -np.sin(half), zero], axis=-1)
    step = np.stack([features[..., 1], zero, features[..., 2]], axis=-1)
    moved = np.zeros_like(step)
    moved[..., 1:, :] = step[..., :-1, :]
    root = np.cumsum(rotations.rotate(back, moved), axis=-2)
    root[..., 1] = features[..., 3]
    local = features[..., 4 : 4 + 3 * (count - 1)]
    local = local.reshape(*features.shape[:-1], count - 1, 3)
    joints = _turn(back, local) + root[..., None, :] * np.array([1, 0, 1])
    return np.concatenate([root[..., None, :], joints], axis=-2).astype(np.float32)


def to_uniform_skeleton(joints: Array, offsets: Array, rep: Representation = HUMANML3D) -> Array:
    """The same motion (T, J, 3) on a skeleton with these offsets (J, 3)."""
    source = bone_offsets(joints[0], rep)
    upper, lower = rep.leg
    # The published code measures a bone by its largest absolute component.
    length = [np.abs(o[upper]).max() + np.abs(o[lower]).max() for o in (source, offsets)]
    if length[0] == 0:
        raise MotionError("the legs of this motion have no length: check the joint order.")
    local, _ = inverse_kinematics(joints, rep, smooth=False)
    return forward_kinematics(local, joints[:, 0] * (length[1] / length[0]), offsets, rep)


def inverse_kinematics(joints: Array, rep: Representation, *, smooth: bool) -> tuple[Array, Array]:
    """Local rotations (..., T, J, 4) and root rotations (..., T, 4) of joints (..., T, J, 3)."""
    right_hip, left_hip, right_shoulder, left_shoulder = rep.facing
    # Quirk: hips and shoulders are subtracted in opposite order here.
    across = joints[..., left_hip, :] - joints[..., right_hip, :]
    across = across + joints[..., right_shoulder, :] - joints[..., left_shoulder, :]
    forward = np.cross(UP, rotations.normalise(across))
    if smooth:
        forward = gaussian_filter1d(forward, FACING_SIGMA, axis=-2, mode="nearest")
    root = rotations.between(rotations.normalise(forward), np.broadcast_to(FORWARD, forward.shape))
    root[..., 0, :] = rotations.IDENTITY  # Quirk: whatever frame 0 faces.
    return _local_rotations(joints, root, rep), root


def _local_rotations(joints: Array, root: Array, rep: Representation) -> Array:
    """Rotations (..., J, 4) of each bone in its parent's frame, from root rotations (..., 4)."""
    local = np.zeros((*joints.shape[:-1], 4), dtype=np.float32)
    local[..., 0] = 1
    local[..., 0, :] = root
    rest = np.array(rep.directions, dtype=np.float32)
    for chain in rep.chains:
        world = root  # Quirk: arms start from the root's rotation, not from the chest's.
        for parent, child in itertools.pairwise(chain):
            bone = rotations.normalise(joints[..., child, :] - joints[..., parent, :])
            turn = rotations.between(np.broadcast_to(rest[child], bone.shape), bone)
            local[..., child, :] = rotations.multiply(rotations.inverse(world), turn)
            world = rotations.multiply(world, local[..., child, :])
    return local


def forward_kinematics(local: Array, root: Array, offsets: Array, rep: Representation) -> Array:
    """Joint positions (T, J, 3) of local rotations (T, J, 4) and a root path (T, 3)."""
    joints = np.zeros((*local.shape[:-1], 3), dtype=np.float32)
    joints[:, 0] = root
    for chain in rep.chains:
        world = local[:, 0]
        for parent, child in itertools.pairwise(chain):
            world = rotations.multiply(world, local[:, child])
            bone = np.broadcast_to(offsets[child], (len(world), 3))
            joints[:, child] = joints[:, parent] + rotations.rotate(world, bone)
    return joints


def default_offsets() -> Array:
    """Offsets (22, 3) of the skeleton that the starter pack carries."""
    from ext_models import packs

    return np.array(packs.read_manifest(packs.DEFAULT_PACK).skeleton, dtype=np.float32)


def _sixd(local: Array) -> Array:
    """First two columns of each matrix, one after the other: (..., 6J) of (..., J, 4)."""
    columns = np.swapaxes(rotations.to_matrix(local), -1, -2)[..., :2, :]
    return columns.reshape(*local.shape[:-2], -1)


def _turn(q: Array, joints: Array) -> Array:
    """Every joint (..., J, 3) of a frame turned by that frame's rotation (..., 4)."""
    return rotations.rotate(
        np.broadcast_to(q[..., None, :], (*joints.shape[:-1], 4)), joints
    ).astype(np.float32)


def _facing(joints: Array, rep: Representation) -> Array:
    right_hip, left_hip, right_shoulder, left_shoulder = rep.facing
    across = joints[..., right_hip, :] - joints[..., left_hip, :]
    across = across + joints[..., right_shoulder, :] - joints[..., left_shoulder, :]
    return rotations.normalise(np.cross(UP, rotations.normalise(across)))


def _contacts(joints: Array, foot: tuple[int, int], rep: Representation) -> Array:
    feet = joints[..., list(foot), :]
    squared = ((feet[..., 1:, :, :] - feet[..., :-1, :, :]) ** 2).sum(-1)
    return (squared < rep.contact_threshold).astype(np.float32)


def _as_tensor(values: Any) -> Any:
    """The values when they are a tensor of PyTorch, which is not imported for it; else None."""
    return values if hasattr(values, "new_tensor") else None


def _check_size(leading: tuple[int, ...]) -> None:
    frames = math.prod(leading)
    if frames > MAX_FRAMES:
        raise MotionError(
            f"these are {frames:,} frames; features are made of at most {MAX_FRAMES:,} at once: "
            "cut the recording."
        )


def _checked(
    joints: Array, rep: Representation, least: int = 2, dimensions: Container[int] = range(3, 33)
) -> Array:
    joints = np.asarray(joints)
    if joints.ndim not in dimensions or joints.shape[-2:] != (rep.joints, 3):
        raise MotionError(
            f"{rep.name} features need (frames, {rep.joints}, 3) joints; these are {joints.shape}."
        )
    frames = joints.shape[-3]
    if frames < least:
        raise MotionError(f"features need at least {least} frames; this motion has {frames}.")
    if not np.isfinite(joints).all():
        raise MotionError("the joints hold numbers that are not finite.")
    return joints.astype(np.float32)
