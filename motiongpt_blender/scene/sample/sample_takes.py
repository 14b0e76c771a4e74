"""The takes that come with the sample character: a prompt, the poses it passes, three motions.

``python -m tests.support.record_sample_takes`` makes the files. Plain numpy; the motions bear the
terms of the pack that made them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...core.body.motion import MotionClip
from ...core.body.rotations import Array
from ...core.bounded_arrays import read_arrays
from ...core.bounded_files import MB

FOLDER: Final = Path(__file__).with_name("takes")
POSES: Final = "poses.npz"
#: The motions, best first.
CLIPS: Final = "take_*.npz"


@dataclass(frozen=True)
class SampleTakes:
    """What is put on the sample character.

    Attributes:
        prompt: what the motions were generated from.
        seconds: how long each lasts.
        shares: when each pose is met, as a share of the motion; 0 is its start, 1 its end.
        joints: (P, 22, 3) metres, y up, each pose.
        clips: the motions, best first.
    """

    prompt: str
    seconds: float
    shares: tuple[float, ...]
    joints: Array
    clips: tuple[MotionClip, ...]


def read_sample_takes(folder: Path = FOLDER) -> SampleTakes:
    """Read them; raises MotionError or FileError for damaged files."""
    poses = read_arrays(folder / POSES, MB)
    clips = tuple(MotionClip.load(path) for path in sorted(folder.glob(CLIPS)))
    shares = tuple(float(share) for share in poses["shares"])
    joints = poses["joints"].astype(np.float64)
    return SampleTakes(clips[0].prompt, clips[0].seconds, shares, joints, clips)
