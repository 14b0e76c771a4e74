"""Pose guidance: the marked poses raise the scores of the codes that lead to them.

A model trained on few clips follows pose tokens loosely. So before each code is sampled, a
linear decoder predicts the frames that every possible code would bring (``lookahead``), and
codes whose frames miss a marked pose, or leave the path to its place, lose log-likelihood
(``pose_cost``): a little before a pose, much at its frame. Summary tokens are guided
too, by the poses that they expect at the marked frames. Without marked poses the clip summary
itself gives the targets, so that the codes follow the summary they began with: its bodies, not
its places, which a summary knows to within a metre only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ext_models.language.vocabulary import TokenIds
from ext_models.motion import features, planar, representations
from ext_models.motion.grounding import TOE_CONTACTS, root_shifts
from ext_models.motion.motion_metrics import local_pose
from ext_models.tokenizer.clip_summary import MOMENTS, ClipSummary, moments
from ext_models.tokenizer.quantizers import ResidualQuantizer
from ext_models.tokenizer.vqvae import VQVAE
from motiongpt_blender.core.body.rotations import wrap_angle

from .guidance_scales import GuidanceScales
from .lookahead import CHANNELS, CONTEXT_STEPS, LinearDecoder
from .pose_cost import CodeCosts, PredictedFrames, TargetPoses, progress_cost
from .schedule import Segment
from .targets import GuidanceTargets, PoseTarget, summary_targets


@dataclass(frozen=True)
class PoseGuidance:
    """What guidance needs of a pack: tokenizer, clip summary and code levels; and its scales."""

    tokenizer: VQVAE
    summary: ClipSummary | None
    levels: int
    scales: GuidanceScales = field(default_factory=GuidanceScales)

    @property
    def supported(self) -> bool:
        """Whether the tokenizer's codes can be decoded level by level."""
        return isinstance(self.tokenizer.quantizer, ResidualQuantizer)

    @cached_property
    def decoder(self) -> LinearDecoder:
        """The linear decoder, fitted when first needed."""
        return LinearDecoder.fit(self.tokenizer, self.levels)

    @cached_property
    def _costs(self) -> dict[tuple[int, bool], CodeCosts]:
        return {}

    def code_costs(self, level: int, *, first: bool) -> CodeCosts:
        """The costs of a level's codes, in a motion's first step or in a later one."""
        if (level, first) not in self._costs:
            added = self.decoder.added(level, first=first)
            self._costs[level, first] = CodeCosts(PredictedFrames.of(added))
        return self._costs[level, first]

    def warm_up(self) -> None:
        """Prepare the costs of all codes, which takes a second."""
        for level in range(self.levels):
            for first in (True, False):
                self.code_costs(level, first=first)

    def for_batch(
        self, ids: TokenIds, targets: Sequence[GuidanceTargets], steps: Sequence[int]
    ) -> BatchGuidance | None:
        """Guidance of a batch; None if no row has poses or a summary to follow.

        Args:
            ids: ids of the added tokens.
            targets: of each row.
            steps: length of each row's whole motion in code steps.
        """
        has_summary = self.summary is not None
        if not self.supported or not any(
            row.strength > 0 and (row.poses or has_summary) for row in targets
        ):
            return None
        return BatchGuidance(self, ids, targets, steps)


