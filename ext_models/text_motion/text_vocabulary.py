"""Captions as numbers for the text encoder: known words, and the spelling of every word.

A data set of a few hundred words meets prompts with others. As in fastText, the embedding of a
word is therefore the sum of its own learned vector (one shared vector when the word is unknown)
and the mean vector of its character n-grams, which are hashed to a table. "hopping" then lies
near "hop" and "hops" although it was never read.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

import torch
from torch import Tensor

#: Reserved rows of the word table: no word, and any unknown word.
PADDING: Final = 0
UNKNOWN: Final = 1
RESERVED: Final = 2
#: Characters of an n-gram; the word boundaries < and > count.
NGRAM_SIZES: Final = (3, 4, 5)
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


@dataclass(frozen=True)
class CaptionBatch:
    """Captions ready for the text encoder, on one device.

    Attributes:
        words: (B, S) rows of the word table, ``PADDING`` after each caption.
        spellings: (B, S) for each word, its row among the U different words of the batch.
        ngrams: (G,) hashed character n-grams of the different words, one word after another.
        offsets: (U,) where the n-grams of each different word start.
        sentences: (B, E) what a sentence reader makes of each caption; None without one.
        alone: (B,) captions of which only that is read; None for none.
    """

    words: Tensor
    spellings: Tensor
    ngrams: Tensor
    offsets: Tensor
    sentences: Tensor | None = None
    alone: Tensor | None = None

    @property
    def unknown(self) -> Tensor:
        """Captions (B,) with a word that is not in the table."""
        return (self.words == UNKNOWN).any(1)

    def to(self, device: torch.device | str) -> CaptionBatch:
        """The same batch on another device."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(
            self, **{k: part.to(device) for k, part in parts.items() if part is not None}
        )


@dataclass(frozen=True)
class TextVocabulary:
    """The words of the training captions.

    Attributes:
        words: in the order of their rows.
        buckets: rows of the table that n-grams are hashed to.
        max_words: words of a caption that are read; the others are cut off.
    """

    words: tuple[str, ...]
    buckets: int
    max_words: int = 48
    _rows: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._rows.update({word: row for row, word in enumerate(self.words, RESERVED)})

    @classmethod
    def of(cls, captions: Iterable[str], buckets: int, max_words: int) -> TextVocabulary:
        """Every word of some captions, the frequent ones first."""
        counts = Counter(word for caption in captions for word in split_words(caption))
        words = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(tuple(words), buckets, max_words)

    @property
    def rows(self) -> int:
        """Rows of the word table."""
        return len(self.words) + RESERVED

    def batch(self, captions: Sequence[str], word_dropout: float = 0.0) -> CaptionBatch:
        """Turn captions into numbers.

        Args:
            captions: any text; one without a word counts as one unknown word.
            word_dropout: share of words that are read as unknown, so that training also learns
                from the spelling. Drawn from PyTorch's generator.
        """
        texts = [split_words(caption)[: self.max_words] or [""] for caption in captions]
        different = {w: k for k, w in enumerate(dict.fromkeys(w for t in texts for w in t))}
        shape = (len(texts), max(map(len, texts), default=1))
        words = torch.full(shape, PADDING)
        spellings = torch.zeros(shape, dtype=torch.long)
        for row, text in enumerate(texts):
            words[row, : len(text)] = torch.tensor([self._rows.get(w, UNKNOWN) for w in text])
            spellings[row, : len(text)] = torch.tensor([different[w] for w in text])
        if word_dropout:
            words[(torch.rand(shape) < word_dropout) & (words != PADDING)] = UNKNOWN
        ngrams = [hash_ngrams(word, self.buckets) for word in different]
        offsets = torch.tensor([0, *map(len, ngrams)][:-1]).cumsum(0)
        flat = torch.tensor([n for of_word in ngrams for n in of_word])
        return CaptionBatch(words, spellings, flat, offsets)


def split_words(caption: str) -> list[str]:
    """The lower-case words of a caption, without punctuation."""
    return _WORD.findall(caption.lower())


def hash_ngrams(word: str, buckets: int) -> list[int]:
    """Hashes below ``buckets`` of a word's character n-grams; the same on every machine."""
    bounded = f"<{word}>"
    ngrams = [bounded[k : k + n] for n in NGRAM_SIZES for k in range(len(bounded) - n + 1)]
    return [zlib.crc32(ngram.encode()) % buckets for ngram in ngrams or [bounded]]
