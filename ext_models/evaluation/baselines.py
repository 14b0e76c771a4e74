"""What a pack is compared with: real motion, its tokenizer, looking captions up, chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest
from ext_models.motion import features
from motiongpt_blender.core.body.motion import place_at_origin

from .clip_maker import ClipMaker
from .eval_set import Study
from .nearest_caption import CaptionIndex

Array = NDArray[np.float32]

REAL = "real motion"
CODES = "its tokenizer"
TEXT = "text to motion"
LOOKED_UP = "nearest caption"
CHANCE = "random clip"


@dataclass(frozen=True)
class System:
    """One row of a comparison.

    Attributes:
        name: as the table says it.
        samples: joints (T, 22, 3) for each looked-at clip, as often as it was asked.
    """

    name: str
    samples: tuple[Sequence[Array], ...]

    @property
    def clips(self) -> list[Array]:
        """All samples, one after the other."""
        return [joints for sample in self.samples for joints in sample]


def compared(study: Study, maker: ClipMaker) -> list[System]:
    """Every row, real motion first."""
    return [
        System(REAL, ([e.joints for e in study.clips],)),
        System(CODES, ([reconstructed(study.pipeline, e.joints) for e in study.clips],)),
        System(TEXT, tuple(written(study, maker))),
        System(LOOKED_UP, tuple(looked_up(study, study.captions, samples(study)))),
        System(CHANCE, tuple(by_chance(study))),
    ]


def samples(study: Study) -> range:
    """The samples of each text."""
    return range(study.settings.samples)


def text_request(study: Study, index: int, sample: int) -> GenerationRequest:
    """What is asked for one looked-at clip by its caption alone."""
    example = study.clips[index]
    return GenerationRequest(
        prompt=study.caption(example),
        frames=len(example.joints),
        seed=study.number("sample", sample, example.id),
        temperature=study.settings.temperature,
        tries=study.settings.tries,
    )


def written(study: Study, maker: ClipMaker) -> list[list[Array]]:
    """Motions that the pack makes of the captions, sample by sample."""
    count = len(study.clips)
    requests = [text_request(study, i, s) for s in samples(study) for i in range(count)]
    made = maker.make(requests, "text")
    return [made[s * count : (s + 1) * count] for s in samples(study)]


def looked_up(study: Study, captions: Sequence[str], draws: Sequence[int]) -> list[list[Array]]:
    """Training clips with the captions most alike, draw by draw."""
    index = CaptionIndex(study.train)
    return [
        [
            study.train[row].joints
            for row in index.nearest(captions, [study.number("look", d, c) for c in captions])
        ]
        for d in draws
    ]


def by_chance(study: Study) -> list[list[Array]]:
    """Training clips drawn at random, sample by sample."""
    count = len(study.train)
    return [
        [study.train[study.number("chance", s, e.id) % count].joints for e in study.clips]
        for s in samples(study)
    ]


@torch.no_grad()
def reconstructed(pipeline: MotionPipeline, joints: Array) -> Array:
    """A clip (T, 22, 3) through the pack's codes and back, no frame lost."""
    tokenizer, frames = pipeline.tokenizer, len(joints)
    stride = tokenizer.config.stride
    # Features have a frame fewer, and codes whole steps: the last pose is held for the rest.
    held = np.repeat(joints[-1:], -(-frames // stride) * stride + 1 - frames, axis=0)
    x = features.from_joints(np.concatenate([joints, held]), uniform=False, ground=False)
    codes = tokenizer.encode(torch.from_numpy(x)[None].to(tokenizer.mean.device))
    again = tokenizer.decode(codes[..., : pipeline.manifest.levels])[0].cpu().numpy()
    return place_at_origin(features.to_joints(again)[:frames]).astype(np.float32)
