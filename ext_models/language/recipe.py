"""A recipe's language part, carried out: from captioned clips to a finished pack."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ext_models import packs
from ext_models.motion import features
from ext_models.motion.datasets import Example, mirrored
from ext_models.motion.joining import Apart, join_examples
from ext_models.tokenizer.vqvae import VQVAE, load_tokenizer
from ext_models.training import read_recipe

from . import model as models
from .corpus import Encoded, encode_examples, label_weights
from .tasks import TaskMix
from .training import Curve, LanguageTraining, fine_tune, pretrain
from .vocabulary import MotionVocabulary, Skill, TokenIds, add_tokens, train_text_tokenizer

CURVES = "curves.json"
#: Prompts whose parts no training joins, so that they can be measured.
COMPOSITIONS = Path(__file__).parent.parent / "recipes" / "prompts" / "compositions.toml"


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind besides the pack."""

    curves: tuple[Curve, ...]
    trainable_share: float


def train_pack(
    recipe: dict[str, Any],
    examples: Sequence[Example],
    out: Path,
    run: Path,
    *,
    device: str,
    budget: dict[str, float],
) -> Trained:
    """Train base and adapter for the tokenizer in ``out`` and complete the pack there."""
    language, seed = recipe["language"], recipe["pack"]["seed"]
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(out, device)
    examples = with_captions(examples, language.get("captioned", 1.0), seed)
    manifest = _manifest(recipe, examples)
    steps = manifest.max_frames // tokenizer.config.stride
    skills = frozenset(map(Skill, manifest.skills))
    vocabulary = MotionVocabulary(manifest.levels, tokenizer.config.codes, steps, skills)
    model, text, existing = _base(language, out, vocabulary, examples)
    ids = TokenIds.of(text, vocabulary)
    examples = [*examples, *_joined(language, examples, seed)]
    train, held_out = _encode(language, examples, tokenizer, text, vocabulary)
    captioned = [clip for clip in train if clip.captions]
    model.to(device)
    curves: list[Curve] = []
    if not existing:
        settings = LanguageTraining(**{**language["base"].get("training", {}), **budget})
        read = train if language.get("uncaptioned", True) else captioned
        curves.append(pretrain(model, read, held_out, ids, text.eos_token_id, settings, run))
        models.save_base(model, text, out / models.BASE)
    adapter = models.AdapterConfig(**_without_training(language["adapter"]))
    model = models.add_adapter(model, adapter, [ids.ids[t] for t in vocabulary.added])
    settings = LanguageTraining(**{**language["adapter"].get("training", {}), **budget})
    mix = TaskMix(**language.get("tasks", {}))
    curves.append(fine_tune(model, captioned, held_out, ids, text.eos_token_id, mix, settings, run))
    models.save_adapter(model, out / models.ADAPTER)
    packs.write_manifest(out, manifest)
    (run / CURVES).write_text(json.dumps([asdict(c) for c in curves]), encoding="utf-8")
    return Trained(tuple(curves), models.trainable_share(model))


def with_captions(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """The examples, of which only a share of the training clips keep their captions.

    What captions are worth can be measured so: a base may still read the other clips.
    """
    rng = random.Random(seed)
    kept = {e.id for e in examples if e.split != "train" or rng.random() < share}
    return [e if e.id in kept else replace(e, captions=()) for e in examples]


def _without_training(table: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in table.items() if k != "training"}


def _base(
    language: dict[str, Any],
    out: Path,
    vocabulary: MotionVocabulary,
    examples: Sequence[Example],
) -> tuple[Any, Any, bool]:
    """Model, text tokenizer, and whether they existed before."""
    if isinstance(language["base"], str):
        return *models.load_base(language["base"], out, vocabulary), True
    config = models.BaseConfig(**_without_training(language["base"]))
    train = [e for e in examples if e.split == "train"]
    sentences = [c for e in train for one in (e, mirrored(e)) for c in one.captions]
    text = train_text_tokenizer(sentences, config.text_tokens)
    add_tokens(text, vocabulary)
    return models.new_base(config, text), text, False


def _joined(language: dict[str, Any], examples: Sequence[Example], seed: int) -> list[Example]:
    """New training clips out of two; see ``motion.joining``."""
    wanted = {"then": 0, "together": 0, **language.get("joining", {})}
    train = [e for e in examples if e.split == "train" and e.captions]
    apart = Apart.of(read_recipe(COMPOSITIONS)["prompts"])
    longest = language["max_frames"]
    return join_examples(train, **wanted, longest=longest, seed=seed, apart=apart)


def _encode(
    language: dict[str, Any],
    examples: Sequence[Example],
    tokenizer: VQVAE,
    text: Any,
    vocabulary: MotionVocabulary,
) -> tuple[list[Encoded], list[Encoded]]:
    """Training and validation clips as codes."""

    def encode(part: list[Example], **variants: Any) -> list[Encoded]:
        levels, steps = vocabulary.levels, vocabulary.max_steps
        return encode_examples(part, tokenizer, text, levels=levels, max_steps=steps, **variants)

    train = [e for e in examples if e.split == "train"]
    held_out = [e for e in examples if e.split == "val" and e.captions]
    speeds, offsets = language["speeds"], language["offsets"]
    weights = label_weights(train, language.get("balance", 0.0))
    return (
        encode(train, speeds=speeds, offsets=offsets, mirror=True, weights=weights),
        encode(held_out, mirror=True),
    )


def _manifest(recipe: dict[str, Any], examples: Sequence[Example]) -> packs.PackManifest:
    pack, language = recipe["pack"], recipe["language"]
    base = language["base"]
    skeleton = features.bone_offsets(examples[0].joints[0]).tolist()
    train = [e for e in examples if e.split == "train"]
    captions = [c for e in train for one in (e, mirrored(e)) for c in one.captions]
    words = {w.strip(".,;:!?\"'()").lower() for c in captions for w in c.split()}
    return packs.PackManifest(
        format_version=packs.FORMAT_VERSION,
        name=pack["name"],
        title=pack["title"],
        licence=pack["licence"],
        credits=tuple(pack["credits"]),
        representation=features.HUMANML3D.name,
        fps=features.HUMANML3D.fps,
        max_frames=language["max_frames"],
        skeleton=tuple(tuple(round(x, 5) for x in row) for row in skeleton),
        prompt_style="tokens",
        levels=language["levels"],
        words=tuple(sorted(w for w in words if w)),
        base_model=base if isinstance(base, str) else f"./{models.BASE}",
        adapter=models.ADAPTER,
        guidance=float(language.get("guidance", 1.0)),
        skills=tuple(language.get("skills", ())),
    )
