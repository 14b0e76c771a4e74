"""Vector quantisation with codebooks learnt by moving averages.

Residual quantisation after Zeghidour et al. 2021 (SoundStream); moving averages and
the reset of unused codes as in van den Oord et al. 2017 and T2M-GPT.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


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
    def learn(self, x: Tensor, codes: Tensor) -> None:
        """Move the codes towards the vectors x (N, width) that chose them; reset idle ones."""
        count = len(self.codebook)
        chosen = functional.one_hot(codes, count).to(x.dtype)
        self.usage.mul_(self.decay).add_(chosen.sum(0), alpha=1 - self.decay)
        self.total.mul_(self.decay).add_(chosen.T @ x, alpha=1 - self.decay)
        # An idle code takes the place of a random vector of this batch.
        idle = (self.usage < 1e-2)[:, None]
        random = x[torch.randint(len(x), (count,), device=x.device)]
        mean = self.total / self.usage.clamp(min=1e-5)[:, None]
        self.codebook.copy_(torch.where(idle, random, mean))
        self.total.copy_(torch.where(idle, random, self.total))
        self.usage.copy_(torch.where(idle[:, 0], torch.ones_like(self.usage), self.usage))


class ResidualQuantizer(nn.Module):
    """Several codebooks in a row, each quantising what the ones before left over.

    One level is plain vector quantisation, the reference's case.
    """

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
        if self.training and torch.rand(()) < 0.3:
            keep = int(torch.randint(1, keep + 1, ()))
        residual, quantised, codes, loss = flat, torch.zeros_like(flat), [], x.new_zeros(())
        for level, book in enumerate(self.books):
            index = book.nearest(residual)
            codes.append(index)
            if level >= keep:
                continue
            picked = book.look_up(index)
            loss = loss + functional.mse_loss(residual, picked)
            if self.training:
                book.learn(residual.detach(), index)
            quantised = quantised + picked
            residual = residual - picked.detach()
        straight = flat + (quantised - flat).detach()
        shape = (x.shape[0], x.shape[2])
        return (
            straight.reshape(*shape, -1).movedim(-1, 1),
            torch.stack(codes, -1).reshape(*shape, -1),
            loss / keep,
        )

    @property
    def books(self) -> list[Codebook]:
        """The codebooks, coarse to fine."""
        return [book for book in self.levels if isinstance(book, Codebook)]

    def look_up(self, codes: Tensor) -> Tensor:
        """Vectors (B, width, S) of codes (B, S, L'), L' <= L levels."""
        books = self.books[: codes.shape[-1]]
        parts = [book.look_up(codes[..., i]) for i, book in enumerate(books)]
        return torch.stack(parts).sum(0).movedim(-1, 1)
