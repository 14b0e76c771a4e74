"""The plan of a take: from scene frames, marked poses and seconds to the model's frames.

The model counts its own frames from 0. This is the only place where one is converted to the
other, and where an impossible request becomes a sentence for the user.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from ..pose_constraints.marked_pose import PoseRole
from ..translation import msgid, tr
from .frame_range import FrameRange, frame_text
from .prompts import PromptError, clean_prompt

#: The shortest motion: the tokenizer codes four frames at a time.
#: Blender has no frames beyond.
LAST_FRAME: Final = 1_048_574
MIN_SECONDS: Final = 0.4
#: Fractions of a frame up to which a pose is on a whole frame of the motion.
FRAME_TOLERANCE: Final = 1e-4

#: Scene frame and role of a marked pose.
PoseMark: TypeAlias = tuple[float, PoseRole]
#: Roles in messages.
_ROLES: Final = {
    PoseRole.START: msgid("start"),
    PoseRole.KEY: msgid("key"),
    PoseRole.END: msgid("end"),
}


class PlanError(ValueError):
    """A request that is impossible; the message is one sentence for the user."""


@dataclass(frozen=True)
class Plan:
    """A take in scene frames and in the model's frames.

    Attributes:
        prompt: the checked prompt.
        start_frame: scene frame of the motion's first frame.
        end_frame: scene frame of its last frame.
        frames: length at the model's rate; covers the whole range.
        pose_frames: model frame of each marked pose, ascending, one for each.
    """

    prompt: str
    start_frame: float
    end_frame: float
    frames: int
    pose_frames: tuple[int, ...]


def plan(
    prompt: str,
    marked: Sequence[PoseMark],
    current_frame: float,
    seconds: float,
    scene_fps: float,
    model_fps: float,
    max_frames: int,
    frame_range: FrameRange | None = None,
    *,
    any_script: bool = False,
) -> Plan:
    """The frames of a take.

    It begins at the start pose, else at the current frame or the first key pose, whichever
    is earlier; with an end pose alone it ends there. It lasts until the end pose, else for
    ``seconds``. A frame range overrides all of this.

    Args:
        prompt: the animator's sentence, unchecked.
        marked: scene frame and role of every marked pose, in any order.
        current_frame: the scene's current frame.
        seconds: length when no end pose is marked.
        scene_fps: frames a second of the scene, fractions allowed.
        model_fps: frames a second of the model.
        max_frames: the model's longest motion.
        frame_range: where the take has to lie, if that was chosen.
        any_script: see ``clean_prompt``.

    Raises:
        PlanError: with a sentence for the user.
    """
    try:
        prompt = clean_prompt(prompt, any_script=any_script)
    except PromptError as error:
        raise PlanError(str(error)) from None
    for rate in (seconds, scene_fps, model_fps):
        if not (math.isfinite(rate) and rate > 0):
            raise PlanError(tr("The length and the frame rate must be above zero: set them again."))
    _check_marks(marked)
    start, end = _range(marked, current_frame, round(seconds * scene_fps), frame_range)
    _check_inside(marked, start, end)
    _check_grid(marked, start)
    duration = (end - start) / scene_fps
    # Rounded up, so that the motion reaches the end frame and no key hangs past it.
    frames = math.ceil(duration * model_fps - 1e-6) + 1
    _check_length(duration, frames, model_fps, max_frames)
    if max(abs(start), abs(end)) > LAST_FRAME:
        raise PlanError(
            tr(
                "The take would lie at frames {start} to {end}, and Blender's last frame "
                "is {last}: lower the frame rate, or start earlier.",
                start=frame_text(start),
                end=frame_text(end),
                last=LAST_FRAME,
            )
        )
    pose_frames = tuple(
        min(round((frame - start) / scene_fps * model_fps), frames - 1)
        for frame, _ in sorted(marked, key=lambda mark: mark[0])
    )
    _check_apart(pose_frames)
    return Plan(prompt, start, end, frames, pose_frames)


def _frame_of(marked: Sequence[PoseMark], role: PoseRole) -> float | None:
    return next((frame for frame, r in marked if r is role), None)


def _range(
    marked: Sequence[PoseMark], current_frame: float, length: int, frame_range: FrameRange | None
) -> tuple[float, float]:
    """First and last scene frame of the motion; ``length`` in scene frames."""
    start, end = _frame_of(marked, PoseRole.START), _frame_of(marked, PoseRole.END)
    if frame_range is not None:
        start, end = frame_range.start, end if frame_range.end is None else frame_range.end
    elif start is None and end is not None:
        start = end - length
    elif start is None:
        start = min([_on_grid(current_frame, marked), *(frame for frame, _ in marked)])
    assert start is not None
    return start, start + length if end is None else end


def _on_grid(frame: float, marked: Sequence[PoseMark]) -> float:
    """The frame itself, or the one before it from which the marks are whole frames away."""
    if not marked:
        return frame
    return frame - (frame - marked[0][0]) % 1.0


def _check_grid(marked: Sequence[PoseMark], start: float) -> None:
    for frame, _ in marked:
        if abs(frame - start - round(frame - start)) > FRAME_TOLERANCE:
            raise PlanError(
                tr(
                    "The pose at frame {frame} is not a whole number of frames after the "
                    "motion's start (frame {start}): mark it again on such a frame.",
                    frame=frame_text(frame),
                    start=frame_text(start),
                )
            )


def _check_marks(marked: Sequence[PoseMark]) -> None:
    for role in (PoseRole.START, PoseRole.END):
        frames = [frame for frame, r in marked if r is role]
        if len(frames) > 1:
            raise PlanError(
                tr(
                    "There are {count} {role} poses (frames {frames}): keep one.",
                    count=len(frames),
                    role=tr(_ROLES[role]),
                    frames=", ".join(map(frame_text, sorted(frames))),
                )
            )
    seen: set[float] = set()
    for frame, _ in marked:
        if frame in seen:
            raise PlanError(
                tr(
                    "Two poses are marked at frame {frame}: remove one of them.",
                    frame=frame_text(frame),
                )
            )
        seen.add(frame)
    start, end = _frame_of(marked, PoseRole.START), _frame_of(marked, PoseRole.END)
    if start is not None and end is not None and end < start:
        raise PlanError(
            tr(
                "The end pose (frame {end}) lies before the start pose (frame {start}): "
                "mark it later.",
                end=frame_text(end),
                start=frame_text(start),
            )
        )


def _check_inside(marked: Sequence[PoseMark], start: float, end: float) -> None:
    for frame, role in marked:
        if not start <= frame <= end:
            raise PlanError(
                tr(
                    "The {role} pose at frame {frame} lies outside the motion (frames {start} to "
                    "{end}): make the motion longer or remove the pose.",
                    role=tr(_ROLES[role]),
                    frame=frame_text(frame),
                    start=frame_text(start),
                    end=frame_text(end),
                )
            )


def _check_length(duration: float, frames: int, model_fps: float, max_frames: int) -> None:
    if duration < MIN_SECONDS:
        raise PlanError(
            tr(
                "The motion would last {duration:.2f} s, the shortest is {shortest:.1f} "
                "s: make it longer or move the end pose.",
                duration=duration,
                shortest=MIN_SECONDS,
            )
        )
    if frames > max_frames:
        longest = (max_frames - 1) / model_fps
        raise PlanError(
            tr(
                "The motion would last {duration:.1f} s, the model makes {longest:.1f} s "
                "at most: make it shorter or move the end pose.",
                duration=duration,
                longest=longest,
            )
        )


def _check_apart(pose_frames: tuple[int, ...]) -> None:
    if any(a == b for a, b in pairwise(pose_frames)):
        raise PlanError(
            tr(
                "Two marked poses are closer in time than one frame of the model: remove "
                "one of them."
            )
        )
