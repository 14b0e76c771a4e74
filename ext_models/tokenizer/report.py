"""Reconstruction of held-out motion by a tokenizer: measures, a table, a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ext_models.datasets.layouts import Example
from ext_models.motion import features, representations
from ext_models.motion.floor_metrics import skating_ratio, support_foot_speeds
from ext_models.packs import PackError
from motiongpt_blender.core.body.skeleton import PARENTS

from .vqvae import VQVAE

Array = NDArray[np.float32]

HEAD: Final = (
    "| tokenizer | bits a second | root-relative MPJPE | global MPJPE "
    "| single pose | support foot | sliding toes | jerk | codes used |",
    "|---|---|---|---|---|---|---|---|---|",
)
#: Poses of a strip, and metres between them.
POSES: Final = 9
APART: Final = 0.75


@dataclass(frozen=True, kw_only=True)
class MotionErrors:
    """How decoded clips differ from the real ones; lengths in millimetres.

    Attributes:
        root_relative: mean joint error with the pelvis put in place (MPJPE).
        in_place: mean joint error in the world (global MPJPE).
        support_foot: mean ground speed of the support foot in cm/s, of the real clips too.
        skating: share of frames in which a toe near the floor slides; of the real clips too.
        jerk: mean jerk of the joints over that of the real clips.
    """

    root_relative: float
    in_place: float
    support_foot: tuple[float, float]
    skating: tuple[float, float]
    jerk: float


@dataclass(frozen=True, kw_only=True)
class Report(MotionErrors):
    """Reconstruction of held-out clips; lengths in millimetres.

    Attributes:
        clips: how many.
        bits: information in a second of codes.
        single_pose: mean joint error of poses encoded alone, heading removed.
        codes_used: share of each level's codes in use, counted over enough clips to need them.
    """

    clips: int
    bits: float
    single_pose: float
    codes_used: tuple[float, ...]

    def row(self, name: str) -> str:
        """One line of the table."""
        used = ", ".join(f"{share:.0%}" for share in self.codes_used)
        return (
            f"| {name} | {self.bits:.0f} | {self.root_relative:.1f} mm | {self.in_place:.0f} mm "
            f"| {self.single_pose:.1f} mm "
            f"| {self.support_foot[0]:.1f} cm/s (real {self.support_foot[1]:.1f}) "
            f"| {self.skating[0]:.1%} (real {self.skating[1]:.1%}) "
            f"| {self.jerk:.2f} x | {used} |"
        )


def clip_features(example: Example) -> Array:
    """Features (T - 1, 263) of a clip that already has the pack's skeleton and floor."""
    return features.from_joints(example.joints, uniform=False, ground=False)


@torch.no_grad()
def report(
    model: VQVAE,
    examples: Sequence[Example],
    levels: int | None = None,
    used: Sequence[float] | None = None,
) -> Report:
    """Reconstruct clips through their codes.

    Args:
        model: the tokenizer.
        examples: clips that it has not learnt from.
        levels: so many of its levels; all by default.
        used: ``codes_used`` of more clips, where ``examples`` are too few to need all codes; of
            the same clips by default.
    """
    levels = levels or model.config.levels
    pairs, single = list[tuple[Array, Array]](), list[Array]()
    for example in examples:
        truth, decoded, _ = reconstruct(model, example, levels)
        pairs.append((truth, decoded))
        poses = example.joints[::8]
        again = model.decode_poses(model.encode_poses(poses, levels))
        facing = features.to_joints(features.from_poses(poses)[:, None])[:, 0]
        single.append(_error(again, facing))
    fps = representations.HUMANML3D.fps
    return Report(
        **vars(motion_errors(pairs)),
        clips=len(examples),
        bits=levels * np.log2(model.config.codes) * fps / model.config.stride,
        single_pose=_mm(single),
        codes_used=tuple(used or codes_used(model, examples))[:levels],
    )


