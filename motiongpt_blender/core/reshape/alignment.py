"""Two motions of one length brought in step: the same foot comes down and goes up in both at once.

A monotone change of time within limits; first and last frames stay. Without steps nothing changes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.rotations import Array
from ..body.smoothing import monotone_cubic
from ..feet.foot_contacts import FootContacts

#: Seconds by which a step of one motion may be earlier or later than its match in the other.
MAX_SHIFT: Final = 0.6
#: How much faster or slower than the other one a motion may become between two matches.
MAX_RATE: Final = 2.0

#: Foot, whether it comes down, frame.
_Event = tuple[str, bool, int]


def aligned_times(
    one: FootContacts, other: FootContacts, count: int, fps: float, share: float
) -> tuple[Array, Array]:
    """The times (count,), in each motion's own frames, that a blend of both shows at its frames.

    Args:
        one: when each foot stands in one motion.
        other: the same of the other.
        count: frames of each.
        fps: frames a second.
        share: of the other's timing, 0 to 1.
    """
    pairs = np.array(_chain(_events(one, count), _events(other, count), count, fps), dtype=float)
    blended = (1 - share) * pairs[:, 0] + share * pairs[:, 1]
    frames = np.arange(count, dtype=float)
    first, second = (monotone_cubic(blended, pairs[:, k], frames) for k in (0, 1))
    return first, second


def _events(contacts: FootContacts, count: int) -> list[_Event]:
    """When each foot comes down and goes up, without those that the ends cut off."""
    return [
        (side, down, frame)
        for side in "LR"
        for contact in contacts.of(side)
        for down, frame in ((True, contact.first), (False, contact.last))
        if 0 < frame < count - 1
    ]


def _chain(one: list[_Event], other: list[_Event], count: int, fps: float) -> list[tuple[int, int]]:
    """The chain of matched frames, from the first to the last, whose shifts are least in all."""
    most = MAX_SHIFT * fps
    matches = sorted(
        (a, b, 1 - abs(a - b) / most)
        for side, down, a in one
        for other_side, other_down, b in other
        if (side, down) == (other_side, other_down) and abs(a - b) < most
    )
    nodes = [(0, 0, 0.0), *matches, (count - 1, count - 1, 0.0)]
    frames, gains = np.array(nodes)[:, :2], np.array(nodes)[:, 2]
    best, before = np.full(len(nodes), -np.inf), np.zeros(len(nodes), dtype=int)
    best[0] = 0.0
    for k in range(1, len(nodes)):
        steps = frames[k] - frames[:k]
        near = (steps.min(1) > 0) & (steps.max(1) <= MAX_RATE * steps.min(1))
        scores = np.where(near, best[:k], -np.inf)
        before[k] = int(np.argmax(scores))
        best[k] = scores[before[k]] + gains[k]
    chain, k = [len(nodes) - 1], len(nodes) - 1
    while k:
        k = int(before[k])
        chain.append(k)
    return [(int(nodes[k][0]), int(nodes[k][1])) for k in reversed(chain)]
