"""What a code about to be written would decode to: a linear map fitted to the decoder.

The last step's latents and those of the three before it say almost all about the frames of
the last two steps (errors of half a centimetre at the shipped packs), so that all codes of a
level can be looked at in one sum. The step behind the last is taken to be like it, as the
decoder itself does at the end of a motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

if TYPE_CHECKING:
    from ext_models.tokenizer.vqvae import VQVAE

#: Steps that are looked at, the last one included, and steps whose frames are foreseen.
SEEN: Final = 4
FORESEEN: Final = 2
#: Channels of a frame that matter: turn, way (2), height, and positions of 21 joints.
CHANNELS: Final = 67
#: Random motions that the map is fitted to; share of their steps that are like the one before.
WINDOWS: Final = 1500
HELD: Final = 0.6


@dataclass(frozen=True)
class LinearDecoder:
    """Frames that codes would bring.

    On the CPU: what is summed is small, and a GPU would spend its time on being told.

    Attributes:
        books: (L, C, width), code vectors.
        later: (SEEN * width + 1, frames * CHANNELS), latents to the frames of the last two steps.
        first: (width + 1, stride * CHANNELS), of a motion's first step to its frames.
        stride: frames a step.
    """

    books: Tensor
    later: Tensor
    first: Tensor
    stride: int

    @classmethod
    @torch.no_grad()
    def of(cls, tokenizer: VQVAE, levels: int) -> LinearDecoder:
        """Fit to a tokenizer whose first levels are written."""
        c, device = tokenizer.config, tokenizer.mean.device
        every = torch.arange(c.codes, device=device)
        books = torch.stack(
            [_vectors(tokenizer, every, level) for level in range(levels)]
        )  # (L, C, width)
        random = torch.Generator().manual_seed(0)
        steps = SEEN + 1
        codes = torch.randint(c.codes, (WINDOWS, steps, levels), generator=random)
        held = torch.rand(WINDOWS, steps, 1, generator=random) < HELD
        for step in range(1, steps):
            codes[:, step] = torch.where(held[:, step], codes[:, step - 1], codes[:, step])
        codes = codes.to(device)
        z = tokenizer.quantizer.look_up(codes).movedim(1, -1)
        made = tokenizer.decode(codes)[:, -FORESEEN * c.stride :, :CHANNELS]
        alone = tokenizer.decode(codes[:, :1])[..., :CHANNELS]
        later = _fit(z[:, -SEEN:].flatten(1), made.flatten(1))
        first = _fit(z[:, 0], alone.flatten(1))
        return cls(books.cpu(), later, first, c.stride)

    def latents(self, codes: Tensor) -> Tensor:
        """Vectors (..., width) of codes (..., L')."""
        return sum(
            (self.books[level][codes[..., level]] for level in range(codes.shape[-1])),
            torch.zeros(*codes.shape[:-1], self.books.shape[-1]),
        )

    def added(self, level: int, *, first: bool) -> Tensor:
        """What each code of a level adds to the frames (C, FORESEEN * stride, CHANNELS).

        ``first``: to those of a motion's first step.
        """
        width = self.books.shape[-1]
        if first:
            return self._held(self.books[level] @ self.first[:-1])
        return self._split(self.books[level] @ self.later[-1 - width : -1])

    def known(self, before: Tensor, partial: Tensor) -> Tensor:
        """Frames (B, FORESEEN * stride, CHANNELS) of what is known before a code is added.

        Args:
            before: latents (B, S, width) of the steps before, of which the last three count.
            partial: (B, width), what coarser levels have said of the step.

        Without a step before, the first half of the frames repeats the first frame.
        """
        if not before.shape[1]:
            return self._held(partial @ self.first[:-1] + self.first[-1])
        last = before[:, -(SEEN - 1) :]
        missing = SEEN - 1 - last.shape[1]
        last = torch.cat([last[:, :1].expand(-1, missing, -1), last, partial[:, None]], 1)
        return self._split(last.flatten(1) @ self.later[:-1] + self.later[-1])

    def frames(self, before: Tensor, partial: Tensor, level: int) -> Tensor:
        """Frames (C, FORESEEN * stride, CHANNELS) for each code of a level.

        Args: latents (S, width) of the steps before; ``partial`` (width,), see ``known``.
        """
        added = self.added(level, first=not len(before))
        return added + self.known(before[None], partial[None])

    def _split(self, frames: Tensor) -> Tensor:
        return frames.unflatten(-1, (-1, CHANNELS))

    def _held(self, frames: Tensor) -> Tensor:
        """A first step's frames behind as many that repeat its first."""
        made = self._split(frames)
        return torch.cat([made[:, :1].expand(-1, made.shape[1], -1), made], 1)


def _vectors(tokenizer: VQVAE, codes: Tensor, level: int) -> Tensor:
    """What each code (C,) of a level adds to a latent: (C, width)."""
    lower = torch.zeros(len(codes), 1, level + 1, dtype=torch.long, device=codes.device)
    lower[:, 0, level] = codes
    whole = tokenizer.quantizer.look_up(lower)[..., 0]
    return whole - tokenizer.quantizer.look_up(lower[..., :level])[..., 0] if level else whole


def _fit(x: Tensor, y: Tensor) -> Tensor:
    """The linear map (N + 1, M) with least squares from x (K, N), and a one, to y (K, M)."""
    x, y = x.cpu().double(), y.cpu().double()  # not every GPU reckons in double precision
    a = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    ridge = 1e-6 * len(x) * torch.eye(a.shape[1], dtype=a.dtype)
    return torch.linalg.solve(a.T @ a + ridge, a.T @ y).float()
