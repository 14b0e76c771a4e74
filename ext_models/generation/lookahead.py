"""Look-ahead: the frames that a code would bring, by a linear map fitted to the decoder.

The latents of the last step and of the three before determine the frames of the last two steps
almost completely (errors of half a centimetre with the shipped packs), so that all codes of a
level are predicted in one matrix product. The step after the last is assumed equal to it, as
the decoder itself does at the end of a motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

if TYPE_CHECKING:
    from ext_models.tokenizer.vqvae import VQVAE

#: Steps that the map reads, the last one included, and steps whose frames it predicts.
CONTEXT_STEPS: Final = 4
PREDICTED_STEPS: Final = 2
#: Channels of a frame that count: turn, step (2), height, and positions of 21 joints.
CHANNELS: Final = 67
#: Random motions that the map is fitted to, and the share of their steps that repeat the last.
FIT_WINDOWS: Final = 1500
REPEAT_SHARE: Final = 0.6


@dataclass(frozen=True)
class LinearDecoder:
    """Predicts frames from codes.

    On the CPU: the matrices are small, and a GPU would spend its time on launches.

    Attributes:
        codebooks: (L, C, width), code vectors.
        step_map: (CONTEXT_STEPS * width + 1, frames * CHANNELS), latents of the steps
            to the frames of the last two.
        first_map: (width + 1, stride * CHANNELS), a motion's first latents to its frames.
        stride: frames a step.
    """

    codebooks: Tensor
    step_map: Tensor
    first_map: Tensor
    stride: int

    @classmethod
    @torch.no_grad()
    def fit(cls, tokenizer: VQVAE, levels: int) -> LinearDecoder:
        """Fit to a tokenizer of which the first levels are generated."""
        c, device = tokenizer.config, tokenizer.mean.device
        every = torch.arange(c.codes, device=device)
        codebooks = torch.stack(
            [_vectors(tokenizer, every, level) for level in range(levels)]
        )  # (L, C, width)
        random = torch.Generator().manual_seed(0)
        steps = CONTEXT_STEPS + 1
        codes = torch.randint(c.codes, (FIT_WINDOWS, steps, levels), generator=random)
        held = torch.rand(FIT_WINDOWS, steps, 1, generator=random) < REPEAT_SHARE
        for step in range(1, steps):
            codes[:, step] = torch.where(held[:, step], codes[:, step - 1], codes[:, step])
        codes = codes.to(device)
        z = tokenizer.quantizer.look_up(codes).movedim(1, -1)
        decoded = tokenizer.decode(codes)[:, -PREDICTED_STEPS * c.stride :, :CHANNELS]
        alone = tokenizer.decode(codes[:, :1])[..., :CHANNELS]
        step_map = _fit(z[:, -CONTEXT_STEPS:].flatten(1), decoded.flatten(1))
        first = _fit(z[:, 0], alone.flatten(1))
        return cls(codebooks.cpu(), step_map, first, c.stride)

    def latents(self, codes: Tensor) -> Tensor:
        """Vectors (..., width) of codes (..., L')."""
        return sum(
            (self.codebooks[level][codes[..., level]] for level in range(codes.shape[-1])),
            torch.zeros(*codes.shape[:-1], self.codebooks.shape[-1]),
        )

    def added(self, level: int, *, first: bool) -> Tensor:
        """What each code of a level adds to the frames (C, PREDICTED_STEPS * stride, CHANNELS).

        ``first``: to those of a motion's first step.
        """
        width = self.codebooks.shape[-1]
        if first:
            return self._repeat_first(self.codebooks[level] @ self.first_map[:-1])
        return self._split(self.codebooks[level] @ self.step_map[-1 - width : -1])

    def known(self, before: Tensor, partial: Tensor) -> Tensor:
        """Frames (B, PREDICTED_STEPS * stride, CHANNELS) before the code of a level is added.

        Args:
            before: latents (B, S, width) of the steps before, of which the last three count.
            partial: (B, width), latents of the step from its coarser levels.

        Without a step before, the first half of the frames repeats the first frame.
        """
        if not before.shape[1]:
            return self._repeat_first(partial @ self.first_map[:-1] + self.first_map[-1])
        last = before[:, -(CONTEXT_STEPS - 1) :]
        missing = CONTEXT_STEPS - 1 - last.shape[1]
        last = torch.cat([last[:, :1].expand(-1, missing, -1), last, partial[:, None]], 1)
        return self._split(last.flatten(1) @ self.step_map[:-1] + self.step_map[-1])

    def frames(self, before: Tensor, partial: Tensor, level: int) -> Tensor:
        """Frames (C, PREDICTED_STEPS * stride, CHANNELS) for each code of a level.

        Args: latents (S, width) of the steps before; ``partial`` (width,), see ``known``.
        """
        added = self.added(level, first=not len(before))
        return added + self.known(before[None], partial[None])

    def _split(self, frames: Tensor) -> Tensor:
        return frames.unflatten(-1, (-1, CHANNELS))

    def _repeat_first(self, frames: Tensor) -> Tensor:
        """A first step's frames behind as many that repeat its first."""
        split = self._split(frames)
        return torch.cat([split[:, :1].expand(-1, split.shape[1], -1), split], 1)


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
