"""Training sequences: captioned clips as codes, drawn anew each time.

Clips are encoded once, in several true-to-caption variants: mirrored (with the
caption's sides swapped), a little slower and faster, and starting at each frame of a
code step. What is drawn from them, caption, task and poses, is random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.motion import features
from ext_models.motion.datasets import Example, mirrored
from ext_models.tokenizer.vqvae import VQVAE
from motiongpt_blender.core.motion import MODEL_FPS, resample

from .instructions import PoseCode, answer, instruction, text_ids
from .vocabulary import TokenIds


@dataclass(frozen=True)
class Encoded:
    """One variant of one clip.

    Attributes:
        captions: token ids of each caption.
        codes: (S, L) motion codes.
        poses: (S, L) codes of one single pose in each code step.
    """

    captions: tuple[tuple[int, ...], ...]
    codes: NDArray[np.int64]
    poses: NDArray[np.int64]


@dataclass(frozen=True)
class TaskMix:
    """How often each task is drawn; what is left over is text + key poses.

    Attributes:
        text: text only.
        initial: text and the first pose.
        last: text and the last pose.
        max_keys: most key poses of the remaining task.
        untold: share of instructions without their caption, from which guidance starts.
        forget: share of a caption's tokens that are left out, so that no wording is learnt by rote.
        corrupt: highest share of an answer's codes that the model reads as others, so that it
            learns to go on from its own mistakes.
    """

    text: float = 0.4
    initial: float = 0.15
    last: float = 0.15
    max_keys: int = 5
    untold: float = 0.0
    forget: float = 0.0
    corrupt: float = 0.0


def encode_examples(
    examples: Sequence[Example],
    tokenizer: VQVAE,
    text: Any,
    *,
    levels: int,
    max_steps: int,
    speeds: Sequence[float] = (1.0,),
    offsets: Sequence[int] = (0,),
    mirror: bool = False,
) -> list[Encoded]:
    """Every variant of every example as codes."""
    encoded: list[Encoded] = []
    for example in tqdm(examples, desc="encoding", unit="clip", leave=False):
        for one in (example, mirrored(example)) if mirror else (example,):
            captions = tuple(tuple(text_ids(text, c)) for c in one.captions)
            for speed in speeds:
                joints = resample(one.joints, MODEL_FPS, MODEL_FPS / speed)
                for offset in offsets:
                    variant = _encode(joints[offset:], tokenizer, levels, max_steps)
                    if variant is not None:
                        encoded.append(Encoded(captions, *variant))
    return encoded


def _encode(
    joints: NDArray[Any], tokenizer: VQVAE, levels: int, max_steps: int
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    stride = tokenizer.config.stride
    if len(joints) < 2 * stride + 1:
        return None
    x = features.from_joints(joints, uniform=False, ground=False)
    device = tokenizer.mean.device
    codes = tokenizer.encode(torch.from_numpy(x)[None].to(device))[0, :max_steps, :levels]
    # Any frame of a step may be the one that an animator marks.
    within = torch.randint(stride, (len(codes),)).numpy()
    frames = np.arange(len(codes)) * stride + within
    poses = tokenizer.encode_poses(joints[frames])[:, :levels]
    return codes.cpu().numpy(), poses


def draw_instruction(one: Encoded, mix: TaskMix, ids: TokenIds) -> tuple[list[int], list[int]]:
    """Token ids of a random instruction for a clip, and of its answer."""
    caption = _draw_caption(one, mix)
    steps = _draw_steps(len(one.codes), mix)
    poses = [PoseCode(s, tuple(one.poses[s].tolist())) for s in steps]
    return instruction(caption, len(one.codes), poses, ids), answer(one.codes.tolist(), ids)


def _draw_caption(one: Encoded, mix: TaskMix) -> list[int]:
    if float(torch.rand(())) < mix.untold:
        return []
    caption = one.captions[int(torch.randint(len(one.captions), ()))]
    kept = (torch.rand(len(caption)) >= mix.forget).tolist()
    return [token for token, keep in zip(caption, kept, strict=True) if keep]


def corrupted(batch: dict[str, torch.Tensor], ids: TokenIds, most: float) -> None:
    """Replace up to a share ``most`` of each answer's codes by others of their level, in place.

    The labels stay: what the model should have written is not what it reads.
    """
    tokens = batch["input_ids"]
    rate = most * torch.rand(len(tokens), 1)
    chosen = (batch["labels"] != -100) & (torch.rand(tokens.shape) < rate)
    codes = ids.vocabulary.codes
    for first in ids.first_code:
        here = chosen & (tokens >= first) & (tokens < first + codes)
        tokens[here] = first + torch.randint(codes, (int(here.sum()),))


def _draw_steps(count: int, mix: TaskMix) -> list[int]:
    which = float(torch.rand(()))
    if which < mix.text:
        return []
    if which < mix.text + mix.initial:
        return [0]
    if which < mix.text + mix.initial + mix.last:
        return [count - 1]
    wanted = int(torch.randint(1, mix.max_keys + 1, ()))
    return sorted(torch.randperm(count)[:wanted].tolist())


def batch_of(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad: int
) -> dict[str, torch.Tensor]:
    """Input ids, mask and labels (B, N) of (instruction, answer) pairs.

    The loss covers the answer only; padding is masked and has no label.
    """
    longest = max(len(a) + len(b) for a, b in pairs)
    ids = torch.full((len(pairs), longest), pad)
    labels = torch.full((len(pairs), longest), -100)
    mask = torch.zeros((len(pairs), longest), dtype=torch.long)
    for row, (prompt, reply) in enumerate(pairs):
        end = len(prompt) + len(reply)
        ids[row, :end] = torch.tensor([*prompt, *reply])
        labels[row, len(prompt) : end] = ids[row, len(prompt) : end]
        mask[row, :end] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
