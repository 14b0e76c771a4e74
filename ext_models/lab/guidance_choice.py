"""Compares settings of generation on validation clips: which scales of guidance are good defaults.

Every variant answers the same captions, without poses and with the first and last pose of the clip,
with as many candidates as the panel draws; the candidate that the score chooses is measured. So a
setting counts by what the animator gets and not by what a single candidate is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ext_models.errors import PipelineError
from ext_models.evaluation.baselines import text_request
from ext_models.evaluation.clip_maker import ClipMaker
from ext_models.evaluation.eval_set import EvalSet
from ext_models.evaluation.metrics import mean_and_half
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.evaluation.text_motion_table import embed
from ext_models.generation.candidate_score import pose_error
from ext_models.generation.generators import TokenGenerator
from ext_models.generation.guidance_scales import GuidanceScales
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.motion.floor_metrics import support_foot_speed
from ext_models.motion.pacing_metrics import peak_acceleration, speeds_up_late
from ext_models.prompt_checks.grammar import read_checks
from ext_models.prompt_checks.measuring import measure
from ext_models.text_motion.retrieval import draw_pools, precision_hits
from motiongpt_blender.core.body.motion import MotionClip

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Variant:
    """One setting of generation, as what differs from the defaults.

    Attributes:
        name: shown in the table.
        scales: fields of ``GuidanceScales``.
        generator: fields of ``TokenGenerator``.
        sampling: fields of ``Sampling``.
    """

    name: str
    scales: Mapping[str, Any] = field(default_factory=dict[str, Any])
    generator: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def pipeline(self, base: MotionPipeline) -> MotionPipeline:
        """The pack's pipeline with this setting; raises PipelineError where it has no guidance."""
        generator = base.generator
        if not isinstance(generator, TokenGenerator) or generator.guidance is None:
            raise PipelineError(
                f"The model pack '{base.manifest.name}' has no pose guidance: nothing to compare."
            )
        guidance = replace(generator.guidance, scales=GuidanceScales(**self.scales))
        changed = replace(generator, guidance=guidance, **self.generator)
        return MotionPipeline(base.manifest, base.tokenizer, changed, base.selector)


#: What is tried: each default, then one setting after the other below and above it.
VARIANTS: Final = (
    Variant("defaults"),
    Variant("no guidance", sampling={"guidance": 0.0}),
    Variant("guidance 0.5", sampling={"guidance": 0.5}),
    Variant("guidance 2", sampling={"guidance": 2.0}),
    Variant("no neighbours", generator={"neighbours": None}),
    Variant("follow 0", scales={"follow": (0.0,)}),
    Variant("follow 2", scales={"follow": (2.0,)}),
    Variant("poses to 3 and 2 cm", scales={"pose": (0.03, 0.02)}),
    Variant("poses to 4, 3, 2 and 2 cm", scales={"pose": (0.04, 0.03, 0.02, 0.02)}),
    Variant("on the way 5 cm", scales={"on_the_way": 0.05}),
    Variant("on the way 12 cm", scales={"on_the_way": 0.12}),
    Variant("places to 10 cm", scales={"place": (0.1, 0.16)}),
    Variant("caption counts 1.5", generator={"cfg_scale": 1.5}),
    Variant("caption counts 3", generator={"cfg_scale": 3.0}),
    Variant("summary temperature 1.2", generator={"summary_temperature": 1.2}),
    Variant("temperature 0.6", sampling={"temperature": 0.6}),
    Variant("temperature 1", sampling={"temperature": 1.0}),
)


def chosen_variants(names: Sequence[str] | None) -> tuple[Variant, ...]:
    """The variants of some names, all by default; raises PipelineError for an unknown one."""
    if not names:
        return VARIANTS
    by_name = {variant.name: variant for variant in VARIANTS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise PipelineError(f"There is no variant '{unknown[0]}': choose of {', '.join(by_name)}.")
    return tuple(by_name[name] for name in names)


def compare_guidance(eval_set: EvalSet, variants: Sequence[Variant], cache: Path) -> Table:
    """One row a variant: what its chosen candidates are like, by text and with poses.

    Args:
        eval_set: validation clips, the pack and, for R@k, an evaluator.
        variants: what is compared.
        cache: folder of the generated codes.
    """
    rows: list[Row] = []
    for variant in variants:
        pipeline = variant.pipeline(eval_set.pipeline)
        settings = eval_set.settings
        sampling = replace(settings.sampling, **variant.sampling)
        changed = replace(
            eval_set, pipeline=pipeline, settings=replace(settings, sampling=sampling)
        )
        maker = ClipMaker(pipeline, cache / f"{_file_name(variant.name)}.jsonl")
        rows.append(_row(changed, maker, variant.name))
    return Table("variant", tuple(rows))


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def _row(eval_set: EvalSet, maker: ClipMaker, name: str) -> Row:
    texts = [text_request(eval_set, k, 0) for k in range(len(eval_set.clips))]
    posed = [
        replace(request, poses=_ends(example.joints))
        for request, example in zip(texts, eval_set.clips, strict=True)
    ]
    text = maker.make(texts, f"{name}: text")
    with_poses = maker.make(posed, f"{name}: poses")
    values: dict[str, Value] = {}
    values |= {f"text: {k}": v for k, v in _measures(eval_set, texts, text).items()}
    values |= {f"poses: {k}": v for k, v in _measures(eval_set, posed, with_poses).items()}
    values["poses: cm off"] = mean_and_half(
        [
            100 * pose_error(MotionClip(joints), request)
            for joints, request in zip(with_poses, posed, strict=True)
        ]
    )
    return Row(name, values)


def _ends(joints: NDArray[np.float32]) -> tuple[PoseCondition, ...]:
    last = len(joints) - 1
    return tuple(PoseCondition(k, joints[k], placed=True) for k in (0, last))


def _measures(
    eval_set: EvalSet, requests: Sequence[GenerationRequest], motions: Sequence[Array]
) -> dict[str, Value]:
    """What is measured of the chosen motions; each needs some clips for which it is defined."""
    met = [
        np.mean([result.met for result in measure(checks, joints)])
        for checks, joints in zip((read_checks(r.prompt) for r in requests), motions, strict=True)
        if checks
    ]
    feet = [speed for speed in map(support_foot_speed, motions) if speed is not None]
    values: dict[str, Value] = {
        "checks": mean_and_half(met),
        "foot, cm/s": mean_and_half([100 * speed for speed in feet]),
        "peak, m/s²": mean_and_half([peak_acceleration(joints) for joints in motions]),
        "late, %": mean_and_half([100.0 * speeds_up_late(joints) for joints in motions]),
    }
    if eval_set.evaluator is not None:
        captions = eval_set.evaluator.embed_text([request.prompt for request in requests])
        embedded = embed(eval_set.evaluator, motions, "embed")
        pools = draw_pools(eval_set.labels, eval_set.pool, seed=eval_set.number("pools"))
        values["R@3"] = mean_and_half(precision_hits(captions, embedded, pools)[:, -1])
    return values
