"""The evaluation of a pack: tables, targets and notes, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.evaluation.prompts.prompt_lists import PromptList
from ext_models.evaluation.prompts.prompt_scores import ListScore, prompt_scores, prompt_table
from ext_models.evaluation.prompts.wording_table import wording_table

from .baselines import all_methods
from .check_table import check_table
from .clip_maker import ClipMaker
from .eval_set import EvalSet
from .nearest_caption import verbatim_share
from .pose_tasks import place_errors, place_table, pose_errors, pose_table
from .quality_table import label_table, quality_scores, quality_table
from .tables import Table
from .targets import Target, targets
from .text_motion_table import TextMotionScores, text_motion_scores
from .tokenizer_table import tokenizer_table

REPORT: Final = "report.md"
NUMBERS: Final = "report.json"
#: The table of labels, too long for a card.
LABELS: Final = "labels"
_LEGENDS: Final = {
    "text_motion": (
        "R@k: a caption finds its motion among the nearest k of a pool without two clips of one "
        "label. ± is the 95 % interval, over clips; of FID, KID, Diversity and MultiModality over "
        "samples and draws. FID: one half of the real clips against the other half of the "
        "method's. FID of two real halves is the same of real motion alone: so much of FID is "
        "bias of a small set, and only what is above it says anything. Nearest caption: the "
        "training clip with the most similar caption. To training clip: distance to the nearest "
        "one."
    ),
    "quality": (
        "Raw motion, before feet are locked. Support foot: mean ground speed of the standing foot, "
        "which is the slower toe below 5 cm in two neighbouring frames. Penetration: how deep the "
        "deepest joint of a take is below the floor. Lurch: peak acceleration of the pelvis. Late "
        "speed-up: takes whose pelvis is faster by 0.3 m/s in the last 0.4 s than in the 0.4 s "
        "before. Standstill: the longest one of each take; then rush: takes that stand still for "
        "half a second and are faster than 1.25 m/s within the next second."
    ),
    "poses": (
        "Before the final correction, at the given frame. Floor: the tokenizer's own error for the "
        "same poses (Vel: of their clips). The candidate with the best score counts. Text only: "
        "the motion without poses; nearest candidate: of the same candidates the one that is "
        "nearest by chance. Model alone: the poses are in the prompt only. Guided: pose guidance "
        "while sampling, as in the add-on."
    ),
    "checks": (
        "Measurable demands of a prompt, such as a turn to the left or a raised hand, that the "
        "given take meets: means over the prompts that have any. Lists are also counted where ten "
        "training clips show what is asked for, and by language. Of later parts: what follows a "
        "'then', of prompts with several parts."
    ),
    "places": "Distance of the last pose from its place, relative to the first frame.",
    "prompts": (
        "The motion is the query, and one caption a label competes, the prompt's own among them. "
        "Among alike: half of the pool shares the prompt's action or style. Real motion: clips of "
        "the label, or clips of both parts joined."
    ),
    "wordings": (
        "Mean distance, in the evaluator's space, of takes of two wordings of one meaning, and of "
        "two takes of one wording from different seeds. Ratio 1: a wording matters no more than "
        "a seed."
    ),
}


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a pack.

    Attributes:
        title: of the report.
        facts: pack, data, evaluator and so on, for the reader.
        tables: by part: text_motion (with an evaluator), prompts, wordings, quality, checks,
            tokenizer, poses, places, labels.
        targets: the targets and whether they are met.
        notes: sentences for the reader.
        text_motion: scores by clip, for the pictures; None without an evaluator.
        scores: of the lists of prompts, for the pictures.
    """

    title: str
    facts: Mapping[str, Any]
    tables: Mapping[str, Table]
    targets: tuple[Target, ...]
    notes: tuple[str, ...]
    text_motion: TextMotionScores | None = None
    scores: tuple[ListScore, ...] = ()

    def markdown(self) -> str:
        """The report for people."""
        lines = [f"# {self.title}", "", *self.sections(), "", self.tables[LABELS].markdown()]
        return "\n".join(lines).rstrip() + "\n"

    def sections(self) -> list[str]:
        """The lines of the report below its title and above its labels, also those of a card."""
        lines = [*(f"- {k}: {v}" for k, v in self.facts.items()), ""]
        for name, table in self.tables.items():
            if name == LABELS:
                continue
            lines += [table.markdown()]
            if name in _LEGENDS:
                lines += [_LEGENDS[name], ""]
        if self.targets:
            lines += ["Targets:", "", *(f"- {target}" for target in self.targets), ""]
        return [*lines, *(f"- {note}" for note in self.notes), ""]

    def save(self, folder: Path) -> None:
        """Write ``report.md`` and ``report.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT).write_text(self.markdown(), encoding="utf-8")
        body = {
            "title": self.title,
            "facts": dict(self.facts),
            "tables": {name: table.body() for name, table in self.tables.items()},
            "targets": [asdict(target) for target in self.targets],
            "notes": list(self.notes),
        }
        text = json.dumps(body, indent=1, ensure_ascii=False)
        (folder / NUMBERS).write_text(text + "\n", encoding="utf-8")


def evaluate(
    eval_set: EvalSet,
    maker: ClipMaker,
    lists: tuple[PromptList, ...],
    cache: Path,
    facts: Mapping[str, Any],
) -> Evaluation:
    """Measure everything that the pack and the data allow.

    Args:
        eval_set: the clips and the pack.
        maker: generates the pack's motions.
        lists: prompts whose labels the data has.
        cache: folder for embeddings that are the same for every pack.
        facts: pack, data, evaluator and so on, for the reader.
    """
    methods = all_methods(eval_set, maker)
    posed = eval_set.for_poses
    poses = pose_errors(posed, maker)
    places = place_errors(posed, maker)
    tables: dict[str, Table] = {}
    text_motion, scores = None, ()
    if eval_set.evaluator is not None:
        text_motion = text_motion_scores(eval_set, eval_set.evaluator, methods, cache)
        tables["text_motion"] = text_motion.table
        if lists:
            scores = tuple(prompt_scores(eval_set, eval_set.evaluator, maker, methods, lists))
            tables["prompts"] = prompt_table(scores, eval_set.settings.pool)
        wordings = wording_table(eval_set, eval_set.evaluator, maker, lists)
        if wordings is not None:
            tables["wordings"] = wordings
    quality = [quality_scores(method, len(eval_set.clips)) for method in methods]
    tables["quality"] = quality_table(eval_set, quality)
    checks = check_table(eval_set, maker, methods, lists)
    if checks is not None:
        tables["checks"] = checks
    tables["tokenizer"] = tokenizer_table(eval_set)
    tables["poses"] = pose_table(posed, poses)
    if places:
        tables["places"] = place_table(posed, places)
    tables[LABELS] = label_table(eval_set, quality)
    return Evaluation(
        title=f"{eval_set.pipeline.manifest.title}: {len(eval_set.clips)} clips",
        facts=facts,
        tables=tables,
        targets=tuple(targets(tables)),
        notes=tuple(_notes(eval_set)),
        text_motion=text_motion,
        scores=scores,
    )


def _notes(eval_set: EvalSet) -> list[str]:
    notes: list[str] = []
    if eval_set.has_captioned_train:
        share = verbatim_share(eval_set.captions, eval_set.train)
        notes.append(f"{share:.0%} of the captions stand word for word in the training split.")
    else:
        notes.append(
            "Without captioned training clips neither nearest caption and random clip nor the "
            "distance to the nearest training clip can be computed, nor how many captions stand in "
            "the training split."
        )
    if eval_set.pool < eval_set.settings.pool:
        notes.append(f"The clips have {eval_set.pool} labels, so pools have {eval_set.pool} rows.")
    if eval_set.evaluator is None:
        notes.append(
            "No evaluator was given (--evaluator DIR), so no number says if motion fits text."
        )
    if eval_set.settings.sampling.candidates > 1:
        notes.append(
            f"The candidate with the best score of {eval_set.settings.sampling.candidates} "
            f"counts, as in the add-on; {_fit(eval_set)}."
        )
    return notes


def _fit(eval_set: EvalSet) -> str:
    if eval_set.pipeline.selector.reranker is None:
        return "the pack has no reranker, so without poses there is one candidate only"
    return "its reranker knows neither test clips nor the evaluator"
