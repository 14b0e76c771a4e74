"""Training a text-motion model on captioned motion.

The loss is InfoNCE in both directions: in a batch, each caption should be most similar to its
own motion, and each motion to its own caption. Pairs of other clips that match as well, because
the clips share a label or a caption, are masked out instead of counted as negatives.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ext_models.datasets.examples import Example, data_hash
from ext_models.language.plain_text import plain_text
from ext_models.readers.sentence_reader import CachedReader, SentenceReader, load_reader
from ext_models.training.log import TrainingLog, Validation
from ext_models.training.settings import TrainerSettings
from ext_models.training.trainer import Trainer, TrainingData

from .clips import (
    TrainingClip,
    clip_label,
    concatenate,
    feature_statistics,
    matching_pairs,
    training_clips,
)
from .model import TextMotionModel, load, pad, save
from .network import STRIDE, TextMotionConfig, TextMotionError, TextMotionNetwork
from .retrieval import draw_pools, r_precision
from .text_vocabulary import TextVocabulary

Array = NDArray[np.float32]

#: The largest pool of captions that compete, as published.
POOL = 32
#: Fewer labels among the held-out clips say nothing about when to stop.
MIN_LABELS = 4
#: A batch is split into so many parts, each padded to its own length.
GROUPS = 3
#: The finished network's folder in the run's folder.
BEST = "best"
#: Name of the training, and of its checkpoint.
NAME = "evaluator"
CHECKPOINT = f"{NAME}.pt"
#: The validation's metrics: R-precision of the first 1, 2 and 3 captions.
R_PRECISION = ("R-precision 1", "R-precision 2", "R-precision 3")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextMotionTraining(TrainerSettings):
    """Settings of an evaluator's or a reranker's training.

    Attributes:
        join_share: share of clips that are two in a row, with captions to match.
        word_dropout: share of words that are read by their spelling only.
        meaning_alone: share of captions that only the sentence reader reads, where there is one.
        noise: standard deviation of the noise on normalised features.
        margin: how much farther than its own motion a wrong one should lie; 0 asks for none.
    """

    steps: int = 6000
    minutes: float = 20.0
    batch: int = 64
    learning_rate: float = 6e-4
    validate_every: int = 200
    patience: int = 12
    save_every: int = 200
    keep: Literal["best", "last"] = "best"
    join_share: float = 0.2
    word_dropout: float = 0.1
    meaning_alone: float = 0.3
    noise: float = 0.05
    margin: float = 0.0


def train_text_motion(
    config: TextMotionConfig,
    settings: TextMotionTraining,
    examples: Sequence[Example],
    run: Path,
    *,
    seed: int,
    device: str = "cpu",
) -> TextMotionModel:
    """Train on the ``train`` split and its mirror images; keep the best model on ``val``.

    A stopped training resumes from ``run``. The examples may hold clips made of two others. The
    same seed gives the same model on one machine where steps end the training; with ``minutes``
    the learning rate follows the clock.

    Raises:
        TextMotionError: when fewer than two clips have different captions.
    """
    torch.manual_seed(seed)
    clips = training_clips([e for e in examples if e.split == "train"], config)
    if len({clip.captions for clip in clips}) < 2:
        raise TextMotionError(
            "an evaluator learns from clips with different captions; the train split has fewer "
            "than two such clips."
        )
    words = (c for clip in clips for c in clip.captions)
    vocabulary = TextVocabulary.of(words, config.buckets, config.max_words)
    network = _new_network(config, vocabulary, clips).to(device)
    hashed = data_hash(examples)
    reader = CachedReader(load_reader(config.reader)) if config.reader else None
    data = TrainingData(
        lambda _: draw_batch(clips, settings, config.max_frames),
        lambda model, batch: contrastive_loss(model, vocabulary, batch, settings, reader),
        _validation([e for e in examples if e.split == "val" and e.captions], vocabulary, hashed),
    )
    trainer = Trainer(NAME, network, data, settings, run)
    notes = _notes(trainer.run(), trainer.schedule.step)
    save(TextMotionModel.of(network, vocabulary, hashed), run / BEST, notes)
    return load(run / BEST, device)


def _validation(
    held_out: Sequence[Example], vocabulary: TextVocabulary, data: str
) -> Callable[[TextMotionNetwork], Validation] | None:
    """Validation by retrieval on the held-out clips; None where these are too few."""
    if len({clip_label(e) for e in held_out}) < MIN_LABELS:
        logger.warning("Too few held-out clips to stop early by: the whole budget is used.")
        return None

    def validate(network: TextMotionNetwork) -> Validation:
        model = TextMotionModel.of(network, vocabulary, data)
        precision = retrieval(model, held_out, repeats=10).mean(axis=0).tolist()
        metrics: dict[str, float] = dict(zip(R_PRECISION, precision, strict=True))
        return Validation(1 - float(np.mean(precision)), metrics)

    return validate


def _notes(log: TrainingLog, steps: int) -> dict[str, Any]:
    """Notes of the card: the best step and its R-precision."""
    if not log.held_out:
        return {"step": steps, "quality": -1.0}
    step, metrics = log.at_best()
    precision = [metrics[name] for name in R_PRECISION]
    quality = float(np.mean(precision))
    return {"step": step, "quality": quality, "held_out_r_precision": precision}


def _new_network(
    config: TextMotionConfig, vocabulary: TextVocabulary, clips: Sequence[TrainingClip]
) -> TextMotionNetwork:
    network = TextMotionNetwork(config, vocabulary.rows)
    mean, std = feature_statistics(clips, config.rep)
    network.mean.copy_(torch.from_numpy(mean))
    network.std.copy_(torch.from_numpy(std))
    return network


def draw_batch(
    clips: Sequence[TrainingClip], settings: TextMotionTraining, max_frames: int
) -> list[TrainingClip]:
    """A random batch, each clip with one caption in front; some are two clips in a row."""
    batch = min(settings.batch, len(clips))
    rows = torch.randperm(len(clips))[:batch].tolist()
    seconds = torch.randint(len(clips), (batch,)).tolist()
    join = (torch.rand(batch) < settings.join_share).tolist()
    chosen: list[TrainingClip] = []
    for row, second, both in zip(rows, seconds, join, strict=True):
        clip = clips[row].with_caption(_random(len(clips[row].captions)))
        if both:
            after = clips[second].with_caption(_random(len(clips[second].captions)))
            clip = concatenate(clip, after, max_frames)
        start = _random(STRIDE) if len(clip.features) > 2 * STRIDE else 0
        chosen.append(clip.crop(start, max_frames))
    return chosen


def contrastive_loss(
    network: TextMotionNetwork,
    vocabulary: TextVocabulary,
    clips: Sequence[TrainingClip],
    settings: TextMotionTraining,
    reader: SentenceReader | None = None,
) -> Tensor:
    """InfoNCE of a batch of clips, each with its first caption."""
    device = network.mean.device
    motion = _embed_in_groups(network, clips, settings.noise)
    sentences = [clip.captions[0] for clip in clips]
    captions = vocabulary.batch(sentences, settings.word_dropout)
    if reader is not None:
        captions = replace(
            captions,
            sentences=torch.from_numpy(reader([plain_text(c) for c in sentences])),
            alone=torch.rand(len(clips)) < settings.meaning_alone,
        )
    text = network.embed_text(captions.to(device))
    other_matches = torch.from_numpy(matching_pairs(clips)).to(device)
    other_matches.fill_diagonal_(False)
    similarity = text @ motion.T
    # A scale above 100 would overfit the batch.
    logits = similarity * network.logit_scale.clamp(max=math.log(100)).exp()
    logits = logits.masked_fill(other_matches, -torch.inf)
    own = torch.arange(len(clips), device=device)
    loss = functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)
    return loss / 2 + (
        _margin(similarity, other_matches, settings.margin) if settings.margin else 0
    )


def _embed_in_groups(
    network: TextMotionNetwork, clips: Sequence[TrainingClip], noise: float
) -> Tensor:
    """Embed clips as (B, E) in groups of similar length, which need less padding."""
    device = network.mean.device
    order = sorted(range(len(clips)), key=lambda row: len(clips[row].features))
    size = math.ceil(len(order) / GROUPS)
    found: list[Tensor] = []
    for start in range(0, len(order), size):
        group = [clips[row].features.astype(np.float32) for row in order[start : start + size]]
        x, frames = (t.to(device) for t in pad(group))
        inside = (torch.arange(x.shape[1], device=device) < frames[:, None])[..., None]
        x = (x - network.mean) / network.std
        x = x + noise * torch.randn(x.shape).to(device)
        found.append(network.embed_motion(x * inside, frames))
    return torch.cat(found)[torch.tensor(order, device=device).argsort()]


def _margin(similarity: Tensor, other_matches: Tensor, margin: float) -> Tensor:
    """Triplet loss: the nearest other motion and caption should be farther by the margin."""
    distance = (2 - 2 * similarity).clamp(min=1e-8).sqrt()
    own = distance.diagonal()
    excluded = other_matches | torch.eye(len(own), dtype=torch.bool, device=own.device)
    wrong = distance.masked_fill(excluded, torch.inf)
    missing = [functional.relu(margin + own - wrong.amin(axis)) for axis in (0, 1)]
    return (missing[0] + missing[1]).mean() / 2


def retrieval(
    model: TextMotionModel,
    examples: Sequence[Example],
    *,
    pool: int = POOL,
    repeats: int = 20,
    seed: int = 0,
) -> NDArray[np.float64]:
    """R-precision top 1 to 3 (repeats, 3) of real motion, in pools of different labels.

    Args:
        model: embeds captions and clips.
        examples: captioned clips.
        pool: captions that compete; fewer where there are fewer labels.
        repeats: draws of one caption a clip and of the pools.
        seed: of the draws.
    """
    labels = [clip_label(e) for e in examples]
    pool = min(pool, len(set(labels)))
    motion = model.embed_motion([e.joints[: model.config.max_frames] for e in examples])
    text = model.embed_text([c for e in examples for c in e.captions])
    counts = np.array([len(e.captions) for e in examples])
    starts = np.cumsum(counts) - counts
    rng = np.random.default_rng(seed)
    scores = [
        r_precision(
            text[starts + rng.integers(counts)],
            motion,
            pools=draw_pools(labels, pool, seed=seed + repeat),
        )
        for repeat in range(repeats)
    ]
    return np.array(scores)


def _random(below: int) -> int:
    return int(torch.randint(below, ()))
