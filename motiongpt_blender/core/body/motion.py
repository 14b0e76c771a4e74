"""A motion clip: joint positions over time, the currency between model and rig.

Positions are metres, y up, the floor at y = 0, facing +z at frame 0, +x the
person's left. Blender is z up and faces -y; the two functions at the end are the
only place where one becomes the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .rotations import Array, about_y, rotate
from .skeleton import JOINT_COUNT, Joint

MODEL_FPS = 20.0


class MotionError(ValueError):
    """A motion that cannot be used; the message is meant for the user."""


@dataclass(frozen=True)
class Origin:
    """Which model pack a motion comes from, and on what terms; all empty: none.

    Attributes:
        pack: name of the pack.
        licence: what the motion may be used for.
        credits: notices that travel with it.
    """

    pack: str = ""
    licence: str = ""
    credits: tuple[str, ...] = ()


@dataclass(frozen=True)
class MotionClip:
    """Joints over time, with what made them.

    Attributes:
        joints: (T, 22, 3) float32, metres, y up.
        fps: frames a second.
        tokens: the motion codes it was decoded from, if any.
        prompt: the sentence it answers.
        seed: the seed of the sampler.
        notes: sentences for the user.
        origin: the pack that made it; files made before packs were noted lack it.
    """

    joints: NDArray[np.float32]
    fps: float = MODEL_FPS
    tokens: tuple[int, ...] = ()
    prompt: str = ""
    seed: int = 0
    notes: tuple[str, ...] = field(default=())
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
        """Write ``clip.npz``: joints, fps, tokens, prompt, seed, and whose it is."""
        np.savez_compressed(
            path,
            joints=self.joints.astype(np.float32),
            fps=np.float32(self.fps),
            tokens=np.asarray(self.tokens, dtype=np.int32),
            prompt=np.asarray(self.prompt),
            seed=np.int64(self.seed),
            pack=np.asarray(self.origin.pack),
            licence=np.asarray(self.origin.licence),
            credits=np.asarray(self.origin.credits, dtype=np.str_),
        )

    @classmethod
    def load(cls, path: Path) -> MotionClip:
        """Read ``clip.npz``; raises MotionError naming the file and what is wrong."""
        try:
            with np.load(path, allow_pickle=False) as z:
                return cls(
                    joints=z["joints"].astype(np.float32),
                    fps=float(z["fps"]),
                    tokens=tuple(int(t) for t in z["tokens"]) if "tokens" in z else (),
                    prompt=str(z["prompt"]) if "prompt" in z else "",
                    seed=int(z["seed"]) if "seed" in z else 0,
                    origin=Origin(
                        str(z["pack"]) if "pack" in z else "",
                        str(z["licence"]) if "licence" in z else "",
                        tuple(str(c) for c in z["credits"]) if "credits" in z else (),
                    ),
                )
        except FileNotFoundError:
            raise MotionError(f"{path}: there is no such file.") from None
        except MotionError as error:
            raise MotionError(f"{path}: {error}") from None
        except Exception as error:
            raise MotionError(f"{path}: this is not a motion clip ({error}).") from None


def check_joints(joints: NDArray[np.float32]) -> None:
    """Raise MotionError unless joints is a finite (T, 22, 3) array with T >= 1."""
    if joints.ndim != 3 or joints.shape[1:] != (JOINT_COUNT, 3) or len(joints) == 0:
        raise MotionError(
            f"a motion is an array (frames, {JOINT_COUNT}, 3); this one is {joints.shape}."
        )
    bad = ~np.isfinite(joints).all(axis=(1, 2))
    if bad.any():
        raise MotionError(f"frame {int(np.argmax(bad))} holds a number that is not finite.")


def across(joints: Array) -> Array:
    """Unit vectors (..., 3) from the person's right to left, level with the floor."""
    v = (
        joints[..., Joint.L_HIP, :] - joints[..., Joint.R_HIP, :]
        + joints[..., Joint.L_SHOULDER, :] - joints[..., Joint.R_SHOULDER, :]
    )  # fmt: skip
    v = v * np.array([1.0, 0.0, 1.0])
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def heading(joints: Array) -> Array:
    """Heading angle in radians (...,) of the body: 0 faces +z, growing to the left."""
    left = across(joints)
    return np.arctan2(-left[..., 2], left[..., 0])


def place_at_origin(joints: Array) -> Array:
    """The same motion with its first frame's pelvis over the origin, facing +z.

    Args:
        joints: (T, 22, 3) metres, y up.
    """
    moved = joints - joints[:1, :1] * np.array([1.0, 0.0, 1.0])
    turn = about_y(-heading(moved[0]))
    return rotate(np.broadcast_to(turn, (*moved.shape[:-1], 4)), moved)


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