def motion_errors(pairs: Iterable[tuple[Array, Array]]) -> MotionErrors:
    """Measure clips (T, 22, 3): pairs of the real joints and the decoded ones."""
    relative, world, sliding, jerks = [], [], [], []
    feet: tuple[list[Array], list[Array]] = ([], [])
    for truth, decoded in pairs:
        world.append(_error(decoded, truth))
        relative.append(_error(decoded - decoded[:, :1], truth - truth[:, :1]))
        sliding.append((skating_ratio(decoded), skating_ratio(truth)))
        for speeds, joints in zip(feet, (decoded, truth), strict=True):
            speeds.append(support_foot_speeds(joints))
        jerks.append((_jerk(decoded), _jerk(truth)))
    slides, shakes = np.mean(sliding, axis=0), np.mean(jerks, axis=0)
    return MotionErrors(
        root_relative=_mm(relative),
        in_place=_mm(world),
        support_foot=(_cm(feet[0]), _cm(feet[1])),
        skating=(float(slides[0]), float(slides[1])),
        jerk=float(shakes[0] / shakes[1]),
    )


@torch.no_grad()
def codes_used(model: VQVAE, examples: Sequence[Example]) -> tuple[float, ...]:
    """Share of each level's codes that the clips use at least once."""
    parts = [
        model.encode(torch.from_numpy(clip_features(e))[None].to(model.mean.device))[0]
        for e in examples
    ]
    codes = torch.cat(parts)
    return tuple(len(level.unique()) / model.config.codes for level in codes.T)


@torch.no_grad()
def reconstruct(
    model: VQVAE, example: Example, levels: int
) -> tuple[Array, Array, NDArray[np.int64]]:
    """True and decoded joints (T, 22, 3), and the codes (S, L) between them."""
    x = clip_features(example)
    codes = model.encode(torch.from_numpy(x)[None].to(model.mean.device), levels)
    decoded = features.to_joints(model.decode(codes)[0].cpu().numpy())
    return features.to_joints(x)[: len(decoded)], decoded, codes[0].cpu().numpy()


def _error(a: Array, b: Array) -> Array:
    return np.linalg.norm(a - b, axis=-1).mean(-1)


def _jerk(joints: Array) -> float:
    return float(np.linalg.norm(np.diff(joints, 3, axis=0), axis=-1).mean())


def _cm(speeds: Sequence[Array]) -> float:
    """Mean of speeds in cm/s; 0 where no toe ever stands."""
    every = np.concatenate(speeds)
    return float(100 * every.mean()) if len(every) else 0.0


def _mm(errors: Sequence[Array]) -> float:
    return float(1000 * np.concatenate(errors).mean())


def strips(model: VQVAE, examples: Sequence[Example], levels: int, path: Path) -> None:
    """A picture: poses of each clip in grey, and over them what came back, in colour.

    Raises:
        PackError: when matplotlib is not there.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise PackError(f"{path} needs matplotlib: install it into this environment.") from None
    figure = Figure(figsize=(12, 1.9 * len(examples)), dpi=80, layout="constrained")
    for axes, example in zip(
        np.atleast_1d(figure.subplots(len(examples), 1)), examples, strict=True
    ):
        truth, decoded, _ = reconstruct(model, example, levels)
        for place, frame in enumerate(np.linspace(0, len(truth) - 1, POSES).astype(int)):
            # Seen from the side and a little from the front, each pose over its own pelvis.
            across = 0.8 * truth[frame, 0, 2] + 0.6 * truth[frame, 0, 0] - APART * place
            for joints, colour, width in (
                (truth[frame], "0.65", 3.2),
                (decoded[frame], "#c2410c", 1.2),
            ):
                flat = 0.8 * joints[:, 2] + 0.6 * joints[:, 0] - across
                for joint, parent in enumerate(PARENTS[1:], 1):
                    pair = [joint, parent]
                    axes.plot(flat[pair], joints[pair, 1], color=colour, lw=width)
        axes.set_title(example.captions[0], loc="left", fontsize=9)
        axes.set_aspect("equal")
        axes.set_axis_off()
    FigureCanvasAgg(figure).print_png(path)
