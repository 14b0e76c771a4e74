"""Captions for the evaluators of Guo et al.: word vectors and parts of speech.

The vectors are GloVe's, in the authors' ``glove`` folder: ``our_vab_data.npy``,
``our_vab_words.pkl`` and ``our_vab_idx.pkl``. The pickles hold a list and a dictionary;
the unpickler refuses everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .reading import CheckpointError, read_array, read_plain_pickle

#: Longest caption in words; start and end are added.
MAX_WORDS: Final = 20
START, END, UNKNOWN = "sos", "eos", "unk"
OTHER: Final = "OTHER"
#: Words that were tagged by meaning instead of part of speech when the evaluators were trained.
BY_MEANING: Final = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up "
    "down straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop "
    "sit lift lower raise wash stand kneel stroll rub bend balance flap jog shuffle lean rotate "
    "spin spread climb",
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
#: Tags in the order of their channels.
TAGS: Final = (
    *("VERB", "NOUN", "DET", "ADP", "NUM", "AUX", "PRON", "ADJ", "ADV"),
    *BY_MEANING,
    OTHER,
)
_MEANING: Final = {word: tag for tag, words in BY_MEANING.items() for word in words.split()}


@dataclass(frozen=True)
class EmbeddedCaptions:
    """The input of ``GuoEvaluator.embed_text``.

    Attributes:
        words: (B, 22, 300) word vectors, start and end included, padded.
        tags: (B, 22, 15) one-hot parts of speech.
        lengths: (B,) words of each caption with start and end.
    """

    words: NDArray[np.float32]
    tags: NDArray[np.float32]
    lengths: NDArray[np.int64]


class WordVectors:
    """The authors' vocabulary: a vector for each word."""

    def __init__(self, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors
        self.rows = {word: i for i, word in enumerate(words)}

    def embed(self, captions: Sequence[Sequence[str]]) -> EmbeddedCaptions:
        """Captions as the data sets write them, each word as ``walks/VERB``."""
        shape = (len(captions), MAX_WORDS + 2)
        rows = np.full(shape, self.rows[UNKNOWN])
        tags = np.full(shape, TAGS.index(OTHER))
        lengths = np.zeros(len(captions), dtype=np.int64)
        for i, caption in enumerate(captions):
            tokens = [f"{START}/{OTHER}", *caption[:MAX_WORDS], f"{END}/{OTHER}"]
            lengths[i] = len(tokens)
            for j, token in enumerate(tokens):
                rows[i, j], tags[i, j] = self._look_up(token)
        return EmbeddedCaptions(
            self.vectors[rows], np.eye(len(TAGS), dtype=np.float32)[tags], lengths
        )

    def _look_up(self, token: str) -> tuple[int, int]:
        """Row of a word and number of its tag; an unknown word has no tag either."""
        word, _, part = token.rpartition("/")
        if word not in self.rows:
            return self.rows[UNKNOWN], TAGS.index(OTHER)
        tag = _MEANING.get(word, part)
        return self.rows[word], TAGS.index(tag if tag in TAGS else OTHER)


def load_word_vectors(folder: Path | str) -> WordVectors:
    """Read the ``glove`` folder; raises CheckpointError."""
    folder = Path(folder)
    vectors = read_array(folder / "our_vab_data.npy", (None, None))
    words = read_plain_pickle(folder / "our_vab_words.pkl")
    index = read_plain_pickle(folder / "our_vab_idx.pkl")
    if not isinstance(words, list) or not isinstance(index, dict):
        raise CheckpointError(
            f"{folder}: our_vab_words.pkl should hold a list and our_vab_idx.pkl a dictionary; "
            f"they hold a {type(words).__name__} and a {type(index).__name__}."
        )
    try:
        rows = [int(index[word]) for word in words]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder / 'our_vab_idx.pkl'} does not number every word ({error})."
        ) from None
    missing = [w for w in (START, END, UNKNOWN) if w not in words]
    if missing or not rows or min(rows) < 0 or max(rows) >= len(vectors):
        raise CheckpointError(
            f"{folder}: the word vectors do not fit together ({len(vectors)} vectors, "
            f"{len(words)} words{', without ' + ', '.join(missing) if missing else ''})."
        )
    return WordVectors(words, vectors[rows])
