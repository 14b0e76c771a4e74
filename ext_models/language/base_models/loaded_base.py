"""The base that a language model is trained on, and the files that its training writes.

The tables ``[language.base]`` and ``[language.adapter]`` of a recipe describe it. Both prompt
styles use this module.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from ext_models import packs
from ext_models.datasets.layouts import Example
from ext_models.language.corpus import Seen
from ext_models.language.recipe import ExistingBase, LanguageRecipe, LanguageTraining, ScratchBase
from ext_models.language.vocabulary import MotionVocabulary, add_tokens, train_text_tokenizer
from ext_models.packs import PackError
from ext_models.tokenizer.vqvae import VQVAE
from ext_models.training import processes
from ext_models.training.log import TrainingLog
from ext_models.training.pack_table import PackTable
from ext_models.training.plot import plot_logs

from . import adapters as models
from . import bases
from .locating import Location, locate

L = TypeVar("L", bound=LanguageRecipe)

logger = logging.getLogger(__name__)

LOSSES: Final = "losses.json"
PICTURE: Final = "losses.png"


@dataclass(frozen=True)
class PackTraining:
    """One training of a language model.

    Attributes:
        pack: name of the pack; the seed.
        language: base, adapter, tasks and training.
        examples: clips of all splits.
        tokenizer: of the pack, trained.
        out: the pack's folder.
        run: folder of the checkpoints.
        device: as PyTorch names it.
        seen: encoded motions, shared with other trainings.
        deadline: when it must have ended, by ``time.monotonic``; None where the recipe says it.
    """

    pack: PackTable
    language: LanguageRecipe
    examples: Sequence[Example]
    tokenizer: VQVAE
    out: Path
    run: Path
    device: str
    seen: Seen | None = None
    deadline: float | None = None

    def within_deadline(self, language: L) -> L:
        """The recipe, with the minutes that are left."""
        if self.deadline is None:
            return language
        return language.within(max(self.deadline - time.monotonic(), 1.0) / 60)

    def part(self, *splits: str) -> list[Example]:
        """The clips of some splits."""
        return [e for e in self.examples if e.split in splits]


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training besides the pack."""

    logs: tuple[TrainingLog, ...]
    trainable_share: float
    picture: Path | None = None


@dataclass(frozen=True)
class LoadedBase:
    """A base in memory.

    Attributes:
        model, text: the model and its text tokenizer.
        location: where it came from; None for one that was created with random weights.
        layers: how many of its layers were kept; 0 is all.
        pretraining: pretraining on captions alone and motions alone; None without.
    """

    model: Any
    text: Any
    location: Location | None = None
    layers: int = 0
    pretraining: LanguageTraining | None = None

    @property
    def made(self) -> bool:
        """Whether it was created with random weights."""
        return self.location is None

    @property
    def name(self) -> str:
        """As messages name it."""
        return self.location.name if self.location else f"./{bases.BASE}"

    @property
    def fetched(self) -> Location | None:
        """Its location if a pack can name it, so that whoever lacks it fetches it."""
        return self.location if self.location and self.location.id else None


def obtain_base(
    job: PackTraining, sentences: Sequence[str], vocabulary: MotionVocabulary | None = None
) -> LoadedBase:
    """The base of a recipe: an existing one, or a new one with random weights.

    Args:
        job: the training.
        sentences: training text for the text tokenizer of a new base.
        vocabulary: the motion tokens to add.

    Raises:
        PackError: when it cannot be had; see ``bases``.
    """
    base = job.language.base
    if isinstance(base, str):
        base = ExistingBase(base)
    if isinstance(base, ExistingBase):
        return _existing(job, base, vocabulary)
    text = train_text_tokenizer(sentences, base.config.text_tokens)
    if vocabulary is not None:
        add_tokens(text, vocabulary)
    model = bases.new_base(base.config, text)
    return LoadedBase(model, text, pretraining=_pretraining(base))


def _existing(
    job: PackTraining, base: ExistingBase, vocabulary: MotionVocabulary | None
) -> LoadedBase:
    """A base that is on this machine, with the motion tokens added."""
    how = bases.Loading(
        base.revision,
        base.layers,
        base.dtype,
        base.bits,
        job.device,
        learning=True,
        whole=job.language.method == "full",
        batch_tokens=_batch_tokens(job),
    )
    location = locate(base.id, job.out, base.revision)
    model, text = bases.load_located(location, how)
    if text.eos_token_id is None:
        raise PackError(
            f"the text tokenizer of the base model {location.name} has no token for the end of a "
            "text: take another base."
        )
    if base.random:
        bases.draw_weights(model, job.pack.seed)
    if vocabulary is not None:
        bases.add_motion_tokens(model, text, vocabulary)
    if base.random:
        return LoadedBase(model, text)
    return LoadedBase(model, text, location, base.layers)


