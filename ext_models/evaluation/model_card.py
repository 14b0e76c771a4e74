"""The model card of a pack, written from its evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ext_models.language.base_models.adapters import ADAPTER, BASE
from ext_models.packs import RERANKER, TOKENIZER_WEIGHTS, TRAINING, PackManifest, require
from ext_models.text_motion.model import WEIGHTS
from ext_models.tokenizer.report import Report

from .evaluation import Evaluation


def model_card(
    manifest: PackManifest,
    tokenizer: Report,
    evaluation: Evaluation,
    sizes: Mapping[str, float],
    counts: Mapping[str, int],
    *,
    pretrained: bool = True,
) -> str:
    """Markdown of ``MODEL_CARD.md``.

    Args:
        manifest: of the pack.
        tokenizer: reconstruction of the held-out clips with the levels that are used.
        evaluation: what was measured on the same clips.
        sizes: millions of parameters: tokenizer, base, adapter, reranker.
        counts: clips of each split.
        pretrained: whether a base of the pack's own read captions and motions beforehand.
    """
    share = sizes["adapter"] / max(sizes["adapter"] + sizes["base"], 1e-9)
    lines = [
        f"# {manifest.title}",
        "",
        f"Licence: {manifest.licence}. Motion at {manifest.fps:g} fps, up to "
        f"{manifest.max_frames / manifest.fps:.1f} s, {manifest.representation} features.",
        "",
        "## What it is",
        "",
        f"- Tokenizer: residual VQ-VAE, {sizes['tokenizer']:.1f} M parameters, "
        f"{manifest.levels} codes for every 4 frames.",
        _base(manifest, sizes["base"], pretrained),
        _trained(sizes["adapter"], share),
        *_reranker(sizes["reranker"]),
        f"- Trained on {counts['train']} clips and what is made of them, watched on "
        f"{counts['val']}, measured below on {counts['test']} that it has not seen.",
        f"- It has read {len(manifest.words)} words. Other words mean nothing to it.",
        "",
        "## Measured on the test clips",
        "",
        "| tokenizer | mm |",
        "|---|---|",
        f"| joint error, pelvis in place | {tokenizer.root_relative:.0f} |",
        f"| joint error in the world | {tokenizer.in_place:.0f} |",
        f"| a single pose, encoded alone | {tokenizer.single_pose:.0f} |",
        "",
        *evaluation.sections(),
        "## Credits, which must travel with this pack",
        "",
        *(f"- {line}" for line in manifest.credits),
    ]
    return "\n".join(lines) + "\n"


def _trained(adapter: float, share: float) -> str:
    """What was trained to follow instructions, and its share of all parameters."""
    if not adapter:
        return "- Every parameter was trained to follow instructions: there is no adapter."
    return (
        f"- Adapter: LoRA and the rows of the motion tokens, {adapter:.1f} M parameters: "
        f"{share:.1%} of all were trained to follow instructions."
    )


def _base(manifest: PackManifest, size: float, pretrained: bool) -> str:
    if not manifest.base_model.startswith("./"):
        return f"- Base: {manifest.base_model}, {size:.0f} M parameters, not part of this pack."
    before = (
        "Before it was taught instructions it read captions alone and motion codes alone, never a "
        "pair."
        if pretrained
        else "It had read nothing before it was taught instructions."
    )
    return f"- Base: a Llama of {size:.1f} M parameters made from scratch. {before}"


def _reranker(size: float) -> list[str]:
    """What chooses among the candidates of a request, where there is such a thing."""
    if not size:
        return []
    return [
        f"- Reranker: text and motion in one space, {size:.1f} M parameters, trained on the same "
        "clips as the rest. Of several candidates it chooses the one that fits the sentence best."
    ]


def parameter_counts(folder: Path) -> dict[str, int]:
    """Parameters of a pack's parts: tokenizer, base, adapter, reranker; 0 where it has none."""
    files = {
        "tokenizer": folder / TOKENIZER_WEIGHTS,
        "base": folder / BASE / "model.safetensors",
        "adapter": folder / ADAPTER / "adapter_model.safetensors",
        "reranker": folder / RERANKER / WEIGHTS,
    }
    counts = dict.fromkeys(files, 0)
    require(files["tokenizer"])
    for name, path in files.items():
        if not path.is_file():
            continue  # a base of its own place, or a pack without an adapter
        with safe_open(path, "pt") as f:  # type: ignore[no-untyped-call]
            counts[name] = sum(math.prod(f.get_slice(k).get_shape()) for k in f.keys())  # noqa: SIM118
    if not counts["base"] and (note := training_note(folder)):
        counts["base"] = int(note["parameters"]) - int(note["trained_parameters"])
    return counts


def training_note(folder: Path) -> dict[str, Any]:
    """How a pack's language model was trained; empty where it does not say."""
    path = folder / TRAINING
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
