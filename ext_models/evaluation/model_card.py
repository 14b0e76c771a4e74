"""The model card of a pack, written from its evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ext_models.language.base_models.adapters import ADAPTER, BASE
from ext_models.language.base_models.library import FETCH
from ext_models.language.datastore import DATASTORE
from ext_models.packs import (
    MANIFEST,
    RERANKER,
    TOKENIZER_WEIGHTS,
    TRAINING,
    PackManifest,
    read_manifest,
    require,
)
from ext_models.text_motion.model import WEIGHTS
from motiongpt_blender.core.packs.manifest import PLANNER

from .evaluation import Evaluation


def model_card(
    manifest: PackManifest,
    evaluation: Evaluation,
    sizes: Mapping[str, float],
    counts: Mapping[str, int],
    *,
    pretrained: bool = True,
    planner: Sequence[str] = (),
) -> str:
    """Markdown of ``MODEL_CARD.md``.

    Args:
        manifest: of the pack.
        evaluation: what was measured on the held-out clips.
        sizes: millions of parameters: tokenizer, base, adapter, reranker.
        counts: clips of each split, how many of the test clips are ``measured``, and how many
            motions the pack can ``look_up``.
        pretrained: whether the pack's own base was pretrained on captions and motions.
        planner: lines about its planner, as ``planner_lines`` writes them.
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
        f"- Trained on {counts['train']} clips with mirrored and joined copies, validated on "
        f"{counts['val']}, measured below on {counts['measured']} of {counts['test']} held-out "
        "clips.",
        _words(manifest),
        *_datastore(counts["look_up"]),
        *planner,
        "",
        "## Measured on the test clips",
        "",
        *evaluation.sections(),
        "## Credits (must stay with the pack)",
        "",
        *(f"- {line}" for line in manifest.credits),
    ]
    return "\n".join(lines) + "\n"


def _trained(adapter: float, share: float) -> str:
    """What was fine-tuned on instructions, and its share of all parameters."""
    if not adapter:
        return "- All parameters were fine-tuned on instructions; there is no adapter."
    return (
        f"- Adapter: LoRA and the rows of the motion tokens, {adapter:.1f} M parameters: "
        f"{share:.1%} of all were fine-tuned on instructions."
    )


def _base(manifest: PackManifest, size: float, pretrained: bool) -> str:
    if not manifest.base_model.startswith("./"):
        revision = f", revision {manifest.base_revision[:12]}" if manifest.base_revision else ""
        layers = f", its first {manifest.base_layers} layers" if manifest.base_layers else ""
        return (
            f"- Base: {manifest.base_model}{revision}{layers}, {size:.0f} M parameters, pretrained "
            f"on text, not part of this pack: `{FETCH} {manifest.base_model}` fetches it."
        )
    before = (
        "It was pretrained on captions alone and on motion codes alone, never on pairs."
        if pretrained
        else "It was not pretrained."
    )
    return f"- Base: a Llama of {size:.1f} M parameters, trained from scratch. {before}"


def _words(manifest: PackManifest) -> str:
    """Which words the model has read."""
    captions = f"- Vocabulary: {len(manifest.words)} words of the training captions"
    if manifest.reader:
        return f"{captions}; others are read by their meaning, by {manifest.reader}."
    if manifest.base_model.startswith("./"):
        return f"{captions}; others are unknown."
    return f"{captions}; the base has read others."


def _reranker(size: float) -> list[str]:
    """The reranker of the candidates of a request, where the pack has one."""
    if not size:
        return []
    return [
        f"- Reranker: text and motion in one space, {size:.1f} M parameters, trained on the same "
        "clips. It selects the candidate whose motion fits the prompt best."
    ]


def _datastore(motions: int) -> list[str]:
    """The motions that some candidates keep close to, where the pack has any."""
    if not motions:
        return []
    return [
        f"- Datastore: {motions} motions of the training, as codes. A third of the candidates keep "
        "close to those whose captions mean what the prompt says."
    ]


def planner_lines(folder: Path) -> list[str]:
    """What a pack's planner is and what share of it was trained; none without a planner."""
    own = folder / PLANNER
    if not (own / MANIFEST).is_file():
        return []
    manifest, note = read_manifest(own), training_note(own)
    parameters, trained = note["parameters"] / 1e6, note["trained_parameters"] / 1e6
    line = _base(manifest, parameters - trained, pretrained=True).replace("- Base:", "- Planner:")
    return [
        line,
        "- It writes the summary tokens of a motion together with the model above. Its LoRA and "
        f"the rows of the motion tokens, {trained:.1f} M parameters, are "
        f"{note['trainable_share']:.1%} of it.",
    ]


def motions_to_look_up(folder: Path) -> int:
    """The number of motions in a pack's datastore; 0 without one."""
    path = folder / DATASTORE
    if not path.is_file():
        return 0
    with safe_open(path, "numpy") as f:  # type: ignore[no-untyped-call]
        return int(f.get_slice("lengths").get_shape()[0])


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
            continue  # a base outside the pack, or a pack without an adapter
        with safe_open(path, "pt") as f:  # type: ignore[no-untyped-call]
            counts[name] = sum(math.prod(f.get_slice(k).get_shape()) for k in f.keys())  # noqa: SIM118
    if not counts["base"] and (note := training_note(folder)):
        counts["base"] = int(note["parameters"]) - int(note["trained_parameters"])
    return counts


def training_note(folder: Path) -> dict[str, Any]:
    """How a pack's language model was trained; empty where it does not say."""
    path = folder / TRAINING
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
