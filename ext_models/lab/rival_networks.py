"""Networks of the sizes that other text-to-motion models have, with random weights, for the bench.

They take the time that such a model takes, and make no motion. Sizes are as published: MDM (Tevet
et al., "Human Motion Diffusion Model", 2023; checkpoint of 50 steps) and MoMask (Guo et al.,
"Generative Masked Modeling of 3D Human Motions", 2024; checkpoints of HumanML3D). Both read the
prompt with the text encoder of CLIP ViT-B/32, and both guide without a classifier: each pass is of
two rows a motion.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

#: Features of a frame, HumanML3D.
FEATURES: Final = 263
#: Rows a motion: with the prompt and without it.
GUIDED: Final = 2


def _encoder(layers: int, width: int, heads: int, inner: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        width, heads, inner, activation="gelu", batch_first=True, dropout=0.0
    )
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


class TextEncoder(nn.Module):
    """The text encoder of CLIP ViT-B/32: 12 layers over 77 tokens."""

    LENGTH: Final = 77

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(49_408, 512)
        self.encoder = _encoder(12, 512, 8, 2048)

    def forward(self, motions: int) -> Tensor:
        """The vectors (B, 512) of as many prompts."""
        tokens = torch.zeros(motions, self.LENGTH, dtype=torch.long)
        return self.encoder(self.words(tokens.to(self.words.weight.device)))[:, -1]


class Mdm(nn.Module):
    """Denoises all frames at each of 50 steps: 8 layers of 512, 4 heads, 1,024 inside."""

    STEPS: Final = 50

    def __init__(self) -> None:
        super().__init__()
        self.text = TextEncoder()
        self.into = nn.Linear(FEATURES, 512)
        self.condition = nn.Linear(512, 512)
        self.encoder = _encoder(8, 512, 4, 1024)
        self.out = nn.Linear(512, FEATURES)

    @torch.inference_mode()
    def generate(self, frames: int, motions: int) -> Tensor:
        """Frames (B, T, 263) that mean nothing, in the time of real ones."""
        device = self.out.weight.device
        condition = self.condition(self.text(motions)).repeat(GUIDED, 1)[:, None]
        x = torch.randn(motions, frames, FEATURES, device=device)
        for _ in range(self.STEPS):
            rows = torch.cat([condition, self.into(x.repeat(GUIDED, 1, 1))], dim=1)
            with_prompt, without = self.out(self.encoder(rows)[:, 1:]).chunk(GUIDED)
            x = 0.5 * (x + without + 2.5 * (with_prompt - without))
        return x


class MoMask(nn.Module):
    """Fills masked tokens in 10 passes and their 5 finer levels in one pass each.

    Both transformers have 8 layers of 384, 6 heads and 1,024 inside; a token is 4 frames, of 512.
    """

    PASSES: Final = 10
    FINER: Final = 5
    STRIDE: Final = 4
    CODES: Final = 512

    def __init__(self) -> None:
        super().__init__()
        self.text = TextEncoder()
        self.codes = nn.Embedding(self.CODES + 2, 384)
        self.condition = nn.Linear(512, 384)
        self.masked, self.residual = (_encoder(8, 384, 6, 1024) for _ in range(2))
        self.out = nn.Linear(384, self.CODES)
        self.decoder = _decoder()

    @torch.inference_mode()
    def generate(self, frames: int, motions: int) -> Tensor:
        """Frames (B, T, 263) that mean nothing, in the time of real ones."""
        device = self.out.weight.device
        condition = self.condition(self.text(motions)).repeat(GUIDED, 1)[:, None]
        steps = -(-frames // self.STRIDE)
        tokens = torch.full((motions, steps), self.CODES, device=device)
        for encoder, passes in ((self.masked, self.PASSES), (self.residual, self.FINER)):
            for _ in range(passes):
                rows = torch.cat([condition, self.codes(tokens.repeat(GUIDED, 1))], dim=1)
                with_prompt, without = self.out(encoder(rows)[:, 1:]).chunk(GUIDED)
                logits = without + 4.0 * (with_prompt - without)
                tokens = torch.multinomial(logits.softmax(-1).flatten(0, 1), 1).view_as(tokens)
        latents = torch.randn(motions, 512, steps, device=device)
        return self.decoder(latents)[..., :frames].transpose(1, 2)


def _decoder() -> nn.Sequential:
    """Convolutions of 512 channels: two doublings in time with three residual blocks each."""
    blocks: list[nn.Module] = [nn.Conv1d(512, 512, 3, padding=1), nn.ReLU()]
    for _ in range(2):
        blocks += [_Residual(dilation) for dilation in (9, 3, 1)]
        blocks += [nn.Upsample(scale_factor=2), nn.Conv1d(512, 512, 3, padding=1)]
    return nn.Sequential(
        *blocks,
        nn.Conv1d(512, 512, 3, padding=1),
        nn.ReLU(),
        nn.Conv1d(512, FEATURES, 3, padding=1),
    )


class _Residual(nn.Module):
    """A residual block of the decoder."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(512, 512, 3, padding=dilation, dilation=dilation),
            nn.ReLU(),
            nn.Conv1d(512, 512, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Channels and time stay."""
        return x + self.layers(x)
