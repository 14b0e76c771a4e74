"""Encoders and decoders of the tokenizer, in two forms.

``convolutions`` is T2M-GPT's network (Zhang et al. 2023), which the reference uses; its
checkpoints load into it. ``patches`` is ours: the frames of one code step are projected
together, and a small residual network refines the result with a few neighbouring steps.
It starts as a principal component analysis, so that a CPU's minutes suffice, and sees
little of the motion around a code, so that a single pose has one too.

Both take (B, channels, T) and give (B, code width, S), the decoder the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Form = Literal["patches", "convolutions"]
#: More than any tokenizer needs; a file that claims more is damaged.
_MOST: Final = {
    "channels": 4096,
    "width": 4096,
    "code_width": 4096,
    "codes": 2**16,
    "levels": 64,
    "downsamplings": 6,
}


@dataclass(frozen=True)
class TokenizerConfig:
    """Sizes of a tokenizer.

    Attributes:
        form: which of the two networks.
        channels: width of a feature frame.
        width: width inside the network.
        code_width: width of a code vector.
        codes: codes a level.
        levels: residual levels; 1 is plain vector quantisation.
        dilations: dilation of each residual block (at each rate, for convolutions).
        downsamplings: halvings of the frame rate; 2 make a stride of 4.
        quantizer: ``residual``, or ``scalar`` for finite scalar quantisation.
        lap: frames on either side of a step that a patch also speaks for, so that steps
            blend into each other instead of meeting at seams.
    """

    form: Form = "convolutions"
    channels: int = 263
    width: int = 256
    code_width: int = 64
    codes: int = 512
    levels: int = 4
    dilations: tuple[int, ...] = (1, 1)
    downsamplings: int = 2
    quantizer: Literal["residual", "scalar"] = "residual"
    lap: int = 0

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} = {getattr(self, name)}: at most {most} are possible.")
        if not 0 <= self.lap <= self.stride // 2:
            raise ValueError(f"lap = {self.lap}: patches lap by 0 to {self.stride // 2} frames.")

    @property
    def stride(self) -> int:
        """Frames a code."""
        return 2**self.downsamplings

    @property
    def some(self) -> list[int]:
        """Numbers of levels at which a report looks: all, and fewer as a model may write.

        Finite scalars are made to be read together: fewer of them mean little.
        """
        if self.quantizer == "scalar":
            return [self.levels]
        return [k for k in range(1, self.levels + 1) if k <= 4 or k % 2 == 0]


def make_encoder(c: TokenizerConfig) -> Convolutions | PatchEncoder:
    """The encoder of a configuration."""
    if c.form == "patches":
        return PatchEncoder(c)
    down = [
        nn.Sequential(nn.Conv1d(c.width, c.width, 4, stride=2, padding=1), _blocks(c))
        for _ in range(c.downsamplings)
    ]
    first = nn.Conv1d(c.channels, c.width, 3, padding=1)
    return Convolutions(first, nn.ReLU(), *down, nn.Conv1d(c.width, c.code_width, 3, padding=1))


def make_decoder(c: TokenizerConfig) -> Convolutions | PatchDecoder:
    """The decoder of a configuration."""
    if c.form == "patches":
        return PatchDecoder(c)
    up = [
        nn.Sequential(
            _blocks(c), nn.Upsample(scale_factor=2), nn.Conv1d(c.width, c.width, 3, padding=1)
        )
        for _ in range(c.downsamplings)
    ]
    first = nn.Conv1d(c.code_width, c.width, 3, padding=1)
    last = nn.Conv1d(c.width, c.channels, 3, padding=1)
    return Convolutions(
        first, nn.ReLU(), *up, nn.Conv1d(c.width, c.width, 3, padding=1), nn.ReLU(), last
    )


# --- convolutions: the reference's form ---------------------------------------------------


class Convolutions(nn.Sequential):
    """A stack of convolutions that can also answer for a signal that never changes."""

    def still(self, x: Tensor) -> Tensor:
        """What a signal (K, C), held constant, becomes: (K, C')."""
        return _held_still(self, x)


class ResidualBlock(nn.Module):
    """ReLU, dilated 3-tap convolution, ReLU, 1x1 convolution, added to the input."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, S) to the same."""
        return x + self.conv2(torch.relu(self.conv1(torch.relu(x))))


def _blocks(c: TokenizerConfig) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(c.width, d) for d in c.dilations))


