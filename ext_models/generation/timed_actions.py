"""The actions of a prompt in time: each gets its frames, its poses and its candidates.

A sentence of several actions is generated action by action. A model that has read "walks, then
bows" as one sentence mostly walks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.prompt_checks.actions import read_actions
from motiongpt_blender.core.body.motion import MODEL_FPS

from .request import GenerationRequest, PoseCondition
from .retiming import joint_speeds

#: Fewest code steps of an action, 0.8 s: a prompt with too little time for that stays whole.
LEAST_STEPS: Final = 4
#: One in so many candidates is continued with the next action; the others are dropped.
KEPT_SHARE: Final = 4
#: m/s of a joint from which a seam is a rush, and frames on both sides that are looked at. Strides
#: may be as fast; ``ease_into_poses`` leaves them alone.
RUSH, SEAM = 3.0, 12
#: Distance of the seeds of two actions.
ACTION_STRIDE: Final = 15_485_863


@dataclass(frozen=True)
class TimedAction:
    """One action of a prompt.

    Attributes:
        prompt: its words.
        first: code step that it begins with.
        steps: code steps that it lasts.
        goes_on: whether it is a piece that goes on with the action before it.
    """

    prompt: str
    first: int
    steps: int
    goes_on: bool = False

    @property
    def end(self) -> int:
        """The code step after its last one."""
        return self.first + self.steps


def timed_actions(
    prompt: str, steps: int, seconds: Callable[[str], float] | None = None
) -> tuple[TimedAction, ...]:
    """The actions of a prompt, one after the other; one where it is not cut.

    Args:
        prompt: a checked prompt.
        steps: code steps of the whole motion.
        seconds: how long an action takes; by default all last alike.
    """
    actions = read_actions(prompt)
    spare = steps - LEAST_STEPS * len(actions)
    if len(actions) == 1 or spare < 0:
        return (TimedAction(prompt, 0, steps),)
    shares = [seconds(action) if seconds else 1.0 for action in actions]
    upto = [sum(shares[: k + 1]) / sum(shares) for k in range(len(actions))]
    ends = [LEAST_STEPS * (k + 1) + round(spare * share) for k, share in enumerate(upto)]
    return tuple(
        TimedAction(action, first, end - first)
        for action, first, end in zip(actions, [0, *ends], ends, strict=False)
    )


def in_pieces(actions: Sequence[TimedAction], longest: int) -> tuple[TimedAction, ...]:
    """The actions in pieces of at most so many code steps; a later piece goes on with the first."""
    pieces: list[TimedAction] = []
    for action in actions:
        count = -(-action.steps // longest)
        ends = [action.first + round(action.steps * (k + 1) / count) for k in range(count)]
        for first, end in zip([action.first, *ends], ends, strict=False):
            goes_on = first > action.first
            pieces.append(TimedAction(action.prompt, first, end - first, goes_on))
    return tuple(pieces)


def request_of(
    request: GenerationRequest, actions: Sequence[TimedAction], stride: int
) -> GenerationRequest:
    """What a request asks for in the time of some successive actions.

    Args:
        request: of the whole motion.
        actions: at least one.
        stride: frames of a code step.
    """
    first = stride * actions[0].first
    end = min(stride * actions[-1].end, request.frames)
    poses = tuple(
        replace(pose, frame=pose.frame - first)
        for pose in request.poses
        if first <= pose.frame < end
    )
    prompt = ", then ".join(action.prompt for action in actions if not action.goes_on)
    prompt = prompt or actions[0].prompt
    return replace(request, prompt=prompt, frames=end - first, poses=poses, way=None)


def survivors(scores: Sequence[float], groups: int) -> list[int]:
    """The candidate that each row continues: the best quarter of each group, in turn.

    Args:
        scores: of all candidates, those of a group in a row.
        groups: how many choose for themselves, such as variations.
    """
    size = len(scores) // groups
    rows: list[int] = []
    for begin in range(0, size * groups, size):
        ranked = sorted(range(begin, begin + size), key=lambda k: -scores[k])
        kept = ranked[: -(-size // KEPT_SHARE)]
        rows += [kept[k % len(kept)] for k in range(size)]
    return rows


def rushed_seams(
    joints: NDArray[np.float32],
    actions: Sequence[TimedAction],
    stride: int,
    poses: Sequence[PoseCondition],
) -> tuple[PoseCondition, ...]:
    """The ends of actions from which the next one snaps away, as "stands up" may from a crawl.

    Args:
        joints: (T, 22, 3) of the whole motion.
        actions: of its prompt.
        stride: frames of a code step.
        poses: marked ones; an end near one of them is left to it.
    """
    ends = [stride * action.first - 1 for action in actions[1:] if not action.goes_on]
    return tuple(
        PoseCondition(end, joints[end])
        for end in ends
        if joint_speeds(joints[max(end - SEAM, 0) : end + SEAM], MODEL_FPS).max() > RUSH
        and all(abs(pose.frame - end) > SEAM for pose in poses)
    )


def split_note(actions: Sequence[TimedAction], step_seconds: float) -> str:
    """One sentence for the user: when each action happens."""
    begins = [action for action in actions if not action.goes_on]
    ends = [*(action.first for action in begins[1:]), actions[-1].end]
    spans = [
        f"{a.first * step_seconds:.1f} to {end * step_seconds:.1f} s '{a.prompt}'"
        for a, end in zip(begins, ends, strict=True)
    ]
    return f"Made as {len(begins)} actions: {', '.join(spans)}."
