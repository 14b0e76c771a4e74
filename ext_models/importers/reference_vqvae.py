"""The reference's VQ-VAE checkpoints: ``pretrained_vqvae/{t2m,kit}.pth``.

The architecture is the one of our own tokenizer (plain VQ, dilations 9, 3, 1), so a
checkpoint becomes a ``tokenizer.vqvae.VQVAE``; only the names of the tensors differ.
All sizes are read from the tensors. The growth of the dilations cannot be read from them: it
is 3, as in all these publications.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ext_models.tokenizer.quantizers import Codebook
from ext_models.tokenizer.vqvae import VQVAE, TokenizerConfig

from .reading import CheckpointError, Shape, Tensors, read_checkpoint, tensors_in

DILATION_GROWTH: Final = 3
ENCODER: Final = "vqvae.encoder.model"
DECODER: Final = "vqvae.decoder.model"
CODEBOOK: Final = "vqvae.quantizer.codebook"


class ReferenceVQVAE:
    """The reference's VQ-VAE: encodes normalised features and decodes codes.

    Attributes:
        model: the same weights as our tokenizer. Its statistics are 0 and 1, because
            the reference keeps them in files of their own.
    """

    def __init__(self, model: VQVAE) -> None:
        self.model = model

    @property
    def config(self) -> TokenizerConfig:
        """Sizes, read from the checkpoint."""
        return self.model.config

    def encode(self, features: Tensor | NDArray[np.floating]) -> Tensor:
        """Codes (B, T // stride) of normalised features (B, T, C) or (T, C).

        Left-over frames are dropped, as the reference's loaders do.

        Raises:
            CheckpointError: for another number of channels, or too few frames.
        """
        x = torch.as_tensor(features, dtype=torch.float32)
        x = x[None] if x.dim() == 2 else x
        c = self.config
        if x.dim() != 3 or x.shape[-1] != c.channels or x.shape[1] < c.stride:
            raise CheckpointError(
                f"this VQ-VAE encodes features of the shape (clips, {c.stride} frames or more, "
                f"{c.channels}); these are {tuple(x.shape)}."
            )
        return self.model.encode(x.to(self.model.mean.device))[..., 0]

    def decode(self, codes: Tensor | NDArray[np.integer]) -> Tensor:
        """Normalised features (B, S * stride, C) of codes (B, S) or (S,).

        Raises:
            CheckpointError: for no codes, or codes that the codebook does not have.
        """
        steps = torch.as_tensor(codes).long()
        steps = steps[None] if steps.dim() == 1 else steps
        if steps.dim() != 2 or steps.shape[1] == 0:
            raise CheckpointError(
                f"codes have the shape (clips, 1 or more); these are {tuple(steps.shape)}."
            )
        wrong = steps[(steps < 0) | (steps >= self.config.codes)]
        if len(wrong):
            raise CheckpointError(
                f"the code {int(wrong[0])} is outside the codebook, 0 to {self.config.codes - 1}."
            )
        return self.model.decode(steps[..., None].to(self.model.mean.device))


def load_vqvae(path: Path | str) -> ReferenceVQVAE:
    """Read ``{'net': ...}`` as the reference's training writes it; raises CheckpointError."""
    tensors = tensors_in(path, read_checkpoint(path), "net")
    config = _sizes(tensors)
    model = VQVAE(config)
    known = {CODEBOOK}
    # Both list their convolutions in the order of the forward pass.
    for module, names in (
        (model.encoder, _encoder_names(config)),
        (model.decoder, _decoder_names(config)),
    ):
        convolutions = [m for m in module.modules() if isinstance(m, nn.Conv1d)]
        for conv, name in zip(convolutions, names, strict=True):
            for kind, own in (("weight", conv.weight), ("bias", conv.bias)):
                if own is not None:
                    own.data.copy_(tensors.finite(f"{name}.{kind}", own.shape))
                    known.add(f"{name}.{kind}")
    book = next(m for m in model.modules() if isinstance(m, Codebook))
    book.codebook.copy_(tensors.finite(CODEBOOK, (config.codes, config.code_width)))
    tensors.refuse_others(known)
    return ReferenceVQVAE(model.eval())


def _sizes(tensors: Tensors) -> TokenizerConfig:
    width, channels, _ = tensors.take(f"{ENCODER}.0.weight", (None, None, 3)).shape
    codes, code_width = tensors.take(CODEBOOK, (None, None)).shape
    downsamplings = _count(tensors, f"{ENCODER}.{{}}.0.weight", (width, width, 4), first=2)
    depth = _count(tensors, f"{ENCODER}.2.1.model.{{}}.conv1.weight", (width, width, 3))
    return TokenizerConfig(
        channels=channels,
        width=width,
        code_width=code_width,
        codes=codes,
        levels=1,
        dilations=tuple(DILATION_GROWTH**i for i in reversed(range(depth))),
        downsamplings=downsamplings,
    )


def _count(tensors: Tensors, pattern: str, shape: Shape, first: int = 0) -> int:
    """How many keys with the numbers ``first``, ``first + 1`` ... there are; at least one."""
    tensors.take(pattern.format(first), shape)
    at = first
    while pattern.format(at) in tensors.values:
        at += 1
    return at - first


def _block_names(stem: str, depth: int) -> Iterator[str]:
    for i in range(depth):
        yield f"{stem}.model.{i}.conv1"
        yield f"{stem}.model.{i}.conv2"


def _encoder_names(config: TokenizerConfig) -> Iterator[str]:
    """Names of the convolutions: in; each halving and its residual blocks; out."""
    yield f"{ENCODER}.0"
    end = 2 + config.downsamplings
    for i in range(2, end):
        yield f"{ENCODER}.{i}.0"
        yield from _block_names(f"{ENCODER}.{i}.1", len(config.dilations))
    yield f"{ENCODER}.{end}"


def _decoder_names(config: TokenizerConfig) -> Iterator[str]:
    """The same in reverse order, with one more convolution before the last."""
    yield f"{DECODER}.0"
    end = 2 + config.downsamplings
    for i in range(2, end):
        yield from _block_names(f"{DECODER}.{i}.0", len(config.dilations))
        yield f"{DECODER}.{i}.2"
    yield f"{DECODER}.{end}"
    yield f"{DECODER}.{end + 2}"
