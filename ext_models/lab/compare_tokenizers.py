"""Comparison of tokenizers: several tokenizers, the same data, the same minutes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from ext_models.datasets.layouts import Example, read_examples
from ext_models.tokenizer.networks import TokenizerConfig
from ext_models.tokenizer.report import HEAD, codes_used, report
from ext_models.tokenizer.training import TokenizerTraining, train_tokenizer
from ext_models.training.recipe import FLAT, read_table, read_toml

#: The table, and the rows of each tokenizer, so that a stopped comparison goes on.
TABLE: Final = "tokenizers.md"
ROWS: Final = "rows.json"


@dataclass(frozen=True)
class TokenizerVariant:
    """[[comparison.tokenizers]]: one tokenizer of a comparison.

    Attributes:
        name: in the table.
        config: sizes, in the same table.
        training: budget, data and loss.
    """

    name: str
    config: TokenizerConfig = field(metadata=FLAT)
    training: TokenizerTraining = field(default_factory=TokenizerTraining)


@dataclass(frozen=True)
class Comparison:
    """[comparison]: several tokenizers on the same data.

    Attributes:
        data: packs of the data folder.
        tokenizers: what is compared.
        training: keys of every tokenizer's training, unless it has its own.
        quoted_captions: also take captions quoted from other data sets.
        seed: of everything random.
    """

    data: tuple[str, ...]
    tokenizers: tuple[TokenizerVariant, ...]
    training: TokenizerTraining = field(default_factory=TokenizerTraining)
    quoted_captions: bool = False
    seed: int = 0


@dataclass(frozen=True)
class ComparisonRecipe:
    """A recipe of a comparison: its one table."""

    comparison: Comparison


def compare(wanted: Comparison, data: Path | None, out: Path, device: str) -> str:
    """Train every tokenizer on every data set; the tables as Markdown.

    Args:
        wanted: what is compared.
        data: the data folder.
        out: folder of the runs.
        device: cpu, cuda or mps.
    """
    sections: list[str] = []
    for name in wanted.data:
        examples = read_examples(data, name, quoted_captions=wanted.quoted_captions)
        test = sum(e.split == "test" for e in examples)
        lines = [f"`{name}`, {test} test clips:", "", *HEAD]
        for number, variant in enumerate(wanted.tokenizers, 1):
            run = out / name / str(number)
            lines += _rows(variant, examples, run, wanted.seed, device)
        sections.append("\n".join(lines))
    return "\n\n".join(sections) + "\n"


def read_comparison(path: Path, budget: Mapping[str, float]) -> Comparison:
    """The comparison of a recipe; raises PackError naming file, table and key.

    Args:
        path: the recipe.
        budget: steps or minutes of every training, instead of the recipe's.
    """
    tables = read_toml(path)
    body = tables.get("comparison")
    if isinstance(body, dict):
        shared = {**body.get("training", {}), **budget}
        for entry in body.get("tokenizers", ()):
            entry["training"] = {**shared, **entry.get("training", {})}
    return read_table(ComparisonRecipe, tables, str(path)).comparison


def _rows(
    variant: TokenizerVariant, examples: list[Example], folder: Path, seed: int, device: str
) -> list[str]:
    """The table's rows of one tokenizer: with all its levels, and with fewer."""
    asked = json.loads(json.dumps({"seed": seed, **asdict(variant)}))
    done = folder / ROWS
    if done.is_file():
        body = json.loads(done.read_text(encoding="utf-8"))
        if body["asked"] == asked:
            return list(body["rows"])
        (folder / "tokenizer.pt").unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    model = train_tokenizer(
        variant.config, variant.training, examples, folder, seed=seed, device=device
    )
    test = [e for e in examples if e.split == "test"]
    rows, used = list[str](), codes_used(model, examples)
    for levels in variant.config.some:
        part = "" if levels == variant.config.levels else f", first {levels}"
        rows.append(report(model, test, levels, used).row(variant.name + part))
    done.write_text(json.dumps({"asked": asked, "rows": rows}, indent=1), encoding="utf-8")
    return rows
