"""A trained text-motion model: it embeds captions and motions, and lies in one folder.

The folder holds ``text_motion.json`` (sizes, words, hash of the training data) and
``text_motion.safetensors``; nothing is ever unpickled. Embeddings of different models cannot be
compared, so ``TextMotionModel.name`` names the data and the weights, and
``evaluation.tables.Table`` refuses to mix names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ext_models import packs
from ext_models.language.plain_text import plain_text
from ext_models.motion import features, representations
from ext_models.readers.sentence_reader import CachedReader, SentenceReader, load_reader
from motiongpt_blender.core.bounded_files import MB, read_json

from .network import (
    CONTACTS,
    MIN_FRAMES,
    STRIDE,
    TextMotionConfig,
    TextMotionError,
    TextMotionNetwork,
)
from .text_vocabulary import TextVocabulary

Array = NDArray[np.float32]

FORMAT_VERSION: Final = 2
CARD: Final = "text_motion.json"
WEIGHTS: Final = "text_motion.safetensors"
#: The largest card that is read, with its words.
CARD_LIMIT: Final = 64 * MB
#: Clips or captions in one batch.
BATCH: Final = 64


@dataclass(frozen=True)
class TextMotionModel:
    """A trained text-motion model.

    Attributes:
        network: in evaluation mode.
        vocabulary: the words of its training captions.
        data_hash: hash of the clips and captions that it was trained on (``data_hash``).
        weights_hash: hash of the network and the vocabulary.
        reader: reads captions as a whole; None without one.
    """

    network: TextMotionNetwork
    vocabulary: TextVocabulary
    data_hash: str
    weights_hash: str
    reader: SentenceReader | None = None

    @classmethod
    def of(
        cls, network: TextMotionNetwork, vocabulary: TextVocabulary, data_hash: str
    ) -> TextMotionModel:
        """A trained network in evaluation mode, with the hash of its weights."""
        name = network.config.reader
        reader = CachedReader(load_reader(name)) if name else None
        hashed = _weights_hash(network, vocabulary)
        return cls(network.eval(), vocabulary, data_hash, hashed, reader)

    @property
    def name(self) -> str:
        """Names the data and the weights: numbers of models of one name can be compared."""
        return f"{self.data_hash[:8]}-{self.weights_hash[:8]}"

    @property
    def config(self) -> TextMotionConfig:
        """The sizes of the network."""
        return self.network.config

    @torch.no_grad()
    def embed_motion(self, joints: Sequence[Array]) -> Array:
        """Embed clips (T, 22, 3) in metres, each of its own length, as (N, E).

        Raises:
            TextMotionError: naming the clip that is too short or too long.
            MotionError: for wrong joint counts and numbers that are not finite.
        """
        device = self.network.mean.device
        found = [np.zeros((0, self.config.embedding_dim), dtype=np.float32)]
        for start in range(0, len(joints), BATCH):
            x, frames = pad(self._features(joints[start : start + BATCH], start))
            found.append(self.network.embed_motion(x.to(device), frames.to(device)).cpu().numpy())
        return np.concatenate(found)

    @torch.no_grad()
    def embed_text(self, captions: Sequence[str]) -> Array:
        """Embed captions as (N, E).

        Where a reader reads them, one with an unknown word is embedded by its meaning alone.
        """
        device = self.network.mean.device
        found = [np.zeros((0, self.config.embedding_dim), dtype=np.float32)]
        for start in range(0, len(captions), BATCH):
            part = captions[start : start + BATCH]
            batch = self.vocabulary.batch(part)
            if self.reader is not None:
                sentences = torch.from_numpy(self.reader([plain_text(c) for c in part]))
                batch = replace(batch, sentences=sentences, alone=batch.unknown)
            found.append(self.network.embed_text(batch.to(device)).cpu().numpy())
        return np.concatenate(found)

    def _features(self, clips: Sequence[Array], first: int) -> list[Array]:
        """Normalised features (T', C) of clips, whose first has a number; those alike at once."""
        for number, clip in enumerate(clips, first):
            if not MIN_FRAMES <= len(clip) <= self.config.max_frames:
                raise TextMotionError(
                    f"clip {number} has {len(clip)} frames; this model reads clips of "
                    f"{MIN_FRAMES} to {self.config.max_frames}."
                )
        mean, std = (t.cpu().numpy() for t in (self.network.mean, self.network.std))
        alike = len({clip.shape for clip in clips}) == 1
        every = [np.stack(clips)] if alike else clips
        found = [(clip_features(clip, self.config.rep) - mean) / std for clip in every]
        return [one.astype(np.float32) for one in (found[0] if alike else found)]


def save(model: TextMotionModel, folder: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write a model; ``notes`` (JSON) say how it was trained and how good it is."""
    folder.mkdir(parents=True, exist_ok=True)
    body = {
        "format_version": FORMAT_VERSION,
        "name": model.name,
        "data": model.data_hash,
        "weights": model.weights_hash,
        "config": asdict(model.config),
        "notes": dict(notes or {}),
        "words": list(model.vocabulary.words),
    }
    state = {k: v.cpu().contiguous() for k, v in model.network.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    text = json.dumps(body, indent=1, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def load(folder: Path, device: str = "cpu") -> TextMotionModel:
    """Read a model.

    Raises:
        TextMotionError: naming the file that is missing, damaged or of another model.
    """
    card, weights = folder / CARD, folder / WEIGHTS
    for path in (card, weights):
        if not path.is_file():
            raise TextMotionError(
                f"{path} is missing: {folder} should hold an evaluator, as train-evaluator "
                "writes it."
            )
    body = read_card(folder)
    try:
        config = TextMotionConfig(**body["config"])
        vocabulary = TextVocabulary(tuple(body["words"]), config.buckets, config.max_words)
        network = TextMotionNetwork(config, vocabulary.rows)
    except (KeyError, TypeError, ValueError) as error:
        raise TextMotionError(f"{card} does not describe a text-motion model ({error}).") from None
    try:
        state = load_file(weights)
        network.load_state_dict(state)
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise TextMotionError(f"{weights} is damaged or of another size ({reason}).") from None
    packs.check_finite(weights, state.values())
    model = TextMotionModel.of(network.requires_grad_(False), vocabulary, str(body["data"]))
    if model.weights_hash != body["weights"]:
        raise TextMotionError(
            f"{weights} does not belong to {card.name} beside it: copy both from one training."
        )
    model.network.to(device)
    return model


def read_card(folder: Path) -> dict[str, Any]:
    """The contents of ``text_motion.json``; raises TextMotionError naming the file."""
    path = packs.require(folder / CARD)
    try:
        body = read_json(path, CARD_LIMIT)
        version = body["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise TextMotionError(f"{path} does not describe a text-motion model ({error}).") from None
    if version != FORMAT_VERSION:
        raise TextMotionError(
            f"{path}: format_version {version} is not known; this version reads {FORMAT_VERSION}."
        )
    return body


def _weights_hash(network: TextMotionNetwork, vocabulary: TextVocabulary) -> str:
    total = hashlib.sha256()
    total.update(json.dumps([asdict(network.config), list(vocabulary.words)]).encode())
    for name, tensor in sorted(network.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().numpy().astype("<f4").tobytes())
    return total.hexdigest()[:16]


def clip_features(joints: Array, rep: representations.Representation) -> Array:
    """Features (..., T', C) of clips (..., T, 22, 3), T' a multiple of four, without contacts.

    The clip keeps its floor and its bone lengths: hovering and stretching should cost.
    """
    x = features.from_joints(joints, rep, uniform=False, ground=False)
    return x[..., : x.shape[-2] // STRIDE * STRIDE, :-CONTACTS]


def pad(clips: Sequence[Array]) -> tuple[Tensor, Tensor]:
    """Clips (T', C) as one batch (B, T, C) padded with zeros, and their lengths (B,)."""
    frames = torch.tensor([len(clip) for clip in clips])
    x = torch.zeros(len(clips), int(frames.max()), clips[0].shape[1])
    for row, clip in enumerate(clips):
        x[row, : len(clip)] = torch.from_numpy(clip)
    return x, frames
