"""Training in the style ``paper``: the reference's four tasks as text, codes as digits.

As published, a pose is one code of the whole clip's own, without its time: the first, the
last, or three to five of any; all four tasks are learnt together or one alone. Unlike the
published program the loss covers the answer only, and padding is masked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from tqdm import tqdm

from ext_models import packs
from ext_models.datasets.clip_vectors import vectors_of
from ext_models.datasets.layouts import Example
from ext_models.language.base_models import bases
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
from ext_models.language.corpus import batch_of
from ext_models.language.instructions import PoseCode
from ext_models.language.loss import Batch, HeldOut, measure_text
from ext_models.language.recipe import LanguageTraining, PaperLanguage
from ext_models.motion.features import bone_offsets
from ext_models.motion.representations import REPRESENTATIONS
from ext_models.packs import PackError
from ext_models.tokenizer.vqvae import VQVAE
from ext_models.training import processes
from ext_models.training.log import TrainingLog
from ext_models.training.trainer import Trainer, TrainingData

from . import instructions
from .tasks import PaperTasks

#: How many codes the task of several keys gives.
KEYS: Final = (3, 5)
#: Clips of the validation split that are looked at.
HELD_OUT: Final = 256

Pair = tuple[list[int], list[int]]


@dataclass(frozen=True)
class CaptionedCodes:
    """One clip as text: its captions, and its codes (S,)."""

    captions: tuple[str, ...]
    codes: tuple[int, ...]


def draw(
    one: CaptionedCodes, tasks: PaperTasks, encode: Callable[[str], list[int]], end: int
) -> Pair:
    """Token ids of a random instruction for a clip, and of its answer."""
    task, steps = tasks.draw(), len(one.codes)
    caption = one.captions[int(torch.randint(len(one.captions), ()))]
    prompt = instructions.prompt(caption, steps, poses_of(task, one.codes), task)
    asked = encode(prompt)
    # The answer is read as it stands behind the prompt: some tokenizers join across it.
    whole = encode(prompt + instructions.answer([[c] for c in one.codes]))
    if whole and whole[-1] == end:  # some tokenizers end every text
        whole.pop()
    same = next((k for k, (a, b) in enumerate(zip(asked, whole, strict=False)) if a != b), None)
    cut = len(asked) if same is None else same
    return whole[:cut], [*whole[cut:], end]


def poses_of(task: instructions.Task, codes: Sequence[int]) -> list[PoseCode]:
    """The pose codes that a task gives, drawn at random where it leaves a choice."""
    steps = len(codes)
    if task is instructions.Task.TEXT:
        return []
    if task is instructions.Task.INITIAL:
        chosen = [0]
    elif task is instructions.Task.LAST:
        chosen = [steps - 1]
    else:
        wanted = int(torch.randint(KEYS[0], KEYS[1] + 1, ()))
        chosen = sorted(torch.randperm(steps)[:wanted].tolist())
    return [PoseCode(step, (int(codes[step]),)) for step in chosen]


def train(job: PackTraining, language: PaperLanguage) -> TrainingResult:
    """Train the adapter for the tokenizer of a pack, and complete the pack."""
    if job.tokenizer.config.levels != 1:
        raise PackError("the prompt style 'paper' writes one code a step: [tokenizer] levels = 1.")
    steps = language.max_frames // job.tokenizer.config.stride
    clips = [encode(job.part(split), job.tokenizer, steps) for split in ("train", "val")]
    if not all(clips):
        raise PackError("the data has no clips to train on, or none to validate by.")
    base = obtain_base(job, [_sample(one) for one in clips[0]])
    if base.pretraining:
        raise PackError(
            "a base made from scratch cannot be pretrained in the prompt style 'paper': name a "
            "language model as base, or write pretrain = false under [language.base]."
        )
    if base.text.pad_token is None:
        base.text.pad_token = base.text.eos_token
    tasks = language.tasks
    end: int = base.text.eos_token_id

    def ids_of(text: str) -> list[int]:
        return list(base.text(text).input_ids)

    longest = max(clips[0] + clips[1], key=lambda one: len(one.codes))
    check_context(base, max(len(ids_of(_sample(longest))) + 1, 1))
    place(base.model, job.device)
    settings = job.within_deadline(language).adapter.training
    if base.made and processes.is_main():
        bases.save_base(base.model, base.text, job.out / bases.BASE)
    model = ready_to_learn(job, base, [])
    curve = _fit(job, model, clips, lambda one: draw(one, tasks, ids_of, end), base.text, settings)
    return complete(job, base, model, _manifest(job, base_fields(job, base)), [curve])


def _sample(one: CaptionedCodes) -> str:
    """The longest training text of a clip."""
    caption = max(one.captions, key=len)
    poses = [PoseCode(0, (c,)) for c in one.codes[: KEYS[1]]]
    prompt = instructions.prompt(caption, len(one.codes), poses, instructions.Task.KEYS)
    return prompt + instructions.answer([[c] for c in one.codes])


def _fit(
    job: PackTraining,
    model: Any,
    clips: list[list[CaptionedCodes]],
    pair: Callable[[CaptionedCodes], Pair],
    text: Any,
    settings: LanguageTraining,
) -> TrainingLog:
    pad: int = text.pad_token_id

    def batch(_: float) -> Batch:
        chosen = torch.randint(len(clips[0]), (settings.batch,)).tolist()
        return batch_of([pair(clips[0][k]) for k in chosen], pad)

    def loss(trained: Any, batch: Batch) -> torch.Tensor:
        return measure_text(trained, batch).loss

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pairs = [pair(one) for one in clips[1][:HELD_OUT]]
    held = [
        batch_of(pairs[i : i + settings.batch], pad) for i in range(0, len(pairs), settings.batch)
    ]
    data = TrainingData(batch, loss, HeldOut(held, measure_text))
    return Trainer("adapter", model, data, settings, job.run).run()


@torch.no_grad()
def encode(examples: Sequence[Example], tokenizer: VQVAE, most: int) -> list[CaptionedCodes]:
    """Captioned clips as at most ``most`` codes, of published features where there are some."""
    clips: list[CaptionedCodes] = []
    captioned = [e for e in examples if e.captions]
    for example in tqdm(captioned, desc="encoding", unit="clip", leave=False):
        x = torch.from_numpy(vectors_of(example))[None].to(tokenizer.mean.device)
        if x.shape[1] >= 2 * tokenizer.config.stride:
            codes = tokenizer.encode(x)[0, :most, 0].tolist()
            clips.append(CaptionedCodes(example.captions, tuple(codes)))
    return clips


def _manifest(job: PackTraining, base: dict[str, Any]) -> packs.PackManifest:
    first = job.examples[0]
    rep = REPRESENTATIONS[first.representation]
    skeleton = bone_offsets(first.joints[0], rep) * rep.unit
    return packs.PackManifest(
        format_version=packs.FORMAT_VERSION,
        **job.pack.manifest_fields() | base,
        representation=rep.name,
        fps=rep.fps,
        max_frames=job.language.max_frames,
        skeleton=tuple(tuple(round(float(x), 6) for x in row) for row in skeleton),
        prompt_style="paper",
        levels=1,
        words=(),
    )
