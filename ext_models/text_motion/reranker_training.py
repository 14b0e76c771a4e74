"""Training a pack's reranker, with the pack or alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ext_models.datasets.examples import Example, data_hash
from ext_models.language.pack_training import joined_clips, with_captions
from ext_models.language.recipe import LanguageRecipe
from ext_models.packs import RERANKER
from ext_models.training.pack_table import PackTable
from ext_models.training.run_identity import claim, short_hash, without_budget

from .model import TextMotionModel, read_card, save
from .recipe import RerankerRecipe
from .training import BEST, CHECKPOINT, train_text_motion


def train_reranker(
    table: RerankerRecipe,
    pack_table: PackTable,
    language: LanguageRecipe,
    examples: Sequence[Example],
    pack: Path,
    run: Path,
    *,
    device: str,
) -> TextMotionModel:
    """Train a pack's reranker and save it in the pack; resumes from ``run``.

    It reads the captions that the language model reads, and no more.

    Args:
        table: sizes and training.
        pack_table: the seed.
        language: the captions and joined clips of the language model.
        examples: clips of all splits.
        pack: the pack's folder.
        run: folder of the pack's unfinished trainings.
        device: as PyTorch names it.

    Raises:
        PackError: when ``run`` holds the training of another reranker.
    """
    seed = pack_table.seed if table.seed is None else table.seed
    examples = with_captions(examples, language.captioned, pack_table.seed)
    captioned = [e for e in examples if e.captions and e.split != "test"]
    clips = [*captioned, *joined_clips(language, captioned, pack_table.seed)]
    # No motion that it ranks is longer than the language model's longest.
    longest = min(table.config.max_frames, language.max_frames)
    config = replace(table.config, max_frames=longest)
    identity = {
        "recipe": short_hash([without_budget(replace(table, config=config)), seed]),
        "data": data_hash(clips),
    }
    refusal = "holds the training of another reranker, or on other clips: delete it to begin anew."
    claim(run / RERANKER, identity, refusal, begun=(run / RERANKER / CHECKPOINT).is_file())
    model = train_text_motion(
        config, table.training, clips, run / RERANKER, seed=seed, device=device
    )
    save(model, pack / RERANKER, read_card(run / RERANKER / BEST)["notes"])
    return model
