"""Training of the tokenizer and its reconstruction report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ext_models.motion import features
from ext_models.motion.datasets import Example, mirrored
from ext_models.training import Checkpoint, Schedule

from .vqvae import VQVAE, TokenizerConfig

Array = NDArray[np.float32]

#: Channels of the local joint positions, which the loss stresses.
POSITIONS = slice(4, 67)


@dataclass(frozen=True)
class TokenizerTraining:
    """Settings of a tokenizer's training.

    Attributes:
        steps, minutes: the budget; whichever ends first.
        batch: windows a step.
        window: frames a window.
        learning_rate: of AdamW, at its highest.
        held: share of windows that hold one pose still, so that single poses have codes.
        save_every: steps between checkpoints.
    """

    steps: int = 20000
    minutes: float = 20.0
    batch: int = 48
    window: int = 64
    learning_rate: float = 4e-4
    held: float = 0.12
    save_every: int = 500


@dataclass(frozen=True)
class Report:
    """Reconstruction of held-out clips; lengths in millimetres.

    Attributes:
        clips: how many.
        root_relative: mean joint error with the pelvis put in place.
        in_place: mean joint error in the world.
        single_pose: mean joint error of poses encoded alone, heading removed.
        codes_used: share of each level's codes that the clips use.
    """

    clips: int
    root_relative: float
    in_place: float
    single_pose: float
    codes_used: tuple[float, ...]


def clip_features(example: Example) -> Array:
    """Features (T - 1, 263) of a clip that already has the pack's skeleton and floor."""
    return features.from_joints(example.joints, uniform=False, ground=False)


def train_tokenizer(
    config: TokenizerConfig,
    settings: TokenizerTraining,
    examples: Sequence[Example],
    run: Path,
    *,
    seed: int,
    device: str = "cpu",
) -> VQVAE:
    """Train on the ``train`` split, mirrored too; resumes from ``run`` when it was stopped."""
    torch.manual_seed(seed)
    train = [e for e in examples if e.split == "train"]
    train = [*train, *map(mirrored, train)]
    data = [clip_features(e) for e in train]
    poses = _held_poses(train)
    model = VQVAE(config)
    mean, std = statistics(data)
    model.mean.copy_(torch.from_numpy(mean))
    model.std.copy_(torch.from_numpy(std))
    model = model.to(device).train()
    windows = Windows(data, poses, mean, std, settings)
    optimizer = torch.optim.AdamW(model.parameters(), settings.learning_rate, (0.9, 0.99))
    schedule = Schedule("tokenizer", settings.steps, settings.minutes)
    checkpoint = Checkpoint(run / "tokenizer.pt")
    checkpoint.resume(model, optimizer, schedule)
    for step, bar in schedule:
        x, mask = (t.to(device) for t in windows.draw())
        loss, parts = reconstruction_loss(model, x, mask)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * schedule.rate
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            bar.set_postfix_str(f"step {step} loss {parts:.4f}")
        if step % settings.save_every == settings.save_every - 1:
            checkpoint.save(model, optimizer, schedule)
    checkpoint.save(model, optimizer, schedule)
    return model.eval()


def reconstruction_loss(model: VQVAE, x: Tensor, mask: Tensor) -> tuple[Tensor, float]:
    """Loss of normalised windows x (B, T, C) where mask (B, T, 1) is 1."""
    y, _, commitment = model(x)
    weight = mask / mask.sum()
    error = functional.smooth_l1_loss(y, x, reduction="none") * weight
    recon = error.mean(-1).sum()
    positions = error[..., POSITIONS].mean(-1).sum()
    # Differences in time keep the decoded motion from trembling.
    steps = functional.smooth_l1_loss(y.diff(dim=1), x.diff(dim=1), reduction="none")
    tremble = (steps * weight[:, 1:]).mean(-1).sum()
    return recon + 0.5 * positions + 0.5 * tremble + 0.02 * commitment, float(recon.detach())


