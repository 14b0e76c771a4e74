"""Which device the model runs on, and its memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from .errors import PipelineError

#: What libraries say when memory is short.
_SHORT: Final = ("out of memory", "not enough memory", "allocate memory")


#: Parameters up to which a model generates on one thread of a processor.
ONE_THREAD: Final = 100_000_000


@contextmanager
def suitable_threads(model: Any) -> Iterator[None]:
    """Within it, a small model computes on one thread.

    Its matrices are too small to gain by a second one, and threads wait for each other by spinning:
    where Blender or a render keeps one of two cores busy, two take twenty times as long as one.
    """
    import torch

    before = torch.get_num_threads()
    if sum(weights.numel() for weights in model.parameters()) <= ONE_THREAD:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the computer or the GPU does not suffice."""
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in _SHORT)


def release_memory() -> None:
    """Give back what PyTorch keeps of the GPU's memory for later."""
    gc.collect()
    if (torch := sys.modules.get("torch")) is None:
        return
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def held_memory() -> int:
    """Bytes that this process holds of the computer's and the GPU's memory; 0 if unknown."""
    try:
        import psutil
    except ImportError:
        return 0
    held = int(psutil.Process().memory_info().rss)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        held += torch.cuda.memory_reserved()
    return held
