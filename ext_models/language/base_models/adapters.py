"""A base with its LoRA adapter: create, save, load, merge.

Only the adapter and the rows of the added tokens are trained; with method = "full" all weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

from ext_models.language.vocabulary import MotionVocabulary
from ext_models.packs import PackError, PackManifest, require

from .bases import (
    BASE,
    BaseConfig,
    Loading,
    add_rows,
    load_base,
    load_plain_base,
    new_base,
    save_base,
    tied,
)

__all__ = [
    "ADAPTER", "BASE", "AdapterConfig", "BaseConfig", "Learns", "Loading", "PeftModel",
    "add_adapter", "add_rows", "load_base", "load_model", "load_plain_base", "load_text_model",
    "new_base", "place", "save_adapter", "save_base", "set_learning", "train_everything",
    "trainable_share",
]  # fmt: skip

ADAPTER = "adapter"
#: What a stage of a training moves: the rows of the added tokens, or the LoRA too.
Learns = Literal["rows", "adapter"]


@dataclass(frozen=True)
class AdapterConfig:
    """Which weights of a base are trained.

    Attributes:
        method: ``lora``, or ``full`` for every weight.
        rank, alpha, dropout: of the LoRA.
        targets: the layers that get one: names, or ``all-linear``.
    """

    rank: int = 64
    alpha: float = 128
    dropout: float = 0.05
    targets: str | Sequence[str] = "all-linear"
    method: Literal["lora", "full"] = "lora"

    def __post_init__(self) -> None:
        if self.method not in ("lora", "full"):
            raise PackError(f"an adapter's method is '{self.method}'; write lora or full.")
        if self.rank < 1:
            raise PackError(f"a LoRA's rank is {self.rank}; it is at least 1.")


def add_adapter(model: Any, config: AdapterConfig, added_ids: Sequence[int]) -> PeftModel:
    """LoRA on the base; of the embeddings only the rows of the added tokens are trained.

    Raises:
        PackError: when the base has no layers of the asked names.
    """
    rows: dict[str, list[int]] = {}
    if added_ids:
        rows[_name_of(model, model.get_input_embeddings())] = list(added_ids)
        if not tied(model):
            # An untied output head has its own rows, which would stay untrained.
            rows[_name_of(model, model.get_output_embeddings())] = list(added_ids)
    if getattr(model, "is_quantized", False):
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    targets = config.targets if isinstance(config.targets, str) else list(config.targets)
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,  # type: ignore[arg-type]
        lora_dropout=config.dropout,
        target_modules=targets,
        trainable_token_indices=rows or None,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, lora)
    except ValueError as error:
        layers = sorted({n.rpartition(".")[2] for n, m in model.named_modules() if _linear(m)})
        raise PackError(
            f"the base model has no layers for targets = {targets!r} "
            f"({str(error).splitlines()[0][:80]}): it has {', '.join(layers)}."
        ) from None


def set_learning(model: Any, learns: Learns) -> None:
    """Freeze or free the LoRA of a model; the rows of the added tokens learn in either case."""
    for name, weights in model.named_parameters():
        if ".lora_" in name:
            weights.requires_grad_(learns == "adapter")


def train_everything(model: Any) -> Any:
    """The base itself, every weight to be trained."""
    return model.float().requires_grad_(True)


def place(model: Any, device: str) -> Any:
    """The model on a device; a quantised one already is."""
    return model if getattr(model, "is_quantized", False) else model.to(device)


def _linear(module: Any) -> bool:
    return "Linear" in type(module).__name__ or type(module).__name__ == "Conv1D"


def _name_of(model: Any, module: Any) -> str:
    return next(name for name, m in model.named_modules() if m is module).rpartition(".")[2]


def trainable_share(model: Any) -> float:
    """Trained parameters over all parameters."""
    if not isinstance(model, PeftModel):
        counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
        return sum(n for n, trained in counts if trained) / sum(n for n, _ in counts)
    trained, every = model.get_nb_trainable_parameters()
    return trained / every


def save_adapter(
    model: PeftModel, folder: Path, base: str = f"../{BASE}", *, whole: bool = False
) -> None:
    """Write the adapter, which names its base relative to the pack, never a path of this machine.

    Args:
        model: base and adapter.
        folder: of the adapter.
        base: as the adapter names it.
        whole: keep every digit, for an adapter that others trained; half precision otherwise.
    """
    # The base's own embeddings stay in the base; the trained rows are the adapter's.
    own = {n: p.detach() for n, p in model.named_parameters() if _is_adapters(n)}
    state = own if whole else {name: weights.half() for name, weights in own.items()}
    model.save_pretrained(str(folder), save_embedding_layers=False, state_dict=state)
    path = folder / "adapter_config.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    body["base_model_name_or_path"] = base
    path.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (folder / "README.md").unlink(missing_ok=True)


def _is_adapters(name: str) -> bool:
    return ".lora_" in name or "trainable_tokens_delta" in name


def load_model(
    folder: Path, manifest: PackManifest, vocabulary: MotionVocabulary, device: str
) -> tuple[Any, Any]:
    """Base, adapter merged, and text tokenizer of a pack in the style ``tokens``."""
    model, tokenizer = load_base(
        manifest.base_model, folder, vocabulary, _loading(manifest, device)
    )
    return _merged(model, folder, manifest).to(device).eval(), tokenizer


def load_text_model(folder: Path, manifest: PackManifest, device: str) -> tuple[Any, Any]:
    """Base, adapter merged, and text tokenizer of a pack that adds no tokens."""
    model, tokenizer = load_plain_base(manifest.base_model, folder, _loading(manifest, device))
    return _merged(model, folder, manifest).to(device).eval(), tokenizer


def _loading(manifest: PackManifest, device: str) -> Loading:
    return Loading(manifest.base_revision, manifest.base_layers, device=device)


def _merged(model: Any, folder: Path, manifest: PackManifest) -> Any:
    if not manifest.adapter:
        return model
    adapter = folder / manifest.adapter
    require(adapter / "adapter_config.json")
    weights = require(adapter / "adapter_model.safetensors")
    try:
        adapted = PeftModel.from_pretrained(model, str(adapter), local_files_only=True)
        return adapted.merge_and_unload()
    except Exception as error:
        raise PackError(
            f"{weights} does not fit its base model ({str(error).splitlines()[0][:160]}): "
            "install the pack again."
        ) from None
