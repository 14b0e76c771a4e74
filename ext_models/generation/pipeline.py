"""The real pipeline: a model pack answers requests.

poses -> single-pose codes -> instruction -> language model -> motion codes -> joints
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ext_models import packs
from ext_models.devices import pick_device
from ext_models.errors import PipelineError
from ext_models.language.instructions import PoseCode, unknown_words
from ext_models.language.place_tokens import bins, seen_from, stands
from ext_models.language.tasks import BEGINNING
from ext_models.language.vocabulary import GeneratedCodes, MotionVocabulary, Skill
from ext_models.motion import features
from ext_models.motion.representations import HUMANML3D
from ext_models.tokenizer.clip_summary import ClipSummary
from ext_models.tokenizer.vqvae import VQVAE, load_tokenizer
from motiongpt_blender.core.body.motion import (
    MotionClip,
    Origin,
    heading,
    place_at_origin,
    resample,
)
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.wire import Sampling

from .generators import CodeRequest, MotionGenerator, load_generator
from .pose_guidance import GuidanceTargets, PoseGuidance, PoseTarget
from .request import (
    CancelCheck,
    GenerationRequest,
    GenerationResult,
    PoseCondition,
    ProgressCallback,
)
from .reranker import Reranker
from .reranking import CandidateSelector

#: Shares of a job's time, for its progress: encode the poses, generate, decode.
GENERATE_FROM, GENERATE_TO = 0.05, 0.95


class MotionPipeline:
    """A pack, loaded: its tokenizer and its language model."""

    def __init__(
        self,
        manifest: packs.PackManifest,
        tokenizer: VQVAE,
        generator: MotionGenerator,
        selector: CandidateSelector | None = None,
    ) -> None:
        self.manifest = manifest
        self.tokenizer = tokenizer
        self.generator = generator
        self.selector = selector or CandidateSelector()

    @classmethod
    def from_pack(cls, folder: Path, device: str = "auto") -> MotionPipeline:
        """Load a pack; raises PackError or PipelineError with one sentence."""
        manifest = packs.read_manifest(folder)
        if manifest.representation != HUMANML3D.name:
            raise packs.PackError(
                f"{folder / packs.MANIFEST}: motion is made in {HUMANML3D.name} and not "
                f"in {manifest.representation}: choose another pack."
            )
        place = pick_device(device)
        tokenizer = load_tokenizer(folder, place)
        summary = ClipSummary.load(folder) if manifest.summary else None
        vocabulary = vocabulary_of(manifest, tokenizer)
        generator = load_generator(
            folder, manifest, vocabulary, place, PoseGuidance(tokenizer, summary, manifest.levels)
        )
        return cls(
            manifest,
            tokenizer,
            generator,
            CandidateSelector(summary, Reranker.of_pack(folder, place)),
        )

    def generate(
        self, request: GenerationRequest, progress: ProgressCallback, cancelled: CancelCheck
    ) -> GenerationResult:
        """Answer one request; see ``Pipeline.generate``."""
        clock = Clock()
        progress("encode", 0.0)
        order = self._code_request(request)
        clock.lap("encode")
        span = GENERATE_TO - GENERATE_FROM
        answers = self.generator.generate(
            [order],
            lambda share: progress("generate", GENERATE_FROM + span * share),
            cancelled,
        )
        clock.lap("generate")
        progress("decode", GENERATE_TO)
        clips = self.best([with_given(order, answer) for answer in answers], request)
        clock.lap("decode")
        progress("decode", 1.0)
        return GenerationResult(clips, clock.seconds, self._notes(request))

    def generate_batch(
        self,
        requests: Sequence[GenerationRequest],
        progress: Callable[[float], None] = lambda _: None,
        cancelled: CancelCheck = lambda: False,
    ) -> list[list[GeneratedCodes]]:
        """The answers to each of some requests, written in one batch; ``best`` chooses.

        Every request draws from its own seed, whatever is beside it. All have the first
        one's temperature.
        """
        orders = [self._code_request(r) for r in requests]
        answers = iter(self.generator.generate(orders, progress, cancelled))
        return [
            [with_given(order, answer) for answer in islice(answers, order.sampling.answers)]
            for order in orders
        ]

    def best(
        self, answers: Sequence[GeneratedCodes], request: GenerationRequest
    ) -> tuple[MotionClip, ...]:
        """The clips that a request is given, of all that were written for it; see ``choosing``."""
        clips = [self.clip(answer.codes, request) for answer in answers]
        return self.selector.best(clips, [answer.summary for answer in answers], request)

    def caption(self, clip: MotionClip, sampling: Sampling) -> list[str]:
        """Sentences that say what a clip shows; raises PipelineError in one sentence."""
        stride, least = self.tokenizer.config.stride, 2
        joints = resample(clip.joints, clip.fps, self.manifest.fps)
        if not np.isfinite(joints).all():
            raise PipelineError("The clip holds numbers that are not finite: export it again.")
        longest = self.manifest.max_frames
        if not least * stride < len(joints) <= longest + 1:
            raise PipelineError(
                f"The clip lasts {len(joints) / self.manifest.fps:.1f} s; the model pack "
                f"'{self.manifest.name}' reads {least * stride / self.manifest.fps:.1f} to "
                f"{longest / self.manifest.fps:.1f} s: cut it."
            )
        x = features.from_joints(joints)
        codes = self.tokenizer.encode(torch.from_numpy(x)[None].to(self.tokenizer.mean.device))
        return self.generator.caption(codes[0, :, : self.manifest.levels].tolist(), sampling)

    def _steps(self, request: GenerationRequest) -> int:
        if not 1 <= request.frames <= self.manifest.max_frames:
            longest = self.manifest.max_frames / self.manifest.fps
            raise PipelineError(
                f"The length is {request.frames / self.manifest.fps:.1f} s; the model pack "
                f"'{self.manifest.name}' makes up to {longest:.1f} s: choose a shorter one."
            )
        late = [p.frame for p in request.poses if not 0 <= p.frame < request.frames]
        if late:
            raise PipelineError(
                f"A pose stands at frame {late[0]}, outside the motion's 0 to "
                f"{request.frames - 1}: move it or change the length."
            )
        return -(-request.frames // self.tokenizer.config.stride)

    def _code_request(self, request: GenerationRequest) -> CodeRequest:
        """The request as the language model reads it.

        A pack that has not learnt to go on starts from the beginning's last pose instead.
        """
        steps = self._steps(request)
        given = self._given(request, steps)
        poses = request.poses
        first_is_marked = bool(poses) and poses[0].frame == 0 and poses[0].bound is None
        if request.history is not None and not given and not first_is_marked:
            poses = (PoseCondition(0, request.history[-1], placed=True), *poses)
        ahead = len(given) * self.tokenizer.config.stride
        poses = tuple(replace(pose, frame=pose.frame + ahead) for pose in poses)
        codes = encode_poses(
            self.tokenizer,
            tuple(pose for pose in poses if pose.bound is None),
            self.manifest.levels,
            places=Skill.PLACES.value in self.manifest.skills,
        )
        targets = guidance_targets(poses, request, given, ahead)
        sampling = self._sampling(request)
        return CodeRequest(
            request.prompt, steps + len(given), tuple(codes), sampling, given, targets=targets
        )

    def _sampling(self, request: GenerationRequest) -> Sampling:
        """How the answers are sampled.

        With poses every candidate is a variation: the nearest few are kept, and they should
        differ. Where nothing ranks the candidates, one is enough.
        """
        asked = request.sampling
        if request.poses:
            return replace(asked, variations=asked.answers, candidates=1)
        return asked if self.selector.knows(request) else replace(asked, candidates=1)

    def _given(self, request: GenerationRequest, steps: int) -> tuple[tuple[int, ...], ...]:
        """Codes of the last second before the motion, as far as the pack can go on from it."""
        if request.history is None or Skill.CONTINUE.value not in self.manifest.skills:
            return ()
        stride = self.tokenizer.config.stride
        longest = min(BEGINNING, self.manifest.max_frames // stride - steps)
        count = min(longest, (len(request.history) - 1) // stride)
        if count < 1:
            return ()
        x = features.from_joints(request.history[-count * stride - 1 :])
        codes = self.tokenizer.encode(torch.from_numpy(x)[None].to(self.tokenizer.mean.device))
        return tuple(map(tuple, codes[0, :count, : self.manifest.levels].tolist()))

    def clip(self, codes: list[list[int]], request: GenerationRequest) -> MotionClip:
        """The motion of codes (S, L) that answer a request, before any correction."""
        steps = torch.tensor(codes, device=self.tokenizer.mean.device)
        decoded = self.tokenizer.decode(steps[None])
        # What was given comes first; what is wanted is the motion behind it.
        ahead = max(decoded.shape[1] - request.frames, 0) // self.tokenizer.config.stride
        ahead *= self.tokenizer.config.stride
        joints = features.to_joints(decoded[0].cpu().numpy())[: ahead + request.frames]
        # The frame before the motion is the beginning's last, where it is known.
        joints = place_at_origin(joints[max(ahead - 1, 0) :]).astype(np.float32)
        if request.history is not None:
            joints = stand_like(joints, request.history[-1])[min(ahead, 1) :]
        elif request.poses and request.poses[0].frame == 0 and request.poses[0].bound is None:
            joints = stand_like(joints, request.poses[0].joints)
        return MotionClip(
            joints=joints,
            fps=self.manifest.fps,
            tokens=tuple(c for step in codes for c in step),
            prompt=request.prompt,
            seed=request.sampling.seed,
            origin=Origin(self.manifest.name, self.manifest.licence, self.manifest.credits),
        )

    def _notes(self, request: GenerationRequest) -> tuple[str, ...]:
        notes: list[str] = []
        strangers = unknown_words(request.prompt, self.manifest.words)
        if strangers and self.manifest.words:
            words = ", ".join(f"'{w}'" for w in strangers[:5])
            notes.append(f"The model has never read {words}; it goes by the other words.")
        if request.poses and request.sampling.guidance and self.manifest.prompt_style == "paper":
            notes.append("Packs of the style 'paper' are told of poses and not steered by them.")
        return tuple(notes)


def with_given(order: CodeRequest, answer: GeneratedCodes) -> GeneratedCodes:
    """The whole motion: what was given, and what was written behind it."""
    return replace(answer, codes=[*map(list, order.given), *answer.codes])


class Clock:
    """Seconds of named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.seconds[name] = now - self._last
        self._last = now


