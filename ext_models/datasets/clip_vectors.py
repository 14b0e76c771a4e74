"""The feature vectors of a clip: the published ones where they are on disk, else computed."""

from __future__ import annotations

from ext_models.motion.features import from_joints
from ext_models.motion.representations import REPRESENTATIONS

from .examples import Array, Example


def vectors_of(example: Example) -> Array:
    """Features (T, C) of a clip, not normalised; computed ones are a frame shorter."""
    if example.vectors is not None:
        return example.vectors.read()
    rep = REPRESENTATIONS[example.representation]
    return from_joints(example.joints, rep, uniform=False, ground=False)
