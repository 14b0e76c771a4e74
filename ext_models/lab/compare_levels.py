"""Ways to the finer levels: left out, filled in parallel, written by the language model, true."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ext_models.datasets.layouts import Example
from ext_models.errors import PipelineError
from ext_models.evaluation.baselines import Method
from ext_models.evaluation.check_table import MET, check_score
from ext_models.evaluation.clip_maker import ClipMaker, pack_hash
from ext_models.evaluation.eval_set import EvalSet
from ext_models.evaluation.prompts.prompt_lists import PromptList
from ext_models.evaluation.prompts.prompt_scores import prompt_requests
from ext_models.evaluation.quality_table import JERK, LURCH, SUPPORT_FOOT, quality_scores
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.generation.decoding import CodeSampler, TokenPrompt, generate_rows
from ext_models.generation.generators import TokenGenerator
from ext_models.generation.neighbours import Neighbour, NeighbourMixture
from ext_models.language.code_cache import read_codes, write_codes
from ext_models.language.corpus import Encoded, encode_examples
from ext_models.language.instructions import instruction
from ext_models.language.narrow_head import only_ids
from ext_models.language.vocabulary import GeneratedCodes
from ext_models.motion import features
from ext_models.prompt_checks.grammar import read_checks
from ext_models.tokenizer.clip_summary import ClipSummary
from ext_models.tokenizer.quantizers import ResidualQuantizer
from ext_models.tokenizer.report import clip_features, motion_errors
from motiongpt_blender.wire import Sampling

from .bench import Bench
from .finer_levels import FillerConfig, FillerTraining, train_filler

#: Codes (B, S, COARSE) to codes of more levels.
Fill = Callable[[Tensor], Tensor]

#: Levels that are always written.
COARSE: Final = 2
LEFT_OUT: Final = "the first two levels alone"
BY_LEVEL: Final = "filled level by level"
AT_ONCE: Final = "filled in one pass"
WRITTEN: Final = "written by the language model"
LIKELIEST: Final = "written, always the likeliest code"
TRUE: Final = "all levels true"
REAL: Final = "real motion"
#: What the table of generated motion shows.
SHOWN: Final = (SUPPORT_FOOT, LURCH, JERK, MET)
#: Seconds of the motion that is timed, and rounds of which the fastest counts.
SECONDS: Final = 4.0
ROUNDS: Final = 3
#: Answers that the language model writes at once.
BATCH: Final = 32


def compare_levels(
    eval_set: EvalSet,
    examples: Sequence[Example],
    prompts: PromptList,
    settings: FillerTraining,
    pack: Path,
    folder: Path,
) -> list[Table]:
    """Train both fillers; tables of test clips, of generated motion and of times.

    Args:
        eval_set: the pack and the test clips that are measured.
        examples: clips of all splits.
        prompts: whose motion is generated.
        settings: of each filler's training.
        pack: folder of the pack.
        folder: of codes and checkpoints, of this pack alone.

    Raises:
        PipelineError: when the pack writes too few levels, or another prompt style.
    """
    pipeline = eval_set.pipeline
    levels, quantizer = pipeline.manifest.levels, pipeline.tokenizer.quantizer
    if not isinstance(pipeline.generator, TokenGenerator):
        raise PipelineError(f"the pack '{pipeline.manifest.name}' does not write one token a code.")
    if levels <= COARSE or not isinstance(quantizer, ResidualQuantizer):
        raise PipelineError(
            f"the pack '{pipeline.manifest.name}' writes {levels} levels: to fill finer ones it "
            f"takes more than {COARSE} residual levels."
        )
    train, held_out, test = encode(eval_set, examples, pack, folder)
    longest = pipeline.manifest.max_frames // pipeline.tokenizer.config.stride
    fills: dict[str, Fill] = {}
    for name, span in ((BY_LEVEL, 1), (AT_ONCE, levels - COARSE)):
        config, run = FillerConfig(COARSE, levels, span, longest), folder / f"span-{span}"
        fills[name] = train_filler(config, quantizer, train, held_out, settings, run).fill
    maker = ClipMaker(pipeline, folder / f"{pack_hash(pack)}.jsonl")
    return [
        clip_table(eval_set, test, fills),
        prompt_table(eval_set, maker, prompts, fills),
        time_table(eval_set, fills),
    ]


def encode(
    eval_set: EvalSet, examples: Sequence[Example], pack: Path, folder: Path
) -> tuple[list[Encoded], list[Encoded], list[Encoded]]:
    """Training clips, mirrored too, validation clips, and test clips with captions and summary."""
    pipeline, seen = eval_set.pipeline, read_codes(folder)
    generator, known = pipeline.generator, len(seen)
    assert isinstance(generator, TokenGenerator)
    summary = ClipSummary.load(pack) if pipeline.manifest.summary else None
    if generator.soft is not None:
        generator.soft.forget()

    def encoded(clips: Sequence[Example], text: Any = None, **more: Any) -> list[Encoded]:
        levels, steps = pipeline.manifest.levels, generator.ids.vocabulary.max_steps
        return encode_examples(
            clips, pipeline.tokenizer, text, levels=levels, max_steps=steps, seen=seen, **more
        )

    train = encoded([e for e in examples if e.split == "train"], mirror=True)
    held_out = encoded([e for e in examples if e.split == "val"])
    test = encoded(eval_set.clips, generator.text, summary=summary, soft=generator.soft)
    if len(seen) > known:
        write_codes(folder, seen)
    return train, held_out, test


def clip_table(eval_set: EvalSet, test: Sequence[Encoded], fills: Mapping[str, Fill]) -> Table:
    """What each way makes of test clips whose first levels are true."""
    codes = [torch.from_numpy(clip.codes)[None] for clip in test]
    coarse, sampling = [c[..., :COARSE] for c in codes], eval_set.settings.sampling
    by_id = {example.id: example for example in eval_set.clips}
    real = [features.to_joints(clip_features(by_id[clip.clip])) for clip in test]
    ways: dict[str, Sequence[Tensor]] = {
        LEFT_OUT: coarse,
        **{name: [fill(c) for c in coarse] for name, fill in fills.items()},
        WRITTEN: written(eval_set, test, sampling),
        LIKELIEST: written(eval_set, test, replace(sampling, temperature=0.0)),
        TRUE: codes,
    }
    rows = [
        Row(name, {**_errors(eval_set, real, made), **_right(codes, made)})
        for name, made in ways.items()
    ]
    of_real = motion_errors([(joints, joints) for joints in real])
    rows.append(Row(REAL, {SUPPORT_FOOT: of_real.support_foot[1]}))
    return Table(f"{len(codes)} test clips", tuple(rows))


def _errors(
    eval_set: EvalSet, real: Sequence[NDArray[np.float32]], made: Sequence[Tensor]
) -> dict[str, Value]:
    """Errors of the joints that codes (1, S, L) are decoded to."""
    tokenizer = eval_set.pipeline.tokenizer
    decoded = [features.to_joints(tokenizer.decode(codes)[0].numpy()) for codes in made]
    pairs = [(truth[: len(back)], back) for truth, back in zip(real, decoded, strict=True)]
    errors = motion_errors(pairs)
    return {
        "root-relative, mm": errors.root_relative,
        "global, mm": errors.in_place,
        SUPPORT_FOOT: errors.support_foot[0],
        "jerk, x": errors.jerk,
    }


def _right(true: Sequence[Tensor], made: Sequence[Tensor]) -> dict[str, Value]:
    """Percent of right codes of each finer level that was made."""
    levels = made[0].shape[-1]
    same = torch.cat([(a[0, :, :levels] == b[0]) for a, b in zip(true, made, strict=True)])
    shares = 100 * same.float().mean(0)
    return {f"level {k + 1} right, %": float(shares[k]) for k in range(COARSE, levels)}


def written(eval_set: EvalSet, clips: Sequence[Encoded], sampling: Sampling) -> list[Tensor]:
    """Codes (1, S, L) whose finer levels the language model writes as it generates them.

    Summary and first levels are the clip's own, as those of a neighbour are that has the whole
    share.
    """
    generator = eval_set.pipeline.generator
    assert isinstance(generator, TokenGenerator)
    ids, found = generator.ids, list[Tensor]()
    if generator.soft is not None:
        generator.soft.read()
    summary, levels = ids.vocabulary.summary[0], ids.vocabulary.levels
    for first in range(0, len(clips), BATCH):
        part = clips[first : first + BATCH]
        rows = [_prompt(generator, clip, eval_set.number("levels", clip.clip)) for clip in part]
        asked = [list(row.cond) for row in rows]
        if generator.cfg_scale != 1:
            asked += [list(row.uncond) for row in rows]
        given = NeighbourMixture(ids, [Neighbour(c.summary, c.codes) for c in part], 1.0)
        finer = (torch.arange(given.due.shape[1] - summary) % levels) >= COARSE
        given.due[:, summary:][:, finer] = -1
        sample = CodeSampler(
            ids, rows, max(map(len, asked)), sampling, cfg_scale=generator.cfg_scale, mixture=given
        )
        longest = ids.vocabulary.tokens_of(max(row.steps for row in rows))
        with only_ids(generator.model, ids.added):
            answers = generate_rows(generator.model, asked, longest, sample, pad=ids.pad, end=None)
        for row, answer in zip(rows, answers, strict=False):
            codes = ids.written(answer[: ids.vocabulary.tokens_of(row.steps)]).codes
            found.append(torch.tensor(codes)[None])
    return found


def _prompt(generator: TokenGenerator, clip: Encoded, seed: int) -> TokenPrompt:
    steps = len(clip.codes)
    words = [*(clip.meanings[0] if clip.meanings else ()), *clip.captions[0]]
    cond, uncond = (instruction(w, steps, [], generator.ids) for w in (words, ()))
    return TokenPrompt(cond, uncond, steps, seed)


def prompt_table(
    eval_set: EvalSet, maker: ClipMaker, prompts: PromptList, fills: Mapping[str, Fill]
) -> Table:
    """What each way makes of the pack's own answers; the score chooses anew among them."""
    pipeline, requests = eval_set.pipeline, prompt_requests(eval_set, prompts)
    levels = pipeline.manifest.levels
    answers = [
        [torch.tensor(clip.tokens).reshape(1, -1, levels) for clip in candidates]
        for candidates in maker.candidates(requests, prompts.name)
    ]
    checks = [read_checks(", ".join(prompt.checks)) for prompt in prompts.prompts]
    ways: dict[str, Fill] = {LEFT_OUT: lambda codes: codes[..., :COARSE]}
    ways |= {name: lambda c, fill=fill: fill(c[..., :COARSE]) for name, fill in fills.items()}
    ways[WRITTEN] = lambda codes: codes
    rows: list[Row] = []
    for name, way in ways.items():
        motions = [
            pipeline.select(
                [GeneratedCodes(way(codes)[0].tolist()) for codes in own], request
            ).clips[0].joints
            for own, request in zip(answers, requests, strict=True)
        ]  # fmt: skip
        method = Method(name, (motions,))
        values = dict(quality_scores(method, len(motions)).row(name).values)
        values |= check_score(name, checks, method).row().values
        rows.append(Row(name, {key: values[key] for key in SHOWN if key in values}))
    return Table(f"{len(requests)} prompts of '{prompts.name}'", tuple(rows))


