"""The captions that a pack has learnt, by their meaning: which one is nearest to a prompt.

A pack with a sentence reader keeps the vectors of its captions, so that it can tell how a prompt
is understood, and when nothing like it is known.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ext_models.packs import PackError, require
from ext_models.prompt_checks.checks import Side
from ext_models.prompt_checks.words import words
from ext_models.readers.sentence_reader import SentenceReader
from motiongpt_blender.core.packs.known_captions import CAPTIONS, examples

from .plain_text import plain_words

#: Most captions that a pack keeps: 512 bytes each.
MOST: Final = 2000
#: Similarity from which on a caption is like a prompt. Sentences about anything else are below
#: 0.28; prompts with unknown words about motion are 0.37 in the median, others 0.6.
ALIKE: Final = 0.28


#: Said of a prompt that is like no caption.
UNKNOWN: Final = "Nothing like this prompt is known."


@dataclass(frozen=True)
class Understanding:
    """How a prompt is understood.

    Attributes:
        note: one sentence for the user.
        examples: captions to try instead; none where one is like the prompt.
    """

    note: str
    examples: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """The note, with the examples."""
        if not self.examples:
            return self.note
        listed = ", ".join(f"'{caption}'" for caption in self.examples)
        return f"{self.note.rstrip('.')}; try for example {listed}."


@dataclass(frozen=True)
class KnownCaptions:
    """Captions and their vectors.

    Attributes:
        captions: N sentences.
        vectors: (N, E) of unit length.
    """

    captions: tuple[str, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, captions: Iterable[str], reader: SentenceReader) -> KnownCaptions:
        """The distinct ones of some captions, spread evenly if they are too many."""
        distinct = sorted({caption.strip().lower().rstrip(".") for caption in captions})
        kept = tuple(distinct[:: -(-len(distinct) // MOST)] if distinct else ())
        return cls(kept, reader(kept))

    @functools.cached_property
    def _caption_sides(self) -> tuple[frozenset[Side], ...]:
        return tuple(map(_sides, self.captions))

    def nearest(self, prompt: str, reader: SentenceReader) -> tuple[str, float]:
        """The nearest caption to a prompt, and their cosine similarity.

        A reader hardly tells left from right: captions of other sides than the prompt's are
        left out.
        """
        alike = self.vectors @ reader([prompt])[0]
        sides = _sides(prompt)
        if sides:
            other = np.array([bool(own) and own.isdisjoint(sides) for own in self._caption_sides])
            alike = np.where(other, -1.0, alike)
        best = int(alike.argmax())
        return self.captions[best], float(alike[best])

    def understand(self, prompt: str, reader: SentenceReader) -> Understanding:
        """How a prompt is understood."""
        caption, alike = self.nearest(prompt, reader)
        if alike >= ALIKE:
            return Understanding(f"Understood as '{caption}' ({alike:.0%} alike).")
        return Understanding(UNKNOWN, examples(self.captions))

    def save(self, folder: Path) -> None:
        """Write the captions into a pack's folder, a byte for each number."""
        rounded = np.rint(127 * self.vectors).astype(np.int8)
        save_file({"vectors": rounded}, folder / CAPTIONS, {"captions": json.dumps(self.captions)})


def _sides(text: str) -> frozenset[Side]:
    """The sides that a sentence names."""
    sides = words().sides
    return frozenset(sides[word] for word in plain_words(text) if word in sides)


def load_known_captions(folder: Path) -> KnownCaptions:
    """The captions of a pack.

    Raises:
        PackError: naming the file that is missing or damaged.
    """
    path = require(folder / CAPTIONS)
    try:
        with safe_open(path, framework="numpy") as file:
            rounded = file.get_tensor("vectors").astype(np.float32)
            captions = tuple(str(c) for c in json.loads(file.metadata()["captions"]))
        if rounded.ndim != 2 or len(rounded) != len(captions) or not captions:
            raise ValueError(f"{rounded.shape} vectors of {len(captions)} captions")
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise PackError(f"{path} is damaged ({error}): install the pack again.") from None
    lengths = np.linalg.norm(rounded, axis=-1, keepdims=True)
    return KnownCaptions(captions, rounded / np.maximum(lengths, 1e-6))
