"""From what the animator asks for to what is sent: a take request becomes a prepared take.

Reads the character, changes nothing. A request that cannot be fulfilled raises one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.body.motion import MODEL_FPS
from ..core.pose_constraints.body_parts import constrained_joints, constrains_root
from ..core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..core.pose_constraints.pose_ground import lowered, marked_grounds, on_level_floor
from ..core.rig.rig_description import RigDescription
from ..core.rig.rig_options import RootTarget
from ..core.timeline.frame_range import Fit, FrameRange, FrameRangeMode, find_frame_range
from ..core.timeline.loops import SPARE_SECONDS
from ..core.timeline.plan import PlanError, plan
from ..core.timeline.plausibility import check_poses_compatible, speed_notes
from ..core.translation import tr
from ..wire import Sampling
from .adapters import Character, SceneTime
from .take_request import PoseCondition, PreparedTake, TakeRequest, Timing
from .take_way import longest_frames, take_way


def take_request(
    character: Character,
    prompt: str,
    seconds: float,
    sampling: Sampling,
    timing: Timing,
    current_frame: float,
    takes: int = 1,
) -> TakeRequest:
    """The panel's request for so many different takes.

    Raises:
        FrameRangeError: when there is no such frame range.
        PoseError: when a marked pose cannot be read.
    """
    keyed: list[float] = []
    if timing.mode in (FrameRangeMode.BETWEEN, FrameRangeMode.CONTINUE):
        generated = timing.mode is FrameRangeMode.CONTINUE
        keyed = character.keyed_frames(generated=generated)
    chosen = (timing.start, timing.end)
    frame_range = find_frame_range(timing.mode, current_frame, chosen, keyed)
    fit = Fit(
        alone=frame_range is None,
        holds=frame_range is None or frame_range.end is None,
        loop=timing.loop,
        cyclic=timing.cyclic,
    )
    return TakeRequest(
        prompt=prompt,
        seconds=seconds,
        sampling=sampling,
        marked=character.marked_poses(),
        frame_range=frame_range,
        joined=frozenset((PoseRole.START, PoseRole.END)),
        fit=fit,
        timing=timing,
        takes=takes,
        follows_way=True,
    )


def prepare(
    character: Character,
    request: TakeRequest,
    time: SceneTime,
    max_frames: int,
    *,
    any_script: bool = False,
) -> PreparedTake:
    """What has to be sent for a request.

    Args:
        character: who moves.
        request: what is asked for.
        time: the scene's time.
        max_frames: the model's longest motion, in its frames.
        any_script: whether its prompts may be in other scripts than Latin.

    Raises:
        PlanError, RigError, PoseError: with a sentence for the user.
    """
    character.check_usable()
    rig = character.describe()  # a rig that cannot be mapped is refused before the model works
    marked, fit, history = with_surroundings(character, rig, request)
    planned = plan(
        request.prompt,
        [(pose.frame, pose.role) for pose in marked],
        time.frame,
        request.seconds,
        time.fps,
        MODEL_FPS,
        longest_frames(character, max_frames) if request.follows_way else max_frames,
        request.frame_range,
        any_script=any_script,
    )
    check_poses_compatible(marked, time.fps)
    level = on_level_floor(rig, marked)
    conditions, frames = pose_conditions(level, planned.pose_frames), planned.frames
    if fit.loop:
        _check_loop(request, fit, planned.end_frame)
        if not marked:
            frames = min(frames + round(SPARE_SECONDS * MODEL_FPS), max_frames)
        conditions = _closed(conditions, frames)
    way, way_notes = None, ()
    if request.follows_way:
        way, way_notes = take_way(character, rig, planned, marked, fit, time.fps)
        fit = replace(fit, on_way=way is not None)
    notes = (*speed_notes(marked, time.fps), *way_notes)
    return PreparedTake(request, planned, marked, fit, frames, conditions, history, notes, way)


def pose_conditions(
    marked: Sequence[MarkedPose], frames: Sequence[int]
) -> tuple[PoseCondition, ...]:
    """The marked poses as the model is conditioned on them.

    Args:
        marked: the poses, ascending.
        frames: the model's frame of each.

    Returns:
        A condition for each pose that constrains a joint of the model, which has no fingers.
    """
    conditions = (
        PoseCondition(frame, pose.joints, constrained_joints(pose.body_parts))
        for frame, pose in zip(frames, marked, strict=True)
    )
    return tuple(condition for condition in conditions if condition.bound.any())


def poses_between(poses: Sequence[MarkedPose], start: float, end: float) -> tuple[MarkedPose, ...]:
    """The poses within these frames, each as a key pose."""
    inside = (pose for pose in poses if start <= pose.frame <= end)
    return tuple(replace(pose, role=PoseRole.KEY) for pose in inside)


def with_surroundings(
    character: Character, rig: RigDescription, request: TakeRequest
) -> tuple[tuple[MarkedPose, ...], Fit, NDArray[np.float32] | None]:
    """All poses to meet, how the take fits in, and the second before it."""
    frame_range, fit = request.frame_range, request.fit
    marked = tuple(sorted(request.marked, key=lambda pose: pose.frame))
    options = character.options()
    travels = options.root is RootTarget.OBJECT and not options.in_place
    if frame_range is None:
        return character.poses_in_take(rig, marked, None, object_travels=travels), fit, None
    if not fit.track:
        character.check_no_solo()
    if travels:
        fit = replace(fit, object_matrix=character.object_matrix_at(frame_range.start))
    marked = character.poses_in_take(rig, marked, fit.object_matrix, object_travels=travels)
    history = None
    if request.joined and character.keyed_frames(generated=True):
        ends = _ends_to_join(request, frame_range, marked)
        found, joins = character.surrounding_poses(rig, ends, fit.object_matrix)
        fit = replace(fit, joins=joins)
        marked = tuple(sorted((*marked, *found), key=lambda pose: pose.frame))
        if any(join.frame == frame_range.start for join in joins):
            ground = marked_grounds(rig, marked)[frame_range.start]
            seen = character.motion_history(rig, frame_range.start)
            history = lowered(seen, ground / rig.scale)
    if not any(constrains_root(pose.body_parts) for pose in marked):
        fit = replace(fit, standing=character.standing_pose_at(rig, frame_range.start))
    return marked, fit, history


def _ends_to_join(
    request: TakeRequest, frame_range: FrameRange, marked: Sequence[MarkedPose]
) -> list[tuple[float, PoseRole]]:
    """The ends of the frame range that join the animation: those without a marked pose."""
    taken = {pose.frame for pose in marked}
    ends = {PoseRole.START: frame_range.start, PoseRole.END: frame_range.end}
    return [
        (frame, role)
        for role, frame in ends.items()
        if role in request.joined and frame is not None and frame not in taken
    ]


def _closed(conditions: tuple[PoseCondition, ...], frames: int) -> tuple[PoseCondition, ...]:
    """The conditions of a loop: a pose at its first frame holds at its last one too."""
    if conditions and conditions[0].frame == 0 and conditions[-1].frame < frames - 1:
        return (*conditions, replace(conditions[0], frame=frames - 1))
    return conditions


def _check_loop(request: TakeRequest, fit: Fit, last: float) -> None:
    if any(pose.role is PoseRole.END for pose in request.marked):
        raise PlanError(
            tr("A loop ends as it begins: remove the end pose, or switch Loop off under Timing.")
        )
    if any(abs(pose.frame - last) < 0.5 for pose in request.marked):
        raise PlanError(
            tr(
                "A loop ends as it begins: remove the pose at its last frame, {last:g}, "
                "or switch Loop off under Timing.",
                last=last,
            )
        )
    if fit.joins:
        raise PlanError(
            tr(
                "A loop cannot also join the animation beside it: choose Free under "
                "Timing, or switch Loop off."
            )
        )
