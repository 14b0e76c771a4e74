"""Everything measured of a pack: tables, what was aimed at, notes; as markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.evaluation.prompts.prompt_lists import PromptList
from ext_models.evaluation.prompts.prompt_scores import (
    PART,
    PLAIN,
    ListScore,
    prompt_scores,
    prompt_table,
)

from .baselines import NEAREST_CAPTION, TEXT, all_methods
from .clip_maker import ClipMaker
from .eval_set import EvalSet
from .metrics import TOP
from .nearest_caption import verbatim_share
from .pose_tasks import RATIO, place_errors, place_table, pose_errors, pose_table
from .tables import Row, Table
from .text_motion_table import TextMotionScores, measure, plausibility_table

REPORT: Final = "report.md"
NUMBERS: Final = "report.json"
#: Shares that are aimed at: of text only's way to the floor, of plain R@3, of its place error.
POSE_AIMS: Final = {"initial": 0.5, "last": 0.5, "keys": 0.65}
LIST_AIM: Final = 0.8
PLACE_AIM: Final = 0.25
#: Lists without an aim of their own: nobody can know words that were never read.
NO_AIM: Final = ("unknown",)

_EXPLAINED: Final = {
    "text_motion": (
        "R@k: a caption finds its motion among the nearest k of a pool without two clips of one "
        "label. ± is the 95 % interval, over clips; of FID, KID, Diversity and MultiModality over "
        "samples and draws. FID's bias: real motion, one half against the other (halves are "
        "smaller than the whole, so it is rather too large). Nearest caption: the training clip "
        "whose caption is most alike in its words. To training clip: distance to the nearest one."
    ),
    "poses": (
        "Before the final correction, at the asked frame. Floor: what the tokenizer alone makes "
        "of the same poses (Vel: of their clips). Of several candidates with poses the nearest to "
        "them "
        "is given; text only is what is given without poses, its nearest try the one of the same "
        "candidates that lies nearest by chance. Model alone: told of the poses as it was taught. "
        "Steered: while it writes, codes that bring it to the poses gain, as in the add-on."
    ),
    "places": "How far the last pose stands off, as seen from the first frame.",
    "prompts": (
        "The motion asks, and one caption a label competes, the prompt's own among them. Among "
        "alike: half of the pool shares the prompt's action or style. Real motion: clips of the "
        "label, or clips of both parts joined."
    ),
}


@dataclass(frozen=True)
class Target:
    """Something aimed at, and what came of it."""

    what: str
    value: float
    target: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'MISSED'}: {self.what} {self.value:.3f} ({self.target})"


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        title: of the report.
        facts: what it was measured with, for the reader.
        tables: by part: agreement (or plausibility), poses, places, prompts.
        aims: what was aimed at.
        notes: what the reader should know besides.
        agreement: what the pictures are drawn from, with an evaluator.
        scores: of the lists of prompts.
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
        lines = [f"# {self.title}", "", *self.sections()]
        return "\n".join(lines).rstrip() + "\n"

    def sections(self) -> list[str]:
        """The lines of the report below its title, which a card holds as well."""
        lines = [*(f"- {k}: {v}" for k, v in self.facts.items()), ""]
        for name, table in self.tables.items():
            lines += [table.markdown()]
            if name in _EXPLAINED:
                lines += [_EXPLAINED[name], ""]
        if self.targets:
            lines += ["Aims:", "", *(f"- {aim}" for aim in self.targets), ""]
        return [*lines, *(f"- {note}" for note in self.notes), ""]

    def save(self, folder: Path) -> None:
        """Write ``report.md`` and ``report.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT).write_text(self.markdown(), encoding="utf-8")
        body = {
            "title": self.title,
            "facts": dict(self.facts),
            "tables": {name: table.body() for name, table in self.tables.items()},
            "aims": [asdict(aim) for aim in self.targets],
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
        maker: makes the pack's clips.
        lists: prompts of labels that the data has.
        cache: folder for what is the same for every pack.
        facts: what it is measured with, for the reader.
    """
    methods = all_methods(eval_set, maker)
    posed = eval_set.for_poses
    poses = pose_errors(posed, maker)
    places = place_errors(posed, maker)
    tables: dict[str, Table] = {}
    text_motion, scores = None, ()
    if eval_set.evaluator is None:
        tables["plausibility"] = plausibility_table(eval_set, methods)
    else:
        text_motion = measure(eval_set, eval_set.evaluator, methods, cache)
        tables["text_motion"] = text_motion.table
        if lists:
            scores = tuple(prompt_scores(eval_set, eval_set.evaluator, maker, methods, lists))
            tables["prompts"] = prompt_table(scores, eval_set.settings.pool)
    tables["poses"] = pose_table(posed, poses)
    if places:
        tables["places"] = place_table(posed, places)
    return Evaluation(
        title=f"{eval_set.pipeline.manifest.title}: {len(eval_set.clips)} clips",
        facts=facts,
        tables=tables,
        targets=tuple(targets(tables)),
        notes=tuple(_notes(eval_set)),
        text_motion=text_motion,
        scores=scores,
    )


def targets(tables: Mapping[str, Table]) -> list[Target]:
    """What the tables say of each aim."""
    found: list[Target] = []
    if "text_motion" in tables:
        made, looked = (_row(tables["text_motion"], name) for name in (TEXT, NEAREST_CAPTION))
        (value, _), (mean, half) = _number(made, f"R@{TOP}"), _number(looked, f"R@{TOP}")
        least = mean - half
        target = f"not below nearest caption's interval, from {least:.3f}"
        found.append(Target(f"R@{TOP} of text to motion", value, target, value >= least))
    found += _list_aims(tables["prompts"]) if "prompts" in tables else []
    for row in tables["poses"].rows:
        task = row.name.split(",")[0]
        value, _ = _number(row, f"Recon {RATIO}")
        target = f"at most {POSE_AIMS[task]}"
        found.append(Target(f"{row.name}: Recon ratio", value, target, value <= POSE_AIMS[task]))
    if "places" in tables:
        for row in tables["places"].rows:
            value, _ = _number(row, "m, with / text")
            target = f"at most {PLACE_AIM}"
            found.append(Target(f"{row.name}: share of text's", value, target, value <= PLACE_AIM))
    return found


def _list_aims(table: Table) -> list[Target]:
    names = dict.fromkeys(row.name.rpartition(": ")[0] for row in table.rows)
    found: list[Target] = []
    for name in names:
        if name == PLAIN or name in NO_AIM or PART in name:
            continue
        made, looked = (_row(table, f"{name}: {method}") for method in (TEXT, NEAREST_CAPTION))
        value, _ = _number(made, f"share of plain R@{TOP}")
        target = f"at least {LIST_AIM}"
        found.append(Target(f"{name}: share of plain R@{TOP}", value, target, value >= LIST_AIM))
        for column in (f"R@{TOP}", f"R@{TOP} among alike"):
            (value, half), (mean, spread) = _number(made, column), _number(looked, column)
            target = f"clearly above nearest caption's {mean:.3f}"
            met = value - half > mean + spread
            found.append(Target(f"{name}: {column}", value, target, met))
    return found


def _row(table: Table, method: str) -> Row:
    return next(row for row in table.rows if row.name == method)


def _number(row: Row, metric: str) -> tuple[float, float]:
    value = row.values[metric]
    return value if isinstance(value, tuple) else (value, 0.0)


def _notes(eval_set: EvalSet) -> list[str]:
    notes = [
        f"{verbatim_share(eval_set.captions, eval_set.train):.0%} of the captions stand word for "
        "word in the training split."
    ]
    if eval_set.pool < eval_set.settings.pool:
        notes.append(f"Only {eval_set.pool} labels: pools are that small.")
    if eval_set.evaluator is None:
        notes.append(
            "No evaluator was given (--evaluator DIR): nothing says if text and motion fit."
        )
    if eval_set.settings.sampling.candidates > 1:
        notes.append(
            f"Of {eval_set.settings.sampling.candidates} candidates the best was taken: "
            f"nearest to the poses or, without poses, {_chosen_by(eval_set)}."
        )
    return notes


def _chosen_by(eval_set: EvalSet) -> str:
    if eval_set.pipeline.selector.reranker is None:
        return "to what its own clip summary announced"
    return "most fitting by the pack's own reranker, which knows neither test clips nor evaluator"
