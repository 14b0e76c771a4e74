"""The VQ-VAE that turns motion features into codes and back.

Its encoder and decoder are in ``networks``: the reference's form and ours.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
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
from motiongpt_blender.core.bounded_files import read_json

from .networks import TokenizerConfig, make_decoder, make_encoder
from .quantizers import make_quantizer

Array = NDArray[np.float32]

__all__ = ["VQVAE", "TokenizerConfig", "load_tokenizer", "save_tokenizer"]


class VQVAE(nn.Module):
    """Features (B, T, C) to codes (B, T / stride, L) and back, statistics inside."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config)
        self.quantizer = make_quantizer(config)
        self.decoder = make_decoder(config)
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
    def encode(self, x: Tensor, levels: int | None = None) -> Tensor:
        """Codes (B, T // stride, L) of features (B, T, C); left-over frames are dropped.

        ``levels``: the best codes of the first so many levels, which need not be a prefix of the
        best codes of all.
        """
        frames = x.shape[1] // self.config.stride * self.config.stride
        return self.encode_normalised(self.normalise(x[:, :frames]), levels)

    @torch.no_grad()
    def encode_normalised(self, x: Tensor, levels: int | None = None) -> Tensor:
        """Codes (B, T / stride, L) of normalised features (B, T, C)."""
        return self.quantizer.encode(self.encoder(x.movedim(-1, 1)), levels)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Features (B, S * stride, C) of codes (B, S, L)."""
        return self.decoder(self.quantizer.look_up(codes)).movedim(1, -1) * self.std + self.mean

    @torch.no_grad()
    def encode_poses(self, poses: Array, levels: int | None = None) -> Array:
        """Codes (K, L) of single poses (K, 22, 3) metres: each as if it were held for ever."""
        x = torch.from_numpy(features.from_poses(poses)).to(self.mean.device)
        z = self.encoder.still(self.normalise(x))
        return self.quantizer.encode(z[..., None], levels)[:, 0].cpu().numpy()

    @torch.no_grad()
    def decode_poses(self, codes: Array) -> Array:
        """Poses (K, 22, 3) of codes (K, L), facing +z over the origin."""
        steps = torch.as_tensor(codes, device=self.mean.device)[:, None]
        x = self.decoder.still(self.quantizer.look_up(steps)[..., 0])
        return features.to_joints((x * self.std + self.mean)[:, None].cpu().numpy())[:, 0]


def save_tokenizer(model: VQVAE, folder: Path) -> None:
    """Write configuration and half-precision weights into a pack folder."""
    folder.mkdir(parents=True, exist_ok=True)
    body = json.dumps(asdict(model.config), indent=1)
    (folder / packs.TOKENIZER_CONFIG).write_text(body + "\n", encoding="utf-8")
    exact = ("mean", "std")
    state = {k: v if k in exact else v.half() for k, v in model.state_dict().items()}
    save_file({k: v.cpu().contiguous() for k, v in state.items()}, folder / packs.TOKENIZER_WEIGHTS)


def codes_hash(model: VQVAE) -> str:
    """A hash of all that a motion's codes depend on, 12 digits: the same after saving."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if not name.startswith("decoder."):
            digest.update(name.encode() + value.half().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def load_tokenizer(folder: Path, device: str = "cpu") -> VQVAE:
    """Read a tokenizer from a pack folder; raises PackError naming file and tensor."""
    path = packs.require(folder / packs.TOKENIZER_WEIGHTS)
    config_path = packs.require(folder / packs.TOKENIZER_CONFIG)
    try:
        body: dict[str, Any] = read_json(config_path, packs.MANIFEST_LIMIT)
        body["dilations"] = tuple(body["dilations"])
        model = VQVAE(TokenizerConfig(**body))
    except (ValueError, TypeError, KeyError) as error:
        raise packs.PackError(
            f"{config_path} does not describe a tokenizer ({error}): install the pack again."
        ) from None
    try:
        state = {k: v.float() for k, v in load_file(path).items()}
        model.load_state_dict(state)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise packs.PackError(
            f"{path} is damaged or of another size ({str(error).splitlines()[-1].strip()}): "
            "install the pack again."
        ) from None
    packs.check_finite(path, state.values())
    return model.to(device).eval()
