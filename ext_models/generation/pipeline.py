"""The real pipeline: a model pack answers requests.

poses -> single-pose codes -> instruction -> language model -> motion codes -> joints
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from ext_models import packs
from ext_models.devices import pick_device, suitable_threads
from ext_models.errors import PipelineError
from ext_models.language.tasks import BEGINNING
from ext_models.language.vocabulary import GeneratedCodes, MotionVocabulary, Skill
from ext_models.motion import features
from ext_models.motion.representations import HUMANML3D
from ext_models.tokenizer.clip_summary import ClipSummary
from ext_models.tokenizer.vqvae import VQVAE, load_tokenizer
from motiongpt_blender.core.body.motion import (
    MotionClip,
    resample,
)
from motiongpt_blender.core.packs.length_model import read_lengths
from motiongpt_blender.wire import Sampling, Understood

from .batches import parts_note, write_batch
from .clip_decoder import ClipDecoder
from .clock import Clock
from .conditioning import encode_poses, end_pose, guidance_targets
from .generators import CodeRequest, MotionGenerator, load_generator
from .pose_guidance import PoseGuidance
from .prompt_reading import PromptReading
from .request import (
    CancelCheck,
    GenerationRequest,
    GenerationResult,
    PoseCondition,
    ProgressCallback,
    SketchCallback,
)
from .reranker import Reranker
from .reranking import CandidateSelector, Selection
from .sampling import answer_seeds
from .sketching import sketcher_of
from .stride_warping import SlowWay, lengthened, slow_ways
from .timed_actions import (
    ACTION_STRIDE,
    TimedAction,
    in_pieces,
    request_of,
    split_note,
    survivors,
    timed_actions,
)
from .way_following import check_request, follow, way_notes
from .way_guidance import WayPlan, most_frames, without_places

#: Shares of a job's time, for its progress: encode the poses, generate, decode.
GENERATE_FROM, GENERATE_TO = 0.05, 0.95
#: Codes (S, L) of some steps.
Codes: TypeAlias = tuple[tuple[int, ...], ...]


class MotionPipeline:
    """A loaded pack: its tokenizer, its language model and its selection of candidates."""

    def __init__(
        self,
        manifest: packs.PackManifest,
        tokenizer: VQVAE,
        generator: MotionGenerator,
        selector: CandidateSelector | None = None,
        reading: PromptReading | None = None,
        seconds: Callable[[str], float] | None = None,
    ) -> None:
        self.manifest = manifest
        self.tokenizer = tokenizer
        self.generator = generator
        self._decoder = ClipDecoder(tokenizer, manifest)
        self._stride = tokenizer.config.stride
        self._parts = 1  # of the largest batch of the last request
        self.selector = selector or CandidateSelector()
        self.reading = reading or PromptReading(manifest)
        self._seconds = seconds

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
        reading = PromptReading.of_pack(folder, manifest)
        lengths = read_lengths(folder)
        seconds = lengths.seconds if lengths is not None else None
        return cls(manifest, tokenizer, generator, selector, reading, seconds)

    def generate(
        self,
        request: GenerationRequest,
        progress: ProgressCallback,
        cancelled: CancelCheck,
        sketch: SketchCallback | None = None,
    ) -> GenerationResult:
        """Answer one request; see ``Pipeline.generate``."""
        with suitable_threads(self.generator.model):
            return self._generate(request, progress, cancelled, sketch)

    def _generate(
        self,
        request: GenerationRequest,
        progress: ProgressCallback,
        cancelled: CancelCheck,
        sketch: SketchCallback | None,
    ) -> GenerationResult:
        self.reading.check_script(request.prompt)
        check_request(request)
        request, reading_notes = self._read(request)
        clock = Clock()
        progress("encode", 0.0)
        span = GENERATE_TO - GENERATE_FROM
        (answers,) = self.generate_batch(
            [request],
            lambda share: progress("generate", GENERATE_FROM + span * share),
            cancelled,
            sketch,
        )
        clock.lap("generate")
        progress("decode", GENERATE_TO)
        kept = self.select(answers, request)
        clock.lap("decode")
        progress("decode", 1.0)
        parts = (parts_note(self._parts),) if self._parts > 1 else ()
        notes = (*reading_notes, *parts, *self._notes(request))
        return GenerationResult(kept.clips, clock.seconds, notes, kept.alternatives)

    def generate_batch(
        self,
        requests: Sequence[GenerationRequest],
        progress: Callable[[float], None] = lambda _: None,
        cancelled: CancelCheck = lambda: False,
        sketch: SketchCallback | None = None,
    ) -> list[list[GeneratedCodes]]:
        """All candidates of some requests, generated in one batch; ``select`` keeps the best.

        A prompt of several actions is generated action by action. Each request has its own seed;
        temperature, ``top_p`` and ``top_k`` are the first's, whose first candidate is sketched.
        """
        requests = [without_places(self._read(request)[0]) for request in requests]
        plans = [self.actions(request) for request in requests]
        requests = [lengthened(request, self._slow_ways(request)) for request in requests]
        answers: list[list[GeneratedCodes]] = [[] for _ in requests]
        turns = max(map(len, plans), default=0)
        self._parts, given, stride = 1, 0, self._stride
        for turn in range(turns):
            acting = [k for k, plan in enumerate(plans) if turn < len(plan)]
            asked = [self._of_action(requests[k], plans[k], turn, answers[k]) for k in acting]
            before, _ = asked[0][0]
            given = given if turn else len(before)
            codes, parts = write_batch(
                self.generator,
                [code_request for rows in asked for _, code_request in rows],
                lambda share, done=turn: progress((done + share) / turns),
                cancelled,
                sketcher_of(
                    sketch, self._decoder.so_far, stride, requests[acting[0]], before, given
                ),
            )
            written, self._parts = iter(codes), max(self._parts, parts)
            for k, rows in zip(acting, asked, strict=True):
                answers[k] = [
                    replace(answer, codes=[*before, *answer.codes])
                    for before, code_request in rows
                    for answer in islice(written, code_request.sampling.answers)
                ]
        return answers

    def actions(self, request: GenerationRequest) -> tuple[TimedAction, ...]:
        """The actions of a request's prompt in time, which are generated one after the other.

        A prompt stays whole without guidance, which leads from one action to the next.
        """
        steps, longest = self._steps(request), self.manifest.max_frames // self._stride
        if not request.sampling.guidance or self.manifest.prompt_style != "tokens":
            return (TimedAction(request.prompt, 0, steps),)
        whole = timed_actions(request.prompt, steps, self._seconds)
        return in_pieces(whole, longest if steps <= longest else longest - BEGINNING)

    def select(self, answers: Sequence[GeneratedCodes], request: GenerationRequest) -> Selection:
        """What is kept of all candidates of a request; see ``reranking``."""
        request, _ = self._read(request)
        asked = without_places(request)
        clips = self._decoder.clips(answers, asked, self.actions(asked), self._slow_ways(asked))
        followed, losses = follow(clips, request)
        return self.selector.select(followed, request, losses)

    def caption(self, clip: MotionClip, sampling: Sampling) -> list[str]:
        """Captions of a clip; raises PipelineError in one sentence."""
        stride, least = self._stride, 2
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
        with suitable_threads(self.generator.model):
            return self.generator.caption(codes.tolist(), sampling)

    def understand(self, prompt: str) -> Understood:
        """How a prompt is understood; raises PipelineError for one that cannot be read."""
        self.reading.check_script(prompt)
        request, notes = self._read(GenerationRequest(prompt, self.manifest.max_frames))
        read = (self.reading.understood(action.prompt) for action in self.actions(request))
        found = [one for one in read if one is not None]
        notes += tuple(one.note for one in found)
        examples = next((one.examples for one in found if one.examples), ())
        return Understood(prompt, notes, examples)

    def warm_up(self) -> None:
        """See ``Pipeline.warm_up``."""
        with suitable_threads(self.generator.model):
            self.generator.warm_up()

    def _encode(self, joints: NDArray[np.float32]) -> torch.Tensor:
        """Codes (S, L) of a motion (T, 22, 3), of the levels that the language model reads."""
        x = features.from_joints(joints)
        frames = torch.from_numpy(x)[None].to(self.tokenizer.mean.device)
        return self.tokenizer.encode(frames, self.manifest.levels)[0]

    def _steps(self, request: GenerationRequest) -> int:
        """Length of a request in code steps; raises PipelineError for frames out of range."""
        most = self.manifest.max_frames
        if request.sampling.guidance and self.manifest.prompt_style == "tokens":
            most = most_frames(request, most)
        if not 1 <= request.frames <= most:
            longest = most / self.manifest.fps
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
        return -(-request.frames // self._stride)

    def _code_request(
        self,
        request: GenerationRequest,
        before: Codes = (),
        plan: WayPlan | None = None,
        first: int = 0,
    ) -> CodeRequest:
        """The request as the language model reads it.

        A pack that has not learnt to continue starts from the last pose of the history instead.

        Args:
            request: of a whole motion, or of an action in it.
            before: codes (S', L) that it goes on with; without any, those of its history.
            plan: of the way that the whole motion follows.
            first: frame of the whole motion that it begins with.
        """
        steps = self._steps(request)
        given = before or self._given(request, steps)
        poses = request.poses
        first_is_marked = bool(poses) and poses[0].frame == 0 and poses[0].bound is None
        if request.history is not None and not given and not first_is_marked:
            poses = (PoseCondition(0, request.history[-1], placed=True), *poses)
        ahead = len(given) * self._stride
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
            targets=guidance_targets(
                poses,
                request,
                given,
                ahead,
                plan.places(first, request.frames, ahead) if plan is not None else (),
            ),
        )

    def _of_action(
        self,
        request: GenerationRequest,
        plan: Sequence[TimedAction],
        turn: int,
        answers: Sequence[GeneratedCodes],
    ) -> list[tuple[list[list[int]], CodeRequest]]:
        """What is asked for one action of a request, and the codes (S, L) before each answer.

        The best candidates of the actions before are continued, each several times.
        """
        stride = self._stride
        part = request_of(request, plan[turn : turn + 1], stride)
        way = WayPlan.of(request, plan, stride)
        if turn == 0:
            # As many as of the whole: its poses, which decide that, may all come later.
            code_request = self._code_request(part, (), way)
            code_request = replace(code_request, sampling=self._sampling(request))
            return [([list(codes) for codes in code_request.given], code_request)]
        before = request_of(request, plan[:turn], stride)
        clips = self._decoder.clips(answers, before, plan[:turn])
        scores = self.selector.scores(clips, before)
        groups = 1 if request.poses else request.sampling.variations
        seeds = answer_seeds(self._sampling(request))
        goes_on = plan[turn].goes_on and Skill.CONTINUE.value in self.manifest.skills
        rows: list[tuple[list[list[int]], CodeRequest]] = []
        for number, (row, seed) in enumerate(zip(survivors(scores, groups), seeds, strict=True)):
            codes, last = answers[row].codes, ()
            if goes_on:
                last = tuple(map(tuple, codes[-BEGINNING:]))
                one = replace(part, history=None)
            else:
                one = self._led_on(part, before, clips[row].joints)
            asked = self._code_request(one, last, way, stride * plan[turn].first)
            own = seed + turn * ACTION_STRIDE
            sampling = replace(part.sampling, seed=own, variations=1, candidates=1)
            rows.append((codes, replace(asked, sampling=sampling, first=number)))
        return rows

    def _led_on(
        self, part: GenerationRequest, before: GenerationRequest, joints: NDArray[np.float32]
    ) -> GenerationRequest:
        """The request of the next action, which begins where joints (T, 22, 3) end.

        Guidance alone leads it on from there. A model that also reads what was before, as codes
        to continue or as a pose, goes on with that, and the next action is lost more often.
        """
        poses = part.poses
        if not (poses and poses[0].frame == 0):
            poses = (end_pose(joints, before), *poses)
        return replace(part, poses=poses, history=None)

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
        stride = self._stride
        longest = min(BEGINNING, self.manifest.max_frames // stride - steps)
        count = min(longest, (len(request.history) - 1) // stride)
        if count < 1:
            return ()
        codes = self._encode(request.history[-count * stride - 1 :])
        return tuple(map(tuple, codes[:count].tolist()))

    def clip(self, codes: list[list[int]], request: GenerationRequest) -> MotionClip:
        """The motion of codes (S, L) that answer a request, before any correction."""
        actions, ways = self.actions(request), self._slow_ways(request)
        return self._decoder.clips([GeneratedCodes(codes)], request, actions, ways)[0]

    def _slow_ways(self, request: GenerationRequest) -> tuple[SlowWay, ...]:
        """The ways of a request that are generated longer: those of a single walk, with guidance.

        One of several actions may be the walk, and which of them goes on the way is not known.
        """
        guided = request.sampling.guidance > 0 and self.manifest.prompt_style == "tokens"
        return slow_ways(request) if guided and len(self.actions(request)) == 1 else ()

    def _read(self, request: GenerationRequest) -> tuple[GenerationRequest, tuple[str, ...]]:
        """The request as the model reads it, and notes on what was typed otherwise."""
        prompt, notes = self.reading.read(request.prompt)
        return replace(request, prompt=prompt), notes

    def _notes(self, request: GenerationRequest) -> tuple[str, ...]:
        notes: list[str] = []
        actions = self.actions(request)
        if sum(not action.goes_on for action in actions) > 1:
            notes.append(split_note(actions, self._stride / self.manifest.fps))
        read = [self.reading.understood(a.prompt) for a in actions if not a.goes_on]
        notes += [one.whole for one in read if one is not None]
        if request.poses and request.sampling.guidance and self.manifest.prompt_style == "paper":
            notes.append("Pose guidance does not work with packs of the prompt style 'paper'.")
        return (*notes, *way_notes(request))


def vocabulary_of(manifest: packs.PackManifest, tokenizer: VQVAE) -> MotionVocabulary:
    """The added tokens that a pack's language model knows."""
    stride, codes = tokenizer.config.stride, tokenizer.config.codes
    skills = frozenset(map(Skill, manifest.skills))
    steps = manifest.max_frames // stride
    summary = (manifest.summary[0], manifest.summary[1]) if manifest.summary else (0, 0)
    return MotionVocabulary(manifest.levels, codes, steps, skills, summary)


def silent() -> tuple[Callable[[str, float], None], Callable[[], bool]]:
    """A progress callback and a cancel check that do nothing."""
    return (lambda *_: None), (lambda: False)
