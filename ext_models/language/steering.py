"""Marked poses steer what the language model writes.

A model that has read few clips hears poses badly. So while it writes, it is foreseen for each
code that is due how the body would be posed with it and where it would stand; codes that bring
the body nearer to a marked pose, or the path nearer to a marked place, become likelier. It
is a product of two opinions, the model's and the poses': softly before a pose, firmly at its
step. A gist is steered as well, by what it says of the moments where poses stand, so that the
plan fits them before the first step. Where no poses are marked, what the gist announces for
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

from ext_models.evaluation.motion_metrics import local_pose
from ext_models.motion import features
from ext_models.tokenizer.foresight import CHANNELS, Foresight
from ext_models.tokenizer.quantizers import ResidualQuantizer
from ext_models.tokenizer.vqvae import VQVAE

from . import ways
from .gist import MOMENTS, Gist, moments
from .vocabulary import TokenIds

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
#: How much what a gist announces counts, where no poses are marked, beside a marked pose.
FOLLOW: Final = 2.0
#: The same for a gist: metres between joints, metres and radians of the place.
PLAN: Final = (0.04, 0.3, 0.3)


@dataclass(frozen=True)
class Mark:
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
class Course:
    """Where one motion is to pass.

    Attributes:
        marks: ascending by frame.
        strength: how much they count; 0 is not at all.
        given: codes (S', L) that the motion begins with, before the first that is written.
        origin: frame of the body from which places are seen.
    """

    marks: tuple[Mark, ...] = ()
    strength: float = 1.0
    given: tuple[tuple[int, ...], ...] = ()
    origin: int = 0

    @property
    def steers(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.marks) and self.strength > 0


@dataclass(frozen=True)
class Rudder:
    """What a pack needs to look ahead."""

    tokenizer: VQVAE
    gist: Gist | None
    levels: int

    @property
    def fits(self) -> bool:
        """Whether codes can be decoded level by level."""
        return isinstance(self.tokenizer.quantizer, ResidualQuantizer)

    @cached_property
    def foresight(self) -> Foresight:
        """What a code would bring; fitted when first needed."""
        return Foresight.of(self.tokenizer, self.levels)

    def helm(self, ids: TokenIds, courses: Sequence[Course], steps: Sequence[int]) -> Helm | None:
        """Steers the rows of a batch, a course and a length in code steps each.

        None when there is nothing to steer by: neither poses nor gists.
        """
        plan = self.gist is not None
        if not self.fits or not any(c.strength > 0 and (c.marks or plan) for c in courses):
            return None
        return Helm(self, ids, courses, steps)


class Helm:
    """Steers one batch of answers while they are written."""

    def __init__(
        self, rudder: Rudder, ids: TokenIds, courses: Sequence[Course], steps: Sequence[int]
    ) -> None:
        self.tokenizer, self.gist = rudder.tokenizer, rudder.gist
        self.foresight = rudder.foresight
        self.ids, self.courses, self.steps = ids, list(courses), steps
        self.stride = self.tokenizer.config.stride
        self.targets = [[self._target(m) for m in c.marks] for c in courses]
        self._stood: dict[int, Stood] = {}

    def _target(self, mark: Mark) -> tuple[Tensor, Tensor]:
        """Joints (22, 3) over the origin at their height, facing +z; and what each counts."""
        body = local_pose(mark.pose.astype(np.float32)) + mark.pose[0] * np.array([0, 1, 0])
        counts = np.ones(len(body)) if mark.counts is None else mark.counts
        mean = self.tokenizer.mean
        return mean.new_tensor(body), mean.new_tensor(counts)

    def __call__(self, given: Tensor, due: Tensor) -> Tensor:
        """Logits (B, K) of what is due, steered by the poses.

        Args:
            given: the answers' ids so far (B, N).
            due: logits of the gist's token, or of the level's codes.
        """
        levels = self.ids.vocabulary.gist[0]
        at = given.shape[1]
        if at < levels:
            return due if self.gist is None else due + self._plan(given, due)
        if at == levels and self.gist is not None:
            self._follow(given)
        first = torch.tensor(self.ids.first_code, device=given.device)
        count = len(first)
        whole = (at - levels) // count
        written = given[:, levels:]
        codes = written[:, : whole * count].unflatten(1, (whole, count)) - first
        partial = written[:, whole * count :] - first[: at - levels - whole * count]
        steered = due.clone()
        rows = [
            row
            for row, course in enumerate(self.courses)
            if self._matters(course, self.steps[row], whole + len(course.given))
        ]
        if not partial.shape[1]:
            self._stand(rows, codes)
        for row in rows:
            cost = self._cost(row, codes[row], partial[row])
            steered[row] -= self.courses[row].strength * cost.to(due.device, due.dtype)
        return steered

    # -- the plan -------------------------------------------------------------------

    def _plan(self, given: Tensor, due: Tensor) -> Tensor:
        """What each token of the gist (B, K) gains by what it says of the marked moments."""
        assert self.gist is not None
        first = np.array(self.ids.first_gist[: given.shape[1]])
        gain = np.zeros(due.shape)
        for row, course in enumerate(self.courses):
            if not course.steers:
                continue
            said = (given[row].cpu().numpy() - first).tolist()
            gain[row] = -course.strength * self._misses(said, course, self.steps[row])
        return torch.as_tensor(gain, dtype=due.dtype, device=due.device)

    def _misses(self, said: Sequence[int], course: Course, steps: int) -> NDArray[np.float64]:
        """How much each next token (K,) of a gist quarrels with the marks."""
        assert self.gist is not None
        told = self.gist.outlines(said, following=True)
        last = max(steps * self.stride - 1, 1)
        at = [round(m.frame / last * (MOMENTS - 1)) for m in course.marks]
        near, off, turned = PLAN
        miss = np.zeros(len(told.bodies))
        for mark, moment in zip(course.marks, at, strict=True):
            apart = told.bodies[:, moment] - local_pose(mark.pose.astype(np.float64))
            miss += np.average(np.linalg.norm(apart, axis=-1), -1, mark.counts) / near
            if mark.place is not None and course.origin == 0:
                away = told.path[:, moment] - np.array(mark.place[:2])
                miss += 0.5 * (np.linalg.norm(away, axis=-1) / off) ** 2
                miss += 0.5 * (_wrapped(told.turns[:, moment] - mark.place[2]) / turned) ** 2
        return miss

    def _follow(self, given: Tensor) -> None:
        """Where no poses are marked, set the course by what the gists announce."""
        assert self.gist is not None
        first = np.array(self.ids.first_gist)
        for row, course in enumerate(self.courses):
            if course.marks or not course.strength:
                continue
            said = (given[row].cpu().numpy() - first).tolist()
            marks = announced(self.gist, said, self.steps[row] * self.stride)
            self.courses[row] = replace(course, marks=marks, strength=FOLLOW * course.strength)
            self.targets[row] = [self._target(m) for m in marks]

    # -- the codes ------------------------------------------------------------------

    def _matters(self, course: Course, steps: int, step: int) -> bool:
        if not course.steers or step >= steps:
            return False
        start = step * self.stride
        near = any(self._near(m, start) for m in course.marks)
        return near or self._placed(course, start) is not None

    def _near(self, mark: Mark, start: int) -> bool:
        """Whether a step from a frame on says something of a pose: its overlap may, behind it."""
        lap = self.tokenizer.config.lap
        return -lap <= mark.frame - start < self.stride + APPROACH

    def _placed(self, course: Course, start: int) -> Mark | None:
        """The next mark with a place to go to, once the origin is known."""
        if not start or start + self.stride <= course.origin:
            return None
        later = (m for m in course.marks if m.frame > course.origin and m.frame >= start)
        return next((m for m in later if m.place is not None), None)

    @torch.no_grad()
    def _cost(self, row: int, written: Tensor, partial: Tensor) -> Tensor:
        """What each code (C,) that is due costs, at least 0."""
        course, level = self.courses[row], len(partial)
        device = self.tokenizer.mean.device
        codes = self._codes(row, written)
        begun = self.foresight.latents(partial[None].to(device))[0]
        frames = self.foresight.frames(self.foresight.latents(codes[-4:]), begun, level)
        start = len(codes) * self.stride
        cost = torch.zeros(len(frames), device=device)
        for mark, target in zip(course.marks, self.targets[row], strict=True):
            if self._near(mark, start):
                cost += self._off_pose(frames, mark.frame - start, target, level)
        going = self._placed(course, start)
        if going is not None:
            cost += self._off_way(frames, going, start, course.origin, self._stood[row])
        return cost - cost.min()

    def _off_pose(
        self, frames: Tensor, ahead: int, target: tuple[Tensor, Tensor], level: int
    ) -> Tensor:
        """Cost (C,) for a pose so many frames ahead of the step's first."""
        wanted, counts = target
        if ahead < self.stride:
            made = ways.bodies(frames[:, self.stride + ahead])
            miss = POSE[min(level, len(POSE) - 1)]
            return ways.off_pose(made, wanted, counts, HEIGHT) / (2 * miss**2)
        # Not there yet: an even share of the way that is left.
        left = ahead - self.stride + 1
        now, then = ways.bodies(frames[:, self.stride - 1]), ways.bodies(frames[:, -1])
        due = now + (wanted - now) * min(1.0, EAGER * self.stride / (left + self.stride))
        share = 1 - left / (APPROACH + 1)
        return share * ways.off_pose(then, due, counts, HEIGHT) / (2 * ON_THE_WAY**2)

    @torch.no_grad()
    def _stand(self, rows: Sequence[int], written: Tensor) -> None:
        """Look where the rows that go to a place stand after codes (B, S, L) written so far."""
        alike: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for row in rows:
            given = self.courses[row].given
            start = (written.shape[1] + len(given)) * self.stride
            if self._placed(self.courses[row], start) is not None:
                alike.setdefault(given, []).append(row)
        for some in alike.values():
            codes = torch.stack([self._codes(row, written[row]) for row in some])
            made = self.tokenizer.decode(codes)[..., :CHANNELS]
            for row, frames, path in zip(some, made, ways.roots(made), strict=True):
                origin = self.courses[row].origin
                known = origin < len(path)
                seen = ways.stand_at(frames, path, origin) if known else None
                self._stood[row] = Stood(path[-self.stride], seen)

    def _codes(self, row: int, written: Tensor) -> Tensor:
        """Codes (S, L) of a row's whole motion, what was given first."""
        device = self.tokenizer.mean.device
        given = torch.tensor(self.courses[row].given, dtype=written.dtype, device=device)
        return torch.cat([given.reshape(-1, written.shape[1]), written.to(device)])

    def _off_way(self, frames: Tensor, mark: Mark, start: int, origin: int, stood: Stood) -> Tensor:
        """Cost (C,) of leaving the way to a mark's place."""
        path = ways.behind(stood.root, ways.roots(frames))
        seen = stood.origin
        if seen is None:
            seen = ways.stand_at(frames, path, origin - start + self.stride)
        assert mark.place is not None
        goal = ways.behind(seen, frames.new_tensor(mark.place))
        metres, radians = PLACE
        left = mark.frame - start - self.stride + 1
        if left <= 0:
            there = ways.stand_at(frames, path, mark.frame - start + self.stride)
            return ways.off_way(there, goal, metres, radians)
        now, then = (ways.stand_at(frames, path, at) for at in (self.stride - 1, -1))
        due = ways.even_share(now, goal, self.stride, left)
        wide = 1 + A_SECOND * left / features.HUMANML3D.fps
        return ways.off_way(then, due, wide * metres, wide * radians)


@dataclass(frozen=True)
class Stood:
    """What is known of a way so far.

    Attributes:
        root: stand (3,) of the root at the first frame that is foreseen.
        origin: stand (3,) of the body from which places are seen; None while it is not written.
    """

    root: Tensor
    origin: Tensor | None


def announced(gist: Gist, said: Sequence[int], frames: int) -> tuple[Mark, ...]:
    """What a gist announces for a motion of so many frames, as marks."""
    told = gist.outlines(said)
    bodies = told.bodies + told.heights[:, None, None] * np.array([0, 1, 0])
    ways = zip(told.path, told.turns, strict=True)
    places = [(float(left), float(ahead), float(turn)) for (left, ahead), turn in ways]
    return tuple(
        Mark(int(frame), body.astype(np.float32), place if k else None)
        for k, (frame, body, place) in enumerate(zip(moments(frames), bodies, places, strict=True))
    )


def _wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return (angle + np.pi) % (2 * np.pi) - np.pi
