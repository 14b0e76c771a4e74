"""Label pools: whether a clip is nearer to its prompt than to captions of other labels.

This is R-precision with the motion as the query and one caption a label in the pool. A prompt in
words of its own is represented by captions of its label, which the evaluator knows. Half of a
pool "among alike" shares the action or the style, so that a part of a composition does not pass
for the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.examples import Example
from ext_models.evaluation.eval_set import Evaluator
from ext_models.evaluation.metrics import top_hits

from .prompt_lists import Prompt, label_parts

Array = NDArray[np.floating]


@dataclass(frozen=True)
class LabelPools:
    """The labels of some clips with the embeddings of their captions.

    Attributes:
        labels: all of them.
        captions: rows of ``points`` for each label.
        points: (C, E) of all captions.
        pool: captions that compete.
    """

    labels: tuple[str, ...]
    captions: tuple[NDArray[np.intp], ...]
    points: Array
    pool: int

    @classmethod
    def of(cls, examples: Sequence[Example], evaluator: Evaluator, pool: int) -> LabelPools:
        """The labels of some clips; the pool is smaller where there are too few."""
        by_label: dict[str, dict[str, None]] = {}
        for example in examples:
            if example.label:
                by_label.setdefault(example.label, {}).update(dict.fromkeys(example.captions))
        texts = list(dict.fromkeys(c for captions in by_label.values() for c in captions))
        row = {text: k for k, text in enumerate(texts)}
        captions = tuple(np.array([row[c] for c in cs], dtype=np.intp) for cs in by_label.values())
        return cls(tuple(by_label), captions, evaluator.embed_text(texts), min(pool, len(by_label)))

    def hits(
        self, prompt: Prompt, asked: Array, motion: Array, draws: int, seed: int, *, alike: bool
    ) -> Array:
        """R@1 to R@3 (3,) of clips made of one prompt, means over clips and draws.

        Args:
            prompt: what was asked for.
            asked: (1, E) point of its own text, which stands for a prompt without a label.
            motion: (S, E) points of the clips.
            draws: how many pools.
            seed: of the draws.
            alike: fill half of each pool with labels that share a part.
        """
        rng = np.random.default_rng(seed)
        own = [k for k, label in enumerate(self.labels) if label in prompt.labels]
        near, far = self._others(prompt)
        found: list[Array] = []
        for _ in range(draws):
            first = self._caption(own[rng.integers(len(own))], rng) if own else asked[0]
            chosen = rng.permutation(near)[: self.pool // 2].tolist() if alike else []
            others = far if alike else [*far, *near]
            chosen += rng.permutation(others)[: self.pool - 1 - len(chosen)].tolist()
            pool = np.stack([first, *(self._caption(int(k), rng) for k in chosen)])
            found += [top_hits(np.linalg.norm(pool - m, axis=-1)) for m in motion]
        return np.mean(found, axis=0)

    def _others(self, prompt: Prompt) -> tuple[list[int], list[int]]:
        """Labels that share a part with a prompt, and those that do not; none that fit it too."""
        near: list[int] = []
        far: list[int] = []
        for k, label in enumerate(self.labels):
            if label in prompt.labels or any(_fits(label, own) for own in prompt.labels):
                continue
            (near if prompt.alike(label) else far).append(k)
        return near, far

    def _caption(self, label: int, rng: np.random.Generator) -> Array:
        rows = self.captions[label]
        return self.points[rows[rng.integers(len(rows))]]


def _fits(label: str, own: str) -> bool:
    """Whether one label says less than the other and nothing else: "walk" and "walk, old"."""
    a, b = label_parts(label), label_parts(own)
    return a <= b or b <= a
