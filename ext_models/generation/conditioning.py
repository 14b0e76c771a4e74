"""What a request's poses become: pose codes, targets of pose guidance, stretches to travel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.language.instructions import PoseCode
from ext_models.language.place_tokens import bins
from ext_models.motion.grounding import Stretch
from ext_models.motion.planar import planar_offset, planar_poses
from ext_models.tokenizer.vqvae import VQVAE
from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.rotations import about_y, rotate

from .request import GenerationRequest, PoseCondition
from .schedule import pull_frames, standing_frames, standing_pose
from .targets import GuidanceTargets, PoseTarget

#: Weight of the places of a way, to which the motion is laid afterwards: with more of it feet slide
#: and bodies lurch, with less the motion is shorter than its way. docs/language.md has the numbers.
PLACE_WEIGHT: Final = 0.05


def encode_poses(
    tokenizer: VQVAE, poses: tuple[PoseCondition, ...], levels: int, *, places: bool = False
) -> list[PoseCode]:
    """Each pose as codes at its code step; of two poses in one step the first counts.

    The final correction on the rig still meets both.

    Args:
        tokenizer: of the pack.
        poses: ascending by frame.
        levels: how many of its levels the language model reads.
        places: whether it also reads place tokens.
    """
    by_step: dict[int, PoseCondition] = {}
    for pose in poses:
        by_step.setdefault(pose.frame // tokenizer.config.stride, pose)
    if not by_step:
        return []
    joints = np.stack([p.joints for p in by_step.values()]).astype(np.float32)
    codes = tokenizer.encode_poses(joints, levels)
    planar = planar_poses(joints)
    bins_of = [
        bins(planar_offset(planar[0], planar_pose)) if places and k and pose.placed else None
        for k, (planar_pose, pose) in enumerate(zip(planar, by_step.values(), strict=True))
    ]
    return [
        PoseCode(step, tuple(int(c) for c in row), place)
        for step, row, place in zip(by_step, codes, bins_of, strict=True)
    ]


def guidance_targets(
    poses: Sequence[PoseCondition],
    request: GenerationRequest,
    given: tuple[tuple[int, ...], ...],
    ahead: int,
    places: Sequence[PoseTarget] = (),
) -> GuidanceTargets:
    """The targets of a request's poses.

    Places are relative to the first pose, or to the last given frame.

    Args:
        poses: at their frames of the whole motion, the given frames counted.
        request: for the strength and the history.
        given: codes (S', L) that the motion begins with.
        ahead: frames of these codes.
        places: on the way of the request, straight on from the end of the given codes.
    """
    strength = request.sampling.guidance
    if places and not poses:
        return GuidanceTargets(
            tuple(places), strength, given, max(ahead - 1, 0), place_weight=PLACE_WEIGHT
        )
    if not poses:
        return GuidanceTargets((), strength, given)
    reference = next((p for p in poses if p.bound is None or p.placed), poses[0])
    origin, first = reference.frame, reference.joints
    if ahead and request.history is not None:
        origin, first = ahead - 1, request.history[-1]
    targets: list[PoseTarget] = []
    before = standing_pose() if request.history is None else request.history[-1]
    for pose in poses:
        left, front, turn = map(float, planar_offset(*planar_poses(np.stack([first, pose.joints]))))
        place = (left, front, turn) if pose.placed and pose.frame > origin else None
        weights = None if pose.bound is None else pose.bound.astype(np.float32)
        pull = pull_frames(pose.joints, before)
        standing = standing_frames(pose.joints, before)
        targets.append(PoseTarget(pose.frame, pose.joints, place, weights, pull, standing))
        before = pose.joints
    if places:  # the poses have none of their own
        targets = sorted([*targets, *places], key=lambda target: target.frame)
        origin, weight = max(ahead - 1, 0), PLACE_WEIGHT
        return GuidanceTargets(tuple(targets), strength, given, origin, place_weight=weight)
    return GuidanceTargets(tuple(targets), strength, given, origin)


def pose_stretches(
    joints: NDArray[np.float32], request: GenerationRequest, ahead: int
) -> tuple[Stretch, ...]:
    """The stretches between the places of a request's poses, in the world of a motion (T, 22, 3).

    Args:
        joints: the given frames, then those of the request.
        request: places begin at its first pose, or at the end of its history.
        ahead: number of the given frames.
    """
    if not request.poses or not request.sampling.guidance:
        return ()
    if ahead and request.history is not None:
        marks = [(ahead - 1, request.history[-1])]
    else:
        marks = [(ahead + pose.frame, pose.joints) for pose in request.poses[:1]]
    marks += [
        (ahead + pose.frame, pose.joints)
        for pose in request.poses
        if pose.placed and ahead + pose.frame > marks[0][0]
    ]
    if len(marks) < 2:
        return ()
    frame, pose = marks[0]
    turn = about_y(np.asarray(heading(joints[frame]) - heading(pose)))
    return tuple(
        Stretch(first, last, rotate(turn, end[0] - begin[0])[[0, 2]])
        for (first, begin), (last, end) in pairwise(marks)
    )


def stand_like(
    joints: NDArray[np.float32], pose: NDArray[np.float32], frame: int = 0
) -> NDArray[np.float32]:
    """The motion (T, 22, 3) moved and turned so that a frame stands where and as a pose does."""
    turn = about_y(np.asarray(heading(pose) - heading(joints[frame])))
    turned = rotate(np.broadcast_to(turn, (*joints.shape[:-1], 4)), joints)
    return (turned + (pose[0] - turned[frame, 0]) * np.array([1, 0, 1])).astype(np.float32)


def end_pose(joints: NDArray[np.float32], request: GenerationRequest) -> PoseCondition:
    """The last pose of a motion (T, 22, 3) as the first of what follows it.

    Its place counts where the motion has one: after a history, or with a pose of its own. It has
    no tokens in the instruction, as a pose of some joints has none.
    """
    anchor = next((p for p in request.poses if p.bound is None or p.placed), None)
    if request.history is None and anchor is not None:
        joints = stand_like(joints, anchor.joints, anchor.frame)
    placed = request.history is not None or anchor is not None
    return PoseCondition(0, joints[-1], placed, np.ones(len(joints[-1]), dtype=bool))
