"""The datastore of a pack: its training motions as codes, found by the meaning of their captions.

A small model learns what thousands of clips have in common; what two or three clips show, such as
jumping jacks, it forgets. So a pack with a sentence reader keeps the codes of its training clips,
and generation looks the nearest ones up, as a language model with nearest neighbours does
(Khandelwal et al., "Generalization through Memorization", 2020): see ``generation.neighbours``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ext_models.datasets.layouts import Example
from ext_models.packs import MANIFEST, PackError, PackManifest
from ext_models.readers.sentence_reader import SentenceReader, load_reader
from ext_models.tokenizer.clip_summary import ClipSummary
from ext_models.tokenizer.vqvae import load_tokenizer

from .corpus import Encoded, encode_examples
from .vocabulary import MotionVocabulary

#: The file in a pack.
DATASTORE: Final = "datastore.safetensors"


@dataclass(frozen=True)
class Datastore:
    """Motions, one behind the other.

    Attributes:
        vectors: (N, E) mean of the vectors of a motion's captions, of unit length.
        clips: (N,) number of the clip; a mirrored motion has that of its clip.
        summaries: (N, G) summary tokens.
        lengths: (N,) code steps.
        codes: (sum of lengths, L) codes of all motions.
    """

    vectors: NDArray[np.float32]
    clips: NDArray[np.int64]
    summaries: NDArray[np.int64]
    lengths: NDArray[np.int64]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, motions: Sequence[Encoded], reader: SentenceReader) -> Datastore:
        """The datastore of some captioned motions; one at least."""
        sentences = sorted({sentence for motion in motions for sentence in motion.sentences})
        row = {sentence: k for k, sentence in enumerate(sentences)}
        read = reader(sentences)
        means = np.stack([read[[row[s] for s in one.sentences]].mean(0) for one in motions])
        number: dict[str, int] = {}
        return cls(
            _unit(means),
            np.array([number.setdefault(one.clip, len(number)) for one in motions]),
            np.array([one.summary for one in motions]),
            np.array([len(one.codes) for one in motions]),
            np.concatenate([one.codes for one in motions]),
        )

    def of_motion(self, k: int) -> NDArray[np.int64]:
        """Codes (S, L) of a motion."""
        end = int(self.lengths[: k + 1].sum())
        return self.codes[end - int(self.lengths[k]) : end]

    def save(self, folder: Path) -> None:
        """Write the datastore into a pack's folder, a byte for each number of a vector."""
        arrays = {
            "vectors": np.rint(127 * self.vectors).astype(np.int8),
            "clips": self.clips.astype(np.int32),
            "summaries": self.summaries.astype(np.int16),
            "lengths": self.lengths.astype(np.int32),
            "codes": self.codes.astype(np.int16),
        }
        save_file(arrays, folder / DATASTORE)


def build_datastore(
    pack: Path, manifest: PackManifest, examples: Sequence[Example], device: str
) -> Datastore:
    """The datastore of a pack: the captioned training clips, as they are and mirrored.

    Raises:
        PackError: when the pack has no sentence reader, or no clip can be used.
    """
    if not manifest.reader:
        raise PackError(
            f"{pack / MANIFEST}: the pack has no sentence reader, which finds motions by "
            "the meaning of a prompt: train its language model with one."
        )
    tokenizer = load_tokenizer(pack, device)
    motions = encode_examples(
        [one for one in examples if one.split == "train" and one.captions],
        tokenizer,
        None,
        levels=manifest.levels,
        max_steps=manifest.max_frames // tokenizer.config.stride,
        mirror=True,
        summary=ClipSummary.load(pack) if manifest.summary else None,
    )
    if not motions:
        raise PackError(
            "the split 'train' of the data has no captioned clip that is long enough: add some."
        )
    return Datastore.of(motions, load_reader(manifest.reader))


def load_datastore(folder: Path, vocabulary: MotionVocabulary, width: int) -> Datastore | None:
    """The datastore of a pack; None without one.

    Args:
        folder: of the pack.
        vocabulary: of its language model.
        width: dimensions of its reader's vectors.

    Raises:
        PackError: when the file is damaged or does not fit the pack.
    """
    path = folder / DATASTORE
    if not path.is_file():
        return None
    try:
        arrays = load_file(path)
        found = Datastore(
            _unit(arrays["vectors"].astype(np.float32)),
            *(arrays[k].astype(np.int64) for k in ("clips", "summaries", "lengths", "codes")),
        )
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise PackError(f"{path} is damaged ({error}): install the pack again.") from None
    if not _fits(found, vocabulary, width):
        raise PackError(f"{path} does not fit its pack: install the pack again.")
    return found


def _unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-6)).astype(np.float32)


def _fits(store: Datastore, vocabulary: MotionVocabulary, width: int) -> bool:
    """Whether shapes and numbers are what a pack's language model can answer."""
    count, (tokens, kinds) = len(store.vectors), vocabulary.summary
    shapes = (
        (store.vectors, (count, width)),
        (store.clips, (count,)),
        (store.summaries, (count, tokens)),
        (store.lengths, (count,)),
        (store.codes, (max(int(store.lengths.sum()), 0), vocabulary.levels)),
    )
    numbers = ((store.summaries, kinds), (store.codes, vocabulary.codes))
    return (
        count > 0
        and all(array.shape == shape for array, shape in shapes)
        and bool((store.lengths > 0).all())
        and all(not a.size or (a.min() >= 0 and a.max() < most) for a, most in numbers)
    )
