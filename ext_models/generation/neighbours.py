"""Candidates with a neighbour: a training motion whose caption means what the prompt says.

Some candidates of a request are generated as a language model with nearest neighbours generates
(Khandelwal et al., 2020): at each step the model's probabilities and the code of the neighbour are
mixed. Such a candidate keeps close to a real motion as long as that lasts, unless marked poses lead
it away, and the model goes on where it ends. The score chooses among all candidates alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ext_models.language.datastore import Datastore, load_datastore
from ext_models.language.vocabulary import MotionVocabulary, TokenIds
from ext_models.motion import features
from ext_models.motion.motion_metrics import local_pose
from ext_models.readers.sentence_reader import SentenceReader
from ext_models.tokenizer.vqvae import VQVAE

from .targets import PoseTarget

#: Metres that a pose costs which the neighbour's motion does not reach in time.
OUT_OF_REACH: Final = 0.5


@dataclass(frozen=True)
class NeighbourScales:
    """How candidates have neighbours.

    Attributes:
        every: one candidate in so many has a neighbour.
        share: of a code's probability that is the neighbour's; the model's is what remains.
        spread: of the similarities, by which a seed changes their order.
        least: similarity of the caption from which on a motion can be a neighbour.
        short: similarity that a motion loses which lasts no time at all; one that lasts half of
            the answer loses half as much.
    """

    every: int = 3
    share: float = 0.9
    spread: float = 0.03
    least: float = 0.28
    short: float = 0.3


@dataclass(frozen=True)
class Neighbour:
    """A training motion in the time of an answer.

    Attributes:
        summary: (G,) its summary tokens.
        codes: (S, L) of the part that is used.
        begin: code step of the answer at which they begin.
    """

    summary: tuple[int, ...]
    codes: NDArray[np.int64]
    begin: int = 0


@dataclass(frozen=True)
class Neighbours:
    """Finds the neighbours of prompts in a pack's datastore."""

    datastore: Datastore
    reader: SentenceReader
    tokenizer: VQVAE
    scales: NeighbourScales = field(default_factory=NeighbourScales)

    def has_neighbour(self, candidate: int) -> bool:
        """Whether the candidate of a number has one."""
        return candidate % self.scales.every == self.scales.every - 1

    def turn(self, candidate: int) -> int:
        """The number of a candidate among those without one."""
        return candidate - candidate // self.scales.every

    def find(
        self, prompt: str, steps: int, count: int, seed: int, poses: Sequence[PoseTarget] = ()
    ) -> list[Neighbour]:
        """Neighbours of a prompt, each of another clip, the nearest first; at most ``count``.

        Args:
            prompt: a sentence.
            steps: code steps of the answer.
            count: how many are wanted.
            seed: of their order among nearly equal ones, and of the part of a longer motion.
            poses: what the answer is guided to, by frames of the answer.
        """
        rng = np.random.default_rng(seed)
        alike = self.datastore.vectors @ self.reader([prompt])[0]
        missing = 1 - np.minimum(self.datastore.lengths / steps, 1)
        chance = self.scales.spread * rng.gumbel(size=len(alike))
        order = np.argsort(self.scales.short * missing - alike - chance)
        found: dict[int, Neighbour] = {}
        for k in order[alike[order] >= self.scales.least]:
            if len(found) == count:
                break
            clip = int(self.datastore.clips[k])
            if clip not in found:
                found[clip] = self._in_time(int(k), steps, poses, rng)
        return list(found.values())

    def _in_time(
        self, k: int, steps: int, poses: Sequence[PoseTarget], rng: np.random.Generator
    ) -> Neighbour:
        """A motion where it suits the poses; without any a random part of a longer one."""
        codes = self.datastore.of_motion(k)
        spare = steps - len(codes)
        if poses:
            begin = self._nearest_to(poses, codes, range(min(spare, 0), max(spare, 0) + 1))
        else:
            # A clip seldom begins and ends with what its caption says: the middle is likelier.
            begin = round(rng.triangular(spare, spare / 2, 0)) if spare < 0 else 0
        part = codes[max(-begin, 0) :][: steps - max(begin, 0)]
        return Neighbour(tuple(self.datastore.summaries[k].tolist()), part, max(begin, 0))

    @torch.no_grad()
    def _nearest_to(
        self, poses: Sequence[PoseTarget], codes: NDArray[np.int64], begins: Sequence[int]
    ) -> int:
        """The code step at which a motion has to begin to be nearest to the poses."""
        stride, device = self.tokenizer.config.stride, self.tokenizer.mean.device
        frames = self.tokenizer.decode(torch.tensor(codes[None], device=device))[0].cpu().numpy()
        bodies = local_pose(features.to_joints(frames))

        def distance(begin: int) -> float:
            total = 0.0
            for pose in poses:
                frame = pose.frame - begin * stride
                if not 0 <= frame < len(bodies):
                    total += OUT_OF_REACH
                    continue
                apart = np.linalg.norm(bodies[frame] - local_pose(pose.joints), axis=-1)
                total += float(np.average(apart, weights=pose.weights))
            return total

        return min(begins, key=distance)


