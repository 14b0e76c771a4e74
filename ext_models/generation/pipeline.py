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
from ext_models.language.instructions import unknown_words
from ext_models.language.known_captions import load_known_captions
from ext_models.language.tasks import BEGINNING
from ext_models.language.vocabulary import GeneratedCodes, MotionVocabulary, Skill
from ext_models.motion import features
from ext_models.motion.grounding import grounded_joints
from ext_models.motion.representations import HUMANML3D
from ext_models.prompt_checks.checks import Demand
from ext_models.prompt_checks.grammar import read_checks
from ext_models.readers.sentence_reader import load_reader
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
from motiongpt_blender.core.timeline.prompts import PromptError, check_latin
from motiongpt_blender.wire import Sampling

from .arrival import ease_into_poses
from .conditioning import encode_poses, guidance_targets, pose_stretches
from .generators import CodeRequest, MotionGenerator, load_generator
from .pose_guidance import PoseGuidance
from .request import (
    CancelCheck,
    GenerationRequest,
    GenerationResult,
    PoseCondition,
    ProgressCallback,
)
from .reranker import Reranker
from .reranking import CandidateSelector, Selection
from .retiming import spread_over_path

#: Shares of a job's time, for its progress: encode the poses, generate, decode.
GENERATE_FROM, GENERATE_TO = 0.05, 0.95


