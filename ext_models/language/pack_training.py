"""A recipe's language part, carried out: from captioned clips to a finished pack.

Here the prompt style ``tokens``; the style ``paper`` is in ``paper_training``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch

from ext_models import packs
from ext_models.datasets.joining import HeldOutPairs, join_examples
from ext_models.datasets.layouts import Example, mirrored
from ext_models.language.base_models.adapters import place
from ext_models.language.base_models.loaded_base import (
    PackTraining,
    TrainingResult,
    base_fields,
    check_context,
    complete,
    obtain_base,
    ready_to_learn,
)
from ext_models.motion import features, representations
from ext_models.readers.sentence_reader import load_reader
from ext_models.tokenizer import clip_summary as summaries
from ext_models.tokenizer.clip_summary import ClipSummary, fit_clip_summary
from ext_models.tokenizer.vqvae import load_tokenizer
from ext_models.training import processes
from ext_models.training.log import TrainingLog
from ext_models.training.pack_table import PackTable
from ext_models.training.recipe import read_toml

from .base_models import bases
from .code_cache import read_codes, write_codes
from .corpus import Encoded, Seen, encode_examples, label_weights
from .datastore import Datastore
from .fine_tuning import fine_tune, pretrain
from .instructions import MAX_TEXT_TOKENS
from .known_captions import KnownCaptions
from .paper import training
from .plain_text import plain_words
from .recipe import LanguageRecipe, PaperLanguage, ScratchBase, TokensLanguage
from .soft_tokens import SoftTokens
from .tasks import TaskMix
from .vocabulary import MotionVocabulary, Skill, TokenIds

__all__ = ["TrainingResult", "joined_clips", "train_pack"]

#: The shape of no clip summary.
NO_SUMMARY = (0, 0)
#: Prompts whose parts no training joins, so that they can be measured.
COMPOSITIONS = Path(__file__).parent.parent / "recipes" / "prompts" / "compositions.toml"


def train_pack(
    pack: PackTable,
    language: LanguageRecipe,
    examples: Sequence[Example],
    out: Path,
    run: Path,
    *,
    device: str,
    seen: Seen | None = None,
    minutes: float | None = None,
) -> TrainingResult:
    """Train base and adapter for the tokenizer in ``out`` and complete the pack there.

    Args:
        pack: name and seed.
        language: the model and its training.
        examples: clips of all splits.
        out: the pack's folder.
        run: folder of the training's state, to resume from.
        device: as PyTorch names it.
        seen: codes of clips, shared with other trainings; by default those in ``run``.
        minutes: of encoding and training together, in place of the recipe's.
    """
    started = time.monotonic()
    torch.manual_seed(pack.seed)
    examples = with_captions(examples, language.captioned, pack.seed)
    tokenizer = load_tokenizer(out, device)
    deadline = None if minutes is None else started + 60 * minutes
    job = PackTraining(pack, language, examples, tokenizer, out, run, device, seen, deadline)
    if isinstance(language, PaperLanguage):
        return training.train(job, language)
    return _train_tokens(job, cast("TokensLanguage", language))


def _train_tokens(job: PackTraining, language: TokensLanguage) -> TrainingResult:
    config = job.tokenizer.config
    vocabulary = MotionVocabulary(
        language.levels,
        config.codes,
        language.max_frames // config.stride,
        frozenset(language.skills),
        language.summary or NO_SUMMARY,
    )
    _check_clips(job, 2 * config.stride + 1)
    base = obtain_base(job, _captions(job.examples), vocabulary)
    ids, eos = TokenIds.of(base.text, vocabulary), base.text.eos_token_id
    mix = language.tasks
    soft = _soft_tokens(language, base.model)
    joined = joined_clips(language, job.examples, job.pack.seed)
    train, held_out = _encode(job, joined, base.text, vocabulary, soft)
    captioned = [clip for clip in train if clip.captions]
    check_context(base, max(_longest(one, mix, vocabulary) for one in (*train, *held_out)))
    place(base.model, job.device)
    language = job.within_deadline(language)
    logs: list[TrainingLog] = []
    if base.pretraining and isinstance(language.base, ScratchBase):
        read, settings = (train if language.uncaptioned else captioned), language.base.training
        logs.append(pretrain(base.model, read, held_out, ids, eos, settings, job.run))
    if base.made and processes.is_main():
        bases.save_base(base.model, base.text, job.out / bases.BASE)
    model = ready_to_learn(job, base, [ids.ids[t] for t in vocabulary.added])
    if soft is not None:
        soft.attach(model)
        soft.read()
    logs += fine_tune(model, captioned, held_out, ids, eos, mix, language.adapter, job.run)
    if soft is not None:
        soft.detach(model)
        if processes.is_main():
            soft.save(job.out)
            KnownCaptions.of(_captions(job.examples), soft.reader).save(job.out)
            real = {example.id for example in job.part("train")}
            kept = [clip for clip in captioned if clip.clip in real]
            Datastore.of(kept, soft.reader).save(job.out)
    return complete(job, base, model, _manifest(job, language, base_fields(job, base)), logs)


def _soft_tokens(language: TokensLanguage, model: Any) -> SoftTokens | None:
    """Soft tokens for the recipe's sentence reader; None without one."""
    if language.reader is None:
        return None
    return SoftTokens(load_reader(language.reader.name), model, language.reader.soft_tokens)


