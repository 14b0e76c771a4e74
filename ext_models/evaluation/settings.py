"""The settings of an evaluation; command lines read their defaults from them, without torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from motiongpt_blender.wire import Sampling

from .metrics import REPEATS


@dataclass(frozen=True)
class EvalSettings:
    """How an evaluation is done.

    Attributes:
        pool: captions that compete for R-precision; fewer where there are fewer labels.
        draws: how often pools are drawn.
        samples: motions made of each text.
        pose_clips: clips of the pose tasks, spread over all; 0 takes all.
        sampling: how motions are sampled, as in the add-on; its seed is that of all draws.
    """

    pool: int = 32
    draws: int = REPEATS
    samples: int = 3
    pose_clips: int = 0
    sampling: Sampling = field(default_factory=Sampling)
