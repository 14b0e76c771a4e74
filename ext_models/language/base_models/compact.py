"""A base cut to its first layers, in bfloat16 or in few bits, to travel where little fits.

In few bits it is smaller than what it was fetched from, but has to be expanded before it is used:
to bfloat16, as a base like any other. Each group of weights has its own scale; layers have 4
bits, embeddings 8, as the common 4-bit files of llama.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM

from ext_models.packs import PackError, require

from .bases import Loading, load_located
from .locating import locate

#: The weights of a base in few bits, in the place of model.safetensors.
COMPACT: Final = "compact.safetensors"
#: Weights of one scale, neighbours in a row.
GROUP: Final = 32
#: End the names of a matrix' integers (O, I or I / 2), lowest values and scales (O, G).
_PARTS: Final = (":integers", ":lowest", ":scale")


def cut_base(name: str, layers: int, out: Path, *, compact: bool) -> int:
    """Write a base with its first layers alone.

    Args:
        name: of a base on this machine, as ``locate`` takes it.
        layers: how many are kept; 0 is all.
        out: a new folder.
        compact: whether to store it in few bits.

    Returns:
        Bytes of the folder.

    Raises:
        PackError: when the base cannot be loaded or cut, or the folder is not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PackError(f"{out} is not empty: name a new folder.")
    model, text = load_located(locate(name), Loading(layers=layers, dtype="bfloat16"))
    out.mkdir(parents=True, exist_ok=True)
    text.save_pretrained(out)
    if compact:
        model.config.save_pretrained(out)
        save_file(_compressed(model), out / COMPACT)
    else:
        model.save_pretrained(out)
    return sum(path.stat().st_size for path in out.iterdir())


def expand_base(folder: Path) -> None:
    """Turn a base in few bits into one in bfloat16, in its folder.

    Raises:
        PackError: when the folder holds none, or a damaged one.
    """
    path = require(folder / COMPACT)
    try:
        weights = _expanded(load_file(path))
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
        lacking = {name for name, _ in model.named_parameters()} - weights.keys()
        if lacking:
            raise ValueError(f"{sorted(lacking)[0]} is missing")
        model.load_state_dict(weights, strict=False)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0][:160]
        raise PackError(f"{path} is damaged ({reason}): cut the base again.") from None
    model.save_pretrained(folder)
    path.unlink()


def quantise(weight: Tensor, bits: int) -> tuple[Tensor, Tensor, Tensor]:
    """Integers, lowest values and scales of a matrix (O, I), in groups of ``GROUP``."""
    groups = weight.float().unflatten(1, (-1, GROUP))
    lowest, highest = groups.amin(-1).half(), groups.amax(-1)
    scale = ((highest - lowest.float()) / (2**bits - 1)).half()
    scale[scale == 0] = 1
    steps = (groups - lowest.float()[..., None]) / scale.float()[..., None]
    integers = steps.round().clamp(0, 2**bits - 1).to(torch.uint8).flatten(1)
    if bits == 4:
        integers = integers[:, ::2] | (integers[:, 1::2] << 4)
    return integers, lowest, scale


def dequantise(integers: Tensor, lowest: Tensor, scale: Tensor) -> Tensor:
    """The matrix (O, I) of what ``quantise`` gives, as float32."""
    if integers.shape[1] < GROUP * scale.shape[1]:
        integers = torch.stack([integers & 15, integers >> 4], dim=-1).flatten(1)
    groups = integers.float().unflatten(1, (-1, GROUP))
    return (lowest.float()[..., None] + scale.float()[..., None] * groups).flatten(1)


def _compressed(model: Any) -> dict[str, Tensor]:
    """The weights of a model: matrices as integers, all others as they are."""
    fine = {layer.weight for layer in model.modules() if isinstance(layer, nn.Embedding)}
    fine.add(model.get_output_embeddings().weight)
    found: dict[str, Tensor] = {}
    for name, weight in model.named_parameters():
        if weight.dim() != 2 or weight.shape[1] % GROUP:
            found[name] = weight.detach().clone()
            continue
        parts = quantise(weight.detach(), 8 if weight in fine else 4)
        found |= {name + part: values for part, values in zip(_PARTS, parts, strict=True)}
    return found


def _expanded(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that ``_compressed`` has stored."""
    first = _PARTS[0]
    weights = {name: values for name, values in stored.items() if ":" not in name}
    for name in (key.removesuffix(first) for key in stored if key.endswith(first)):
        weights[name] = dequantise(*(stored[name + part] for part in _PARTS))
    return weights
