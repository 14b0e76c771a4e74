"""Retrieval by caption: the training clip with the most similar caption.

This is the baseline that a model must beat. Captions are TF-IDF vectors of words and word pairs;
the evaluator plays no part in them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from ext_models.datasets.examples import Example
from ext_models.text_motion.text_vocabulary import split_words


class CaptionIndex:
    """The captions of some clips, to look others up in."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples
        owned = [(row, _terms(c)) for row, e in enumerate(examples) for c in e.captions]
        self._owner = np.array([row for row, _ in owned])
        self._columns = {t: k for k, t in enumerate(sorted({t for _, ts in owned for t in ts}))}
        counts = np.zeros(len(self._columns))
        for _, terms in owned:
            for term in set(terms):
                counts[self._columns[term]] += 1
        self._rarity = np.log((1 + len(owned)) / (1 + counts)) + 1
        self._captions = self._vectors([terms for _, terms in owned])

    def nearest(self, captions: Sequence[str], seeds: Sequence[int]) -> list[int]:
        """Row of the nearest clip for each caption; the seed decides between equals."""
        similarity = np.asarray((self._vectors(map(_terms, captions)) @ self._captions.T).todense())
        found: list[int] = []
        for row, seed in zip(similarity, seeds, strict=True):
            best = np.unique(self._owner[row >= row.max() - 1e-9])
            found.append(int(best[np.random.default_rng(seed).integers(len(best))]))
        return found

    def _vectors(self, texts: Sequence[Sequence[str]] | map[list[str]]) -> csr_matrix:
        """Unit vectors (N, terms); terms that no caption of the index has are left out."""
        rows, columns, values = [], [], []
        count = 0
        for count, terms in enumerate(texts, 1):
            known = sorted({self._columns[t] for t in terms if t in self._columns})
            weights = self._rarity[known]
            norm = float(np.linalg.norm(weights)) or 1.0
            rows += [count - 1] * len(known)
            columns += known
            values += (weights / norm).tolist()
        return csr_matrix((values, (rows, columns)), shape=(count, len(self._columns)))


def _terms(caption: str) -> list[str]:
    words = split_words(caption)
    return [*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))]


def verbatim_share(captions: Sequence[str], examples: Sequence[Example]) -> float:
    """Share of captions that some clips have word for word, 0..1."""
    known = {c.strip().lower() for e in examples for c in e.captions}
    return float(np.mean([c.strip().lower() in known for c in captions]))