def statistics(data: Sequence[Array]) -> tuple[Array, Array]:
    """Mean and standard deviation (C,) of features, one deviation a kind of channel.

    As published: channels of one kind share their mean deviation, and the root's four
    count five times as much.
    """
    stacked = np.concatenate(data)
    mean, std = stacked.mean(0), stacked.std(0)
    groups = np.split(np.arange(stacked.shape[1]), [1, 3, 4, 67, 193, 259])
    for k, group in enumerate(groups):
        std[group] = max(float(std[group].mean()), 1e-4) / (5 if k < 3 else 1)
    return mean.astype(np.float32), std.astype(np.float32)


class Windows:
    """Random windows of motion, some of them a single pose held still."""

    def __init__(
        self,
        data: Sequence[Array],
        poses: Array,
        mean: Array,
        std: Array,
        settings: TokenizerTraining,
    ) -> None:
        self.data = [(d - mean) / std for d in data]
        self.poses = (poses - mean) / std
        self.settings = settings
        lengths = np.array([len(d) for d in data], dtype=np.float64)
        self.weights = torch.from_numpy(lengths / lengths.sum())

    def draw(self) -> tuple[Tensor, Tensor]:
        """A batch: windows (B, T, C) and masks (B, T, 1)."""
        batch, size = self.settings.batch, self.settings.window
        x = np.zeros((batch, size, self.poses.shape[1]), dtype=np.float32)
        mask = np.ones((batch, size, 1), dtype=np.float32)
        clips = torch.multinomial(self.weights, batch, replacement=True).tolist()
        held = (torch.rand(batch) < self.settings.held).tolist()
        for row in range(batch):
            if held[row]:
                x[row] = self.poses[int(torch.randint(len(self.poses), ()))]
                continue
            clip = self.data[clips[row]]
            start = int(torch.randint(max(1, len(clip) - size + 1), ()))
            piece = clip[start : start + size]
            x[row, : len(piece)] = piece
            x[row, len(piece) :] = piece[-1]
            mask[row, len(piece) :] = 0
        return torch.from_numpy(x), torch.from_numpy(mask)


def _held_poses(examples: Sequence[Example]) -> Array:
    return features.from_poses(np.concatenate([e.joints[::4] for e in examples]))


@torch.no_grad()
def report(model: VQVAE, examples: Sequence[Example], levels: int | None = None) -> Report:
    """Reconstruct clips through their codes, with all levels or the first few."""
    levels = levels or model.config.levels
    used: list[set[int]] = [set() for _ in range(levels)]
    relative, world, single = [], [], []
    device = model.mean.device
    for example in examples:
        x = clip_features(example)
        codes = model.encode(torch.from_numpy(x)[None].to(device))[..., :levels]
        for level in range(levels):
            used[level].update(codes[0, :, level].tolist())
        decoded = features.to_joints(model.decode(codes)[0].cpu().numpy())
        truth = features.to_joints(x)[: len(decoded)]
        world.append(_error(decoded, truth))
        relative.append(_error(decoded - decoded[:, :1], truth - truth[:, :1]))
        poses = example.joints[::8]
        again = model.decode_poses(model.encode_poses(poses)[:, :levels])
        facing = features.to_joints(features.from_poses(poses)[:, None])[:, 0]
        single.append(_error(again, facing))
    share = tuple(len(u) / model.config.codes for u in used)
    return Report(len(examples), _mm(relative), _mm(world), _mm(single), share)


def _error(a: Array, b: Array) -> Array:
    return np.linalg.norm(a - b, axis=-1).mean(-1)


def _mm(errors: Sequence[Array]) -> float:
    return float(1000 * np.concatenate(errors).mean())


def from_recipe(recipe: dict[str, Any]) -> tuple[TokenizerConfig, TokenizerTraining]:
    """The two settings objects of a recipe's ``[tokenizer]`` table."""
    table = dict(recipe["tokenizer"])
    training = TokenizerTraining(**table.pop("training", {}))
    table["dilations"] = tuple(table.get("dilations", (1, 1)))
    return TokenizerConfig(**table), training