def _held_still(module: nn.Module, x: Tensor) -> Tensor:
    """A constant stays constant through every layer: a convolution is its kernel summed.

    So no window, however long, has to be computed.
    """
    if isinstance(module, nn.Sequential):
        for layer in module:
            x = _held_still(layer, x)
        return x
    if isinstance(module, ResidualBlock):
        inner = _held_still(module.conv1, torch.relu(x))
        return x + _held_still(module.conv2, torch.relu(inner))
    if isinstance(module, nn.Conv1d):
        return functional.linear(x, module.weight.sum(-1), module.bias)
    return x if isinstance(module, nn.Upsample) else module(x)


# --- patches: our form --------------------------------------------------------------------


class Neighbours(nn.Module):
    """A linear map of each step with the one before and the one after it, some steps away.

    A 3-tap convolution whose ends repeat, so that a single step stands for a constant
    signal; written as one product of matrices, which a CPU does twice as fast.
    """

    def __init__(self, into: int, out: int, reach: int = 1) -> None:
        super().__init__()
        self.reach = reach
        self.linear = nn.Linear(3 * into, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, into) to (B, S, out)."""
        steps = torch.arange(x.shape[1], device=x.device)
        before = x[:, (steps - self.reach).clamp(min=0)]
        after = x[:, (steps + self.reach).clamp(max=x.shape[1] - 1)]
        return self.linear(torch.cat([before, x, after], -1))


class Refinement(nn.Module):
    """A residual network over steps, initialised as the identity: (B, S, width) to the same."""

    def __init__(self, outer: int, c: TokenizerConfig) -> None:
        super().__init__()
        self.into = nn.Linear(outer, c.width)
        self.around = nn.ModuleList(Neighbours(c.width, c.width, d) for d in c.dilations)
        self.within = nn.ModuleList(nn.Linear(c.width, c.width) for _ in c.dilations)
        self.out = nn.Linear(c.width, outer)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, outer) to the same."""
        h = self.into(x)
        for around, within in zip(self.around, self.within, strict=True):
            h = h + within(functional.gelu(around(functional.gelu(h))))
        return x + self.out(functional.gelu(h))


class PatchEncoder(nn.Module):
    """Frames of one step projected together, then refined."""

    def __init__(self, c: TokenizerConfig) -> None:
        super().__init__()
        self.stride = c.stride
        self.project = nn.Linear(c.channels * c.stride, c.code_width)
        self.refine = Refinement(c.code_width, c)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T) to (B, code width, T / stride)."""
        frames = x.movedim(1, -1)
        steps = frames.reshape(len(frames), -1, self.stride * frames.shape[-1])
        return self.refine(self.project(steps)).movedim(-1, 1)

    def still(self, x: Tensor) -> Tensor:
        """Poses (K, channels), each held constant, to (K, code width)."""
        return self(x[:, :, None].expand(-1, -1, self.stride))[..., 0]


class PatchDecoder(nn.Module):
    """Steps refined, then each projected to its frames and a few on either side.

    Where two steps speak for one frame their words are cross-faded.
    """

    fade: Tensor

    def __init__(self, c: TokenizerConfig) -> None:
        super().__init__()
        self.channels, self.stride, self.lap = c.channels, c.stride, c.lap
        self.refine = Refinement(c.code_width, c)
        self.project = nn.Linear(c.code_width, c.channels * (c.stride + 2 * c.lap))
        rise = (torch.arange(2 * c.lap) + 0.5) / max(2 * c.lap, 1)
        level = torch.ones(c.stride - 2 * c.lap)
        self.register_buffer("fade", torch.cat([rise, level, rise.flip(0)]), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """(B, code width, S) to (B, channels, S x stride)."""
        steps = self.project(self.refine(z.movedim(1, -1)))
        patches = steps.unflatten(-1, (-1, self.channels))  # (B, S, stride + 2 lap, channels)
        if not self.lap:
            return patches.flatten(1, 2).movedim(-1, 1)
        output = self._overlapped(patches * self.fade[:, None])
        # The first and last step have no neighbour to be cross-faded with.
        weight = self._overlapped(self.fade[:, None].expand(1, patches.shape[1], -1, 1))
        return (output / weight).movedim(-1, 1)

    def _overlapped(self, patches: Tensor) -> Tensor:
        """Patches (B, S, stride + 2 lap, C) added up in their places: (B, S x stride, C)."""
        lap, stride = self.lap, self.stride
        out = patches[:, :, lap : lap + stride].clone()
        out[:, :-1, stride - lap :] += patches[:, 1:, :lap]
        out[:, 1:, :lap] += patches[:, :-1, lap + stride :]
        return out.flatten(1, 2)

    def still(self, z: Tensor) -> Tensor:
        """Codes (K, code width), each held constant, to one frame each (K, channels)."""
        held = self(z[..., None].expand(-1, -1, 3))
        return held[..., self.stride : 2 * self.stride].mean(-1)
