"""What the measures look at: the curves of a motion, computed once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ext_models.motion.floor_metrics import TOES
from ext_models.motion.motion_metrics import local_pose
from motiongpt_blender.core.body.motion import check_joints, heading
from motiongpt_blender.core.body.skeleton import Joint

Array = NDArray[np.float64]

#: Seconds over which the path and the heading are smoothed, which removes the sway of steps.
_SWAY: Final = 0.2
#: Seconds over which limbs are smoothed before they are differentiated.
_JITTER: Final = 0.05
#: Seconds that are the end of a motion.
_END: Final = 0.3
_HIPS: Final = [Joint.L_HIP, Joint.R_HIP]
_KNEES: Final = [Joint.L_KNEE, Joint.R_KNEE]
#: Percentile of the lower toe's height that is the floor, which a motion may miss a little.
_FLOOR: Final = 5


@dataclass(frozen=True)
class BodyTracks:
    """Curves of a motion, one row a frame.

    Attributes:
        fps: frames a second.
        heading: (T,) radians, not wrapped, growing to the left.
        place: (T, 2) x, z of the pelvis, metres.
        velocity: (T, 2) m/s of the pelvis, to the body's left and ahead.
        height: (T, 22) metres above the floor.
        local: (T, 22, 3) joints relative to the pelvis, the heading removed: left, up, ahead.
        local_velocity: (T, 22, 3) m/s of these.
        world_speed: (T, 22) m/s of the joints over the floor.
    """

    fps: float
    heading: Array
    place: Array
    velocity: Array
    height: Array
    local: Array
    local_velocity: Array
    world_speed: Array

    @classmethod
    def of(cls, joints: NDArray[np.floating], fps: float) -> BodyTracks:
        """The curves of joints (T, 22, 3) in metres, y up; raises MotionError for others."""
        check_joints(np.asarray(joints, dtype=np.float32))
        frames = np.asarray(joints, dtype=np.float64)
        turned = _smooth(np.unwrap(heading(frames)), _SWAY * fps)
        place = frames[:, 0, [0, 2]]
        sine, cosine = np.sin(turned), np.cos(turned)
        x, z = _rate(_smooth(place, _SWAY * fps), fps).T
        local = np.asarray(local_pose(frames), dtype=np.float64)
        floor = np.percentile(frames[:, list(TOES), 1].min(axis=1), _FLOOR)
        steady = _smooth(frames[..., [0, 2]], _JITTER * fps)
        return cls(
            fps=fps,
            heading=turned,
            place=place,
            velocity=np.stack([cosine * x - sine * z, sine * x + cosine * z], axis=-1),
            height=frames[..., 1] - floor,
            local=local,
            local_velocity=_rate(_smooth(local, _JITTER * fps), fps),
            world_speed=np.linalg.norm(_rate(steady, fps), axis=-1),
        )

    def __len__(self) -> int:
        return len(self.heading)

    @property
    def seconds(self) -> float:
        """Length of the motion."""
        return len(self) / self.fps

    def window(self, start: int, stop: int) -> BodyTracks:
        """The frames from ``start`` up to ``stop``, without it."""
        curves = {f.name: getattr(self, f.name)[start:stop] for f in fields(self)[1:]}
        return BodyTracks(fps=self.fps, **curves)

    def turn(self) -> float:
        """Degrees turned to the left from the first frame to the last."""
        return float(np.degrees(self.heading[-1] - self.heading[0]))

    def displacement(self) -> Array:
        """Metres (2,) travelled to the body's left and ahead, however it turned."""
        return self.velocity.sum(axis=0) / self.fps

    def path(self) -> float:
        """Metres that the pelvis travelled."""
        return float(self.speed().sum() / self.fps)

    def speed(self) -> Array:
        """Speed (T,) of the pelvis over the floor, m/s."""
        return np.linalg.norm(self.velocity, axis=-1)

    def toes(self) -> Array:
        """Height (T,) of the lower toe in metres."""
        return self.height[:, list(TOES)].min(axis=1)

    def trunk(self) -> Array:
        """Vectors (T, 3) from the pelvis to the neck: left, up, ahead."""
        return self.local[:, Joint.NECK]

    def lean(self) -> Array:
        """Degrees (T,) of the trunk from the vertical, to any side."""
        trunk = self.trunk()
        return np.degrees(np.arctan2(np.hypot(trunk[:, 0], trunk[:, 2]), trunk[:, 1]))

    def thighs(self) -> Array:
        """Degrees (T, 2) of the left and the right thigh from hanging straight down."""
        thighs = self.local[:, _KNEES] - self.local[:, _HIPS]
        return np.degrees(np.arctan2(np.hypot(thighs[..., 0], thighs[..., 2]), -thighs[..., 1]))

    def chest_up(self) -> Array:
        """How much (T,) the chest faces up: 1 on the back, -1 on the front, 0 upright."""
        left = self.local[:, Joint.L_SHOULDER] - self.local[:, Joint.R_SHOULDER]
        front = np.cross(left, self.trunk())
        return front[:, 1] / np.maximum(np.linalg.norm(front, axis=-1), 1e-9)

    def knee(self) -> Array:
        """Height (T,) of the lower knee in metres."""
        return self.height[:, _KNEES].min(axis=1)

    def last(self, values: Array) -> float:
        """Mean of values (T,) at the end of the motion."""
        return float(values[-max(1, round(_END * self.fps)) :].mean())


def _smooth(values: Array, frames: float) -> Array:
    return gaussian_filter1d(values, frames, axis=0, mode="nearest")


def _rate(values: Array, fps: float) -> Array:
    if len(values) < 2:
        return np.zeros_like(values)
    return np.gradient(values, axis=0) * fps
