"""Captioned clips as codes, and batches of training sequences.

Clips are encoded once, in several true-to-caption variants: mirrored (with the
caption's sides swapped), a little slower and faster, and starting at each frame of a
code step. What is drawn from them is in ``tasks``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.datasets.layouts import Example, mirrored
from ext_models.motion import features
from ext_models.motion.planar import planar_poses
from ext_models.tokenizer.vqvae import VQVAE
from motiongpt_blender.core.body.motion import MODEL_FPS, resample

from .instructions import text_ids
from .soft_tokens import SoftTokens
from .vocabulary import TokenIds

#: Codes (S, L) of a motion, those of a pose in each step, and where these stand (S, 3).
Variant = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
#: Motions that were encoded before; None for those too short.
Seen = dict[bytes, Variant | None]


@dataclass(frozen=True)
class Encoded:
    """One variant of one clip.

    Attributes:
        captions: token ids of each caption.
        codes: (S, L) motion codes.
        poses: (S, L) codes of one single pose in each code step.
        stands: (S, 3) place and heading of these poses, as ``places.stands`` gives them.
        weight: how often it is drawn, beside the others.
        summary: (G,) what it is as a whole; empty where the pack knows none.
        meanings: ids of each caption's soft tokens; empty where the pack has no sentence reader.
        sentences: the captions as written.
        clip: id of the clip; a mirrored variant has that of its clip.
    """

    captions: tuple[tuple[int, ...], ...]
    codes: NDArray[np.int64]
    poses: NDArray[np.int64]
    stands: NDArray[np.float64]
    weight: float = 1.0
    summary: tuple[int, ...] = ()
    meanings: tuple[tuple[int, ...], ...] = ()
    sentences: tuple[str, ...] = ()
    clip: str = ""


class Pool:
    """Clips to draw from, each in proportion to its weight."""

    def __init__(self, clips: Sequence[Encoded]) -> None:
        self.clips = clips
        weights = torch.tensor([c.weight for c in clips], dtype=torch.float64)
        self._upto = weights.cumsum(0) / weights.sum()

    def pick(self) -> Encoded:
        """One clip."""
        at = int(torch.searchsorted(self._upto, torch.rand((), dtype=torch.float64)))
        return self.clips[min(at, len(self.clips) - 1)]


def label_weights(examples: Sequence[Example], balance: float) -> list[float]:
    """How often to draw each clip, so that labels of many clips do not drown the others.

    Args:
        examples: the clips; one without a label counts as a label of its own.
        balance: 0 draws all clips alike, 1 all labels alike.
    """
    labels = [e.label or e.id for e in examples]
    counts = Counter(labels)
    return [counts[label] ** -balance for label in labels]


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
    weights: Sequence[float] = (),
    summary: Callable[[NDArray[Any]], tuple[int, ...]] | None = None,
    seen: Seen | None = None,
    soft: SoftTokens | None = None,
) -> list[Encoded]:
    """Every variant of every example as codes; ``weights`` are those of ``label_weights``.

    ``text`` is the text tokenizer; None leaves the captions' token ids out. ``seen`` caches codes,
    so that trainings on one tokenizer encode a clip once. ``soft`` gives the captions' soft tokens.
    """
    seen, who = {} if seen is None else seen, _fingerprint(tokenizer, levels, max_steps)
    encoded: list[Encoded] = []
    bar = tqdm(examples, desc="encoding", unit="clip", leave=False)
    for example, weight in zip(bar, weights or [1.0] * len(examples), strict=True):
        for one in (example, mirrored(example)) if mirror else (example,):
            captions = tuple(tuple(text_ids(text, c)) for c in one.captions) if text else ()
            meanings = tuple(tuple(soft.ids(c)) for c in one.captions) if soft else ()
            for speed in speeds:
                joints = resample(one.joints, MODEL_FPS, MODEL_FPS / speed)
                for offset in offsets:
                    part = joints[offset:][: max_steps * tokenizer.config.stride + 1]
                    key = hashlib.blake2b(part.tobytes(), key=who, digest_size=16).digest()
                    if key not in seen:
                        seen[key] = _encode(part, tokenizer, levels, max_steps, key)
                    if (variant := seen[key]) is not None:
                        whole = summary(part) if summary else ()
                        encoded.append(
                            Encoded(
                                captions, *variant, weight, whole, meanings,
                                sentences=one.captions, clip=example.id,
                            )
                        )  # fmt: skip
    return encoded


def _fingerprint(tokenizer: VQVAE, levels: int, max_steps: int) -> bytes:
    """A hash of all that codes depend on besides the motion."""
    digest = hashlib.blake2b(f"{levels} {max_steps}".encode(), digest_size=32)
    for weights in tokenizer.state_dict().values():
        digest.update(weights.cpu().numpy().tobytes())
    return digest.digest()


def _encode(
    joints: NDArray[Any], tokenizer: VQVAE, levels: int, max_steps: int, key: bytes
) -> Variant | None:
    """Codes, codes of poses and where these stand; ``key`` seeds which frames are posed."""
    stride = tokenizer.config.stride
    if len(joints) < 2 * stride + 1:
        return None
    x = features.from_joints(joints, uniform=False, ground=False)
    device = tokenizer.mean.device
    codes = tokenizer.encode(torch.from_numpy(x)[None].to(device), levels)[0, :max_steps]
    # Any frame of a step may be the one that an animator marks.
    within = np.random.default_rng(list(key)).integers(stride, size=len(codes))
    frames = np.arange(len(codes)) * stride + within
    poses = tokenizer.encode_poses(joints[frames], levels)
    return codes.cpu().numpy(), poses, planar_poses(joints[frames])


def add_code_noise(batch: dict[str, torch.Tensor], ids: TokenIds, most: float) -> None:
    """Replace up to a share ``most`` of each answer's codes by others of their level, in place.

    The labels stay, so that the model learns to recover from wrong codes.
    """
    tokens = batch["input_ids"]
    rate = most * torch.rand(len(tokens), 1)
    chosen = (batch["labels"] != -100) & (torch.rand(tokens.shape) < rate)
    codes = ids.vocabulary.codes
    for first in ids.first_code:
        replaced = chosen & (tokens >= first) & (tokens < first + codes)
        tokens[replaced] = first + torch.randint(codes, (int(replaced.sum()),))


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