def _batch_tokens(job: PackTraining) -> int:
    """Tokens of a batch of the longest answers, at most; gradients recomputed need few of them."""
    training = job.language.adapter.training
    if training.checkpointing:
        return 0
    steps = job.language.max_frames // job.tokenizer.config.stride
    return training.batch * steps * getattr(job.language, "levels", 1)


def _pretraining(base: ScratchBase) -> LanguageTraining | None:
    return base.training if base.pretrain else None


def ready_to_learn(job: PackTraining, base: LoadedBase, added: Sequence[int]) -> Any:
    """The base with an adapter, or as a whole, as the recipe says."""
    adapter = job.language.adapter.config
    if adapter.method == "full":
        return models.train_everything(base.model)
    return models.add_adapter(base.model, adapter, added)


def check_context(base: LoadedBase, longest: int) -> None:
    """Refuse training texts longer than the base's context."""
    context = bases.context_of(base.model)
    if context is not None and longest > context:
        raise PackError(
            f"the longest training text has {longest} tokens and the base model {base.name} reads "
            f"{context}: make max_frames or levels smaller, or take a base with a longer context."
        )


def complete(
    job: PackTraining,
    base: LoadedBase,
    model: Any,
    manifest: packs.PackManifest,
    logs: Sequence[TrainingLog],
) -> TrainingResult:
    """Write the language model of a pack, its manifest, and the log of the training."""
    share = models.trainable_share(model)
    trained = TrainingResult(tuple(logs), share)
    if not processes.is_main():
        return trained
    if isinstance(model, models.PeftModel):
        reference = base.fetched.id if base.fetched else f"../{bases.BASE}"
        models.save_adapter(model, job.out / models.ADAPTER, reference)
        if base.location and not base.fetched:
            bases.copy_base(base.location, job.out / bases.BASE)
    else:
        bases.save_base(model, base.text, job.out / bases.BASE)
    packs.write_manifest(job.out, manifest)
    job.pack.copy_licence_texts(job.out, [base.location.licence] if base.location else [])
    _note(job, base, model, share)
    body = json.dumps([asdict(c) for c in logs])
    (job.run / LOSSES).write_text(body, encoding="utf-8")
    picture = job.run / PICTURE
    try:
        plot_logs(logs, picture)
    except PackError as error:
        logger.warning("%s", error)  # the training is complete without its plot
        return trained
    return TrainingResult(tuple(logs), share, picture)


def base_fields(job: PackTraining, base: LoadedBase) -> dict[str, Any]:
    """What the manifest says of base, adapter and credits.

    A pack names a base that can be fetched, and holds any other. Where every weight was trained,
    it holds the base and needs no adapter.
    """
    origin = base.fetched
    credits = [*job.pack.credits, *([origin.credit] if origin else [])]
    if job.language.method == "full":
        return {"base_model": f"./{bases.BASE}", "adapter": "", "credits": tuple(credits)}
    return {
        "base_model": origin.id if origin else f"./{bases.BASE}",
        "base_revision": origin.revision if origin else "",
        "base_layers": base.layers,
        "adapter": models.ADAPTER,
        "credits": tuple(credits),
    }


def _note(job: PackTraining, base: LoadedBase, model: Any, share: float) -> None:
    """``training.json``: how the language model was trained, for the model card."""
    parameters = sum(p.numel() for p in model.parameters())
    settings = job.language.adapter.training
    body = {
        "base": base.fetched.id if base.fetched else "",
        "base_revision": base.fetched.revision if base.fetched else "",
        "base_layers": base.layers,
        "pretrained": base.pretraining is not None or not base.made,
        "method": job.language.method,
        "parameters": parameters,
        "trained_parameters": round(share * parameters),
        "trainable_share": share,
        "processes": processes.count(),
        "sequences_a_step": settings.batch * settings.accumulate * processes.count(),
        "stages": [asdict(stage) for stage in job.language.adapter.stages],
        "settings": {f.name: getattr(settings, f.name) for f in fields(settings)},
    }
    text = json.dumps(body, indent=1, default=list)
    (job.out / packs.TRAINING).write_text(text + "\n", encoding="utf-8")
