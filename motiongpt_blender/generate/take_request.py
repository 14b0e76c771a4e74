"""What the animator asks for, and what is made ready to be sent. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..core.body.motion import MotionClip
from ..core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..core.timeline.frame_range import Fit, FrameRange, FrameRangeMode
from ..core.timeline.loops import best_loop_start
from ..core.timeline.plan import Plan
from ..core.ways.way import Way
from ..wire import LIMITS, Sampling

#: Most bytes of a take's name; Blender's names have 63, and it numbers equal ones.
NAME_BYTES: Final = 48
#: The most takes that one request brings: as many alternatives as the model's process sends.
MOST_TAKES: Final = 4


@dataclass(frozen=True)
class Timing:
    """The panel's choices under Timing.

    Attributes:
        mode: how the frame range is chosen.
        start: first frame, for the mode RANGE.
        end: last frame, for the mode RANGE.
        loop: the take ends as it begins.
        cyclic: the curves of a loop repeat for ever.
    """

    mode: FrameRangeMode = FrameRangeMode.FREE
    start: float = 1
    end: float = 73
    loop: bool = False
    cyclic: bool = False


@dataclass(frozen=True)
class TakeRequest:
    """One take, as the animator asks for it.

    Attributes:
        prompt: unchecked.
        seconds: length where neither a pose nor the frame range decides it.
        sampling: how the model samples.
        marked: the poses to meet.
        frame_range: where it goes, or None.
        joined: which ends of the frame range join the animation there.
        fit: how it fits in otherwise; joins are added to it.
        timing: the choices that frame range and fit follow from.
        takes: how many different takes are wanted; a single one is kept at once.
        follows_way: whether it follows the way of the character, where that has one.
    """

    prompt: str
    seconds: float
    sampling: Sampling
    marked: tuple[MarkedPose, ...]
    frame_range: FrameRange | None = None
    joined: frozenset[PoseRole] = frozenset()
    fit: Fit = field(default_factory=Fit)
    timing: Timing = field(default_factory=Timing)
    takes: int = 1
    follows_way: bool = False


@dataclass(frozen=True)
class PoseCondition:
    """A pose that the model is conditioned on.

    Attributes:
        frame: frame of the model.
        joints: (22, 3) metres, y up.
        bound: (22,) which of them count.
    """

    frame: int
    joints: NDArray[np.float32]
    bound: NDArray[np.bool_]


@dataclass(frozen=True)
class PreparedTake:
    """What is sent, and what has to be known when the answer comes.

    Attributes:
        request: what was asked for.
        plan: the take in time.
        marked: poses that the take meets exactly, with those at joined ends.
        fit: how it fits into the animation that stays.
        frames: length that the model is asked for; for a loop more than the plan's.
        conditions: the poses that the model is conditioned on.
        history: (20, 22, 3) metres, the second before the take, or None.
        notes: sentences for the animator, of the request and of the model's answer.
        way: that it follows, in metres of the model; or None.
    """

    request: TakeRequest
    plan: Plan
    marked: tuple[MarkedPose, ...]
    fit: Fit
    frames: int
    conditions: tuple[PoseCondition, ...]
    history: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()
    way: Way | None = None

    @property
    def name(self) -> str:
        """Name of the action and its NLA track."""
        return take_name(self.plan.prompt)

    @property
    def frame_count(self) -> int:
        """Scene frames that the take has."""
        return round(self.plan.end_frame - self.plan.start_frame) + 1

    def cut(self, clip: MotionClip) -> MotionClip:
        """The clip in the plan's length: of a longer one, the part that loops best."""
        count = self.plan.frames
        if self.frames == count or len(clip) <= count:
            return clip
        first = best_loop_start(clip.joints.astype(np.float64), count, clip.fps)
        return replace(clip, joints=clip.joints[first : first + count])


def seeds_apart(asked: Sequence[tuple[str, int]]) -> list[int]:
    """Seeds for several characters, so that no two move alike.

    Args:
        asked: prompt and seed of each. One that another has before it gets the next free seed.
    """
    used: set[tuple[str, int]] = set()
    seeds: list[int] = []
    for prompt, seed in asked:
        free = next(k for k in count(seed) if (prompt, _in_limits(k)) not in used)
        used.add((prompt, _in_limits(free)))
        seeds.append(_in_limits(free))
    return seeds


def _in_limits(seed: int) -> int:
    return seed % (int(LIMITS["seed"].high) + 1)


def take_name(prompt: str) -> str:
    """Name of a take: the prompt, cut after a word so that it fits ``NAME_BYTES``."""
    words, name = prompt.split(), ""
    for word in words:
        longer = f"{name} {word}".strip()
        if len(longer.encode("utf-8")) > NAME_BYTES:
            break
        name = longer
    return name or words[0].encode("utf-8")[:NAME_BYTES].decode("utf-8", "ignore")
