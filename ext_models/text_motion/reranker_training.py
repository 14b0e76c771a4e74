"""Training a pack's reranker, with the pack or alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ext_models.datasets.examples import Example, data_hash
from ext_models.language.pack_training import joined_clips, with_captions
from ext_models.packs import RERANKER, PackError
from ext_models.training.run_identity import claim, short_hash, without_budget

from .model import TextMotionModel, read_card, save
from .network import TextMotionConfig
from .training import BEST, CHECKPOINT, TextMotionTraining, train_text_motion


def train_reranker(
    recipe: Mapping[str, Any],
    examples: Sequence[Example],
    pack: Path,
    run: Path,
    *,
    device: str,
    budget: Mapping[str, float],
) -> TextMotionModel | None:
    """Train the reranker that a recipe asks for into a pack; None where it asks for none.

    It reads the captions that the language model reads, and no more. Resumes from ``run``.
    Raises PackError for a table that says nothing of use.
    """
    table = dict(recipe.get(RERANKER, {}))
    if not table:
        return None
    settings = {**table.pop("training", {}), **budget}
    seed = int(table.pop("seed", recipe["pack"]["seed"]))
    longest = recipe["language"]["max_frames"]
    try:
        config = TextMotionConfig(**{"max_frames": longest, **table})
        training = TextMotionTraining(**settings)
    except TypeError as error:
        raise PackError(f"the recipe's [{RERANKER}] table: {error}.") from None
    share = recipe["language"].get("captioned", 1.0)
    examples = with_captions(examples, share, recipe["pack"]["seed"])
    told = [e for e in examples if e.captions and e.split != "test"]
    joined = joined_clips(recipe["language"], told, recipe["pack"]["seed"])
    clips = [*told, *joined]
    of = {
        "recipe": short_hash([asdict(config), without_budget(asdict(training)), seed]),
        "data": data_hash(clips),
    }
    refusal = "holds the training of another reranker, or on other clips: delete it to begin anew."
    claim(run / RERANKER, of, refusal, begun=(run / RERANKER / CHECKPOINT).is_file())
    model = train_text_motion(config, training, clips, run / RERANKER, seed=seed, device=device)
    save(model, pack / RERANKER, read_card(run / RERANKER / BEST)["notes"])
    return model
