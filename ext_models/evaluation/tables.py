"""Tables of measurements, which never mix the numbers of two evaluators.

Distances in one evaluator's space say nothing about those in another's, so a table
belongs to the evaluator of its first row that used one. Standard library only, so that
a table can be printed anywhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.errors import PipelineError

#: Evaluator of rows whose numbers come from the joints alone; they fit any table.
NO_EVALUATOR: Final = ""

Value = float | tuple[float, float]


class MixedEvaluatorsError(PipelineError):
    """One table would hold the numbers of two evaluators."""


@dataclass(frozen=True)
class Row:
    """What was measured of one method.

    Attributes:
        name: what was measured ("real motion", "styles, text").
        values: by metric, a number or a mean with half its 95 % interval.
        evaluator: ``Evaluator.name`` of the one that measured; empty for none.
    """

    name: str
    values: Mapping[str, Value]
    evaluator: str = NO_EVALUATOR


@dataclass(frozen=True)
class Table:
    """Rows that can be compared with each other.

    Attributes:
        title: what the table shows.
        rows: in their order; all of one evaluator, or of none.

    Raises:
        MixedEvaluatorsError: when rows of two evaluators come together.
    """

    title: str
    rows: tuple[Row, ...] = ()

    def __post_init__(self) -> None:
        named = [row for row in self.rows if row.evaluator != NO_EVALUATOR]
        for row in named[1:]:
            if row.evaluator != named[0].evaluator:
                raise MixedEvaluatorsError(
                    f"'{row.name}' was measured by the evaluator {row.evaluator} and "
                    f"'{named[0].name}' by {named[0].evaluator}: measure both with one before "
                    f"they stand together in '{self.title}'."
                )

    @property
    def evaluator(self) -> str:
        """The evaluator that measured these rows; empty when none did."""
        return next((row.evaluator for row in self.rows if row.evaluator), NO_EVALUATOR)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every metric of any row, in the rows' own order."""
        found: list[str] = []
        for row in self.rows:
            behind = len(found)
            for metric in row.values:
                if metric not in found:
                    found.insert(behind, metric)
                behind = found.index(metric) + 1
        return tuple(found)

    def markdown(self) -> str:
        """The table as Markdown; a missing value is a dash."""
        lines = [
            f"| {self.title} | {' | '.join(self.columns)} |",
            "|---" * (len(self.columns) + 1) + "|",
        ]
        for row in self.rows:
            cells = (_cell(row.values.get(metric)) for metric in self.columns)
            lines.append(f"| {row.name} | {' | '.join(cells)} |")
        if self.evaluator:
            lines += ["", f"Evaluator: {self.evaluator}. Not comparable with any other's numbers."]
        return "\n".join(lines) + "\n"

    def body(self) -> dict[str, Any]:
        """The table for a JSON file."""
        rows = [
            {"name": r.name, "evaluator": r.evaluator, "values": dict(r.values)} for r in self.rows
        ]
        return {"title": self.title, "rows": rows}

    def save(self, path: Path) -> None:
        """Write the table as JSON."""
        text = json.dumps(self.body(), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Table:
        """Read a saved table; raises PipelineError naming the file."""
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            return cls(body["title"], tuple(_row(row) for row in body["rows"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PipelineError(f"{path} is not a saved table ({error}).") from None


def _row(body: dict[str, Any]) -> Row:
    values = {k: tuple(v) if isinstance(v, list) else float(v) for k, v in body["values"].items()}
    return Row(body["name"], values, body["evaluator"])


def _cell(value: Value | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple) and not (value[1] and math.isfinite(value[1])):
        value = value[0]  # measured once, or without variance: there is no interval
    if not math.isfinite(value[0] if isinstance(value, tuple) else value):
        return "-"
    if isinstance(value, tuple):
        digits = _digits(value[0])
        return f"{value[0]:.{digits}f} ± {value[1]:.{digits}f}"
    return f"{value:.0f}" if value == int(value) and value >= 10 else f"{value:.{_digits(value)}f}"


def _digits(value: float) -> int:
    """Decimals that say something beside a number's size."""
    return 3 if abs(value) < 10 else 1 if abs(value) < 100 else 0
