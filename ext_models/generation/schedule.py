"""When a motion is due where: even progress to placed poses, and how early a pose pulls.

The path from one placed pose to the next is walked evenly, so that nobody stands and then rushes.
A pose that is far from the body pulls early, so that nobody snaps into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.motion.motion_metrics import local_pose
from ext_models.motion.representations import HUMANML3D
from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.skeleton import CHAINS, Joint

Array = NDArray[np.floating]
Place = tuple[float, float, float]

#: Frames before a pose from which it pulls a body that is near, and one that is far: half of the
#: change to it is then done 0.7 to 1 s before it.
PULL: Final = (12, 28, 40)
#: Metres of the farthest joint from which a body is far.
FAR: Final = 0.25
#: Metres a second of the farthest joint that an approach is planned for.
APPROACH_SPEED: Final = 0.8
#: Metres between the feet from which an upright body strides, and height of its pelvis.
STRIDE: Final = 0.25
UPRIGHT: Final = 0.75
#: Share of the pull of a pose in which the body already stands at its place.
STANDING_SHARE: Final = 0.5
#: Metres of a segment below which nobody walks it.
SHORT: Final = 0.3

_ARMS: Final = [joint for chain in CHAINS[3:] for joint in chain[1:]]
_TRUNK_AND_LEGS: Final = [joint for chain in CHAINS[:3] for joint in chain]


def pull_frames(pose: Array, before: Array) -> int:
    """Frames before a pose (22, 3) from which it pulls a body that was (22, 3) before.

    The legs of a stride do not count: a walk passes it.
    """
    apart = np.linalg.norm(_body(pose) - _body(before), axis=-1)
    return approach_frames(float((apart[_ARMS] if is_stride(pose) else apart).max()))


def standing_frames(pose: Array, before: Array) -> int:
    """Frames before a pose (22, 3) in which a body that was (22, 3) before is at its place.

    Who goes down or up arrives first; arms are raised on the way.
    """
    if is_stride(pose):
        return 0
    apart = np.linalg.norm(_body(pose) - _body(before), axis=-1)[_TRUNK_AND_LEGS].max()
    return round(STANDING_SHARE * (approach_frames(float(apart)) - PULL[0]))


def is_stride(pose: Array) -> bool:
    """Whether a pose (22, 3) is upright, with one foot before the other."""
    body = _body(pose)
    apart = float(np.ptp(body[[Joint.L_FOOT, Joint.R_FOOT], 2]))
    return apart > STRIDE and body[Joint.PELVIS, 1] > UPRIGHT


def approach_frames(farthest: float) -> int:
    """Frames that an approach takes, its farthest joint some metres away."""
    near, least, most = PULL
    if farthest < FAR:
        return near
    return min(max(round(farthest / APPROACH_SPEED * HUMANML3D.fps), least), most)


def _body(pose: Array) -> Array:
    """Joints (22, 3) with the pelvis over the origin at its height, facing +z."""
    return local_pose(pose.astype(np.float64)) + pose[0] * np.array([0, 1, 0])


def standing_pose() -> Array:
    """A body (22, 3) that stands with its arms hanging."""
    directions = DIRECTIONS.copy()
    arms = [Joint.L_ELBOW, Joint.L_WRIST, Joint.R_ELBOW, Joint.R_WRIST]
    directions[arms] = [0.0, -1.0, 0.0]
    body = build(directions, np.zeros(3))
    return body - body[:, 1].min() * np.array([0, 1, 0])


@dataclass(frozen=True)
class Segment:
    """The path from one placed pose to the next.

    Attributes:
        begin, end: its first frame, and the one in which the body is to be there.
        start, goal: places, see ``PoseTarget``.
    """

    begin: int
    end: int
    start: Place
    goal: Place

    @property
    def metres(self) -> float:
        """Its length as the crow flies."""
        return float(np.hypot(*np.subtract(self.goal, self.start)[:2]))

    @property
    def is_walked(self) -> bool:
        """Whether it is long enough to be walked."""
        return self.metres > SHORT

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector (2,), left and ahead; zero for no path."""
        return np.subtract(self.goal, self.start)[:2] / max(self.metres, 1e-9)

    def due(self, frame: float) -> NDArray[np.float64]:
        """Left and ahead (2,) where the body is due at a frame."""
        share = np.clip((frame - self.begin) / max(self.end - self.begin, 1), 0.0, 1.0)
        return np.add(self.start[:2], share * np.subtract(self.goal, self.start)[:2])
