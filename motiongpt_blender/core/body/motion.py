"""A motion clip: joint positions over time, which the model gives and the rig takes.

Positions are in metres, y up, the floor at y = 0; a body at the origin faces +z, and +x is
its left. Blender is z up and a character faces -y there: only the two functions at the end
convert between both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..bounded_arrays import read_arrays
from ..bounded_files import MB, FileError
from ..translation import tr
from .rotations import LEVEL, Array, about_y, rotate
from .skeleton import JOINT_COUNT, Joint

MODEL_FPS = 20.0
#: The largest clip that is read, unpacked: some hours at 20 frames a second.
CLIP_LIMIT: Final = 256 * MB


class MotionError(ValueError):
    """A motion that cannot be used; the message is meant for the user."""


@dataclass(frozen=True)
class Origin:
    """The model pack that a motion comes from, and its terms; all empty where there is none.

    Attributes:
        pack: name of the pack.
        licence: what the motion may be used for.
        credits: notices to publish with it.
    """

    pack: str = ""
    licence: str = ""
    credits: tuple[str, ...] = ()


@dataclass(frozen=True)
class MotionClip:
    """Joint positions over time, and where they come from.

    Attributes:
        joints: (T, 22, 3) float32, metres, y up.
        fps: frames a second.
        tokens: the motion codes it was decoded from, if any.
        prompt: the sentence it was generated from.
        seed: the seed of the sampler.
        checks: what was measured of the prompt's demands, one sentence each.
        origin: the pack that made it.
    """

    joints: NDArray[np.float32]
    fps: float = MODEL_FPS
    tokens: tuple[int, ...] = ()
    prompt: str = ""
    seed: int = 0
    checks: tuple[str, ...] = ()
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        check_joints(self.joints)

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def seconds(self) -> float:
        """Time from the first to the last frame."""
        return (len(self) - 1) / self.fps

    def save(self, path: Path) -> None:
        """Write ``clip.npz``: joints, fps, tokens, prompt, seed, checks and origin."""
        np.savez_compressed(
            path,
            joints=self.joints.astype(np.float32),
            fps=np.float32(self.fps),
            tokens=np.asarray(self.tokens, dtype=np.int32),
            prompt=np.asarray(self.prompt),
            seed=np.int64(self.seed),
            checks=np.asarray(self.checks, dtype=np.str_),
            pack=np.asarray(self.origin.pack),
            licence=np.asarray(self.origin.licence),
            credits=np.asarray(self.origin.credits, dtype=np.str_),
        )

    @classmethod
    def load(cls, path: Path) -> MotionClip:
        """Read ``clip.npz``; raises MotionError naming the file and what is wrong."""
        try:
            z = read_arrays(path, CLIP_LIMIT)
            if z["joints"].dtype.kind not in "fiu":
                raise MotionError("joints must be an array of real numbers.")
            return cls(
                joints=z["joints"].astype(np.float32),
                fps=float(z["fps"]),
                tokens=tuple(int(t) for t in z["tokens"]) if "tokens" in z else (),
                prompt=str(z["prompt"]) if "prompt" in z else "",
                seed=int(z["seed"]) if "seed" in z else 0,
                checks=tuple(str(c) for c in z["checks"]) if "checks" in z else (),
                origin=Origin(
                    str(z["pack"]) if "pack" in z else "",
                    str(z["licence"]) if "licence" in z else "",
                    tuple(str(c) for c in z["credits"]) if "credits" in z else (),
                ),
            )
        except FileNotFoundError:
            raise MotionError(tr("{path}: there is no such file.", path=path)) from None
        except FileError as error:
            raise MotionError(
                tr("{path}: this is not a motion clip: it {error}.", path=path, error=error)
            ) from None
        except MotionError as error:
            raise MotionError(f"{path}: {error}") from None
        except Exception as error:
            raise MotionError(
                tr("{path}: this is not a motion clip ({error}).", path=path, error=error)
            ) from None


def check_joints(joints: NDArray[np.float32]) -> None:
    """Raise MotionError unless joints is a finite (T, 22, 3) array with T >= 1."""
    if joints.ndim != 3 or joints.shape[1:] != (JOINT_COUNT, 3) or len(joints) == 0:
        raise MotionError(
            tr(
                "a motion is an array (frames, {joint_count}, 3); this one is {shape}.",
                joint_count=JOINT_COUNT,
                shape=joints.shape,
            )
        )
    bad = ~np.isfinite(joints).all(axis=(1, 2))
    if bad.any():
        raise MotionError(
            tr("frame {frame} holds a number that is not finite.", frame=int(np.argmax(bad)))
        )


def across(joints: Array) -> Array:
    """Unit vectors (..., 3) from the body's right to its left, level with the floor."""
    hips = joints[..., Joint.L_HIP, :] - joints[..., Joint.R_HIP, :]
    shoulders = joints[..., Joint.L_SHOULDER, :] - joints[..., Joint.R_SHOULDER, :]
    v = (hips + shoulders) * LEVEL
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def heading(joints: Array) -> Array:
    """Heading angle in radians (...,) of bodies (..., 22, 3): 0 faces +z, growing to the left."""
    left = across(joints)
    return np.arctan2(-left[..., 2], left[..., 0])


def remove_heading(joints: Array, vectors: Array) -> Array:
    """Vectors (..., N, 3) rotated about the vertical as bodies (..., 22, 3) are to face +z."""
    return rotate(about_y(-heading(joints))[..., None, :], vectors)


def local_pose(joints: Array) -> Array:
    """Bodies (..., 22, 3) with the pelvis at the origin and the heading removed."""
    return remove_heading(joints, joints - joints[..., :1, :])


def place_at_origin(joints: Array) -> Array:
    """The motion (T, 22, 3) with its first frame's pelvis over the origin, facing +z."""
    return remove_heading(joints[0], joints - joints[:1, :1] * LEVEL)


def resample(joints: Array, fps: float, to_fps: float) -> Array:
    """Joints (T, 22, 3) at another frame rate, linear in time, same start and end."""
    if len(joints) == 1 or fps == to_fps:
        return joints
    last = (len(joints) - 1) / fps
    times = np.arange(round(last * to_fps) + 1) / to_fps
    source = np.minimum(times * fps, len(joints) - 1)
    low = np.minimum(source.astype(int), len(joints) - 2)
    t = (source - low)[:, None, None]
    return joints[low] * (1 - t) + joints[low + 1] * t


def to_blender(points: Array) -> Array:
    """Points or directions (..., 3) from y up, facing +z, to z up, facing -y."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, -z, y], axis=-1)


def from_blender(points: Array) -> Array:
    """Points or directions (..., 3) from z up, facing -y, to y up, facing +z."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, z, -y], axis=-1)
