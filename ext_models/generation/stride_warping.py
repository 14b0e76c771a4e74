"""Stride warping: a walk of small steps is made from one of usual steps.

A small model knows no gait as slow as half a metre a second: asked for less it treads on the spot
and then leaps. So a way that is too short for its time is generated longer, and the motion is
shrunk along it afterwards: feet come down as often, nearer to each other, and one that stands
stays where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.prompt_checks.checks import Demand
from ext_models.prompt_checks.grammar import read_checks
from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.body.rotations import LEVEL, UP, normalise
from motiongpt_blender.core.body.skeleton import CHAINS
from motiongpt_blender.core.body.smoothing import gaussian_smooth
from motiongpt_blender.core.retargeting.two_bone_ik import solve_limb

from .request import GenerationRequest, PoseCondition
from .schedule import SHORT

Array = NDArray[np.floating]

#: m/s of a walk that every pack has learnt.
LEAST_SPEED: Final = 0.7
#: By how much a way is lengthened at most.
MOST_LENGTHENED: Final = 2.5
#: Frames over which the length of steps changes at the ends of a way.
CHANGE_FRAMES: Final = 2.0
#: Frames over which the change of the pelvis' height is smoothed.
HEIGHT_FRAMES: Final = 1.0

#: Hip, knee, ankle and toe of each leg.
_LEGS: Final = tuple(chain[1:] for chain in CHAINS[:2])


@dataclass(frozen=True)
class SlowWay:
    """A way between two placed poses that is too short for its time.

    Attributes:
        first, last: its frames.
        factor: by how much it is lengthened.
    """

    first: int
    last: int
    factor: float


def slow_ways(request: GenerationRequest) -> tuple[SlowWay, ...]:
    """The ways of a request that are lengthened; none where nobody is asked to walk."""
    if all(check.demand is not Demand.TRAVEL for check in read_checks(request.prompt)):
        return ()
    ways: list[SlowWay] = []
    for before, pose in pairwise(_placed(request)):
        metres = float(np.linalg.norm(_way(before, pose)))
        wanted = LEAST_SPEED * (pose.frame - before.frame) / MODEL_FPS
        if SHORT < metres < wanted:
            factor = min(wanted / metres, MOST_LENGTHENED)
            ways.append(SlowWay(before.frame, pose.frame, factor))
    return tuple(ways)


def lengthened(request: GenerationRequest, ways: Sequence[SlowWay]) -> GenerationRequest:
    """A request whose slow ways are longer; poses beyond them are moved with their ends."""
    if not ways:
        return request
    factors = {way.last: way.factor for way in ways}
    moved: dict[int, Array] = {}
    shift = np.zeros(3)
    for before, pose in pairwise(_placed(request)):
        shift = shift + (factors.get(pose.frame, 1.0) - 1) * _way(before, pose)
        moved[pose.frame] = shift
    poses = tuple(
        replace(pose, joints=(pose.joints + moved[pose.frame]).astype(np.float32))
        if pose.placed and pose.frame in moved
        else pose
        for pose in request.poses
    )
    return replace(request, poses=poses)


def shortened(joints: NDArray[np.float32], ways: Sequence[SlowWay]) -> NDArray[np.float32]:
    """A motion (T, 22, 3) whose lengthened ways are as long as they were asked for."""
    for way in ways:
        joints = _shortened(joints, way)
    return joints


def _shortened(joints: NDArray[np.float32], way: SlowWay) -> NDArray[np.float32]:
    path = joints[:, 0].astype(np.float64)
    ahead = (path[way.last] - path[way.first]) * LEVEL
    if not np.linalg.norm(ahead) > 0:
        return joints
    ahead = normalise(ahead)
    less = 1 - 1 / way.factor
    inside = np.clip(np.arange(len(joints)), way.first, way.last)
    moved = path - less * ((path[inside] - path[way.first]) @ ahead)[:, None] * ahead
    on_way = np.zeros(len(joints))
    on_way[way.first : way.last + 1] = less
    less_stride = gaussian_smooth(on_way, CHANGE_FRAMES)
    return _with_strides(joints, moved, less_stride[:, None] * ahead, ahead).astype(np.float32)


def _with_strides(joints: Array, path: Array, less: Array, ahead: Array) -> Array:
    """A motion along another path (T, 3), its feet nearer to the pelvis along a direction.

    Args:
        joints: (T, 22, 3).
        path: of the pelvis.
        less: (T, 3) by how much less of the distance along the direction, times the direction.
        ahead: (3,) the direction.
    """
    body = joints.astype(np.float64) - joints[:, :1]
    # A toe that stands stays, also while its heel rises: the toes are moved, not the ankles.
    targets = [body[:, leg[2]] - (body[:, leg[3]] @ ahead)[:, None] * less for leg in _LEGS]
    rises = [
        _rise(body[:, leg[0]], body[:, leg[2]], target)
        for leg, target in zip(_LEGS, targets, strict=True)
    ]
    rise = gaussian_smooth(np.min(rises, axis=0), HEIGHT_FRAMES)[:, None] * UP
    out = body.copy()
    for (hip, knee, ankle, toe), target in zip(_LEGS, targets, strict=True):
        upper, lower = body[:, knee] - body[:, hip], body[:, ankle] - body[:, knee]
        thigh, shin = (np.linalg.norm(bone, axis=-1, keepdims=True) for bone in (upper, lower))
        down = target - rise
        first, second = solve_limb(
            body[:, hip], down, (thigh, shin), (normalise(upper), normalise(lower))
        )
        out[:, knee] = body[:, hip] + thigh * first
        out[:, ankle] = out[:, knee] + shin * second
        out[:, toe] = out[:, ankle] + body[:, toe] - body[:, ankle]
    return out + (path + rise)[:, None]


def _rise(hip: Array, ankle: Array, target: Array) -> Array:
    """Metres (T,) by which a hip rises so that its leg is as long with the foot elsewhere."""
    leg, wanted = ankle - hip, (target - hip) * LEVEL
    height = np.sqrt(np.maximum((leg**2).sum(-1) - (wanted**2).sum(-1), 0.0))
    return height + leg[:, 1]


def _placed(request: GenerationRequest) -> list[PoseCondition]:
    """The places between which somebody walks, in the order of time."""
    placed = [pose for pose in request.poses if pose.placed]
    if request.history is not None and (not placed or placed[0].frame > 0):
        placed.insert(0, PoseCondition(0, request.history[-1], placed=True))
    return placed


def _way(before: PoseCondition, pose: PoseCondition) -> Array:
    """Metres (3,) over the floor from one pose to another."""
    return (pose.joints[0] - before.joints[0]).astype(np.float64) * LEVEL