def time_table(eval_set: EvalSet, fills: Mapping[str, Fill]) -> Table:
    """Seconds of one core for the finer levels of a motion, and of all candidates of a take."""
    generator, config = eval_set.pipeline.generator, eval_set.pipeline.tokenizer.config
    assert isinstance(generator, TokenGenerator)
    manifest, many = eval_set.pipeline.manifest, Sampling().candidates
    frames = min(round(SECONDS * manifest.fps), manifest.max_frames)
    steps = 2 * (frames // config.stride // 2)
    coarse = torch.zeros(many, steps, COARSE, dtype=torch.long)

    def written_in(steps: int, motions: int) -> float:
        bench, scale = Bench(generator, steps, config.codes), generator.cfg_scale
        return core_seconds(bench.tokens(generator, "", motions, cfg_scale=scale).write)

    seconds = {
        name: [core_seconds(lambda n=n, fill=fill: fill(coarse[:n])) for n in (1, many)]
        for name, fill in fills.items()
    }
    # An answer that is shorter by the finer levels' share lacks as many tokens as they take.
    shorter = steps * COARSE // manifest.levels
    seconds[WRITTEN] = [written_in(steps, n) - written_in(shorter, n) for n in (1, many)]
    columns = ("one motion, ms", f"{many} motions, ms")
    rows = [
        Row(name, {column: 1000 * s for column, s in zip(columns, each, strict=True)})
        for name, each in seconds.items()
    ]
    return Table(f"finer levels of {SECONDS:g} s", tuple(rows))


def core_seconds(do: Callable[[], Any]) -> float:
    """Processor time of one call, the fastest of some rounds after a first one."""
    do()
    found: list[float] = []
    for _ in range(ROUNDS):
        start = time.process_time()
        do()
        found.append(time.process_time() - start)
    return min(found)
