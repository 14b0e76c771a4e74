"""The recorded clips that lie in ``tests/fixtures``, and what a generated clip does wrong."""

import functools
from pathlib import Path

import numpy as np

from motiongpt_blender.core.body.smoothing import gaussian_smooth

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FILE = FIXTURES / "clips.npz"
NAMES = ("walk", "turn", "leap", "kick", "wave")
#: Clips of one action each.
ACTIONS = (
    "sit", "kneel", "lie_front", "lie_back", "crouch", "crawl", "jump", "hop", "march", "bow",
    "raise", "throw",
)  # fmt: skip
#: The clips whose body goes more than two metres; the kick stays in its place.
TRAVELLING = ("walk", "turn", "leap", "wave")
FPS = 20.0


@functools.cache
def _stored():
    stored = {}
    for name in ("clips", "actions"):
        with np.load(FIXTURES / f"{name}.npz") as file:
            stored |= {key: file[key] for key in file.files}
    return stored


def clip(name):
    """Joint positions (T, 22, 3) of one clip in metres, float64, at 20 frames a second."""
    return _stored()[name].astype(np.float64) / 2000


def clips():
    """Every clip by its name."""
    return {name: clip(name) for name in NAMES}


def as_generated(joints, seed=0, jitter=0.004, slide=0.12, fps=FPS):
    """A clip as a model may give it: joints tremble, the body drifts, feet slide along."""
    rng = np.random.default_rng(seed)
    noise = gaussian_smooth(rng.normal(size=joints.shape), 0.8) * jitter * 1.7
    drift = gaussian_smooth(rng.normal(size=(len(joints), 3)), 0.5 * fps)
    drift *= slide / max(float(np.linalg.norm(np.diff(drift, axis=0), axis=-1).mean()) * fps, 1e-9)
    drift[:, 1] *= 0.1
    return joints + noise + drift[:, None]
