"""Prompts in other languages, read as English ones.

A sentence reader knows that "rückwärts gehen" is near "walk backwards", but the words of a pack's
captions, the checks of prompts and the cut into actions are English. The phrase book has what
people ask for most in nine languages; a prompt is read as the English sentence whose wordings are
nearest.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .sentence_reader import SentenceReader

#: The phrases: an English sentence and its wordings.
PHRASES: Final = Path(__file__).with_name("phrase_book.toml")
#: Similarity from which on a prompt is read as a phrase. Sentences about other things are below,
#: and nearly all English ones with words that no pack knows, such as "she faints".
LEAST: Final = 0.65


class PhraseBook:
    """Finds the English sentence for a prompt; its wordings are read when first asked."""

    def __init__(self, reader: SentenceReader) -> None:
        self._reader = reader

    def english(self, prompt: str) -> str | None:
        """The English sentence that a prompt means; None where no phrase is near."""
        sentences, vectors = self._wordings
        alike = vectors @ self._reader([prompt])[0]
        best = int(alike.argmax())
        return sentences[best] if alike[best] >= LEAST else None

    @functools.cached_property
    def _wordings(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The sentence of each wording, and the vectors (N, E) of the wordings."""
        phrases = tomllib.loads(PHRASES.read_text(encoding="utf-8"))["phrases"]
        pairs = [(english, text) for english, every in phrases.items() for text in every]
        pairs += [(english, english) for english in phrases]
        return tuple(english for english, _ in pairs), self._reader([text for _, text in pairs])
