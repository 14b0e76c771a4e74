"""The memory that a base model needs, and which base would fit when there is too little.

Checked before a weight is read: a process that runs out of memory is killed without a message.
Torch is imported only to look at a model or a GPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ext_models.packs import PackError

#: Bytes of one parameter; 4 bits include the scales of the blocks.
BYTES: Final = {"float32": 4.0, "bfloat16": 2.0, "8 bits": 1.1, "4 bits": 0.6}
#: In addition to the weights: buffers and a short batch; more in training.
OVERHEAD: Final = 1.1
LEARNING: Final = 1.4
#: Bytes of a trained parameter: float32, with its gradient and the two moments of AdamW.
WHOLE: Final = 16.0
GIGABYTE: Final = 1e9
#: Bytes of Python with PyTorch and transformers.
PROGRAM: Final = 0.5 * GIGABYTE
#: Bytes; a base that needs less is never refused.
SMALL: Final = 0.5 * GIGABYTE


def parameters_of(config: Any) -> int:
    """Parameters of the model that a configuration describes; nothing is loaded or created."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(p.numel() for p in model.parameters())


def needed(parameters: int, form: str, *, learning: bool, whole: bool = False) -> float:
    """Bytes of parameters in a form of ``BYTES``; ``whole``: all of them are trained."""
    if whole:
        return parameters * WHOLE * OVERHEAD
    return parameters * BYTES[form] * (LEARNING if learning else OVERHEAD)


def free(device: str) -> float:
    """Bytes that are free for a model on a device."""
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.mem_get_info(torch.device(device))[0])
    try:
        import psutil
    except ImportError:
        return float("inf")
    return min(float(psutil.virtual_memory().available), _of_container())


def _of_container() -> float:
    """Bytes that the limit of a container leaves; infinite without one."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        # The file cache counts as used, but is freed when memory is needed.
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return float(limit) - used + int(stat.get("file", 0))
    except (OSError, ValueError):
        return float("inf")


def check(
    name: str, parameters: int, form: str, device: str, *, learning: bool, whole: bool = False
) -> None:
    """Refuse a base that does not fit; raises PackError with what it needs and what would fit."""
    available = free(device)
    required = needed(parameters, form, learning=learning, whole=whole)
    if required <= max(available, SMALL):
        return
    smaller = [
        f"{other} (about {needed(parameters, other, learning=learning) / GIGABYTE:.1f} GB)"
        for other, size in BYTES.items()
        if (whole or size < BYTES[form])
        and needed(parameters, other, learning=learning) <= available
    ]
    most = available / needed(1, "4 bits", learning=learning) / 1e9
    method = 'with method = "lora" ' if whole else ""
    advice = f"it would fit {method}in {' or '.join(smaller)}; otherwise " if smaller else ""
    how = "to train every weight" if whole else f"in {form}"
    raise PackError(
        f"the base model {name} ({parameters / 1e9:.2f} billion parameters) needs about "
        f"{required / GIGABYTE:.1f} GB {how} and {available / GIGABYTE:.1f} GB are free on "
        f"{device}: {advice}take one of at most {most:.2f} billion parameters (in 4 bits)."
    )


def of_batch(config: Any, tokens: int) -> float:
    """Bytes that a training keeps of a batch until its gradients are there, in float32.

    Of each token and layer some fourteen vectors of the hidden width and three of the MLP's.
    """
    text = config.get_text_config()
    width = 14 * text.hidden_size + 3 * getattr(text, "intermediate_size", 4 * text.hidden_size)
    return BYTES["float32"] * tokens * text.num_hidden_layers * width


def told(name: str, parameters: int, required: float, batch: float, device: str) -> str:
    """A sentence on a base that fits: its weights, what comes beside them, and what is free.

    Args:
        name: of the base.
        parameters: that are loaded.
        required: bytes by ``needed``.
        batch: bytes by ``of_batch``; 0 without a training.
        device: where it will run.
    """
    everything = (required + batch + PROGRAM) / GIGABYTE
    beside = "the program and a batch" if batch else "the program"
    available = free(device)
    of_free = f"; {available / GIGABYTE:.1f} GB are free" if available < float("inf") else ""
    return (
        f"{name}: {parameters / 1e6:.0f} million parameters take about "
        f"{required / GIGABYTE:.1f} GB, with {beside} {everything:.1f} GB on {device}{of_free}"
    )


def fitting(parameters: int, device: str, *, learning: bool) -> str:
    """``float32`` for a base of up to a billion parameters that fits in it, else ``bfloat16``."""
    exact = needed(parameters, "float32", learning=learning)
    return "float32" if parameters <= 1e9 and exact <= max(free(device), SMALL) else "bfloat16"
