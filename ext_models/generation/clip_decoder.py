"""From the codes of answers to motions: decoded, grounded, and in time for poses and actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ext_models.language.vocabulary import GeneratedCodes
from ext_models.motion import features
from ext_models.motion.grounding import grounded_joints
from ext_models.packs import PackManifest
from ext_models.prompt_checks.checks import Demand
from ext_models.prompt_checks.grammar import read_checks
from ext_models.tokenizer.vqvae import VQVAE
from motiongpt_blender.core.body.motion import MotionClip, Origin, place_at_origin

from .arrival import ease_into_poses
from .conditioning import pose_stretches, stand_like
from .request import GenerationRequest
from .retiming import spread_over_path
from .stride_warping import SlowWay, lengthened, shortened
from .timed_actions import TimedAction, rushed_seams


@dataclass(frozen=True)
class ClipDecoder:
    """Makes motions of codes.

    Attributes:
        tokenizer: of a pack.
        manifest: of the pack, whose terms each motion carries.
    """

    tokenizer: VQVAE
    manifest: PackManifest

    def clips(
        self,
        answers: Sequence[GeneratedCodes],
        request: GenerationRequest,
        actions: Sequence[TimedAction],
        ways: Sequence[SlowWay] = (),
    ) -> list[MotionClip]:
        """The motions of answers with these actions; ``ways`` were generated longer."""
        longer = lengthened(request, ways)
        clips: list[MotionClip] = []
        for answer, frames in zip(answers, self._frames(answers), strict=True):
            joints = shortened(self._in_world(frames, longer), ways)
            clips.append(
                MotionClip(
                    joints=self._timed(joints, request, actions),
                    fps=self.manifest.fps,
                    tokens=tuple(c for step in answer.codes for c in step),
                    prompt=request.prompt,
                    seed=request.sampling.seed,
                    origin=Origin(self.manifest.name, self.manifest.licence, self.manifest.credits),
                )
            )
        return clips

    def so_far(self, codes: list[list[int]], request: GenerationRequest) -> NDArray[np.float32]:
        """The motion (T, 22, 3) of the first codes (S, L) of an answer, in no time but its own."""
        (frames,) = self._frames([GeneratedCodes(codes)])
        return self._in_world(frames, request)

    def _frames(self, answers: Sequence[GeneratedCodes]) -> list[NDArray[np.float32]]:
        """Decoded features (T, 263) of each answer; those of one length are decoded at once."""
        by_length: dict[int, list[int]] = {}
        for k, answer in enumerate(answers):
            by_length.setdefault(len(answer.codes), []).append(k)
        found: dict[int, NDArray[np.float32]] = {}
        for some in by_length.values():
            codes = torch.tensor([answers[k].codes for k in some])
            decoded = self.tokenizer.decode(codes.to(self.tokenizer.mean.device))
            found.update(zip(some, decoded.cpu().numpy(), strict=True))
        return [found[k] for k in range(len(answers))]

    def _in_world(
        self, decoded: NDArray[np.float32], request: GenerationRequest
    ) -> NDArray[np.float32]:
        """The grounded motion (T, 22, 3) of decoded features, in the world of a request's poses."""
        # The given codes come first; the wanted motion follows them.
        ahead = max(len(decoded) - request.frames, 0) // self.tokenizer.config.stride
        ahead *= self.tokenizer.config.stride
        frames = decoded[: ahead + request.frames]
        stretches = pose_stretches(features.to_joints(frames), request, ahead)
        joints = grounded_joints(frames, stretches)
        # The frame before the motion is the last of the history, if there is one.
        joints = place_at_origin(joints[max(ahead - 1, 0) :]).astype(np.float32)
        if request.history is not None:
            joints = stand_like(joints, request.history[-1])[min(ahead, 1) :]
        elif request.poses and request.poses[0].frame == 0 and request.poses[0].bound is None:
            joints = stand_like(joints, request.poses[0].joints)
        return joints

    def _timed(
        self,
        joints: NDArray[np.float32],
        request: GenerationRequest,
        actions: Sequence[TimedAction],
    ) -> NDArray[np.float32]:
        """The motion (T, 22, 3), spread over its path, in time for its poses and its actions."""
        if not request.sampling.guidance:
            return joints
        still = any(check.demand is Demand.STILL for check in read_checks(request.prompt))
        if not still:
            joints = spread_over_path(joints, request.poses, self.manifest.fps)
        seams = rushed_seams(joints, actions, self.tokenizer.config.stride, request.poses)
        met = sorted((*request.poses, *seams), key=lambda pose: pose.frame)
        return ease_into_poses(joints, met)
