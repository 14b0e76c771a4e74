"""A finished motion bent through one more pose: exact there, as it was beyond a reach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..body.rotations import Array, angle_between, normalise
from ..pose_constraints.correction import correct_rotations
from ..pose_constraints.residuals import residual_curve
from ..pose_constraints.rig_pose import RigPose, pose_at
from ..rig.rig_description import RigMotion

#: A key that stands out is this many times farther from its neighbours' curve than any other ...
_STANDS_OUT: Final = 2.0
#: ... and this far at least: radians, and metres of the model.
_LEAST_ANGLE: Final = 0.002
_LEAST_METRES: Final = 0.001
#: Frames on either side of a frame that its own key may have changed.
_NEAR: Final = 3


@dataclass(frozen=True)
class Fade:
    """How a change at one frame fades.

    Attributes:
        frame: index of the frame.
        reach: seconds on either side from which on nothing changes.
        fixed: indices of frames that stay as they are, their speed too: where the take joins
            other animation, or closes a loop.
    """

    frame: int
    reach: float
    fixed: tuple[int, ...] = ()

    def curve(self, change: Array, count: int, fps: float) -> Array:
        """A change (C,) of the frame faded over a motion: (T, C)."""
        frames = sorted({self.frame, *self.fixed})
        values = np.zeros((len(frames), len(change)))
        values[frames.index(self.frame)] = change
        return residual_curve(frames, values, count, max(self.reach * fps, 1.0))


def fit_pose(motion: RigMotion, pose: RigPose, fade: Fade) -> RigMotion:
    """The motion through a pose: exactly there, unchanged beyond the reach.

    Unlike a marked pose before generation, the pose moves no other part of the path.

    Args:
        motion: a finished motion.
        pose: all controls, and where the root is.
        fade: the pose's frame, and how its difference fades.
    """
    frame, poses = fade.frame, {f: pose_at(motion, f) for f in fade.fixed}
    poses = dict(sorted({**poses, frame: pose}.items()))
    rotations = correct_rotations(motion, poses, max(fade.reach * motion.fps, 1.0))
    for name, q in pose.rotations.items():
        if name in rotations:
            exact = normalise(np.array(q))
            own = rotations[name].copy()
            own[frame] = exact if exact @ own[frame] >= 0 else -exact
            rotations[name] = own
    target = np.array(pose.root_location)
    away = fade.curve(target - motion.locations[frame], len(motion), motion.fps)
    locations = motion.locations + away
    locations[frame] = target
    return replace(motion, rotations=rotations, locations=locations)


def without_own_key(motion: RigMotion, frame: int) -> RigMotion:
    """The motion as it was before the animator keyed the pose at a frame, among dense keys.

    Such a key stands out from the curve of its neighbours; what does not stays.

    Args:
        motion: as its curves play it.
        frame: index of the frame.
    """
    if len(motion) < 2 * _NEAR + 3:
        return motion
    rotations = dict(motion.rotations)
    for name, q in motion.rotations.items():
        expected = normalise(_from_neighbours(q, frame))
        if _stands_out(angle_between(q, expected), frame, _LEAST_ANGLE):
            own = q.copy()
            own[frame] = expected[frame]
            rotations[name] = own
    locations, expected = motion.locations, _from_neighbours(motion.locations, frame)
    away = np.linalg.norm(locations - expected, axis=-1)
    if _stands_out(away, frame, _LEAST_METRES * motion.scale):
        locations = locations.copy()
        locations[frame] = expected[frame]
    return replace(motion, rotations=rotations, locations=locations)


def _stands_out(away: Array, frame: int, least: float) -> bool:
    """Whether a frame is much farther from its neighbours' curve than all others (T,)."""
    others = np.abs(np.arange(len(away)) - frame) > _NEAR
    return bool(away[frame] > max(_STANDS_OUT * float(away[others].max()), least))


def _from_neighbours(values: Array, frame: int) -> Array:
    """Values (T, C) as the two frames on either side of each tell; near an end, on one side.

    The side is chosen for ``frame``, and is the same for all, so that they compare.
    """
    last = len(values) - 1
    if frame < 2:
        return 2 * _shifted(values, 1) - _shifted(values, 2)
    if frame > last - 2:
        return 2 * _shifted(values, -1) - _shifted(values, -2)
    near = _shifted(values, -1) + _shifted(values, 1)
    far = _shifted(values, -2) + _shifted(values, 2)
    out = (4 * near - far) / 6
    out[:2], out[-2:] = values[:2], values[-2:]
    return out


def _shifted(values: Array, by: int) -> Array:
    """Each frame's value (T, C) some frames later, the ends' held."""
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]
