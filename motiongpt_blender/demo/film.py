"""Frames rendered one after the other into PNG files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import bpy
import numpy as np

from ..core.body.rotations import Array

#: Seconds that the moving picture may take; on a slow machine it gets fewer frames.
BUDGET: Final = 75.0
#: Scene frames from one picture to the next.
STEPS: Final = (2, 3, 4)


def shoot(frame: int, folder: Path) -> Path:
    """Render one frame of the scene."""
    scene = bpy.context.scene
    scene.frame_set(frame)
    path = folder / f"{frame:05}.png"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return path


def shoot_all(
    frames: Sequence[int], folder: Path, progress: Callable[[float, str], None]
) -> dict[int, Path]:
    """Render these frames; returns the pictures by frame."""
    taken: dict[int, Path] = {}
    began = time.perf_counter()
    for frame in frames:
        taken[frame] = shoot(frame, folder)
        spent = time.perf_counter() - began
        left = spent / len(taken) * (len(frames) - len(taken))
        progress(
            len(taken) / len(frames), f"picture {len(taken)} of {len(frames)}, {left:.0f} s left"
        )
    return taken


def film_frames(frames: range, must: Sequence[int], seconds_each: float) -> list[int]:
    """Frames of the moving picture, as many as the time allows, ``must`` among them.

    Args:
        frames: the motion's frames.
        must: frames that have to be shown: the marked poses.
        seconds_each: time that one picture takes here.
    """
    step = next((s for s in STEPS if len(frames) / s * seconds_each <= BUDGET), STEPS[-1])
    chosen = list(frames[::step])
    for frame in must:
        nearest = min(range(len(chosen)), key=lambda k: abs(chosen[k] - frame))
        chosen[nearest] = frame
    return sorted(set(chosen))


def lively_frames(joints: Array, first: int, per_frame: float, count: int) -> list[int]:
    """``count`` scene frames, half by time and half by movement: a jump is not missed.

    Args:
        joints: (T, 22, 3) metres, at the model's rate.
        first: scene frame of the first of them.
        per_frame: scene frames from one of them to the next.
        count: pictures wanted.
    """
    body = joints - joints[:, :1] * np.array([1.0, 0.0, 1.0])
    step = np.linalg.norm(np.diff(body, axis=0), axis=-1).mean(-1)
    step = step / max(float(step.mean()), 1e-9) + 1.0
    passed = np.concatenate([[0.0], np.cumsum(step)])
    at = np.interp(np.linspace(0, passed[-1], count), passed, np.arange(len(joints)))
    return sorted({first + round(float(t) * per_frame) for t in at})


def sheet_frames(frames: Sequence[int], must: Sequence[int], count: int) -> list[int]:
    """``count`` of these frames, evenly over time, ``must`` among them."""
    span = frames[-1] - frames[0]
    count = min(count, len(frames))
    even = [frames[0] + span * k / max(count - 1, 1) for k in range(count)]
    chosen = [min(frames, key=lambda f: abs(f - wanted)) for wanted in even]
    for frame in must:
        free = [k for k in range(count) if chosen[k] not in must]
        if frame not in chosen and free:
            chosen[min(free, key=lambda k: abs(chosen[k] - frame))] = frame
    return sorted(set(chosen))
