"""Training clips of a text-motion model: features with captions, mirrored and concatenated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.datasets.examples import Example
from ext_models.datasets.mirroring import mirrored
from ext_models.datasets.sentences import then_caption
from ext_models.motion.representations import Representation
from motiongpt_blender.core.mirroring import mirror_sentence

from .model import clip_features
from .network import CONTACTS, STRIDE, TextMotionConfig, TextMotionError

Array = NDArray[np.floating]


@dataclass(frozen=True)
class TrainingClip:
    """One clip to learn from.

    Attributes:
        features: (T, C), not normalised; half precision, so that large sets fit.
        captions: each describes the clip.
        label: the clip's label in the data set, or its first caption.
    """

    features: NDArray[np.float16]
    captions: tuple[str, ...]
    label: str

    def with_caption(self, index: int) -> TrainingClip:
        """The same clip with another caption in front."""
        first = self.captions[index]
        return replace(self, captions=(first, *(c for c in self.captions if c != first)))

    def crop(self, start: int, longest: int) -> TrainingClip:
        """The same clip from a frame on, in whole steps and not too long."""
        frames = min(longest - 1, len(self.features) - start) // STRIDE * STRIDE
        return replace(self, features=self.features[start : start + frames])


def training_clips(examples: Sequence[Example], config: TextMotionConfig) -> list[TrainingClip]:
    """Training clips and their mirror images; clips too short for one step are left out.

    Raises:
        TextMotionError: when the clips are of other features than the evaluator reads.
    """
    clips: list[TrainingClip] = []
    for example in tqdm(examples, desc="features", unit="clip", leave=False):
        if example.representation != config.representation:
            raise TextMotionError(
                f"the evaluator reads {config.representation} and {example.id} is "
                f"{example.representation}: set representation in [evaluator] of the recipe."
            )
        if len(example.joints) <= STRIDE or not example.captions:
            continue
        for one in (example, mirrored(example)):
            x = clip_features(one.joints[: config.max_frames], config.rep)
            clips.append(TrainingClip(x.astype(np.float16), one.captions, clip_label(one)))
    return clips


def clip_label(example: Example) -> str:
    """The label of a clip, its sides swapped in a mirror image; or its first caption."""
    label = example.label or example.captions[0]
    is_mirrored = example.id.endswith("~mirrored") and bool(example.label)
    return mirror_sentence(label) if is_mirrored else label


def feature_statistics(clips: Sequence[TrainingClip], rep: Representation) -> tuple[Array, Array]:
    """Mean and standard deviation (C,) of features, one deviation a kind of channel.

    Bones of constant length leave channels that hardly vary; a deviation of their own would
    amplify their noise.
    """
    count = sum(len(c.features) for c in clips)
    mean = sum(c.features.sum(0, dtype=np.float64) for c in clips) / count
    square = sum(((c.features - mean) ** 2).sum(0) for c in clips) / count
    std = np.sqrt(square)
    inner = rep.joints - 1
    bounds = np.cumsum([1, 2, 1, 3 * inner, 6 * inner])
    groups = np.split(np.arange(rep.width - CONTACTS), bounds)
    for group in groups:
        std[group] = max(float(std[group].mean()), 1e-4)
    return np.asarray(mean, dtype=np.float32), std.astype(np.float32)


def concatenate(first: TrainingClip, second: TrainingClip, longest: int) -> TrainingClip:
    """Two clips in a row, so that compositions are learnt too.

    Features are relative to the body, so the second motion continues where the first one ends.
    """
    if len(first.features) + len(second.features) >= longest:
        return first
    features = np.concatenate([first.features, second.features])
    label = f"{first.label}, then {second.label}"
    return TrainingClip(features, (then_caption(first.captions[0], second.captions[0]),), label)


def matching_pairs(clips: Sequence[TrainingClip]) -> NDArray[np.bool_]:
    """Whether the first caption of a clip (row) describes another's motion (column), (B, B).

    It does where both clips have one label, or where the other has the same caption.
    """
    _, label = np.unique([clip.label for clip in clips], return_inverse=True)
    fits = label[:, None] == label
    columns: dict[str, list[int]] = defaultdict(list)
    for column, clip in enumerate(clips):
        for caption in clip.captions:
            columns[caption].append(column)
    for row, clip in enumerate(clips):
        fits[row, columns[clip.captions[0]]] = True
    return fits
