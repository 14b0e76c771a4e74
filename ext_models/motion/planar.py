"""Planar poses: SE(2) on the ground, of clips in NumPy and of many code choices in torch.

A planar pose is x, z in metres and a heading in radians, 0 facing +z and positive to the left.
The offset of one pose from another is metres to the left, metres ahead and radians turned to the
left. Frames are the first 67 channels of ``motion.features``: turn, step (2), height, and the
positions of 21 joints.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motiongpt_blender.core.body import rotations
from motiongpt_blender.core.body.motion import heading

#: Hips and shoulders, (left, right) each, which give the heading of a body.
ACROSS: Final = ((1, 2), (16, 17))


def planar_poses(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Planar poses (K, 3) of bodies (K, 22, 3)."""
    return np.column_stack([joints[:, 0, [0, 2]], heading(joints)]).astype(np.float64)


def planar_offset(origin: NDArray[np.float64], pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """The offset (3,) of a planar pose (3,) from another, the turn within half a turn."""
    x, z = pose[:2] - origin[:2]
    sine, cosine = np.sin(origin[2]), np.cos(origin[2])
    turn = rotations.wrap_angle(pose[2] - origin[2])
    return np.array([cosine * x - sine * z, sine * x + cosine * z, turn])


def facing(body: Tensor) -> Tensor:
    """Heading (...,) of bodies (..., 22, 3), as ``core.motion.heading`` has it."""
    (left, right), (other_left, other_right) = ACROSS
    across = body[..., left, :] - body[..., right, :]
    across = across + body[..., other_left, :] - body[..., other_right, :]
    return torch.atan2(-across[..., 2], across[..., 0])


def root_path(frames: Tensor) -> Tensor:
    """Planar poses (..., T, 3) of the roots of frames (..., T, 67), the first at the origin."""
    turn = -2 * frames[..., :-1, 0].cumsum(-1)
    s, c = turn.sin(), turn.cos()
    x, z = frames[..., :-1, 1], frames[..., :-1, 2]
    moved = torch.stack([c * x + s * z, c * z - s * x], -1).cumsum(-2)
    path = torch.cat([moved, turn[..., None]], -1)
    return torch.cat([torch.zeros_like(path[..., :1, :]), path], -2)


def body_pose(frames: Tensor, path: Tensor, at: int) -> Tensor:
    """Planar pose (..., 3) of the body in one of frames (..., T, 67), given their root path."""
    root = path[..., at, :]
    turn = root[..., 2] + facing(_bodies(frames[..., at, :]))
    return torch.cat([root[..., :2], turn[..., None]], -1)


def compose(origin: Tensor, offset: Tensor) -> Tensor:
    """The planar pose (..., 3) at an offset (..., 3) from another one."""
    s, c = origin[..., 2].sin(), origin[..., 2].cos()
    left, ahead, turn = offset.unbind(-1)
    return torch.stack(
        [
            origin[..., 0] + c * left + s * ahead,
            origin[..., 1] - s * left + c * ahead,
            origin[..., 2] + turn,
        ],
        -1,
    )


def relative_to(origin: Tensor, pose: Tensor) -> Tensor:
    """The offset (..., 3) of a pose from another, the turn not wrapped; undoes ``compose``."""
    s, c = origin[..., 2].sin(), origin[..., 2].cos()
    x, z, turn = (pose - origin).unbind(-1)
    return torch.stack([c * x - s * z, s * x + c * z, turn], -1)


def wrap_angle(angle: Tensor) -> Tensor:
    """Angles within half a turn."""
    return torch.remainder(angle + torch.pi, 2 * torch.pi) - torch.pi


def interpolate_pose(now: Tensor, goal: Tensor, frames: int, left: int | Tensor) -> Tensor:
    """The planar pose after some frames of an even motion to a goal.

    Args:
        now: planar poses (..., 3).
        goal: planar poses (..., 3); the turn takes the shorter side.
        frames: after which the pose is wanted.
        left: further frames until the goal is due.
    """
    offset = goal - now
    offset = torch.cat([offset[..., :2], wrap_angle(offset[..., 2:])], -1)
    return now + offset * (frames / (frames + left))


def path_cost(pose: Tensor, due: Tensor, metres: float | Tensor, radians: float | Tensor) -> Tensor:
    """Half the squared distance (...,) of planar poses (..., 3), in units of metres and radians."""
    off = due - pose
    square = (off[..., :2] / metres).square().sum(-1)
    return 0.5 * (square + (wrap_angle(off[..., 2]) / radians).square())


def _bodies(frames: Tensor) -> Tensor:
    """Bodies (..., 22, 3) over the origin, of frames (..., 67) and as they face there."""
    height = torch.zeros_like(frames[..., :3])
    height[..., 1] = frames[..., 3]
    return torch.cat([height[..., None, :], frames[..., 4:67].unflatten(-1, (-1, 3))], -2)
