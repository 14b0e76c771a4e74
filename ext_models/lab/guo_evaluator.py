"""The evaluators of Guo et al. 2022, which embed published features and captions.

The folders are the authors' own: ``checkpoints/{t2m,kit}/...`` and ``glove``. Motions are read as
feature vectors, as for the published numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.humanml3d import Statistics, read_statistics
from ext_models.importers.guo_networks import STRIDE, GuoNetwork, load_evaluator
from ext_models.importers.word_vectors import WordVectors, load_word_vectors
from ext_models.motion.representations import HUMANML3D, KIT, Representation
from ext_models.packs import PackError

Array = NDArray[np.float32]

#: Folder of each data set in the authors' ``checkpoints``, and what lies in it.
FOLDERS: Final = {HUMANML3D.name: "t2m", KIT.name: "kit"}
WEIGHTS: Final = Path("text_mot_match/model/finest.tar")
META: Final = Path("VQVAEV3_CB1024_CMT_H1024_NRES3/meta")
BATCH: Final = 32


@dataclass(frozen=True)
class GuoEvaluator:
    """The authors' evaluator of a data set.

    Attributes:
        network: embeds features and words.
        words: word vectors.
        statistics: those that the evaluator's features are normalised by.
        name: of the weights; numbers of evaluators of one name can be compared.
    """

    network: GuoNetwork
    words: WordVectors
    statistics: Statistics
    name: str

    def embed_motion(self, motions: Sequence[Array]) -> Array:
        """Embed stored feature vectors (T, C), in whole steps, as (N, E)."""
        found: list[Array] = []
        for start in range(0, len(motions), BATCH):
            clips = motions[start : start + BATCH]
            lengths = np.array([len(x) // STRIDE * STRIDE for x in clips])
            batch = np.zeros((len(clips), lengths.max(), clips[0].shape[1]), dtype=np.float32)
            for row, (x, length) in enumerate(zip(clips, lengths, strict=True)):
                batch[row, :length] = (x[:length] - self.statistics.mean) / self.statistics.std
            found.append(self.network.embed_motion(batch, lengths).cpu().numpy())
        return np.concatenate(found)

    def embed_text(self, captions: Sequence[str]) -> Array:
        """Embed captions of tagged words ("a/DET man/NOUN walk/VERB") as (N, E)."""
        found: list[Array] = []
        for start in range(0, len(captions), BATCH):
            words = [caption.split() for caption in captions[start : start + BATCH]]
            x = self.words.embed(words)
            found.append(self.network.embed_text(x.words, x.tags, x.lengths).cpu().numpy())
        return np.concatenate(found)


def load_guo_evaluator(
    checkpoints: Path, glove: Path, rep: Representation, device: str = "cpu"
) -> GuoEvaluator:
    """Read the evaluator of a data set.

    Raises:
        PackError: naming the folder or file that is missing or does not fit.
    """
    folder = checkpoints / FOLDERS[rep.name]
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise PackError(
            f"{weights} is missing: --authors names the folder 'checkpoints' of Guo et al. 2022, "
            f"with {FOLDERS[rep.name]}/{WEIGHTS} in it."
        )
    network = load_evaluator(weights)
    channels = network.movement_encoder.channels + 4
    if channels != rep.width:
        raise PackError(
            f"{weights} reads features of {channels} channels, not the {rep.width} of {rep.name}."
        )
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return GuoEvaluator(
        network.to(device),
        load_word_vectors(glove),
        read_statistics(folder / META, rep),
        f"Guo et al. 2022, {FOLDERS[rep.name]} {digest[:8]}",
    )
