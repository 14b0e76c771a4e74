"""Vectors to codes: residual vector quantisation, and finite scalar quantisation.

Residual quantisation after Zeghidour et al. 2021 (SoundStream); codebooks start at
k-means and follow by moving averages, unused codes are reset, as in van den Oord et al.
2017 and T2M-GPT. Finite scalar quantisation after Mentzer et al. 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from .networks import TokenizerConfig

#: Sequences of codes that the search for the best one keeps at each level, and vectors that it
#: takes at once.
BEAM: Final = 8
CHUNK: Final = 1024
#: Rounds of k-means from which a codebook starts.
ROUNDS: Final = 12
#: Steps of each scalar that makes a code, by number of codes (Mentzer et al., table 1).
SCALAR_STEPS: Final = {240: (8, 6, 5), 512: (8, 8, 8), 1000: (8, 5, 5, 5)}


def make_quantizer(c: TokenizerConfig) -> ResidualQuantizer | ScalarQuantizer:
    """The quantiser of a configuration."""
    if c.quantizer == "scalar":
        return ScalarQuantizer(c.levels, c.codes, c.code_width)
    return ResidualQuantizer(c.levels, c.codes, c.code_width)


class Codebook(nn.Module):
    """One codebook (codes, width), learnt by moving averages while training."""

    codebook: Tensor
    usage: Tensor
    total: Tensor

    def __init__(self, codes: int, width: int, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("codebook", torch.zeros(codes, width))
        # Only training needs the averages; checkpoints of packs leave them out.
        self.register_buffer("usage", torch.zeros(codes), persistent=False)
        self.register_buffer("total", torch.zeros(codes, width), persistent=False)

    def nearest(self, x: Tensor) -> Tensor:
        """Index of the nearest code (N,) of each vector (N, width)."""
        distances = (
            x.pow(2).sum(1, keepdim=True) - 2 * x @ self.codebook.T + self.codebook.pow(2).sum(1)
        )
        return distances.argmin(1)

    def look_up(self, codes: Tensor) -> Tensor:
        """Vectors (..., width) of codes (...)."""
        return functional.embedding(codes, self.codebook)

    @torch.no_grad()
    def kmeans_init(self, x: Tensor) -> Tensor:
        """Start at k-means of vectors x (N, width); returns the residuals."""
        count = len(self.codebook)
        self.codebook.copy_(x[torch.randint(len(x), (count,), device=x.device)])
        for _ in range(ROUNDS):
            usage, total = self._sums(x, self._nearest_of_many(x))
            self._place(usage, total, x, dead=usage < 1)
        self.usage.fill_(1.0)
        self.total.copy_(self.codebook)
        return x - self.look_up(self._nearest_of_many(x))

    @torch.no_grad()
    def ema_update(self, x: Tensor, codes: Tensor) -> None:
        """Move the codes towards the vectors x (N, width) assigned to them; reset dead codes."""
        usage, total = self._sums(x, codes)
        self.usage.mul_(self.decay).add_(usage, alpha=1 - self.decay)
        self.total.mul_(self.decay).add_(total, alpha=1 - self.decay)
        dead = self.usage < 1e-2
        self._place(self.usage, self.total, x, dead)
        self.total.copy_(torch.where(dead[:, None], self.codebook, self.total))
        self.usage.copy_(torch.where(dead, torch.ones_like(self.usage), self.usage))

    def _nearest_of_many(self, x: Tensor) -> Tensor:
        return torch.cat([self.nearest(part) for part in x.split(8192)])

    def _sums(self, x: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """How many vectors chose each code, and their sum."""
        count = len(self.codebook)
        usage = torch.bincount(codes, minlength=count).to(x.dtype)
        return usage, torch.zeros_like(self.codebook).index_add_(0, codes, x)

    def _place(self, usage: Tensor, total: Tensor, x: Tensor, dead: Tensor) -> None:
        """Put codes at their means, and dead codes at random vectors."""
        random = x[torch.randint(len(x), (len(dead),), device=x.device)]
        mean = total / usage.clamp(min=1e-5)[:, None]
        self.codebook.copy_(torch.where(dead[:, None], random, mean))


class ResidualQuantizer(nn.Module):
    """Several codebooks in a row, each quantising the residual of those before.

    One level is plain vector quantisation, the reference's case.
    """

    #: Whether training moves the codes, how often it uses only the first few levels, and the
    #: number of levels that half of these batches use; 0 is none.
    codebook_updates = True
    quantize_dropout = 0.3
    favoured_levels = 0

    def __init__(self, levels: int, codes: int, width: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(Codebook(codes, width) for _ in range(levels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise x (B, width, S): straight-through vectors, codes (B, S, L), commitment loss.

        While training, a batch may use only the first few levels, so that a prefix of
        the levels is a usable, coarser code.
        """
        flat = x.movedim(1, -1).reshape(-1, x.shape[1])
        keep = len(self.levels)
        if self.training and torch.rand(()) < self.quantize_dropout:
            keep = int(torch.randint(1, keep + 1, ()))
            if self.favoured_levels and torch.rand(()) < 0.5:
                keep = self.favoured_levels
        if not self.codebook_updates:
            fixed = self.encode(x, keep)
            return self.look_up(fixed), fixed, x.new_zeros(())
        residual, quantised, codes, loss = flat, torch.zeros_like(flat), [], x.new_zeros(())
        for level, book in enumerate(self.books):
            index = book.nearest(residual)
            codes.append(index)
            if level >= keep:
                continue
            picked = book.look_up(index)
            loss = loss + functional.mse_loss(residual, picked)
            if self.training and self.codebook_updates:
                book.ema_update(residual.detach(), index)
            quantised = quantised + picked
            residual = residual - picked.detach()
        straight = flat + (quantised - flat).detach()
        shape = (x.shape[0], x.shape[2])
        return (
            straight.reshape(*shape, -1).movedim(-1, 1),
            torch.stack(codes, -1).reshape(*shape, -1),
            loss / keep,
        )

    @torch.no_grad()
    def encode(self, x: Tensor, levels: int | None = None) -> Tensor:
        """Codes (B, S, L') of x (B, width, S), of the first L' levels; all by default.

        A beam search: the nearest code of a level need not be the best one when finer levels
        follow. It lowers the joints' error by a tenth.
        """
        flat = x.movedim(1, -1).reshape(-1, x.shape[1])
        books = self.books[: levels or len(self.books)]
        codes = torch.cat([_beam_search(part, books) for part in flat.split(CHUNK)])
        return codes.reshape(x.shape[0], x.shape[2], -1)

    @property
    def books(self) -> list[Codebook]:
        """The codebooks, coarse to fine."""
        return [book for book in self.levels if isinstance(book, Codebook)]

    def kmeans_init(self, x: Tensor) -> None:
        """Start at k-means of vectors x (N, width), level by level."""
        for book in self.books:
            x = book.kmeans_init(x)

    def look_up(self, codes: Tensor) -> Tensor:
        """Vectors (B, width, S) of codes (B, S, L'), L' <= L levels."""
        books = self.books[: codes.shape[-1]]
        parts = [book.look_up(codes[..., i]) for i, book in enumerate(books)]
        return torch.stack(parts).sum(0).movedim(-1, 1)


