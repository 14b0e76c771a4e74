"""The evaluation set: the pack, the clips that it is measured on, the settings and the evaluator.

Everything random depends on the seed and a clip's name, never on its position in a list. So an
evaluation of a few clips generates motions that the whole evaluation finds in its cache.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.examples import Example
from ext_models.errors import PipelineError
from ext_models.generation.pipeline import MotionPipeline
from ext_models.text_motion.clips import clip_label
from motiongpt_blender.wire import Sampling

from .metrics import TOP
from .settings import EvalSettings

Array = NDArray[np.float32]


class Evaluator(Protocol):
    """Embeds text and motion in one space."""

    @property
    def name(self) -> str:
        """Numbers of evaluators of one name can be compared."""
        ...

    def embed_motion(self, joints: Sequence[Array]) -> NDArray[np.float32]:
        """Embed clips (T, J, 3), each of its own length, as (N, E)."""
        ...

    def embed_text(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Embed captions as (N, E)."""
        ...


@dataclass(frozen=True)
class EvalSet:
    """The inputs of an evaluation.

    Attributes:
        pipeline: the pack.
        train: clips that it has learnt from, not longer than it writes.
        clips: held-out clips that are looked at, not longer either.
        held_out: all of them, to take other poses from.
        settings: how it is done.
        evaluator: embeds text and motion in one space; None without one.
        data_sets: name of each clip's data set by its id, where there are several.
    """

    pipeline: MotionPipeline
    train: tuple[Example, ...]
    clips: tuple[Example, ...]
    held_out: tuple[Example, ...]
    settings: EvalSettings = field(default_factory=EvalSettings)
    evaluator: Evaluator | None = None
    data_sets: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def for_poses(self) -> EvalSet:
        """The same with the clips that pose tasks look at."""
        wanted = self.settings.pose_clips or len(self.clips)
        every = max(1, len(self.clips) // wanted)
        return replace(self, clips=self.clips[::every][:wanted])

    @property
    def has_captioned_train(self) -> bool:
        """Whether there are training clips to look captions up in."""
        return any(e.captions for e in self.train)

    @property
    def labels(self) -> list[str]:
        """What each looked-at clip shows."""
        return [clip_label(e) for e in self.clips]

    @property
    def pool(self) -> int:
        """Captions that compete."""
        return min(self.settings.pool, len(set(self.labels)))

    @property
    def captions(self) -> list[str]:
        """The caption that stands for each looked-at clip, one of its own."""
        return [self.caption(e) for e in self.clips]

    def set_of(self, example: Example) -> str:
        """Name of a clip's data set; "all clips" where none is known."""
        return self.data_sets.get(example.id, "all clips")

    def caption(self, example: Example) -> str:
        """The caption that stands for a clip."""
        return example.captions[self.number("caption", example.id) % len(example.captions)]

    def number(self, *names: object) -> int:
        """A number of 31 bits for something named, the same in every run of one seed."""
        text = "/".join(map(str, (self.settings.sampling.seed, *names)))
        return zlib.crc32(text.encode()) & 0x7FFFFFFF

    def sampling(self, *names: object) -> Sampling:
        """How the motion of something named is sampled, from a seed of its own."""
        return replace(self.settings.sampling, seed=self.number(*names))

    def other(self, example: Example) -> Example:
        """Another held-out clip, of another label, that belongs to this one."""
        others = [e for e in self.held_out if clip_label(e) != clip_label(example)]
        if not others:
            raise PipelineError("All held-out clips have one label: poses of another need two.")
        return others[self.number("other", example.id) % len(others)]


def build_eval_set(
    pipeline: MotionPipeline,
    examples: Sequence[Example],
    settings: EvalSettings,
    evaluator: Evaluator | None,
    *,
    clips: int | None = None,
    split: str = "test",
    data_sets: Mapping[str, str] | None = None,
) -> EvalSet:
    """The evaluation set of a pack on the clips of some data sets.

    Held-out clips without a caption are left out: the pack has no prompt for them.

    Args:
        pipeline: the pack.
        examples: all splits.
        settings: how the pack is measured.
        evaluator: embeds text and motion; None measures without one.
        clips: measure so many only, spread over all labels.
        split: the held-out split.
        data_sets: name of each clip's data set by its id.

    Raises:
        PipelineError: when the clips have too few labels.
    """
    longest = pipeline.manifest.max_frames
    short = [replace(e, joints=e.joints[:longest]) for e in examples]
    train = tuple(e for e in short if e.split == "train")
    held_out = tuple(e for e in short if e.split == split and e.captions)
    measured = held_out if clips is None else stratified(held_out, clips)
    if len({clip_label(e) for e in measured}) <= TOP:
        raise PipelineError(
            f"The measured clips have fewer than {TOP + 1} labels: take more of the split "
            f"'{split}', which has {len(held_out)} clips with captions."
        )
    return EvalSet(pipeline, train, measured, held_out, settings, evaluator, data_sets or {})


def stratified(examples: Sequence[Example], count: int) -> tuple[Example, ...]:
    """So many clips of as many labels as possible, in the order of the data."""
    seen: dict[str, int] = {}
    turns: list[tuple[int, int]] = []
    for index, example in enumerate(examples):
        turn = seen[clip_label(example)] = seen.get(clip_label(example), -1) + 1
        turns.append((turn, index))
    first = sorted(turns)
    singles = [index for turn, index in first if turn == 0]
    # Of too many labels take every n-th: neighbours in the data are alike.
    chosen = singles if count >= len(singles) else singles[:: -(-len(singles) // count)]
    others = [index for _, index in first if index not in set(chosen)]
    return tuple(examples[i] for i in sorted([*chosen, *others][:count]))
