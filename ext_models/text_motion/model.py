"""An evaluator: text and motion in one space, where a caption lies near its motion.

It stands in for the one of Guo et al. 2022 where that is not there. A folder holds
``evaluator.json`` (sizes, words, hash of the data) and ``evaluator.safetensors``;
nothing is ever unpickled.

Numbers of different evaluators cannot be compared. ``Evaluator.name`` therefore names
the data and the weights, and ``report.Table`` refuses to mix names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ext_models import packs
from ext_models.datasets.examples import Example
from ext_models.motion import features, representations

from .network import (
    CONTACTS,
    SHORTEST,
    STRIDE,
    TextMotionConfig,
    TextMotionError,
    TextMotionNetwork,
)
from .text_vocabulary import Vocabulary

__all__ = [
    "TextMotionConfig", "TextMotionError", "TextMotionModel", "clip_features", "data_hash",
    "finished",
    "load", "pad", "read_card", "save",
]  # fmt: skip

Array = NDArray[np.float32]

FORMAT_VERSION: Final = 1
CARD: Final = "evaluator.json"
WEIGHTS: Final = "evaluator.safetensors"
#: Clips or captions that are embedded at once.
AT_ONCE: Final = 64


@dataclass(frozen=True)
class TextMotionModel:
    """A trained evaluator.

    Attributes:
        network: in evaluation mode.
        vocabulary: the words it has read.
        data: hash of the clips and captions that it was trained on (``data_hash``).
        weights: hash of the network and the vocabulary.
    """

    network: TextMotionNetwork
    vocabulary: Vocabulary
    data: str
    weights: str

    @property
    def name(self) -> str:
        """Says which numbers can be compared: those measured by evaluators of one name."""
        return f"{self.data[:8]}-{self.weights[:8]}"

    @property
    def config(self) -> TextMotionConfig:
        """Its sizes."""
        return self.network.config

    @torch.no_grad()
    def embed_motion(self, joints: Sequence[Array]) -> Array:
        """Points (N, E) of clips (T, 22, 3) in metres, each of its own length.

        Raises:
            EvaluatorError: naming the clip that is too short or too long.
            MotionError: for wrong joint counts and numbers that are not finite.
        """
        device = self.network.mean.device
        points = [np.zeros((0, self.config.space), dtype=np.float32)]
        for start in range(0, len(joints), AT_ONCE):
            chunk = joints[start : start + AT_ONCE]
            clips = [self._features(clip, start + k) for k, clip in enumerate(chunk)]
            x, frames = pad(clips)
            points.append(self.network.embed_motion(x.to(device), frames.to(device)).cpu().numpy())
        return np.concatenate(points)

    @torch.no_grad()
    def embed_text(self, captions: Sequence[str]) -> Array:
        """Points (N, E) of captions."""
        device = self.network.mean.device
        points = [np.zeros((0, self.config.space), dtype=np.float32)]
        for start in range(0, len(captions), AT_ONCE):
            batch = self.vocabulary.batch(captions[start : start + AT_ONCE])
            points.append(self.network.embed_text(batch.to(device)).cpu().numpy())
        return np.concatenate(points)

    def _features(self, joints: Array, index: int) -> Array:
        if not SHORTEST <= len(joints) <= self.config.max_frames:
            raise TextMotionError(
                f"clip {index} has {len(joints)} frames; this evaluator judges clips of "
                f"{SHORTEST} to {self.config.max_frames}."
            )
        mean, std = (t.cpu().numpy() for t in (self.network.mean, self.network.std))
        x = (clip_features(joints, self.config.rep) - mean) / std
        return x.astype(np.float32)


def data_hash(examples: Sequence[Example]) -> str:
    """Names a data set: the same clips, captions and splits give the same 16 digits.

    The order of the clips does not count, and positions count to a tenth of a
    millimetre, so that the rounding of the half millimetres in a data folder does not.
    """
    total = hashlib.sha256()
    for example in sorted(examples, key=lambda e: (e.id, e.split)):
        said = [example.id, example.split, example.label, *example.captions]
        total.update(json.dumps(said).encode())
        tenths = np.rint(np.asarray(example.joints, dtype=np.float64) * 1e4)
        total.update(tenths.astype("<i4").tobytes())
    return total.hexdigest()[:16]


def finished(network: TextMotionNetwork, vocabulary: Vocabulary, data: str) -> TextMotionModel:
    """A network that has been trained, ready to measure."""
    return TextMotionModel(network.eval(), vocabulary, data, _weights_hash(network, vocabulary))


def save(evaluator: TextMotionModel, folder: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write an evaluator; ``notes`` (JSON) say how it was trained and how good it is."""
    folder.mkdir(parents=True, exist_ok=True)
    body = {
        "format_version": FORMAT_VERSION,
        "name": evaluator.name,
        "data": evaluator.data,
        "weights": evaluator.weights,
        "config": asdict(evaluator.config),
        "notes": dict(notes or {}),
        "words": list(evaluator.vocabulary.words),
    }
    state = {k: v.cpu().contiguous() for k, v in evaluator.network.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    text = json.dumps(body, indent=1, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def load(folder: Path, device: str = "cpu") -> TextMotionModel:
    """Read an evaluator.

    Raises:
        EvaluatorError: naming the file, when one is missing, damaged or of another.
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
        vocabulary = Vocabulary(tuple(body["words"]), config.buckets, config.max_words)
        network = TextMotionNetwork(config, vocabulary.rows)
    except (KeyError, TypeError, ValueError) as error:
        raise TextMotionError(f"{card} does not describe an evaluator ({error}).") from None
    try:
        network.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise TextMotionError(f"{weights} is damaged or of another size ({reason}).") from None
    evaluator = finished(network.requires_grad_(False), vocabulary, str(body["data"]))
    if evaluator.weights != body["weights"]:
        raise TextMotionError(
            f"{weights} does not belong to {card.name} beside it: copy both from one training."
        )
    evaluator.network.to(device)
    return evaluator


def read_card(folder: Path) -> dict[str, Any]:
    """The contents of ``evaluator.json``; raises EvaluatorError naming the file."""
    path = packs.require(folder / CARD)
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        version = body["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise TextMotionError(f"{path} does not describe an evaluator ({error}).") from None
    if version != FORMAT_VERSION:
        raise TextMotionError(
            f"{path}: format_version {version} is not known; this version reads {FORMAT_VERSION}."
        )
    return body


def _weights_hash(network: TextMotionNetwork, vocabulary: Vocabulary) -> str:
    total = hashlib.sha256()
    total.update(json.dumps([asdict(network.config), list(vocabulary.words)]).encode())
    for name, tensor in sorted(network.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().numpy().astype("<f4").tobytes())
    return total.hexdigest()[:16]


def clip_features(joints: Array, rep: representations.Representation) -> Array:
    """Features (T', C) of a clip, T' a multiple of four, without contacts.

    The clip keeps its floor and its bones: hovering and stretching should cost.
    """
    x = features.from_joints(joints, rep, uniform=False, ground=False)
    return x[: len(x) // STRIDE * STRIDE, :-CONTACTS]


def pad(clips: Sequence[Array]) -> tuple[Tensor, Tensor]:
    """Clips (T', C) as one batch (B, T, C) with zeros behind, and their lengths (B,)."""
    frames = torch.tensor([len(clip) for clip in clips])
    x = torch.zeros(len(clips), int(frames.max()), clips[0].shape[1])
    for row, clip in enumerate(clips):
        x[row, : len(clip)] = torch.from_numpy(clip)
    return x, frames
