"""Which device the model runs on."""

from __future__ import annotations

from .errors import PipelineError


def pick_device(name: str) -> str:
    """``auto`` becomes cuda (also ROCm), mps or cpu; a device that is not there is refused."""
    import torch

    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if has_mps else "cpu"
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": has_mps}
    if name not in available:
        raise PipelineError(f"There is no device '{name}': use auto, cpu, cuda or mps.")
    if not available[name]:
        raise PipelineError(f"This machine has no usable '{name}' device: use auto or cpu.")
    return name
