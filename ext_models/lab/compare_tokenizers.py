"""Comparison of tokenizers: several tokenizers, the same data, the same minutes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.datasets.layouts import Example, read_examples
from ext_models.packs import PackError
from ext_models.tokenizer.networks import TokenizerConfig
from ext_models.tokenizer.report import HEAD, report
from ext_models.tokenizer.training import TokenizerTraining, train_tokenizer
from ext_models.training.recipe import read_toml

#: The table, and the rows of each tokenizer, so that a stopped comparison goes on.
TABLE: Final = "tokenizers.md"
ROWS: Final = "rows.json"


@dataclass(frozen=True)
class TokenizerVariant:
    """One tokenizer of a comparison: its name in the table and how it is made."""

    name: str
    config: TokenizerConfig
    training: TokenizerTraining


@dataclass(frozen=True)
class Comparison:
    """What a recipe's ``[comparison]`` asks for."""

    data: tuple[str, ...]
    quoted_captions: bool
    seed: int
    variants: tuple[TokenizerVariant, ...]


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
        for number, variant in enumerate(wanted.variants, 1):
            run = out / name / str(number)
            lines += _rows(variant, examples, run, wanted.seed, device)
        sections.append("\n".join(lines))
    return "\n\n".join(sections) + "\n"


def read_comparison(path: Path, budget: Mapping[str, float]) -> Comparison:
    """The comparison of a recipe; raises PackError naming what it lacks."""
    recipe = read_toml(path)
    if "comparison" not in recipe:
        raise PackError(f"{path}: the recipe has no [comparison] table.")
    try:
        table: dict[str, Any] = recipe["comparison"]
        shared = {**table.get("training", {}), **budget}
        variants = tuple(_variant(dict(entry), shared) for entry in table["tokenizers"])
        return Comparison(
            data=tuple(table["data"]),
            quoted_captions=bool(table.get("quoted_captions", False)),
            seed=int(table.get("seed", 0)),
            variants=variants,
        )
    except KeyError as error:
        raise PackError(f"{path}: the recipe's [comparison] has no {error}.") from None
    except (TypeError, ValueError) as error:
        raise PackError(f"{path}: {error}.") from None


def _variant(entry: dict[str, Any], shared: dict[str, Any]) -> TokenizerVariant:
    name = str(entry.pop("name"))
    training = {**shared, **entry.pop("training", {})}
    if "speeds" in training:
        training["speeds"] = tuple(training["speeds"])
    if "dilations" in entry:
        entry["dilations"] = tuple(entry["dilations"])
    return TokenizerVariant(name, TokenizerConfig(**entry), TokenizerTraining(**training))


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
    rows: list[str] = []
    for levels in variant.config.some:
        part = "" if levels == variant.config.levels else f", first {levels}"
        rows.append(report(model, test, levels, examples).row(variant.name + part))
    done.write_text(json.dumps({"asked": asked, "rows": rows}, indent=1), encoding="utf-8")
    return rows
