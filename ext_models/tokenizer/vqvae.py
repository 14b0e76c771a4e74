"""The VQ-VAE that turns motion features into codes and back.

The architecture is T2M-GPT's (Zhang et al. 2023), which the reference uses, with its
sizes as parameters: dilations (9, 3, 1) and one level are the reference's; packs of
ours take no dilation, so that a code sees about a second and a half of motion.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ext_models import packs
from ext_models.motion import features

from .quantizers import ResidualQuantizer

Array = NDArray[np.float32]


@dataclass(frozen=True)
class TokenizerConfig:
    """Sizes of a tokenizer.

    Attributes:
        channels: width of a feature frame.
        width: width of the convolutions.
        code_width: width of a code vector.
        codes: codes a level.
        levels: residual levels; 1 is plain vector quantisation.
        dilations: dilation of each residual block at each rate.
        downsamplings: halvings of the frame rate; 2 make a stride of 4.
    """

    channels: int = 263
    width: int = 256
    code_width: int = 64
    codes: int = 512
    levels: int = 4
    dilations: tuple[int, ...] = (1, 1)
    downsamplings: int = 2

    @property
    def stride(self) -> int:
        """Frames a code."""
        return 2**self.downsamplings


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


def _encoder(c: TokenizerConfig) -> nn.Sequential:
    down = [
        nn.Sequential(nn.Conv1d(c.width, c.width, 4, stride=2, padding=1), _blocks(c))
        for _ in range(c.downsamplings)
    ]
    first = nn.Conv1d(c.channels, c.width, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), *down, nn.Conv1d(c.width, c.code_width, 3, padding=1))


def _decoder(c: TokenizerConfig) -> nn.Sequential:
    up = [
        nn.Sequential(
            _blocks(c), nn.Upsample(scale_factor=2), nn.Conv1d(c.width, c.width, 3, padding=1)
        )
        for _ in range(c.downsamplings)
    ]
    first = nn.Conv1d(c.code_width, c.width, 3, padding=1)
    last = nn.Conv1d(c.width, c.channels, 3, padding=1)
    return nn.Sequential(
        first, nn.ReLU(), *up, nn.Conv1d(c.width, c.width, 3, padding=1), nn.ReLU(), last
    )


class VQVAE(nn.Module):
    """Features (B, T, C) to codes (B, T / stride, L) and back, statistics inside."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _encoder(config)
        self.quantizer = ResidualQuantizer(config.levels, config.codes, config.code_width)
        self.decoder = _decoder(config)
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised features (B, T, C): their reconstruction, codes, commitment loss."""
        quantised, codes, loss = self.quantizer(self.encoder(x.movedim(-1, 1)))
        return self.decoder(quantised).movedim(1, -1), codes, loss

    def normalise(self, x: Tensor) -> Tensor:
        """Features as stored to features as the network sees them."""
        return (x - self.mean) / self.std

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Codes (B, T // stride, L) of features (B, T, C); left-over frames are dropped."""
        frames = x.shape[1] // self.config.stride * self.config.stride
        z = self.encoder(self.normalise(x[:, :frames]).movedim(-1, 1))
        return self.quantizer(z)[1]

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Features (B, S * stride, C) of codes (B, S, L)."""
        return self.decoder(self.quantizer.look_up(codes)).movedim(1, -1) * self.std + self.mean

    @torch.no_grad()
    def encode_poses(self, poses: Array) -> Array:
        """Codes (K, L) of single poses (K, 22, 3) metres: each as if it were held for ever."""
        x = torch.from_numpy(features.from_poses(poses)).to(self.mean.device)
        z = held_still(self.encoder, self.normalise(x))
        return self.quantizer(z[..., None])[1][:, 0].cpu().numpy()

    @torch.no_grad()
    def decode_poses(self, codes: Array) -> Array:
        """Poses (K, 22, 3) of codes (K, L), facing +z over the origin."""
        steps = torch.as_tensor(codes, device=self.mean.device)[:, None]
        x = held_still(self.decoder, self.quantizer.look_up(steps)[..., 0])
        return features.to_joints((x * self.std + self.mean)[:, None].cpu().numpy())[:, 0]


def held_still(module: nn.Module, x: Tensor) -> Tensor:
    """What a stack of convolutions makes of a signal (K, C) that never changes.

    A constant stays constant through every layer, so a convolution is its kernel summed
    over time, and no window, however long, has to be computed.
    """
    if isinstance(module, nn.Sequential):
        for layer in module:
            x = held_still(layer, x)
        return x
    if isinstance(module, ResidualBlock):
        inner = held_still(module.conv1, torch.relu(x))
        return x + held_still(module.conv2, torch.relu(inner))
    if isinstance(module, nn.Conv1d):
        return nn.functional.linear(x, module.weight.sum(-1), module.bias)
    return x if isinstance(module, nn.Upsample) else module(x)


def save_tokenizer(model: VQVAE, folder: Path) -> None:
    """Write configuration and half-precision weights into a pack folder."""
    folder.mkdir(parents=True, exist_ok=True)
    body = json.dumps(asdict(model.config), indent=1)
    (folder / packs.TOKENIZER_CONFIG).write_text(body + "\n", encoding="utf-8")
    exact = ("mean", "std")
    state = {k: v if k in exact else v.half() for k, v in model.state_dict().items()}
    save_file({k: v.cpu().contiguous() for k, v in state.items()}, folder / packs.TOKENIZER_WEIGHTS)


def load_tokenizer(folder: Path, device: str = "cpu") -> VQVAE:
    """Read a tokenizer from a pack folder; raises PackError naming file and tensor."""
    path = packs.require(folder / packs.TOKENIZER_WEIGHTS)
    config_path = packs.require(folder / packs.TOKENIZER_CONFIG)
    try:
        body: dict[str, Any] = json.loads(config_path.read_text(encoding="utf-8"))
        body["dilations"] = tuple(body["dilations"])
        model = VQVAE(TokenizerConfig(**body))
    except (ValueError, TypeError, KeyError) as error:
        raise packs.PackError(
            f"{config_path} does not describe a tokenizer ({error}): install the pack again."
        ) from None
    try:
        state = {k: v.float() for k, v in load_file(path).items()}
        model.load_state_dict(state)
    except (SafetensorError, RuntimeError) as error:
        raise packs.PackError(
            f"{path} is damaged or of another size ({str(error).splitlines()[-1].strip()}): "
            "install the pack again."
        ) from None
    return model.to(device).eval()
