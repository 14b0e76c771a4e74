"""Frames to which a marked pose can be moved."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

from .plan import FRAME_TOLERANCE, LAST_FRAME


def free_frame(wanted: float, others: Collection[float]) -> float:
    """The frame nearest to the wanted one, a whole number away, that no other mark has.

    Args:
        wanted: scene frame.
        others: scene frames of the other marks.
    """
    wanted = min(max(wanted, -float(LAST_FRAME)), float(LAST_FRAME))
    for step in count():
        for frame in (wanted + step, wanted - step):
            taken = any(abs(frame - other) <= FRAME_TOLERANCE for other in others)
            if abs(frame) <= LAST_FRAME and not taken:
                return frame
    raise AssertionError("there are more frames than marks")