def vocabulary_of(manifest: packs.PackManifest, tokenizer: VQVAE) -> MotionVocabulary:
    """The added tokens that a pack's language model knows."""
    stride, codes = tokenizer.config.stride, tokenizer.config.codes
    skills = frozenset(map(Skill, manifest.skills))
    steps = manifest.max_frames // stride
    summary = (manifest.summary[0], manifest.summary[1]) if manifest.summary else (0, 0)
    return MotionVocabulary(manifest.levels, codes, steps, skills, summary)


def encode_poses(
    tokenizer: VQVAE, poses: tuple[PoseCondition, ...], levels: int, *, places: bool = False
) -> list[PoseCode]:
    """Each pose as codes at its code step; of two poses in one step the first counts.

    The final correction on the rig still meets both.

    Args:
        tokenizer: of the pack.
        poses: ascending by frame.
        levels: how many of its levels the language model reads.
        places: whether it also reads where poses stand.
    """
    by_step: dict[int, PoseCondition] = {}
    for pose in poses:
        by_step.setdefault(pose.frame // tokenizer.config.stride, pose)
    if not by_step:
        return []
    joints = np.stack([p.joints for p in by_step.values()]).astype(np.float32)
    codes = tokenizer.encode_poses(joints)[:, :levels]
    spots = stands(joints)
    seen = [
        bins(spots[0], spot) if places and k and pose.placed else None
        for k, (spot, pose) in enumerate(zip(spots, by_step.values(), strict=True))
    ]
    return [
        PoseCode(step, tuple(int(c) for c in row), place)
        for step, row, place in zip(by_step, codes, seen, strict=True)
    ]


def guidance_targets(
    poses: Sequence[PoseCondition],
    request: GenerationRequest,
    given: tuple[tuple[int, ...], ...],
    ahead: int,
) -> GuidanceTargets:
    """Poses as a motion is steered by them; what was given takes the first ``ahead`` frames.

    Places are seen from the first pose, or from the last frame that was given.
    """
    if not poses:
        return GuidanceTargets((), request.sampling.guidance, given)
    seen_from_here = next((p for p in poses if p.bound is None or p.placed), poses[0])
    origin, first = seen_from_here.frame, seen_from_here.joints
    if ahead and request.history is not None:
        origin, first = ahead - 1, request.history[-1]
    targets: list[PoseTarget] = []
    for pose in poses:
        left, front, turn = map(float, seen_from(*stands(np.stack([first, pose.joints]))))
        placed = pose.placed and pose.frame > origin
        place = (left, front, turn) if placed else None
        counts = None if pose.bound is None else pose.bound.astype(np.float32)
        targets.append(PoseTarget(pose.frame, pose.joints, place, counts))
    return GuidanceTargets(tuple(targets), request.sampling.guidance, given, origin)


def stand_like(joints: NDArray[np.float32], pose: NDArray[np.float32]) -> NDArray[np.float32]:
    """The motion (T, 22, 3) moved and turned to start where and as a pose (22, 3) stands."""
    turn = about_y(np.asarray(heading(pose)))
    turned = rotate(np.broadcast_to(turn, (*joints.shape[:-1], 4)), joints)
    return (turned + pose[0] * np.array([1, 0, 1])).astype(np.float32)


def silent() -> tuple[Callable[[str, float], None], Callable[[], bool]]:
    """A progress callback and a cancel check that do nothing."""
    return (lambda _stage, _share: None), (lambda: False)