def _beam_search(x: Tensor, books: Sequence[Codebook]) -> Tensor:
    """Codes (N, L) of vectors x (N, width), whose sum is nearly the nearest possible."""
    residual = x[:, None]
    codes = torch.zeros(*residual.shape[:2], 0, dtype=torch.long, device=x.device)
    for book in books:
        vectors = book.codebook
        # The residual's own length decides between the sequences so far.
        distances = residual.pow(2).sum(-1, keepdim=True) - 2 * residual @ vectors.T
        distances = (distances + vectors.pow(2).sum(1)).flatten(1)
        best = distances.topk(min(BEAM, distances.shape[1]), largest=False).indices
        before, code = best // len(vectors), best % len(vectors)
        codes = torch.cat([_picked(codes, before), code[..., None]], -1)
        residual = _picked(residual, before) - book.look_up(code)
    return codes[:, 0]


def _picked(x: Tensor, which: Tensor) -> Tensor:
    """Rows (N, K', ...) of x (N, K, ...) by their numbers (N, K')."""
    return x.gather(1, which[..., None].expand(-1, -1, x.shape[-1]))


class ScalarQuantizer(nn.Module):
    """A few bounded scalars a code, each rounded to its steps; no codebook is learnt."""

    steps: Tensor
    place: Tensor
    #: Scalars are read together and have no codes to move: none has an effect.
    codebook_updates = True
    quantize_dropout = 0.0
    favoured_levels = 0

    def __init__(self, levels: int, codes: int, width: int) -> None:
        super().__init__()
        if codes not in SCALAR_STEPS:
            raise ValueError(
                f"codes = {codes}: finite scalar quantisation knows {sorted(SCALAR_STEPS)} codes."
            )
        each = SCALAR_STEPS[codes]
        self.count, self.each = levels, len(each)
        self.into = nn.Linear(width, levels * len(each))
        self.out = nn.Linear(levels * len(each), width)
        place = [math.prod(each[:i]) for i in range(len(each))]
        self.register_buffer("steps", torch.tensor(each * levels), persistent=False)
        self.register_buffer("place", torch.tensor(place), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As ``ResidualQuantizer.forward``; there is nothing to commit to."""
        scalars = self._bounded(self.into(x.movedim(1, -1)))
        rounded = scalars + (scalars.round() - scalars).detach()
        digits = (rounded.detach().long() + self.steps // 2).unflatten(-1, (-1, self.each))
        return self._vectors(rounded), (digits * self.place).sum(-1), x.new_zeros(())

    @torch.no_grad()
    def encode(self, x: Tensor, levels: int | None = None) -> Tensor:
        """As ``ResidualQuantizer.encode``."""
        return self(x)[1][..., : levels or self.count]

    def kmeans_init(self, x: Tensor) -> None:
        """Begin with the first coordinates of vectors x (N, width), at their own scale."""
        count = min(self.into.out_features, x.shape[1])
        with torch.no_grad():
            for layer in (self.into, self.out):
                layer.weight.zero_()
                layer.bias.zero_()
            scale = 1.5 * x[:, :count].std(0).clamp(min=1e-4)
            rows = torch.arange(count, device=x.device)
            self.into.weight[rows, rows] = 1 / scale
            self.out.weight[rows, rows] = 1.3 * scale

    def look_up(self, codes: Tensor) -> Tensor:
        """Vectors (B, width, S) of codes (B, S, L'), L' <= L levels."""
        steps = self.steps[: self.each]
        digits = codes[..., None] // self.place % steps - steps // 2
        known = digits.flatten(-2).to(self.out.weight.dtype)
        missing = self.into.out_features - known.shape[-1]
        return self._vectors(functional.pad(known, (0, missing)))

    def _bounded(self, x: Tensor) -> Tensor:
        """Scalars (..., levels x each) within reach of their steps."""
        half = (self.steps - 1) * 1.001 / 2
        offset = torch.where(self.steps % 2 == 0, 0.5, 0.0)
        return torch.tanh(x + torch.atanh(offset / half)) * half - offset

    def _vectors(self, scalars: Tensor) -> Tensor:
        return self.out(scalars / (self.steps / 2)).movedim(-1, 1)