class NeighbourMixture:
    """Mixes the model's probabilities with the neighbours' tokens while a batch is generated."""

    def __init__(self, ids: TokenIds, neighbours: Sequence[Neighbour | None], share: float) -> None:
        """Args: ids of the added tokens; the neighbour of each row; the neighbours' share."""
        self.share = share
        self.summary, self.levels = ids.vocabulary.summary[0], ids.vocabulary.levels
        rows = [[] if one is None else self._tokens(ids, one) for one in neighbours]
        self.due = torch.full((len(rows), max(map(len, rows))), -1)
        for row, tokens in enumerate(rows):
            self.due[row, : len(tokens)] = torch.tensor(tokens)

    def _tokens(self, ids: TokenIds, neighbour: Neighbour) -> list[int]:
        """Token ids of an answer that is the neighbour; -1 before it begins."""
        before = [-1] * (neighbour.begin * self.levels)
        return [
            *ids.summary_ids(neighbour.summary),
            *before,
            *ids.of_codes(neighbour.codes.tolist()),
        ]

    def __call__(self, generated: Tensor, scores: Tensor, allowed: slice) -> Tensor:
        """Log probabilities (B, K) of the tokens that are due.

        A finer code follows its coarser ones: where these are others, it is left to the model.

        Args:
            generated: ids of the answers so far (B, N).
            scores: of the model.
            allowed: ids of the tokens that are due.
        """
        step = generated.shape[1]
        if step >= self.due.shape[1]:
            return scores
        in_summary = step < self.summary
        coarser = step if in_summary else (step - self.summary) % self.levels
        due = self.due.to(generated.device)
        together = generated[:, step - coarser :] == due[:, step - coarser : step]
        rows = ((due[:, step] >= 0) & together.all(-1)).nonzero()[:, 0]
        # The summary says what the whole motion is: with another one the codes would not go on.
        share = 1.0 if in_summary else self.share
        mixed = (1 - share) * scores[rows].float().softmax(-1)
        mixed.scatter_add_(
            1, due[rows, step, None] - allowed.start, mixed.new_full((len(rows), 1), share)
        )
        return scores.index_put((rows,), mixed.log().to(scores.dtype))


def load_neighbours(
    folder: Path, vocabulary: MotionVocabulary, reader: SentenceReader, tokenizer: VQVAE
) -> Neighbours | None:
    """The neighbours of a pack; None for a pack without a datastore.

    Raises:
        PackError: when the datastore is damaged or does not fit.
    """
    datastore = load_datastore(folder, vocabulary, reader.width)
    return None if datastore is None else Neighbours(datastore, reader, tokenizer)