def _check_clips(job: PackTraining, least: int) -> None:
    """Refuse data that leaves nothing to learn from or to look at, before a base is made."""
    # What is seen faster has fewer frames.
    fastest = max(1.0, *job.language.speeds)
    for split, speed, what in (("train", fastest, "learn from"), ("val", 1.0, "be watched by")):
        if not any(e.captions and len(e.joints) / speed >= least for e in job.part(split)):
            raise packs.PackError(
                f"the split '{split}' of the data has no captioned clip of at least {least} frames "
                f"for the language model to {what}: add some, or share the clips out anew with "
                "prepare-data --split."
            )


def with_captions(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """The examples, of which only a share of the training clips keep their captions.

    What captions are worth can be measured so: a base may still read the other clips.
    """
    rng = random.Random(seed)
    kept = {e.id for e in examples if e.split != "train" or rng.random() < share}
    return [e if e.id in kept else replace(e, captions=()) for e in examples]


def _captions(examples: Sequence[Example]) -> list[str]:
    """What the training clips are called, seen in a mirror too."""
    train = [e for e in examples if e.split == "train"]
    return [c for e in train for one in (e, mirrored(e)) for c in one.captions]


def _longest(one: Encoded, mix: TaskMix, vocabulary: MotionVocabulary) -> int:
    """Tokens of the longest instruction and answer that can be drawn of a clip."""
    words = max(map(len, one.captions), default=0) + max(map(len, one.meanings), default=0)
    words = min(words, MAX_TEXT_TOKENS)
    poses = min(mix.max_keys, len(one.codes)) * (2 + vocabulary.levels)
    if Skill.PLACES in vocabulary.skills:
        poses += 3 * mix.max_keys
    motion = one.codes.size
    draft = motion + 1 if Skill.DENOISE in vocabulary.skills and mix.denoise else 0
    return words + 3 + max(poses, draft) + motion + vocabulary.summary[0]


def joined_clips(language: LanguageRecipe, examples: Sequence[Example], seed: int) -> list[Example]:
    """New training clips out of two, as a recipe's language part asks; see ``motion.joining``.

    The parts of the compositions that are measured are never joined.
    """
    train = [e for e in examples if e.split == "train" and e.captions]
    held_out_pairs = HeldOutPairs.of(read_toml(COMPOSITIONS)["prompts"])
    return join_examples(
        train,
        then=language.joining.then,
        together=language.joining.together,
        longest=language.max_frames,
        seed=seed,
        held_out_pairs=held_out_pairs,
    )


def _clip_summary(
    job: PackTraining, train: Sequence[Example], vocabulary: MotionVocabulary
) -> ClipSummary | None:
    """The pack's clip summary if it has this shape, or a new one; None if unwanted."""
    if not vocabulary.summary[0]:
        return None
    if (job.out / summaries.WEIGHTS).is_file():
        kept = ClipSummary.load(job.out)
        if kept.shape == vocabulary.summary:
            return kept
    motions = [one.joints for e in train for one in (e, mirrored(e))]
    summary = fit_clip_summary(motions, *vocabulary.summary, job.pack.seed)
    if processes.is_main():
        summary.save(job.out)
    return summary


def draw_weights(language: LanguageRecipe, real: Sequence[Example], joined: int) -> list[float]:
    """How often each real clip is drawn, and each of the joined ones behind them.

    ``share`` of the table ``joining`` says how many of the draws are joined clips.
    """
    weights = label_weights(real, language.balance)
    if not joined:
        return weights
    share = language.joining.share
    if share is None:
        share = joined / (joined + len(real))
    each = share / (1 - share) * sum(weights) / joined
    return [*weights, *[each] * joined]


def _encode(
    job: PackTraining,
    joined: Sequence[Example],
    text: Any,
    vocabulary: MotionVocabulary,
    soft: SoftTokens | None,
) -> tuple[list[Encoded], list[Encoded]]:
    """Training and validation clips as codes; ``joined`` are more of the training's."""
    language, seen = job.language, read_codes(job.run) if job.seen is None else job.seen
    known = len(seen)
    real = job.part("train")
    train = [*real, *joined]
    summary = _clip_summary(job, train, vocabulary)

    def encode(part: list[Example], **variants: Any) -> list[Encoded]:
        steps = {"levels": vocabulary.levels, "max_steps": vocabulary.max_steps}
        return encode_examples(
            part,
            job.tokenizer,
            text,
            summary=summary,
            seen=seen,
            soft=soft,
            **steps,
            **variants,
        )

    held_out = [e for e in job.part("val") if e.captions]
    weights = draw_weights(language, real, len(joined))
    variants = {"speeds": language.speeds, "offsets": language.offsets, "weights": weights}
    encoded = encode(train, mirror=True, **variants), encode(held_out, mirror=True)
    if job.seen is None and len(seen) > known and processes.is_main():
        write_codes(job.run, seen)
    return encoded


def _manifest(
    job: PackTraining, language: TokensLanguage, base: dict[str, Any]
) -> packs.PackManifest:
    skeleton = features.bone_offsets(job.examples[0].joints[0]).tolist()
    words = {word for caption in _captions(job.examples) for word in plain_words(caption)}
    return packs.PackManifest(
        format_version=packs.FORMAT_VERSION,
        **job.pack.manifest_fields() | base,
        representation=representations.HUMANML3D.name,
        fps=representations.HUMANML3D.fps,
        max_frames=language.max_frames,
        skeleton=tuple(tuple(round(x, 5) for x in row) for row in skeleton),
        prompt_style="tokens",
        levels=language.levels,
        words=tuple(sorted(words)),
        cfg_scale=language.cfg_scale,
        skills=tuple(skill.value for skill in language.skills),
        summary=language.summary or (),
        reader=language.reader.name if language.reader else "",
        soft_tokens=language.reader.soft_tokens if language.reader else 0,
    )
