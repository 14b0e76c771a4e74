"""The table [tokenizer] of a recipe: sizes and training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ext_models.datasets.examples import Example, data_hash
from ext_models.datasets.humanml3d import read_statistics
from ext_models.motion.representations import REPRESENTATIONS
from ext_models.packs import PackError
from ext_models.training.recipe import FLAT
from ext_models.training.run_identity import short_hash, without_budget

from .networks import TokenizerConfig
from .reference_training import ReferenceTraining, train_reference
from .training import TokenizerTraining, train_tokenizer
from .vqvae import VQVAE, codes_hash


@dataclass(frozen=True)
class TokenizerRecipe:
    """[tokenizer] of this project's own training.

    Attributes:
        config: sizes, in the same table.
        method: ``own``.
        training: budget, data and loss.
    """

    config: TokenizerConfig = field(metadata=FLAT)
    method: Literal["own"] = "own"
    training: TokenizerTraining = field(default_factory=TokenizerTraining)


@dataclass(frozen=True)
class PublishedTokenizer:
    """[tokenizer] of the published training.

    Attributes:
        method: ``published``.
        config: sizes, in the same table.
        statistics: folder of the mean and deviation of features; the data set's own by default.
        training: budget and loss.
    """

    method: Literal["published"]
    config: TokenizerConfig = field(metadata=FLAT)
    statistics: Path | None = None
    training: ReferenceTraining = field(default_factory=ReferenceTraining)


def train_from_recipe(
    table: TokenizerRecipe | PublishedTokenizer,
    examples: Sequence[Example],
    run: Path,
    *,
    seed: int,
    device: str,
    data: Path | None,
    codes_of: VQVAE | None = None,
) -> VQVAE:
    """The tokenizer of a recipe, trained; resumes from ``run``.

    Args:
        table: sizes and training.
        examples: clips of all splits.
        run: folder of the checkpoints.
        seed: of everything random.
        device: as PyTorch names it.
        data: folder of the data set, for the statistics of the published training.
        codes_of: a tokenizer whose codes stay; only a decoder is trained.

    Raises:
        PackError: when the published training is asked to keep codes.
    """
    if isinstance(table, TokenizerRecipe):
        return train_tokenizer(
            table.config, table.training, examples, run, seed=seed, device=device, codes_of=codes_of
        )
    if codes_of is not None:
        raise PackError("the published training keeps no codes: leave --keep-codes out.")
    folder = table.statistics or data or Path()
    statistics = read_statistics(folder, REPRESENTATIONS[examples[0].representation])
    return train_reference(
        table.config, table.training, examples, statistics, run, seed=seed, device=device
    )


def tokenizer_identity(
    table: TokenizerRecipe | PublishedTokenizer,
    examples: Sequence[Example],
    seed: int,
    codes_of: VQVAE | None = None,
) -> dict[str, str]:
    """What must not change between a tokenizer's training and its resumption, as hashes."""
    identity = {
        "recipe": short_hash([without_budget(table), seed]),
        "data": data_hash(examples),
    }
    if codes_of is not None:
        identity["codes"] = codes_hash(codes_of)
    return identity
