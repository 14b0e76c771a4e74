"""Arithmetic and memory of a training: bfloat16, and gradient checkpointing."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import torch

from .settings import Precision

#: Parameters from which bfloat16 gains; below, the casts cost more.
LARGE: Final = 50_000_000


def wants_bfloat16(precision: Precision, model: torch.nn.Module, device: torch.device) -> bool:
    """Whether to compute in bfloat16; ``auto`` does for a large model on a device that has it."""
    if precision == "auto":
        large = sum(p.numel() for p in model.parameters()) >= LARGE
        return large and has_bfloat16(device)
    return precision == "bfloat16"


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies in bfloat16; emulated, it takes several times as long."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    instructions = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(there for name, there in instructions.items() if "bf16" in name)


def autocast(device: torch.device, *, bfloat16: bool) -> contextlib.AbstractContextManager[Any]:
    """The context of a forward pass."""
    return torch.autocast(device.type, torch.bfloat16) if bfloat16 else contextlib.nullcontext()


def enable_gradient_checkpointing(model: Any) -> None:
    """Compute activations anew in the backward pass, also above frozen embeddings."""
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.config.use_cache = False


def disable_gradient_checkpointing(model: Any) -> None:
    """Undo ``enable_gradient_checkpointing``."""
    model.gradient_checkpointing_disable()
    model.config.use_cache = True
