"""The pack's matcher: which of several motions fits a sentence best.

A text-motion matching network, of the evaluator's kind but small and the pack's own: it is
trained with the pack, on the clips that the pack learns from and the joined clips made of
them, and lies in the pack's folder ``matcher``. It never meets the evaluator that measures
the pack, nor a clip that is held out, nor a pair of parts that is kept apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.motion import resample

from .commands import RUNS, budget_of, examples_of
from .devices import pick_device
from .evaluation import evaluator as spaces
from .evaluation.evaluator_training import EvaluatorTraining, train_evaluator
from .evaluation.shared_space import SHORTEST, EvaluatorConfig
from .language.recipe import joined_clips
from .motion.datasets import DataError, Example
from .packs import MANIFEST, PackError, require
from .pipelines import PipelineError
from .training import read_recipe

#: Its folder in the pack, and its table in a recipe.
FOLDER: Final = "matcher"


@dataclass(frozen=True)
class Matcher:
    """Text and motion in one space, to choose by."""

    space: spaces.Evaluator

    @classmethod
    def of_pack(cls, folder: Path, device: str) -> Matcher | None:
        """That of a pack, None where it has none; raises PackError when it is damaged."""
        place = folder / FOLDER
        return cls(spaces.load(place, device)) if place.is_dir() else None

    def fits(self, prompt: str, motions: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
        """How well motions (T, 22, 3) fit a sentence, -1 to 1 each, (N,).

        All have one length. What is too short to be judged fits as well as any other.
        """
        if not motions or len(motions[0]) < SHORTEST:
            return np.zeros(len(motions))
        longest = self.space.config.max_frames
        read = [_shortened(np.asarray(m, dtype=np.float32), longest) for m in motions]
        return self.space.embed_motion(read) @ self.space.embed_text([prompt])[0]


def _shortened(joints: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """A motion (T, 22, 3) played faster where it has more frames than can be read."""
    if len(joints) <= longest:
        return joints
    return resample(joints, len(joints) - 1, longest - 1)[:longest]


def train_matcher(
    recipe: Mapping[str, Any],
    examples: Sequence[Example],
    pack: Path,
    run: Path,
    *,
    device: str,
    budget: Mapping[str, float],
) -> Matcher | None:
    """Train the matcher that a recipe asks for into a pack; None where it asks for none.

    Resumes from ``run``. Raises PackError for a table that says nothing of use.
    """
    table = dict(recipe.get(FOLDER, {}))
    if not table:
        return None
    settings = {**table.pop("training", {}), **budget}
    seed = int(table.pop("seed", recipe["pack"]["seed"]))
    longest = recipe["language"]["max_frames"]
    try:
        config = EvaluatorConfig(**{"max_frames": longest, **table})
        training = EvaluatorTraining(**settings)
    except TypeError as error:
        raise PackError(f"the recipe's [{FOLDER}] table: {error}.") from None
    told = [e for e in examples if e.captions and e.split != "test"]
    joined = joined_clips(recipe["language"], told, recipe["pack"]["seed"])
    space = train_evaluator(
        config, training, [*told, *joined], run / FOLDER, seed=seed, device=device
    )
    spaces.save(space, pack / FOLDER, spaces.read_card(run / FOLDER / "best")["notes"])
    return Matcher(space)


def run(arguments: argparse.Namespace) -> int:
    """The command ``train-matcher``: a matcher for a pack that exists."""
    require(arguments.out / MANIFEST)
    recipe = read_recipe(arguments.config)
    if not recipe.get(FOLDER):
        raise PackError(f"{arguments.config}: the recipe has no [{FOLDER}] table.")
    try:
        examples = examples_of(recipe, arguments.data)
        work = RUNS / recipe["pack"]["name"]
    except DataError as error:
        raise PipelineError(str(error)) from None
    except KeyError as error:
        raise PackError(f"{arguments.config}: the recipe has no {error}.") from None
    device = pick_device(arguments.device)
    budget = budget_of(arguments)
    train_matcher(recipe, examples, arguments.out, work, device=device, budget=budget)
    print(f"matcher written to {arguments.out / FOLDER}")
    return 0
