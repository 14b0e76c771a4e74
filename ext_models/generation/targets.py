"""What pose guidance leads a motion to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ext_models.tokenizer.clip_summary import ClipSummary, moments

from .schedule import PULL, Place, Segment


@dataclass(frozen=True)
class PoseTarget:
    """One pose that the motion is guided to.

    Attributes:
        frame: of the whole motion, from 0.
        joints: (22, 3) metres.
        place: metres to the left, metres ahead and radians turned to the left, relative to the
            origin of the targets; None if the place does not matter.
        weights: (22,) weight of each joint; None for equal weights.
        pull: frames before the pose from which it pulls.
        standing: frames before the pose in which the body is at its place.
        has_body: whether the body counts beside the place.
    """

    frame: int
    joints: NDArray[np.float32]
    place: Place | None = None
    weights: NDArray[np.float32] | None = None
    pull: int = PULL[0]
    standing: int = 0
    has_body: bool = True


@dataclass(frozen=True)
class GuidanceTargets:
    """What one motion is guided to.

    Attributes:
        poses: ascending by frame.
        strength: factor of all costs; 0 is no guidance.
        given: codes (S', L) that the motion begins with, before the first generated one.
        origin: frame of the body that places are relative to.
        turn: number of the candidate; candidates take turns in following their summaries. None
            for one that does not.
        place_weight: of places and the ways to them, beside the bodies.
    """

    poses: tuple[PoseTarget, ...] = ()
    strength: float = 1.0
    given: tuple[tuple[int, ...], ...] = ()
    origin: int = 0
    turn: int | None = 0
    place_weight: float = 1.0

    @property
    def active(self) -> bool:
        """Whether they change any score."""
        return bool(self.poses) and self.strength > 0

    @cached_property
    def walked(self) -> tuple[Segment, ...]:
        """The segments of the path that somebody walks, from placed pose to placed pose."""
        begin, start = self.origin, (0.0, 0.0, 0.0)
        segments: list[Segment] = []
        for pose in self.poses:
            if pose.place is None or pose.frame <= self.origin:
                continue
            end = max(pose.frame - pose.standing, (begin + pose.frame) // 2)
            segments.append(Segment(begin, end, start, pose.place))
            begin, start = pose.frame, pose.place
        return tuple(segment for segment in segments if segment.is_walked)


def summary_targets(
    summary: ClipSummary, tokens: Sequence[int], frames: int
) -> tuple[PoseTarget, ...]:
    """The bodies that a clip summary expects in a motion of some frames, as targets.

    They have no places: to hold a motion to a path that is wrong by half a metre makes it slide.
    """
    expected = summary.expected_poses(tokens)
    bodies = expected.bodies + expected.heights[:, None, None] * np.array([0, 1, 0])
    return tuple(
        PoseTarget(int(frame), body.astype(np.float32))
        for frame, body in zip(moments(frames), bodies, strict=True)
    )
