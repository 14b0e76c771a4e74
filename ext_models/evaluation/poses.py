"""Pose consistency: how near a motion comes to the poses it was asked to pass through.

The paper's Recon and Vel (poses as distances of joints, in cm and cm a frame), measured
at the asked frame and before the final correction on the rig.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.motion import features
from ext_models.motion.datasets import Example
from ext_models.motion_pipeline import MotionPipeline, silent
from ext_models.pipelines import GenerationRequest, PoseCondition

from .metrics import local_pose, pose_recon, pose_velocity, skating_ratio

Array = NDArray[np.floating]

KEYS = 3


@dataclass(frozen=True)
class PoseScore:
    """Means over clips, with the 95 % interval's half width behind each.

    Attributes:
        asked: which poses are looked at: initial, last or keys.
        given: whether the model was given them, or the text only.
        recon: cm.
        velocity: cm a frame.
        clips: how many.
    """

    asked: str
    given: bool
    recon: tuple[float, float]
    velocity: tuple[float, float]
    clips: int


@dataclass(frozen=True)
class PoseReport:
    """All scores; the floor is what the tokenizer alone makes of the same poses, in cm."""

    scores: tuple[PoseScore, ...]
    floor: float
    skating: float
    real_skating: float


def evaluate_poses(
    pipeline: MotionPipeline, examples: Sequence[Example], *, seed: int = 0
) -> PoseReport:
    """Ask for every clip by its first caption, without and with its own poses."""
    rows: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    floor: list[float] = []
    skating: list[tuple[float, float]] = []
    for index, example in enumerate(tqdm(examples, desc="poses", unit="clip")):
        joints = example.joints[: pipeline.manifest.max_frames]
        asked = asked_frames(len(joints), seed + index)
        text_only = _generate(pipeline, example, joints, (), seed + index)
        skating.append((skating_ratio(text_only), skating_ratio(joints)))
        floor += _floor(pipeline, joints[sorted({f for fs in asked.values() for f in fs})])
        for name, frames in asked.items():
            given = _generate(pipeline, example, joints, frames, seed + index)
            for flag, motion in ((False, text_only), (True, given)):
                rows.setdefault((name, flag), []).append(_score(motion, joints, frames))
    scores = tuple(_summary(name, flag, values) for (name, flag), values in rows.items())
    generated, real = np.mean(skating, axis=0)
    return PoseReport(scores, float(np.mean(floor)), float(generated), float(real))


def asked_frames(count: int, seed: int) -> dict[str, tuple[int, ...]]:
    """The frames that each task asks for, in a clip of so many frames."""
    inner = np.random.default_rng(seed).choice(np.arange(1, count - 1), KEYS, replace=False)
    return {
        "initial": (0,),
        "last": (count - 1,),
        "keys": tuple(int(f) for f in sorted(inner)),
    }


def _generate(
    pipeline: MotionPipeline,
    example: Example,
    joints: NDArray[np.float32],
    frames: tuple[int, ...],
    seed: int,
) -> NDArray[np.float32]:
    request = GenerationRequest(
        prompt=example.captions[0],
        frames=len(joints),
        poses=tuple(PoseCondition(f, joints[f]) for f in frames),
        seed=seed,
    )
    return pipeline.generate(request, *silent()).clips[0].joints


def _score(motion: Array, real: Array, frames: Sequence[int]) -> tuple[float, float]:
    recon = [pose_recon(motion[f], real[f]) for f in frames]
    pairs = [(max(f - 1, 0), max(f - 1, 0) + 1) for f in frames]
    velocity = [pose_velocity(motion[list(p)], real[list(p)]) for p in pairs]
    return float(np.mean(recon)), float(np.mean(velocity))


def _floor(pipeline: MotionPipeline, poses: NDArray[np.float32]) -> list[float]:
    codes = pipeline.tokenizer.encode_poses(poses)[:, : pipeline.manifest.levels]
    again = pipeline.tokenizer.decode_poses(codes)
    truth = features.to_joints(features.from_poses(poses)[:, None])[:, 0]
    distance = np.linalg.norm(local_pose(again) - local_pose(truth), axis=-1).mean(-1)
    return (100 * distance).tolist()


def _summary(name: str, given: bool, values: list[tuple[float, float]]) -> PoseScore:
    mean = np.mean(values, axis=0)
    half = 1.96 * np.std(values, axis=0) / np.sqrt(len(values))
    recon, velocity = ((float(m), float(h)) for m, h in zip(mean, half, strict=True))
    return PoseScore(name, given, recon, velocity, len(values))
