"""The methods that a pack is compared with: real motion, reconstruction, retrieval, chance."""

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
from .eval_set import EvalSet
from .nearest_caption import CaptionIndex

Array = NDArray[np.float32]

REAL = "real motion"
RECONSTRUCTION = "its tokenizer"
TEXT = "text to motion"
NEAREST_CAPTION = "nearest caption"
RANDOM = "random clip"


@dataclass(frozen=True)
class Method:
    """One row of a comparison.

    Attributes:
        name: as the table names it.
        samples: one sequence of motions (T, 22, 3) a sample, one motion a measured clip.
    """

    name: str
    samples: tuple[Sequence[Array], ...]

    @property
    def clips(self) -> list[Array]:
        """All samples, one after the other."""
        return [joints for sample in self.samples for joints in sample]


def all_methods(eval_set: EvalSet, maker: ClipMaker) -> list[Method]:
    """Every method, real motion first; retrieval and chance need captioned training clips."""
    methods = [
        Method(REAL, ([e.joints for e in eval_set.clips],)),
        Method(
            RECONSTRUCTION, ([reconstruct(eval_set.pipeline, e.joints) for e in eval_set.clips],)
        ),
        Method(TEXT, tuple(generate_motions(eval_set, maker))),
    ]
    if eval_set.has_captioned_train:
        nearest = nearest_caption_motions(eval_set, eval_set.captions, samples(eval_set))
        methods += [
            Method(NEAREST_CAPTION, tuple(nearest)),
            Method(RANDOM, tuple(random_motions(eval_set))),
        ]
    return methods


def samples(eval_set: EvalSet) -> range:
    """The samples of each text."""
    return range(eval_set.settings.samples)


def text_request(eval_set: EvalSet, index: int, sample: int) -> GenerationRequest:
    """The request for one measured clip, by its caption alone."""
    example = eval_set.clips[index]
    return GenerationRequest(
        prompt=eval_set.caption(example),
        frames=len(example.joints),
        sampling=eval_set.sampling("sample", sample, example.id),
    )


def generate_motions(eval_set: EvalSet, maker: ClipMaker) -> list[list[Array]]:
    """The pack's motions for the captions, sample by sample."""
    count = len(eval_set.clips)
    requests = [text_request(eval_set, i, s) for s in samples(eval_set) for i in range(count)]
    clips = maker.make(requests, "text")
    return [clips[s * count : (s + 1) * count] for s in samples(eval_set)]


def nearest_caption_motions(
    eval_set: EvalSet, captions: Sequence[str], draws: Sequence[int]
) -> list[list[Array]]:
    """Training clips with the most similar captions, draw by draw."""
    index = CaptionIndex(eval_set.train)
    return [
        [
            eval_set.train[row].joints
            for row in index.nearest(captions, [eval_set.number("look", d, c) for c in captions])
        ]
        for d in draws
    ]


def random_motions(eval_set: EvalSet) -> list[list[Array]]:
    """Training clips drawn at random, sample by sample."""
    count = len(eval_set.train)
    return [
        [eval_set.train[eval_set.number("chance", s, e.id) % count].joints for e in eval_set.clips]
        for s in samples(eval_set)
    ]


@torch.no_grad()
def reconstruct(pipeline: MotionPipeline, joints: Array) -> Array:
    """Encode and decode a clip (T, 22, 3) with the pack's tokenizer, without losing a frame."""
    tokenizer = pipeline.tokenizer
    stride = tokenizer.config.stride
    # Features have one frame fewer, and codes are whole steps: repeat the last pose to fill them.
    held = np.repeat(joints[-1:], -(-len(joints) // stride) * stride + 1 - len(joints), axis=0)
    x = features.from_joints(np.concatenate([joints, held]), uniform=False, ground=False)
    frames = torch.from_numpy(x)[None].to(tokenizer.mean.device)
    again = tokenizer.decode(tokenizer.encode(frames, pipeline.manifest.levels))[0].cpu().numpy()
    return place_at_origin(features.to_joints(again)[: len(joints)]).astype(np.float32)
