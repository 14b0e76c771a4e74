"""From a wish to an order: everything that is sent to the model and kept for its answer.

Reads the scene, changes nothing. What cannot be is raised in one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..core.body.motion import MODEL_FPS, MotionClip
from ..core.pose_constraints.body_parts import constrained_joints
from ..core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..core.rig.rig_description import RigDescription
from ..core.rig.rig_options import RootTarget
from ..core.timeline.frame_range import Fit, FrameRange
from ..core.timeline.loops import SPARE_SECONDS, best_stretch
from ..core.timeline.plan import Plan, PlanError, plan
from ..core.timeline.plausibility import check_poses_compatible, speed_notes
from ..scene.pose.object_space import poses_in_object_space
from ..scene.pose.pose_parts import check_bones
from ..scene.rig.description import check_usable, describe
from ..scene.scene_time import current_frame, scene_fps
from ..scene.take.surroundings import (
    animated_properties,
    check_no_solo,
    joints_at,
    keyed_frames,
    motion_history,
    object_matrix_at,
    surrounding_poses,
)

#: Frames of the longest motion when the pack does not say.
MAX_FRAMES: Final = 196


@dataclass(frozen=True)
class TakeRequest:
    """One take, as the animator wants it.

    Attributes:
        prompt: unchecked.
        seconds: length where no pose and no window says.
        seed: of the sampler.
        marked: the poses that count.
        frame_range: where it goes, or None.
        joined: which ends of the window join what plays there.
        fit: how it fits in otherwise; joins are added to it.
    """

    prompt: str
    seconds: float
    seed: int
    marked: tuple[MarkedPose, ...]
    frame_range: FrameRange | None = None
    joined: frozenset[PoseRole] = frozenset()
    fit: Fit = field(default_factory=Fit)


@dataclass(frozen=True)
class PoseCondition:
    """A pose as the model is told it.

    Attributes:
        at: frame of the model.
        joints: (22, 3) metres.
        bound: (22,) which of them count.
    """

    at: int
    joints: NDArray[np.float32]
    bound: NDArray[np.bool_]


@dataclass(frozen=True)
class PreparedTake:
    """What is sent, and what has to be known when the answer comes.

    Attributes:
        plan: the take in time.
        seed: of the sampler.
        marked: poses that it passes exactly, those of its neighbours too.
        fit: how it fits in.
        frames: length that the model is asked for; for a loop more than the plan's.
        poses: the poses that the model is told.
        before: (20, 22, 3) metres, the second before the take, or None.
        notes: sentences for the animator.
    """

    plan: Plan
    seed: int
    marked: tuple[MarkedPose, ...]
    fit: Fit
    frames: int
    poses: tuple[PoseCondition, ...]
    before: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()

    def cut(self, clip: MotionClip) -> MotionClip:
        """The clip, of a longer one the stretch that loops best."""
        count = self.plan.frames
        if self.frames == count or len(clip) <= count:
            return clip
        first = best_stretch(clip.joints.astype(np.float64), count, clip.fps)
        return replace(clip, joints=clip.joints[first : first + count])


def prepare(obj: Any, request: TakeRequest, max_frames: int = MAX_FRAMES) -> PreparedTake:
    """What has to be sent for a wish.

    Raises:
        PlanError, RigError: in one sentence.
    """
    check_usable(obj)
    rig = describe(obj)  # a rig that cannot be mapped is refused before the model works
    marked, fit, before = _joined(obj, rig, request)
    planned = plan(
        request.prompt,
        [(m.frame, m.role) for m in marked],
        current_frame(),
        request.seconds,
        scene_fps(),
        MODEL_FPS,
        max_frames,
        request.frame_range,
    )
    check_poses_compatible(marked, scene_fps())
    notes = tuple(speed_notes(marked, scene_fps()))
    poses = [
        PoseCondition(at, m.joints, constrained_joints(m.body_parts))
        for at, m in zip(planned.pose_frames, marked, strict=True)
        if constrained_joints(m.body_parts).any()  # the model has no fingers
    ]
    frames = planned.frames
    if fit.loop:
        _check_loop(request, fit, planned.end_frame)
        if not marked:
            frames = min(frames + round(SPARE_SECONDS * MODEL_FPS), max_frames)
        elif poses and poses[0].at == 0 and poses[-1].at < frames - 1:
            poses.append(replace(poses[0], at=frames - 1))
    return PreparedTake(planned, request.seed, marked, fit, frames, tuple(poses), before, notes)


def _joined(
    obj: Any, rig: RigDescription, request: TakeRequest
) -> tuple[tuple[MarkedPose, ...], Fit, NDArray[np.float32] | None]:
    """All poses that count, how the take fits in, and what comes before it."""
    frame_range, marked = request.frame_range, tuple(sorted(request.marked, key=lambda m: m.frame))
    if frame_range is None:
        return _in_place(obj, rig, marked, request.fit), request.fit, None
    if not request.fit.track:
        check_no_solo(obj)
    fit, before = request.fit, None
    options = obj.motiongpt.retargeting.options()
    if options.root is RootTarget.OBJECT and not options.in_place:
        fit = replace(fit, carrier=object_matrix_at(obj, frame_range.start))
    marked = _in_place(obj, rig, marked, fit)
    if request.joined and keyed_frames(obj):
        taken = {pose.frame for pose in marked}
        ends = {PoseRole.START: frame_range.start, PoseRole.END: frame_range.end}
        asked = [
            (frame, role)
            for role, frame in ends.items()
            if role in request.joined and frame is not None and frame not in taken
        ]
        found, joins = surrounding_poses(obj, rig, asked, fit.carrier)
        fit = replace(fit, joins=joins)
        marked = tuple(sorted((*marked, *found), key=lambda m: m.frame))
        if any(join.frame == frame_range.start for join in joins):
            before = motion_history(obj, rig, frame_range.start)
    if not marked:
        fit = replace(fit, standing=joints_at(obj, rig, frame_range.start))
    return marked, fit, before


def _in_place(
    obj: Any, rig: RigDescription, marked: tuple[MarkedPose, ...], fit: Fit
) -> tuple[MarkedPose, ...]:
    """The poses where they stood when they were marked, wherever the object is by now."""
    check_bones(obj, marked)
    options = obj.motiongpt.retargeting.options()
    drives = options.root is RootTarget.OBJECT and not options.in_place
    return poses_in_object_space(
        obj, rig, marked, fit.carrier, () if drives else animated_properties(obj)
    )


def _check_loop(request: TakeRequest, fit: Fit, last: float) -> None:
    if any(pose.role is PoseRole.END for pose in request.marked):
        raise PlanError(
            "A loop ends as it begins: remove the end pose, or switch Loop off under Timing."
        )
    if any(abs(pose.frame - last) < 0.5 for pose in request.marked):
        raise PlanError(
            f"A loop ends as it begins: remove the pose at its last frame, {last:g}, or switch "
            "Loop off under Timing."
        )
    if fit.joins:
        raise PlanError(
            "A loop cannot also join the animation beside it: choose Free under Timing, or "
            "switch Loop off."
        )


def poses_between(poses: Sequence[MarkedPose], start: float, end: float) -> tuple[MarkedPose, ...]:
    """The poses within these frames, each as one on the way."""
    inside = (pose for pose in poses if start <= pose.frame <= end)
    return tuple(replace(pose, role=PoseRole.KEY) for pose in inside)
