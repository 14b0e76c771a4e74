"""Captions as numbers for the evaluator: known words, and the spelling of every word.

A data set of a few hundred words meets prompts with others. Each word is therefore its
own learned vector, one shared vector when it is unknown, *plus* the mean of the vectors
of its character groups, found by a hash: "hopping" then lies near "hop" and "hops"
although it was never read. No downloaded word vectors, no list of another project.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

#: Rows of the word table: of no word, and of any unknown one.
PADDING: Final = 0
UNKNOWN: Final = 1
RESERVED: Final = 2
#: Letters of a character group, word boundaries counted.
GROUP_SIZES: Final = (3, 4, 5)
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


@dataclass(frozen=True)
class CaptionBatch:
    """Captions ready for the text encoder, on one device.

    Attributes:
        ids: (B, W) rows of the word table, ``PADDING`` behind each caption.
        spellings: (B, W) which entry of ``groups`` spells each word.
        groups: (G,) hashed character groups of all different words, one after the other.
        starts: (U,) where each word's groups start.
    """

    ids: Tensor
    spellings: Tensor
    groups: Tensor
    starts: Tensor

    def to(self, device: torch.device | str) -> CaptionBatch:
        """The same batch on another device."""
        parts = (self.ids, self.spellings, self.groups, self.starts)
        return CaptionBatch(*(part.to(device) for part in parts))


@dataclass(frozen=True)
class Vocabulary:
    """The words that an evaluator has read.

    Attributes:
        words: in the order of their rows.
        buckets: how many vectors the character groups share.
        longest: words of a caption that are read; the rest is cut off.
    """

    words: tuple[str, ...]
    buckets: int
    longest: int = 48
    _rows: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._rows.update({word: row for row, word in enumerate(self.words, RESERVED)})

    @classmethod
    def of(cls, captions: Iterable[str], buckets: int, longest: int) -> Vocabulary:
        """Every word of some captions, the frequent ones first."""
        counts = Counter(word for caption in captions for word in split(caption))
        words = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(tuple(words), buckets, longest)

    @property
    def rows(self) -> int:
        """Size of the word table."""
        return len(self.words) + RESERVED

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words of a caption that were never read."""
        return tuple(word for word in split(caption) if word not in self._rows)

    def batch(self, captions: Sequence[str], hidden: float = 0.0) -> CaptionBatch:
        """Captions as numbers.

        Args:
            captions: any text; one without a word counts as one unknown word.
            hidden: share of words that are taken for unknown, so that training also
                learns to read by spelling. Drawn from PyTorch's generator.
        """
        texts = [split(caption)[: self.longest] or [""] for caption in captions]
        entries = {word: k for k, word in enumerate(dict.fromkeys(w for t in texts for w in t))}
        shape = (len(texts), max(map(len, texts), default=1))
        ids = torch.full(shape, PADDING)
        spellings = torch.zeros(shape, dtype=torch.long)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor([self._rows.get(w, UNKNOWN) for w in text])
            spellings[row, : len(text)] = torch.tensor([entries[w] for w in text])
        if hidden:
            ids[(torch.rand(shape) < hidden) & (ids != PADDING)] = UNKNOWN
        groups = [character_groups(word, self.buckets) for word in entries]
        starts = torch.tensor([0, *map(len, groups)][:-1]).cumsum(0)
        return CaptionBatch(ids, spellings, torch.tensor([g for gs in groups for g in gs]), starts)


def split(caption: str) -> list[str]:
    """The lower-case words of a caption, without punctuation."""
    return _WORD.findall(caption.lower())


def character_groups(word: str, buckets: int) -> list[int]:
    """Hashes below ``buckets`` of a word's character groups; the same on every machine."""
    bounded = f"<{word}>"
    groups = [bounded[k : k + n] for n in GROUP_SIZES for k in range(len(bounded) - n + 1)]
    return [zlib.crc32(group.encode()) % buckets for group in groups or [bounded]]
