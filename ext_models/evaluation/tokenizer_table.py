"""The tokenizer table: what remains of real motion at the levels that the pack's model writes."""

from __future__ import annotations

from typing import Final

from ext_models.datasets.examples import Example
from ext_models.tokenizer.report import report

from .eval_set import EvalSet
from .tables import Row, Table

#: Joint error with the pelvis in place (MPJPE), in the world, and of a pose encoded alone.
ROOT_RELATIVE: Final = "joints, pelvis in place, mm"
IN_WORLD: Final = "joints in the world, mm"
SINGLE_POSE: Final = "a pose alone, mm"


def tokenizer_table(eval_set: EvalSet) -> Table:
    """Reconstruction errors of the measured clips, a row a data set."""
    by_set: dict[str, list[Example]] = {}
    for example in eval_set.clips:
        by_set.setdefault(eval_set.set_of(example), []).append(example)
    levels = eval_set.pipeline.manifest.levels
    rows: list[Row] = []
    for name, examples in by_set.items():
        found = report(eval_set.pipeline.tokenizer, examples, levels)
        values = {
            "clips": float(found.clips),
            ROOT_RELATIVE: found.root_relative,
            IN_WORLD: found.in_place,
            SINGLE_POSE: found.single_pose,
        }
        rows.append(Row(name, values))
    return Table(f"tokenizer, {levels} levels", tuple(rows))
