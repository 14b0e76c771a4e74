"""Marked poses steer what the language model writes.

A model that has read few clips hears poses badly. So while it writes, it is foreseen for each
code that is due how the body would be posed with it and where it would stand; codes that bring
the body nearer to a marked pose, or the path nearer to a marked place, become likelier. It
is a product of two opinions, the model's and the poses': softly before a pose, firmly at its
step. A summary is steered as well, by what it says of the moments where poses stand, so that the
plan fits them before the first step. Where no poses are marked, what the clip summary announces for
its moments takes their place: a motion does what it set out to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ext_models.language.vocabulary import TokenIds
from ext_models.motion import planar, representations
from ext_models.motion.motion_metrics import local_pose
from ext_models.tokenizer.clip_summary import MOMENTS, ClipSummary, moments
from ext_models.tokenizer.quantizers import ResidualQuantizer
from ext_models.tokenizer.vqvae import VQVAE
from motiongpt_blender.core.body.rotations import wrap_angle

from .lookahead import CHANNELS, SEEN, LinearDecoder
from .pose_cost import CodeCosts, PredictedFrames, TargetPoses

#: Metres that a pose is missed by which cost half a unit of log-likelihood, by level: at its
#: frame, where finer levels can still better what coarser ones leave; and on the way to it.
POSE: Final = (0.04, 0.03)
ON_THE_WAY: Final = 0.08
#: Frames before a pose from which on the way to it counts.
APPROACH: Final = 12
#: Share of the way to a pose that is due at a step, beside an even one.
EAGER: Final = 2.0
#: What the pelvis' height counts in a pose, beside the mean of its joints.
HEIGHT: Final = 0.5
#: Metres and radians off a place that cost half a unit, and how much more for each second left.
PLACE: Final = (0.05, 0.08)
A_SECOND: Final = 2.0
#: How much what a clip summary announces counts, where no poses are marked, beside a marked pose.
FOLLOW: Final = 2.0
#: The same for a clip summary: metres between joints, metres and radians of the place.
PLAN: Final = (0.04, 0.3, 0.3)


@dataclass(frozen=True)
class PoseTarget:
    """A marked pose.

    Attributes:
        frame: of the whole motion, from 0.
        pose: (22, 3) metres.
        place: metres to the left, metres ahead and radians turned to the left as seen from the
            course's origin; None where it does not matter.
        counts: (22,) how much each joint counts; None is all alike.
    """

    frame: int
    pose: NDArray[np.float32]
    place: tuple[float, float, float] | None = None
    counts: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class GuidanceTargets:
    """Where one motion is to pass.

    Attributes:
        marks: ascending by frame.
        strength: how much they count; 0 is not at all.
        given: codes (S', L) that the motion begins with, before the first that is written.
        origin: frame of the body from which places are seen.
    """

    poses: tuple[PoseTarget, ...] = ()
    strength: float = 1.0
    given: tuple[tuple[int, ...], ...] = ()
    origin: int = 0

    @property
    def steers(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.poses) and self.strength > 0


@dataclass(frozen=True)
class PoseGuidance:
    """What a pack needs to look ahead."""

    tokenizer: VQVAE
    summary: ClipSummary | None
    levels: int

    @property
    def fits(self) -> bool:
        """Whether codes can be decoded level by level."""
        return isinstance(self.tokenizer.quantizer, ResidualQuantizer)

    @cached_property
    def foresight(self) -> LinearDecoder:
        """What a code would bring; fitted when first needed."""
        return LinearDecoder.of(self.tokenizer, self.levels)

    @cached_property
    def _outlooks(self) -> dict[tuple[int, bool], CodeCosts]:
        return {}

    def outlook(self, level: int, *, first: bool) -> CodeCosts:
        """What the codes of a level would bring, in a motion's first step or a later one."""
        if (level, first) not in self._outlooks:
            added = self.foresight.added(level, first=first)
            self._outlooks[level, first] = CodeCosts(PredictedFrames.of(added))
        return self._outlooks[level, first]

    def helm(
        self, ids: TokenIds, targets: Sequence[GuidanceTargets], steps: Sequence[int]
    ) -> BatchGuidance | None:
        """Steers the rows of a batch, a course and a length in code steps each.

        None when there is nothing to steer by: neither poses nor clip summaries.
        """
        plan = self.summary is not None
        if not self.fits or not any(c.strength > 0 and (c.poses or plan) for c in targets):
            return None
        return BatchGuidance(self, ids, targets, steps)


class BatchGuidance:
    """Steers one batch of answers while they are written."""

    def __init__(
        self,
        rudder: PoseGuidance,
        ids: TokenIds,
        targets: Sequence[GuidanceTargets],
        steps: Sequence[int],
    ) -> None:
        self.rudder, self.tokenizer, self.summary = rudder, rudder.tokenizer, rudder.summary
        self.ids, self.targets, self.steps = ids, list(targets), steps
        self.stride = self.tokenizer.config.stride
        #: By row, the stand (3,) of the body from which places are seen, as seen from the root in
        #: the first frame that is foreseen; None while it is not written.
        self._origin: dict[int, Tensor | None] = {}
        self._want()

    def _want(self) -> None:
        """Make all marks of all rows ready, those of a row behind one another."""
        poses = [m for targets in self.targets for m in targets.poses]
        self.wanted = TargetPoses.of([m.pose for m in poses], [m.counts for m in poses])
        counts = [len(targets.poses) for targets in self.targets]
        self._first_mark = [sum(counts[:row]) for row in range(len(counts))]

    def __call__(self, given: Tensor, due: Tensor) -> Tensor:
        """Logits (B, K) of what is due, steered by the poses.

        Args:
            given: the answers' ids so far (B, N).
            due: logits of the clip summary's token, or of the level's codes.
        """
        levels = self.ids.vocabulary.summary[0]
        at = given.shape[1]
        if at < levels:
            return due if self.summary is None else due + self._plan(given, due)
        if at == levels and self.summary is not None:
            self._follow(given)
        first = torch.tensor(self.ids.first_code)
        count = len(first)
        whole = (at - levels) // count
        written = given[:, levels:].cpu()
        codes = written[:, : whole * count].unflatten(1, (whole, count)) - first
        partial = written[:, whole * count :] - first[: at - levels - whole * count]
        steered = due.clone()
        for rows in self._abreast(whole):
            before = self._codes(rows, codes)
            if not partial.shape[1]:
                self._stand(rows, before)
            steered[rows] -= self._cost(rows, before, partial[rows]).to(due.device, due.dtype)
        return steered

    def _abreast(self, whole: int) -> list[list[int]]:
        """The rows that are steered after so many steps, those together that are equally far."""
        groups: dict[int, list[int]] = {}
        for row, targets in enumerate(self.targets):
            given = len(targets.given)
            if self._matters(targets, self.steps[row], whole + given):
                groups.setdefault(given, []).append(row)
        return list(groups.values())

    # -- the plan -------------------------------------------------------------------

    def _plan(self, given: Tensor, due: Tensor) -> Tensor:
        """What each token of the summary (B, K) gains by what it says of the marked moments."""
        assert self.summary is not None
        first = np.array(self.ids.first_summary[: given.shape[1]])
        gain = np.zeros(due.shape)
        for row, targets in enumerate(self.targets):
            if not targets.steers:
                continue
            said = (given[row].cpu().numpy() - first).tolist()
            gain[row] = -targets.strength * self._misses(said, targets, self.steps[row])
        return torch.as_tensor(gain, dtype=due.dtype, device=due.device)

    def _misses(
        self, said: Sequence[int], targets: GuidanceTargets, steps: int
    ) -> NDArray[np.float64]:
        """How much each next token (K,) of a clip summary quarrels with the marks."""
        assert self.summary is not None
        told = self.summary.expected_poses(said, following=True)
        last = max(steps * self.stride - 1, 1)
        at = [round(m.frame / last * (MOMENTS - 1)) for m in targets.poses]
        near, off, turned = PLAN
        miss = np.zeros(len(told.bodies))
        for mark, moment in zip(targets.poses, at, strict=True):
            apart = told.bodies[:, moment] - local_pose(mark.pose.astype(np.float64))
            miss += np.average(np.linalg.norm(apart, axis=-1), -1, mark.counts) / near
            if mark.place is not None and targets.origin == 0:
                away = told.path[:, moment] - np.array(mark.place[:2])
                miss += 0.5 * (np.linalg.norm(away, axis=-1) / off) ** 2
                miss += 0.5 * (wrap_angle(told.turns[:, moment] - mark.place[2]) / turned) ** 2
        return miss

    def _follow(self, given: Tensor) -> None:
        """Where no poses are marked, set the course by what the clip summaries announce."""
        assert self.summary is not None
        first = np.array(self.ids.first_summary)
        for row, targets in enumerate(self.targets):
            if targets.poses or not targets.strength:
                continue
            said = (given[row].cpu().numpy() - first).tolist()
            poses = summary_targets(self.summary, said, self.steps[row] * self.stride)
            self.targets[row] = replace(targets, poses=poses, strength=FOLLOW * targets.strength)
        self._want()

    # -- the codes ------------------------------------------------------------------

    def _matters(self, targets: GuidanceTargets, steps: int, step: int) -> bool:
        if not targets.steers or step >= steps:
            return False
        start = step * self.stride
        near = any(self._near(m, start) for m in targets.poses)
        return near or self._placed(targets, start) is not None

    def _near(self, mark: PoseTarget, start: int) -> bool:
        """Whether a step from a frame on says something of a pose: its overlap may, behind it."""
        lap = self.tokenizer.config.lap
        return -lap <= mark.frame - start < self.stride + APPROACH

    def _placed(self, targets: GuidanceTargets, start: int) -> PoseTarget | None:
        """The next mark with a place to go to, once the origin is known."""
        if not start or start + self.stride <= targets.origin:
            return None
        later = (m for m in targets.poses if m.frame > targets.origin and m.frame >= start)
        return next((m for m in later if m.place is not None), None)

    def _codes(self, rows: Sequence[int], written: Tensor) -> Tensor:
        """Codes (R, S, L) of the motions of some rows, what was given first."""
        given = written.new_tensor([self.targets[row].given for row in rows])
        return torch.cat([given.reshape(len(rows), -1, written.shape[-1]), written[rows]], 1)

    @torch.no_grad()
    def _stand(self, rows: Sequence[int], codes: Tensor) -> None:
        """Look where the rows that go to a place stand after codes (R, S, L) written so far."""
        start = codes.shape[1] * self.stride
        alike: dict[int, list[int]] = {}
        for k, row in enumerate(rows):
            if self._placed(self.targets[row], start) is not None:
                alike.setdefault(self.targets[row].origin, []).append(k)
        for origin, some in alike.items():
            if origin >= start:
                self._origin.update((rows[k], None) for k in some)
                continue
            made = self.tokenizer.decode(codes[some].to(self.tokenizer.mean.device))
            made = made[..., :CHANNELS].cpu()
            path = planar.roots(made)
            seen = planar.seen_from(path[:, -self.stride], planar.stand_at(made, path, origin))
            self._origin.update((rows[k], one) for k, one in zip(some, seen, strict=True))

    @torch.no_grad()
    def _cost(self, rows: Sequence[int], codes: Tensor, partial: Tensor) -> Tensor:
        """What each code that is due costs some rows (R, C), at least 0.

        Args:
            rows: that are equally far.
            codes: of their motions (R, S, L) so far.
            partial: what they have written (R, L') of the step.
        """
        sight, level = self.rudder.foresight, partial.shape[1]
        start = codes.shape[1] * self.stride
        known = sight.known(sight.latents(codes[:, 1 - SEEN :]), sight.latents(partial))
        outlook, seen = self.rudder.outlook(level, first=not start), PredictedFrames.of(known)
        cost = self._off_poses(outlook, seen, rows, start, level)
        goals = {k: self._placed(self.targets[row], start) for k, row in enumerate(rows)}
        going = {k: mark for k, mark in goals.items() if mark is not None}
        if going:
            some = list(going)
            cost[some] += self._off_ways(
                outlook, seen.some(some), [rows[k] for k in some], start, list(going.values())
            )
        strength = torch.tensor([[self.targets[row].strength] for row in rows])
        return strength * (cost - cost.amin(-1, keepdim=True))

    def _off_poses(
        self, outlook: CodeCosts, seen: PredictedFrames, rows: Sequence[int], start: int, level: int
    ) -> Tensor:
        """Cost (R, C) of the poses that are near a step which begins at a frame."""
        at_pose = 1 / (2 * POSE[min(level, len(POSE) - 1)] ** 2)
        # By the frame that is compared and what is left: row, mark, share that is due, weight.
        groups: dict[tuple[int, bool], list[tuple[int, int, float, float]]] = {}
        for k, row in enumerate(rows):
            for number, mark in enumerate(self.targets[row].poses, self._first_mark[row]):
                if not self._near(mark, start):
                    continue
                there = mark.frame - start < self.stride
                frame = self.stride + mark.frame - start if there else 2 * self.stride - 1
                told = (1.0, at_pose) if there else self._approach(mark.frame - start)
                groups.setdefault((frame, there), []).append((k, number, *told))
        cost = torch.zeros(len(rows), outlook.codes.turn.shape[1], dtype=torch.double)
        for (frame, _), found in groups.items():
            some, poses, share, weight = zip(*found, strict=True)
            miss = outlook.off_pose(
                seen.some(some), self.wanted.some(poses), share, frame, self.stride - 1, HEIGHT
            )
            cost.index_add_(0, torch.tensor(some), cost.new_tensor(weight)[:, None] * miss)
        return cost

    def _approach(self, ahead: int) -> tuple[float, float]:
        """Of a pose behind the step: the share of the way to it that is due, and its weight."""
        left = ahead - self.stride + 1
        share = min(1.0, EAGER * self.stride / (left + self.stride))
        return share, (1 - left / (APPROACH + 1)) / (2 * ON_THE_WAY**2)

    def _off_ways(
        self,
        outlook: CodeCosts,
        seen: PredictedFrames,
        rows: Sequence[int],
        start: int,
        poses: Sequence[PoseTarget],
    ) -> Tensor:
        """Cost (R, C) of leaving the ways to a mark's place each."""
        last = 2 * self.stride - 1
        behind = [mark.frame - start - self.stride + 1 for mark in poses]
        at = [[self.stride - 1] * len(rows), [last + min(left, 0) for left in behind]]
        # Places are seen from a frame that is known, or from one of those foreseen.
        ahead = [self.targets[row].origin - start + self.stride for row in rows]
        origins = [self._origin[row] for row in rows]
        if None in origins:
            at.append([min(max(frame, 0), last) for frame in ahead])
        now, then, *foreseen = outlook.stands(seen, at)
        nowhere = now.new_zeros(3)
        here = torch.stack([nowhere if o is None else o for o in origins])[:, None]
        if foreseen:
            unknown = torch.tensor([[[origin is None]] for origin in origins])
            here = torch.where(unknown, foreseen[0], here)
        goal = planar.behind(here, now.new_tensor([m.place for m in poses])[:, None])
        left = now.new_tensor(behind).clamp(min=0)[:, None, None]
        due = planar.even_share(now, goal, self.stride, left)
        wide = 1 + A_SECOND * left / representations.HUMANML3D.fps
        metres, radians = PLACE
        return planar.off_way(then, due, wide * metres, wide[..., 0] * radians)


def summary_targets(
    summary: ClipSummary, said: Sequence[int], frames: int
) -> tuple[PoseTarget, ...]:
    """What a clip summary announces for a motion of so many frames, as marks."""
    told = summary.expected_poses(said)
    bodies = told.bodies + told.heights[:, None, None] * np.array([0, 1, 0])
    planar = zip(told.path, told.turns, strict=True)
    places = [(float(left), float(ahead), float(turn)) for (left, ahead), turn in planar]
    return tuple(
        PoseTarget(int(frame), body.astype(np.float32), place if k else None)
        for k, (frame, body, place) in enumerate(zip(moments(frames), bodies, places, strict=True))
    )