class BatchGuidance:
    """Changes the scores of one batch of answers while they are generated."""

    def __init__(
        self,
        guidance: PoseGuidance,
        ids: TokenIds,
        targets: Sequence[GuidanceTargets],
        steps: Sequence[int],
    ) -> None:
        self.guidance, self.tokenizer, self.summary = guidance, guidance.tokenizer, guidance.summary
        self.ids, self.targets, self.steps = ids, list(targets), steps
        self.scales = guidance.scales
        self.stride = self.tokenizer.config.stride
        #: By row, the planar pose (3,) of the body at the origin, relative to the root in the
        #: first predicted frame; None while the origin is not generated yet.
        self._origin: dict[int, Tensor | None] = {}
        #: The rows whose targets are those of their summaries.
        self._following: set[int] = set()
        self._prepare_poses()

    def _prepare_poses(self) -> None:
        """Stack the target poses of all rows, those of a row in sequence."""
        poses = [pose for row in self.targets for pose in row.poses]
        self.poses = TargetPoses.of([p.joints for p in poses], [p.weights for p in poses])
        counts = [len(row.poses) for row in self.targets]
        self._first_pose = [sum(counts[:row]) for row in range(len(counts))]

    def __call__(self, generated: Tensor, scores: Tensor) -> Tensor:
        """Guided scores (B, K) of the tokens that are due.

        Args:
            generated: ids of the answers so far (B, N).
            scores: of the summary token, or of the level's codes.
        """
        summary_length = self.ids.vocabulary.summary[0]
        position = generated.shape[1]
        if position < summary_length:
            return (
                scores if self.summary is None else scores + self._summary_gain(generated, scores)
            )
        if position == summary_length and self.summary is not None:
            self._follow_summaries(generated)
        first = torch.tensor(self.ids.first_code)
        levels = len(first)
        steps, level = divmod(position - summary_length, levels)
        codes = generated[:, summary_length:].cpu()
        complete = codes[:, : steps * levels].unflatten(1, (steps, levels)) - first
        partial = codes[:, steps * levels :] - first[:level]
        guided = scores.clone()
        for rows in self._row_groups(steps, level):
            before = self._with_given(rows, complete)
            if level == 0:
                self._locate_origins(rows, before)
            cost = self._code_cost(rows, before, partial[rows])
            guided[rows] -= cost.to(scores.device, scores.dtype)
        return guided

    def _row_groups(self, steps: int, level: int) -> list[list[int]]:
        """The rows that are guided after some steps, grouped by the length of their motions."""
        groups: dict[int, list[int]] = {}
        fine = level >= self.scales.follow_levels
        for row, targets in enumerate(self.targets):
            if fine and row in self._following:
                continue
            given = len(targets.given)
            if self._is_guided(targets, self.steps[row], steps + given):
                groups.setdefault(given, []).append(row)
        return list(groups.values())

    # -- summary tokens ---------------------------------------------------------------

    def _summary_gain(self, generated: Tensor, scores: Tensor) -> Tensor:
        """What each summary token (B, K) gains by the poses that it expects."""
        first = np.array(self.ids.first_summary[: generated.shape[1]])
        gain = np.zeros(scores.shape)
        for row, targets in enumerate(self.targets):
            if targets.active:
                prefix = (generated[row].cpu().numpy() - first).tolist()
                cost = self._summary_cost(prefix, targets, self.steps[row])
                gain[row] = -targets.strength * cost
        return torch.as_tensor(gain, dtype=scores.dtype, device=scores.device)

    def _summary_cost(
        self, prefix: Sequence[int], targets: GuidanceTargets, steps: int
    ) -> NDArray[np.float64]:
        """Distance of the poses that each next token (K,) of a summary expects from the targets."""
        assert self.summary is not None
        expected = self.summary.expected_poses(prefix, following=True)
        last = max(steps * self.stride - 1, 1)
        place_scale, turn_scale = self.scales.summary_place
        cost = np.zeros(len(expected.bodies))
        for pose in targets.poses:
            moment = round(pose.frame / last * (MOMENTS - 1))
            if pose.has_body:
                apart = expected.bodies[:, moment] - local_pose(pose.joints.astype(np.float64))
                error = np.average(np.linalg.norm(apart, axis=-1), -1, pose.weights)
                cost += error / self.scales.summary_body
            if pose.place is not None and targets.origin == 0:
                weight = 0.5 * targets.place_weight
                off = np.linalg.norm(expected.path[:, moment] - np.array(pose.place[:2]), axis=-1)
                turned = wrap_angle(expected.turns[:, moment] - pose.place[2])
                cost += weight * ((off / place_scale) ** 2 + (turned / turn_scale) ** 2)
        if targets.origin == 0:
            for segment in targets.walked:
                for moment, frame in enumerate(moments(steps * self.stride)):
                    if segment.begin < frame < segment.end:
                        off = np.linalg.norm(expected.path[:, moment] - segment.due(frame), axis=-1)
                        cost += 0.5 * targets.place_weight * (off / place_scale) ** 2
        return cost

    def _follow_summaries(self, generated: Tensor) -> None:
        """Give the rows without marked poses the targets of their summaries."""
        assert self.summary is not None
        first = np.array(self.ids.first_summary)
        for row, targets in enumerate(self.targets):
            if targets.poses or targets.turn is None:
                continue
            follow = self.scales.follow[targets.turn % len(self.scales.follow)]
            if not targets.strength * follow:
                continue
            tokens = (generated[row].cpu().numpy() - first).tolist()
            poses = summary_targets(self.summary, tokens, self.steps[row] * self.stride)
            strength = follow * targets.strength
            self.targets[row] = replace(targets, poses=poses, strength=strength)
            self._following.add(row)
        self._prepare_poses()

    # -- codes ------------------------------------------------------------------------

    def _is_guided(self, targets: GuidanceTargets, steps: int, step: int) -> bool:
        if not targets.active or step >= steps:
            return False
        start = step * self.stride
        near = any(self._is_near(pose, start) for pose in targets.poses)
        return near or self._next_placed(targets, start) is not None

    def _is_near(self, pose: PoseTarget, start: int) -> bool:
        """Whether a step that begins at a frame affects a pose; its overlap reaches behind it."""
        lap = self.tokenizer.config.lap
        return pose.has_body and -lap <= pose.frame - start < self.stride + pose.pull

    def _next_placed(self, targets: GuidanceTargets, start: int) -> PoseTarget | None:
        """The next pose with a place to go to, once the origin is known."""
        if not start or start + self.stride <= targets.origin:
            return None
        later = (p for p in targets.poses if p.frame > targets.origin and p.frame >= start)
        return next((p for p in later if p.place is not None), None)

    def _with_given(self, rows: Sequence[int], codes: Tensor) -> Tensor:
        """Codes (R, S, L) of the motions of some rows, the given ones first."""
        given = codes.new_tensor([self.targets[row].given for row in rows])
        return torch.cat([given.reshape(len(rows), -1, codes.shape[-1]), codes[rows]], 1)

    @torch.no_grad()
    def _locate_origins(self, rows: Sequence[int], codes: Tensor) -> None:
        """Find the origins of the rows that go to a place, by decoding codes (R, S, L).

        The path so far is the grounded one: what its feet have not walked is still to be walked.
        """
        start = codes.shape[1] * self.stride
        by_origin: dict[int, list[int]] = {}
        for k, row in enumerate(rows):
            if self._next_placed(self.targets[row], start) is not None:
                by_origin.setdefault(self.targets[row].origin, []).append(k)
        for origin, some in by_origin.items():
            if origin >= start:
                self._origin.update((rows[k], None) for k in some)
                continue
            decoded = self.tokenizer.decode(codes[some].to(self.tokenizer.mean.device)).cpu()
            frames = decoded[..., :CHANNELS]
            path = _grounded_path(decoded)
            body = planar.body_pose(frames, path, origin)
            found = planar.relative_to(path[:, -self.stride], body)
            self._origin.update((rows[k], one) for k, one in zip(some, found, strict=True))

    @torch.no_grad()
    def _code_cost(self, rows: Sequence[int], codes: Tensor, partial: Tensor) -> Tensor:
        """Cost (R, C) of each code that is due; the cheapest of a row costs 0.

        Args:
            rows: of equal length so far.
            codes: of their motions (R, S, L) so far.
            partial: coarser codes (R, L') of the step.
        """
        decoder, level = self.guidance.decoder, partial.shape[1]
        start = codes.shape[1] * self.stride
        context = decoder.latents(codes[:, 1 - CONTEXT_STEPS :])
        known = PredictedFrames.of(decoder.known(context, decoder.latents(partial)))
        costs = self.guidance.code_costs(level, first=not start)
        cost = self._pose_cost(costs, known, rows, start, level)
        goals = {k: self._next_placed(self.targets[row], start) for k, row in enumerate(rows)}
        placed = {k: pose for k, pose in goals.items() if pose is not None}
        if placed:
            some = list(placed)
            weight = cost.new_tensor([[self.targets[rows[k]].place_weight] for k in some])
            cost[some] += weight * self._path_cost(
                costs, known.some(some), [rows[k] for k in some], start, list(placed.values())
            )
        strength = torch.tensor([[self.targets[row].strength] for row in rows])
        return strength * (cost - cost.amin(-1, keepdim=True))

    def _pose_cost(
        self, costs: CodeCosts, known: PredictedFrames, rows: Sequence[int], start: int, level: int
    ) -> Tensor:
        """Cost (R, C) of missing the poses near a step that begins at a frame."""
        at_pose = 1 / (2 * self.scales.pose_at(level) ** 2)
        # By the compared frame and whether it is the pose's own: row, pose, due share, weight.
        groups: dict[tuple[int, bool], list[tuple[int, int, float, float]]] = {}
        for k, row in enumerate(rows):
            for number, pose in enumerate(self.targets[row].poses, self._first_pose[row]):
                if not self._is_near(pose, start):
                    continue
                reached = pose.frame - start < self.stride
                frame = self.stride + pose.frame - start if reached else 2 * self.stride - 1
                due = (1.0, at_pose) if reached else self._approach(pose, start)
                groups.setdefault((frame, reached), []).append((k, number, *due))
        cost = torch.zeros(len(rows), costs.codes.turn.shape[1], dtype=torch.double)
        for (frame, _), found in groups.items():
            some, poses, share, weight = zip(*found, strict=True)
            error = costs.pose_cost(
                known.some(some),
                self.poses.some(poses),
                share,
                frame,
                self.stride - 1,
                self.scales.height,
            )
            cost.index_add_(0, torch.tensor(some), cost.new_tensor(weight)[:, None] * error)
        return cost

    def _approach(self, pose: PoseTarget, start: int) -> tuple[float, float]:
        """For a pose after a step: the share of the path that is due, its weight."""
        left = pose.frame - start - self.stride + 1
        share = min(1.0, self.scales.eager * self.stride / (left + self.stride))
        return share, (1 - left / (pose.pull + 1)) / (2 * self.scales.on_the_way**2)

    def _path_cost(
        self,
        costs: CodeCosts,
        known: PredictedFrames,
        rows: Sequence[int],
        start: int,
        poses: Sequence[PoseTarget],
    ) -> Tensor:
        """Cost (R, C) of leaving the path to the place of each row's pose."""
        last = 2 * self.stride - 1
        ahead = [pose.frame - start - self.stride + 1 for pose in poses]
        at = [[self.stride - 1] * len(rows), [last + min(frames, 0) for frames in ahead]]
        # The origin is a frame that is generated already, or one of those predicted.
        origins = [self._origin[row] for row in rows]
        if None in origins:
            frames = [self.targets[row].origin - start + self.stride for row in rows]
            at.append([min(max(frame, 0), last) for frame in frames])
        now, then, *predicted = costs.planar_poses(known, at)
        nowhere = now.new_zeros(3)
        origin = torch.stack([nowhere if o is None else o for o in origins])[:, None]
        if predicted:
            unknown = torch.tensor([[[o is None]] for o in origins])
            origin = torch.where(unknown, predicted[0], origin)
        goal = planar.compose(origin, now.new_tensor([p.place for p in poses])[:, None])
        left = now.new_tensor(ahead).clamp(min=0)[:, None, None]
        due = planar.interpolate_pose(now, goal, self.stride, left)
        wide = 1 + self.scales.place_growth * left / representations.HUMANML3D.fps
        metres, radians = self.scales.place
        cost = planar.path_cost(then, due, wide * metres, wide[..., 0] * radians)
        segments = [self._segment_to(row, pose) for row, pose in zip(rows, poses, strict=True)]
        walked = [k for k, segment in enumerate(segments) if segment is not None]
        if walked:
            some = [segment for segment in segments if segment is not None]
            widths = (wide * metres)[walked, ..., 0]
            even = progress_cost(
                origin[walked], then[walked], some, start + self.stride - 1, widths
            )
            turned = planar.wrap_angle((due - then)[walked][..., 2]) / (
                wide[walked][..., 0] * radians
            )
            cost[walked] = even + 0.5 * turned.square()
        return cost

    def _segment_to(self, row: int, pose: PoseTarget) -> Segment | None:
        """The segment of a row's path that leads to a pose, if somebody walks it."""
        return next((s for s in self.targets[row].walked if s.goal == pose.place), None)


def _grounded_path(frames: Tensor) -> Tensor:
    """Planar poses (R, T, 3) of the roots of decoded frames (R, T, 263), as they are kept."""
    path = planar.root_path(frames[..., :CHANNELS])
    joints = features.to_joints(frames.numpy())
    contacts = frames[..., TOE_CONTACTS].numpy()
    shifts = np.stack([root_shifts(*motion) for motion in zip(joints, contacts, strict=True)])
    path[..., :2] += torch.from_numpy(shifts).to(path)
    return path
