"""``evaluate-paper``: measures a pack of the style ``paper`` as the paper was measured."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ext_models import packs
from ext_models.commands.options import RUNS, add_data, add_device
from ext_models.devices import pick_device
from ext_models.language.vocabulary import MotionVocabulary
from ext_models.motion.representations import REPRESENTATIONS
from ext_models.packs import PackError

if TYPE_CHECKING:
    from ext_models.recipes.paper_settings import PaperEvalSettings
    from ext_models.recipes.schema import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", type=Path, help="recipe (TOML), e.g. humanml3d_paper.toml")
    add_data(parser)
    parser.add_argument("--pack", type=Path, required=True, help="model pack folder")
    parser.add_argument(
        "--authors", type=Path, required=True, help="checkpoints of Guo et al. 2022"
    )
    parser.add_argument("--glove", type=Path, required=True, help="their word vectors (our_vab_*)")
    parser.add_argument("--split", default="test", help="which clips (%(default)s)")
    parser.add_argument("--repeats", type=int, help="measurements, instead of the recipe's")
    parser.add_argument("--clips", type=int, help="at most so many clips, instead of all")
    parser.add_argument("--seed", type=int, default=0, help="of orders, captions and motions")
    add_device(parser)
    parser.add_argument("--out", type=Path, help="folder of the tables (runs/evaluate/NAME)")


def run(arguments: argparse.Namespace) -> int:
    """Measure a pack of the style ``paper`` and print both tables."""
    from ext_models.generation.generators import load_generator
    from ext_models.lab.guo_evaluator import load_guo_evaluator
    from ext_models.lab.paper_tables import PaperEvaluation
    from ext_models.recipes.schema import Recipe
    from ext_models.tokenizer.vqvae import load_tokenizer

    recipe = Recipe.read(arguments.config)
    manifest = packs.read_manifest(arguments.pack)
    if manifest.prompt_style != "paper":
        raise PackError(
            f"{arguments.pack / packs.MANIFEST}: the prompt style is '{manifest.prompt_style}'; "
            "evaluate-paper measures packs of the style 'paper', and evaluate all others."
        )
    rep = REPRESENTATIONS[manifest.representation]
    device = pick_device(arguments.device)
    evaluator = load_guo_evaluator(arguments.authors, arguments.glove, rep, device)
    tokenizer = load_tokenizer(arguments.pack, device)
    settings = _settings(arguments, recipe, manifest.max_frames // tokenizer.config.stride)
    examples = recipe.examples(arguments.data)
    if examples[0].representation != rep.name:
        raise PackError(
            f"the pack makes {rep.name} and the data is {examples[0].representation}: give the "
            "data set that it was trained on."
        )
    vocabulary = MotionVocabulary(1, tokenizer.config.codes, settings.longest)
    generator = load_generator(arguments.pack, manifest, vocabulary, device)
    eval_set = PaperEvaluation(tokenizer, generator, evaluator, rep, settings)
    tables = eval_set.tables([e for e in examples if e.split == arguments.split])
    out = arguments.out or RUNS / "evaluate" / manifest.name
    out.mkdir(parents=True, exist_ok=True)
    text = f"# {manifest.title}\n\n" + "\n".join(table.markdown() for table in tables)
    (out / "paper.md").write_text(text, encoding="utf-8")
    for name, table in zip(("quality", "poses", "published"), tables, strict=True):
        table.save(out / f"paper_{name}.json")
    print(text)
    print(f"tables written to {out}")
    return 0


def _settings(arguments: argparse.Namespace, recipe: Recipe, longest: int) -> PaperEvalSettings:
    given = {"repeats": arguments.repeats, "clips": arguments.clips}
    own = {name: value for name, value in given.items() if value is not None}
    return replace(recipe.evaluation, longest=longest, seed=arguments.seed, **own)