class MotionPipeline:
    """A loaded pack: its tokenizer, its language model and its selection of candidates."""

    def __init__(
        self,
        manifest: packs.PackManifest,
        tokenizer: VQVAE,
        generator: MotionGenerator,
        selector: CandidateSelector | None = None,
        understanding: Callable[[str], str] | None = None,
    ) -> None:
        self.manifest = manifest
        self.tokenizer = tokenizer
        self.generator = generator
        self.selector = selector or CandidateSelector()
        self._understanding = understanding

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
        guidance = PoseGuidance(tokenizer, summary, manifest.levels)
        vocabulary = vocabulary_of(manifest, tokenizer)
        generator = load_generator(folder, manifest, vocabulary, place, guidance)
        selector = CandidateSelector(Reranker.of_pack(folder, place))
        return cls(manifest, tokenizer, generator, selector, _understanding(folder, manifest))

    def generate(
        self, request: GenerationRequest, progress: ProgressCallback, cancelled: CancelCheck
    ) -> GenerationResult:
        """Answer one request; see ``Pipeline.generate``."""
        self._check_script(request.prompt)
        clock = Clock()
        progress("encode", 0.0)
        code_request = self._code_request(request)
        clock.lap("encode")
        span = GENERATE_TO - GENERATE_FROM
        answers = self.generator.generate(
            [code_request],
            lambda share: progress("generate", GENERATE_FROM + span * share),
            cancelled,
        )
        clock.lap("generate")
        progress("decode", GENERATE_TO)
        kept = self.select([with_given(code_request, answer) for answer in answers], request)
        clock.lap("decode")
        progress("decode", 1.0)
        return GenerationResult(kept.clips, clock.seconds, self._notes(request), kept.alternatives)

    def generate_batch(
        self,
        requests: Sequence[GenerationRequest],
        progress: Callable[[float], None] = lambda _: None,
        cancelled: CancelCheck = lambda: False,
    ) -> list[list[GeneratedCodes]]:
        """All candidates of some requests, generated in one batch; ``select`` keeps the best.

        Each request has a seed of its own, whatever is beside it. Temperature, ``top_p`` and
        ``top_k`` are those of the first.
        """
        code_requests = [self._code_request(r) for r in requests]
        answers = iter(self.generator.generate(code_requests, progress, cancelled))
        return [
            [with_given(request, answer) for answer in islice(answers, request.sampling.answers)]
            for request in code_requests
        ]

    def select(self, answers: Sequence[GeneratedCodes], request: GenerationRequest) -> Selection:
        """What is kept of all candidates of a request; see ``reranking``."""
        return self.selector.select([self.clip(a.codes, request) for a in answers], request)

    def caption(self, clip: MotionClip, sampling: Sampling) -> list[str]:
        """Captions of a clip; raises PipelineError in one sentence."""
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
        codes = self._encode(joints)
        return self.generator.caption(codes.tolist(), sampling)

    def _encode(self, joints: NDArray[np.float32]) -> torch.Tensor:
        """Codes (S, L) of a motion (T, 22, 3), of the levels that the language model reads."""
        x = features.from_joints(joints)
        frames = torch.from_numpy(x)[None].to(self.tokenizer.mean.device)
        return self.tokenizer.encode(frames, self.manifest.levels)[0]

    def _steps(self, request: GenerationRequest) -> int:
        """Length of a request in code steps; raises PipelineError for frames out of range."""
        if not 1 <= request.frames <= self.manifest.max_frames:
            longest = self.manifest.max_frames / self.manifest.fps
            raise PipelineError(
                f"The length is {request.frames / self.manifest.fps:.1f} s; the model pack "
                f"'{self.manifest.name}' makes up to {longest:.1f} s: choose a shorter one."
            )
        late = [p.frame for p in request.poses if not 0 <= p.frame < request.frames]
        if late:
            raise PipelineError(
                f"A pose is at frame {late[0]}, outside the motion's 0 to "
                f"{request.frames - 1}: move it or change the length."
            )
        return -(-request.frames // self.tokenizer.config.stride)

    def _code_request(self, request: GenerationRequest) -> CodeRequest:
        """The request as the language model reads it.

        A pack that has not learnt to continue starts from the last pose of the history instead.
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
        return CodeRequest(
            request.prompt,
            steps + len(given),
            tuple(codes),
            self._sampling(request),
            given,
            targets=guidance_targets(poses, request, given, ahead),
        )

    def _sampling(self, request: GenerationRequest) -> Sampling:
        """How the answers are sampled.

        With poses every candidate is a variation: the best few are kept, and they should
        differ. Where nothing says which candidate fits the request, one is enough.
        """
        asked = request.sampling
        if request.poses:
            return replace(asked, variations=asked.answers, candidates=1)
        return asked if self.selector.can_rank(request) else replace(asked, candidates=1)

    def _given(self, request: GenerationRequest, steps: int) -> tuple[tuple[int, ...], ...]:
        """Codes (S', L) of the last second of the history, if the pack can continue it."""
        if request.history is None or Skill.CONTINUE.value not in self.manifest.skills:
            return ()
        stride = self.tokenizer.config.stride
        longest = min(BEGINNING, self.manifest.max_frames // stride - steps)
        count = min(longest, (len(request.history) - 1) // stride)
        if count < 1:
            return ()
        codes = self._encode(request.history[-count * stride - 1 :])
        return tuple(map(tuple, codes[:count].tolist()))

    def clip(self, codes: list[list[int]], request: GenerationRequest) -> MotionClip:
        """The motion of codes (S, L) that answer a request, before any correction."""
        steps = torch.tensor(codes, device=self.tokenizer.mean.device)
        decoded = self.tokenizer.decode(steps[None])
        # The given codes come first; the wanted motion follows them.
        ahead = max(decoded.shape[1] - request.frames, 0) // self.tokenizer.config.stride
        ahead *= self.tokenizer.config.stride
        frames = decoded[0, : ahead + request.frames].cpu().numpy()
        stretches = pose_stretches(features.to_joints(frames), request, ahead)
        joints = grounded_joints(frames, stretches)
        # The frame before the motion is the last of the history, if there is one.
        joints = place_at_origin(joints[max(ahead - 1, 0) :]).astype(np.float32)
        if request.history is not None:
            joints = stand_like(joints, request.history[-1])[min(ahead, 1) :]
        elif request.poses and request.poses[0].frame == 0 and request.poses[0].bound is None:
            joints = stand_like(joints, request.poses[0].joints)
        return MotionClip(
            joints=self._timed(joints, request),
            fps=self.manifest.fps,
            tokens=tuple(c for step in codes for c in step),
            prompt=request.prompt,
            seed=request.sampling.seed,
            origin=Origin(self.manifest.name, self.manifest.licence, self.manifest.credits),
        )

    def _timed(
        self, joints: NDArray[np.float32], request: GenerationRequest
    ) -> NDArray[np.float32]:
        """The motion (T, 22, 3), spread over its path and moving into its poses in time."""
        if not request.sampling.guidance:
            return joints
        still = any(check.demand is Demand.STILL for check in read_checks(request.prompt))
        if not still:
            joints = spread_over_path(joints, request.poses, self.manifest.fps)
        return ease_into_poses(joints, request.poses)

    def _check_script(self, prompt: str) -> None:
        """Refuse other scripts than Latin where no sentence reader knows them."""
        if self.manifest.reader:
            return
        try:
            check_latin(prompt)
        except PromptError as error:
            raise PipelineError(str(error)) from None

    def _notes(self, request: GenerationRequest) -> tuple[str, ...]:
        notes: list[str] = []
        unknown = unknown_words(request.prompt, self.manifest.words)
        if self._understanding is not None:
            notes.append(self._understanding(request.prompt))
        elif unknown and self.manifest.words:
            words = ", ".join(f"'{w}'" for w in unknown[:5])
            notes.append(f"The model has never read {words}; it follows the other words.")
        if request.poses and request.sampling.guidance and self.manifest.prompt_style == "paper":
            notes.append("Pose guidance does not work with packs of the prompt style 'paper'.")
        return tuple(notes)


def _understanding(folder: Path, manifest: packs.PackManifest) -> Callable[[str], str] | None:
    """Tells how a prompt is understood; None for a pack that does not read sentences."""
    if not manifest.reader:
        return None
    known, reader = load_known_captions(folder), load_reader(manifest.reader)
    return lambda prompt: known.note(prompt, reader)


def with_given(request: CodeRequest, answer: GeneratedCodes) -> GeneratedCodes:
    """The whole motion: the given codes, then the generated ones."""
    return replace(answer, codes=[*map(list, request.given), *answer.codes])


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


def stand_like(joints: NDArray[np.float32], pose: NDArray[np.float32]) -> NDArray[np.float32]:
    """The motion (T, 22, 3) moved and turned to start where and as a pose (22, 3) stands."""
    turn = about_y(np.asarray(heading(pose)))
    turned = rotate(np.broadcast_to(turn, (*joints.shape[:-1], 4)), joints)
    return (turned + pose[0] * np.array([1, 0, 1])).astype(np.float32)


def silent() -> tuple[Callable[[str, float], None], Callable[[], bool]]:
    """A progress callback and a cancel check that do nothing."""
    return (lambda _stage, _share: None), (lambda: False)
