"""The table [language] of a recipe: what the language model is made of, and its training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeGuard

from ext_models.language.base_models.adapters import AdapterConfig, Learns
from ext_models.language.base_models.bases import BaseConfig
from ext_models.language.paper.tasks import PaperTasks
from ext_models.packs import PackError
from ext_models.readers.sentence_reader import READERS
from ext_models.training.recipe import FLAT
from ext_models.training.settings import TrainerSettings

from .tasks import TaskMix
from .vocabulary import Skill


@dataclass(frozen=True)
class LanguageTraining(TrainerSettings):
    """Settings of a language model's training, of the base or of the adapter.

    Attributes:
        levels: weight of a code in the loss by its level, coarse first; all alike when empty.
        summary: weight of each summary token in the loss.
    """

    minutes: float = 30.0
    validate_every: int = 250
    levels: Sequence[float] = ()
    summary: float = 1.0


@dataclass(frozen=True)
class ScratchBase:
    """[language.base] of a base made from scratch.

    Attributes:
        config: its sizes, in the same table.
        pretrain: whether it learns captions and motions first, each alone.
        training: of that.
    """

    config: BaseConfig = field(metadata=FLAT)
    pretrain: bool = True
    training: LanguageTraining = field(default_factory=LanguageTraining)


@dataclass(frozen=True)
class ExistingBase:
    """[language.base] of a base that exists.

    Attributes:
        id: a Hugging Face id, a known name, or a folder.
        revision: commit on the hub, or its beginning; without one, the known or any fetched one.
        layers: how many of its layers are kept, the first ones; 0 keeps all.
        dtype: of its weights; ``auto`` takes float32 where that fits.
        bits: 4 or 8 to load its layers quantised; 0 loads them as they are.
        random: whether its weights are drawn anew, to show what its own ones are worth.
    """

    id: str
    revision: str = ""
    layers: int = 0
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    bits: int = 0
    random: bool = False


@dataclass(frozen=True)
class Stage:
    """[[language.adapter.stages]]: one stage of the adapter's training.

    Attributes:
        learns: the ``rows`` of the added tokens on a frozen base, or the whole ``adapter``.
        share: of the training's steps and minutes.
        learning_rate: of AdamW, at its highest; the training's when None.
    """

    learns: Learns
    share: float
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise PackError(f"a stage's share is {self.share:g}; write more than 0 and at most 1.")

    def settings(self, training: LanguageTraining) -> LanguageTraining:
        """The settings of the stage: its share of the whole training."""
        return replace(
            training,
            steps=max(1, round(self.share * training.steps)),
            minutes=self.share * training.minutes,
            learning_rate=self.learning_rate or training.learning_rate,
        )


@dataclass(frozen=True)
class AdapterRecipe:
    """[language.adapter]: what is trained of a base, and how.

    Attributes:
        config: of the adapter, in the same table.
        training: of all stages together.
        stages: parts of the training, one after the other; without any it has one.
    """

    config: AdapterConfig = field(metadata=FLAT)
    training: LanguageTraining = field(default_factory=LanguageTraining)
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        whole = math.fsum(stage.share for stage in self.stages)
        if self.stages and abs(whole - 1) > 1e-3:
            raise PackError(f"the shares of an adapter's stages add up to {whole:g}, not to 1.")
        if self.config.method == "full" and any(s.learns == "rows" for s in self.stages):
            raise PackError('a stage that learns rows needs an adapter: write method = "lora".')


@dataclass(frozen=True)
class Joining:
    """[language.joining]: new training clips, each made of two.

    Attributes:
        then: clips of one motion after another.
        together: clips of one upper body on another lower body.
        share: of the draws that are such clips; as many as they are by default.
    """

    then: int = 0
    together: int = 0
    share: float | None = None

    def __post_init__(self) -> None:
        if self.share is not None and not 0 <= self.share < 1:
            raise PackError(
                f"the recipe's joining.share is {self.share:g}; write at least 0 and less than 1."
            )


@dataclass(frozen=True)
class ReaderRecipe:
    """[language.reader]: reads a caption as a whole, before its words.

    Attributes:
        name: of the sentence reader.
        soft_tokens: embeddings that its vector becomes.
    """

    name: str
    soft_tokens: int = 4

    def __post_init__(self) -> None:
        if self.name not in READERS:
            raise PackError(
                f"the sentence reader '{self.name}' is unknown: this version has "
                f"{', '.join(READERS)}."
            )
        if self.soft_tokens < 1:
            raise PackError(f"a reader's soft_tokens are {self.soft_tokens}; write at least 1.")


@dataclass(frozen=True, kw_only=True)
class LanguageRecipe:
    """[language], whatever the prompt style.

    Attributes:
        max_frames: of the longest motion that the model writes.
        base: the model that is trained, by its id or as a table.
        adapter: what is trained of it.
        speeds: factors of playback speed at which each clip is encoded.
        offsets: frames at which the first code step begins.
        balance: 0 draws all clips alike, 1 all labels alike.
        cfg_scale: scale of classifier-free guidance that the pack suggests; 1 is none.
        skills: what the model can do besides text and poses.
        summary: summary tokens of an answer, and kinds of each; none by default.
        joining: new clips made of two.
        captioned: share of the training clips that keep their captions.
        uncaptioned: whether a base from scratch learns from the others too.
    """

    max_frames: int
    base: str | ExistingBase | ScratchBase
    adapter: AdapterRecipe
    speeds: tuple[float, ...] = (1.0,)
    offsets: tuple[int, ...] = (0,)
    balance: float = 0.0
    cfg_scale: float = 1.0
    skills: tuple[Skill, ...] = ()
    summary: tuple[int, int] | None = None
    joining: Joining = field(default_factory=Joining)
    captioned: float = 1.0
    uncaptioned: bool = True

    @property
    def method(self) -> str:
        """How the base is trained: ``lora`` or ``full``."""
        return self.adapter.config.method

    @property
    def minutes(self) -> float:
        """Minutes of all its trainings together."""
        base = self.base.training.minutes if _is_pretrained(self.base) else 0.0
        return base + self.adapter.training.minutes

    def within(self, minutes: float) -> Self:
        """The recipe with so many minutes for all its trainings together.

        They keep their shares of the minutes; without a limit so far, they get equal ones.
        """

        def shortened(part: Any) -> Any:
            if math.isinf(self.minutes):
                share = 0.5 if _is_pretrained(self.base) else 1.0
            else:
                share = part.training.minutes / self.minutes
            return replace(part, training=replace(part.training, minutes=minutes * share))

        base = shortened(self.base) if _is_pretrained(self.base) else self.base
        return replace(self, base=base, adapter=shortened(self.adapter))


def _is_pretrained(base: str | ExistingBase | ScratchBase) -> TypeGuard[ScratchBase]:
    return isinstance(base, ScratchBase) and base.pretrain


@dataclass(frozen=True, kw_only=True)
class PaperLanguage(LanguageRecipe):
    """[language] of the prompt style ``paper``: codes as digits in text, one a step."""

    prompt_style: Literal["paper"]
    levels: Literal[1] = 1
    tasks: PaperTasks = field(default_factory=PaperTasks)

    def __post_init__(self) -> None:
        if self.adapter.stages:
            raise PackError(
                "the prompt style 'paper' adds no rows: leave out the adapter's stages."
            )


@dataclass(frozen=True, kw_only=True)
class TokensLanguage(LanguageRecipe):
    """[language] of the prompt style ``tokens``: a token a code.

    Attributes:
        levels: residual levels that the model writes.
        reader: reads captions before their words; none by default.
        tasks: how often each task is drawn.
    """

    levels: int
    reader: ReaderRecipe | None = None
    prompt_style: Literal["tokens"] = "tokens"
    tasks: TaskMix = field(default_factory=TaskMix)
