"""The feature vectors of a clip: as published where they are on disk, else worked out."""

from __future__ import annotations

from .examples import Array, Example

from .features import from_joints
from .representations import REPRESENTATIONS


def vectors_of(example: Example) -> Array:
    """Features (T, C) of a clip, not normalised; worked out ones are a frame shorter."""
    if example.vectors is not None:
        return example.vectors.read()
    rep = REPRESENTATIONS[example.representation]
    return from_joints(example.joints, rep, uniform=False, ground=False)
