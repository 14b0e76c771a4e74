"""The frame range of a take, and the animation that it joins there.

Frames are the scene's and may be fractions. Nothing here knows how animation is stored: the
caller passes the frames that have keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ..pose_constraints.marked_pose import MarkedPose
from ..pose_constraints.rig_pose import RigPose
from ..translation import msgid, tr
from .blending import BlendFrame


class FrameRangeError(ValueError):
    """A frame range that is impossible; the message is one sentence for the user."""


class FrameRangeMode(StrEnum):
    """How the animator chooses the frame range of a take."""

    FREE = "FREE"
    BETWEEN = "BETWEEN"
    RANGE = "RANGE"
    CONTINUE = "CONTINUE"


@dataclass(frozen=True)
class FrameRange:
    """The first and the last frame of a take.

    Attributes:
        start: first frame.
        end: last frame; None where the length or an end pose decides.
    """

    start: float
    end: float | None = None


@dataclass(frozen=True)
class Join:
    """A frame that a take shares with animation that stays.

    Attributes:
        frame: scene frame, the take's first or last.
        outside: the poses one and two frames further away from the take.
    """

    frame: float
    outside: tuple[RigPose, RigPose]


@dataclass(frozen=True)
class Fit:
    """How a take fits into the animation that is there already.

    Attributes:
        joins: where it meets animation that stays.
        alone: the earlier animation is muted, as the take replaces it.
        holds: its last pose is held after it; else the animation below plays on there.
        loop: it ends as it begins.
        cyclic: its curves repeat without end.
        track: name of the NLA track that it is added to; "" makes a new one.
        standing: the pose in which it begins where none is marked; None: as the character
            stands now.
        object_matrix: (4, 4) of the armature object at the take's start, where the object
            travels; poses are seen from there. None: where the object is now.
        on_way: its motion follows a way, so that it lies in the armature's space already.
    """

    joins: tuple[Join, ...] = ()
    alone: bool = True
    holds: bool = True
    loop: bool = False
    cyclic: bool = False
    track: str = ""
    standing: MarkedPose | None = None
    object_matrix: NDArray[np.float64] | None = None
    on_way: bool = False

    def anchor_frame(self, start: float) -> int | None:
        """Index of the frame whose position an in-place motion keeps, of a take from ``start``.

        The frame of its join: the first, or the last where that alone is joined. None without
        a join.
        """
        if not self.joins:
            return None
        return 0 if any(round(join.frame - start) == 0 for join in self.joins) else -1

    def blend_frames(self, start: float, count: int) -> list[BlendFrame]:
        """The joins, by the frames of a take of ``count`` frames from ``start``."""
        at = [(round(join.frame - start), join.outside) for join in self.joins]
        return [BlendFrame(frame, outside) for frame, outside in at if frame in (0, count - 1)]


def frame_text(frame: float) -> str:
    """A frame as people read it: ``12``, ``12.5``."""
    return f"{frame:.3f}".rstrip("0").rstrip(".")


def find_frame_range(
    mode: FrameRangeMode, current: float, chosen: tuple[float, float], keyed: Sequence[float]
) -> FrameRange | None:
    """The frame range that the animator chose; None where poses and length decide.

    Args:
        mode: how it is chosen.
        current: the scene's current frame.
        chosen: first and last frame of the range, for ``RANGE``.
        keyed: frames with keys, ascending.

    Raises:
        WindowError: with a sentence for the user.
    """
    match mode:
        case FrameRangeMode.FREE:
            return None
        case FrameRangeMode.RANGE:
            return _range(*chosen)
        case FrameRangeMode.BETWEEN:
            return _between(current, keyed)
        case FrameRangeMode.CONTINUE:
            if not keyed:
                raise FrameRangeError(
                    tr("There is no animation to continue: choose Free for the take's frame range.")
                )
            return FrameRange(keyed[-1])


def _range(start: float, end: float) -> FrameRange:
    if end < start:
        raise FrameRangeError(
            tr(
                "The range ends at frame {end}, before it starts at frame {start}: swap the two.",
                end=frame_text(end),
                start=frame_text(start),
            )
        )
    if end == start:
        raise FrameRangeError(
            tr(
                "The range is the one frame {start}: a motion needs a later last frame.",
                start=frame_text(start),
            )
        )
    return FrameRange(start, end)


def _between(current: float, keyed: Sequence[float]) -> FrameRange:
    before = [frame for frame in keyed if frame <= current]
    after = [frame for frame in keyed if frame > current]
    if not keyed:
        raise FrameRangeError(
            tr(
                "There are no keyframes to go between: key the character's pose at two "
                "frames, and go to a frame between them."
            )
        )
    if not before or not after:
        lacking = (
            msgid("There is no keyframe after frame {frame}: go to a frame between two keyframes.")
            if before
            else msgid(
                "There is no keyframe at or before frame {frame}: go to a frame between two "
                "keyframes."
            )
        )
        raise FrameRangeError(tr(lacking, frame=frame_text(current)))
    return FrameRange(before[-1], after[0])
