"""Marked poses steer what the language model writes.

A model that has read few clips hears poses badly. So while it writes, each thing that it
may write next is looked at beforehand: the likeliest codes are decoded behind what stands
there already, and those that bring the body nearer to a marked pose, or the path nearer to
a marked place, become likelier. It is a product of two opinions, the model's and the
poses': softly long before a pose, firmly at its step. A gist is steered as well, by what it
says of the moments where poses stand, so that the plan fits them before the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ext_models.evaluation.motion_metrics import local_pose
from ext_models.motion import features
from ext_models.tokenizer.quantizers import ResidualQuantizer
from ext_models.tokenizer.vqvae import VQVAE

from .gist import MOMENTS, TRAVELLED, TURNED, Gist
from .vocabulary import TokenIds

#: Codes that are decoded beforehand, the likeliest ones; the others are not written.
LOOKED_AT: Final = 96
#: Steps behind which a code is decoded, so that its frames lie in their surroundings.
CONTEXT: Final = 2
#: Metres between joints that cost one unit of log-likelihood, by the steps to the pose.
NEAR: Final = {-2: 0.2, -1: 0.08, 0: 0.012, 1: 0.05, 2: 0.1, 3: 0.2}
#: Metres and radians a step off the way to a place that cost half a unit: at the place, and
#: more for each step that is left.
OFF: Final = (0.02, 0.012)
TURN: Final = (0.05, 0.03)
#: The same for a gist: metres between joints, metres and radians of the place.
PLAN: Final = (0.04, 0.3, 0.3)


@dataclass(frozen=True)
class Mark:
    """A marked pose.

    Attributes:
        frame: of the whole motion, from 0.
        pose: (22, 3) metres.
        place: metres to the left, metres ahead and radians turned to the left as seen from the
            first mark; None where it does not matter, and of the first mark.
    """

    frame: int
    pose: NDArray[np.float32]
    place: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Course:
    """Where one motion is to pass.

    Attributes:
        marks: ascending by frame.
        strength: how much they count; 0 is not at all.
        given: codes (S', L) that the motion begins with, before the first that is written.
    """

    marks: tuple[Mark, ...] = ()
    strength: float = 1.0
    given: tuple[tuple[int, ...], ...] = ()

    @property
    def steers(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.marks) and self.strength > 0


@dataclass(frozen=True)
class Rudder:
    """What a pack needs to look ahead."""

    tokenizer: VQVAE
    gist: Gist | None

    @property
    def fits(self) -> bool:
        """Whether codes can be decoded level by level."""
        return isinstance(self.tokenizer.quantizer, ResidualQuantizer)

    def helm(self, ids: TokenIds, courses: Sequence[Course], steps: Sequence[int]) -> Helm | None:
        """Steers the rows of a batch, a course and a length in code steps each; or None."""
        if not self.fits or not any(c.steers for c in courses):
            return None
        return Helm(self, ids, courses, steps)


class Helm:
    """Steers one batch of answers while they are written."""

    def __init__(
        self, rudder: Rudder, ids: TokenIds, courses: Sequence[Course], steps: Sequence[int]
    ) -> None:
        self.tokenizer, self.gist = rudder.tokenizer, rudder.gist
        self.ids, self.courses, self.steps = ids, courses, steps
        self.stride = self.tokenizer.config.stride
        self.targets = [[_features_of(m.pose) for m in c.marks] for c in courses]

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
        first = torch.tensor(self.ids.first_code, device=given.device)
        count = len(first)
        whole = (at - levels) // count
        written = given[:, levels:]
        codes = written[:, : whole * count].unflatten(1, (whole, count)) - first
        partial = written[:, whole * count :] - first[: at - levels - whole * count]
        steered = due.clone()
        for ahead, rows in self._alike(whole).items():
            self._steer(rows, ahead, codes, partial, steered)
        return steered

    def _alike(self, step: int) -> dict[int, list[int]]:
        """The rows that there is something to look at for, by the steps that were given them."""
        rows: dict[int, list[int]] = {}
        for row, course in enumerate(self.courses):
            if self._matters(row, step + len(course.given)):
                rows.setdefault(len(course.given), []).append(row)
        return rows

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
        gist = self.gist
        assert gist is not None
        so_far = sum((gist.books[k][c] for k, c in enumerate(said)), np.zeros(gist.basis.shape[1]))
        told = gist.mean + (so_far + gist.books[len(said)]) @ gist.basis.T
        joints = 3 * features.HUMANML3D.joints * MOMENTS
        bodies = told[:, :joints].reshape(len(told), MOMENTS, -1, 3)
        path = told[:, joints : joints + 2 * MOMENTS].reshape(-1, MOMENTS, 2) / TRAVELLED
        turns = told[:, joints + 3 * MOMENTS : joints + 4 * MOMENTS] / TURNED
        last = max(steps * self.stride - 1, 1)
        moments = [round(m.frame / last * (MOMENTS - 1)) for m in course.marks]
        near, off, turned = PLAN
        miss = np.zeros(len(told))
        for mark, moment in zip(course.marks, moments, strict=True):
            apart = bodies[:, moment] - local_pose(mark.pose.astype(np.float64))
            miss += np.linalg.norm(apart, axis=-1).mean(-1) / near
            if mark.place is not None and moments[0] == 0:
                away = path[:, moment] - np.array(mark.place[:2])
                miss += 0.5 * (np.linalg.norm(away, axis=-1) / off) ** 2
                miss += 0.5 * (_wrapped(turns[:, moment] - mark.place[2]) / turned) ** 2
        return miss

    # -- the codes ------------------------------------------------------------------

    def _matters(self, row: int, step: int) -> bool:
        course = self.courses[row]
        if not course.steers or step >= self.steps[row]:
            return False
        away = [(m, m.frame // self.stride - step) for m in course.marks]
        return any(steps in NEAR or (m.place is not None and steps >= 0) for m, steps in away)

    @torch.no_grad()
    def _steer(
        self, rows: Sequence[int], ahead: int, codes: Tensor, partial: Tensor, due: Tensor
    ) -> None:
        """Steer some rows of the logits, in place; ``ahead`` steps were given to each."""
        some = torch.tensor(rows, device=due.device)
        before = codes[some]
        if ahead:
            given = torch.tensor([self.courses[k].given for k in rows], device=codes.device)
            before = torch.cat([given, before], 1)
        step = before.shape[1]
        likeliest = due[some].topk(min(LOOKED_AT, due.shape[1]), -1)
        paths = (
            [_path(x) for x in self._decoded(before)] if step else [np.zeros((1, 3))] * len(rows)
        )
        decoded = self._looked_ahead(before, partial[some], likeliest.indices)
        for place, row in enumerate(rows):
            miss = self._miss(row, step, decoded[place], paths[place])
            gain = -self.courses[row].strength * torch.as_tensor(miss, dtype=due.dtype)
            due[row] = -torch.inf
            due[row, likeliest.indices[place]] = likeliest.values[place] + gain.to(due.device)

    def _decoded(self, codes: Tensor) -> NDArray[np.float32]:
        return self.tokenizer.decode(codes.to(self.tokenizer.mean.device)).cpu().numpy()

    def _looked_ahead(self, codes: Tensor, partial: Tensor, choices: Tensor) -> NDArray[np.float32]:
        """Features (B, K, W, C) of the last steps, each choice's own step the last of them."""
        quantizer, device = self.tokenizer.quantizer, self.tokenizer.mean.device
        rows, kinds = choices.shape
        level = partial.shape[1]
        whole = torch.cat(
            [partial[:, None].expand(rows, kinds, level), choices[..., None]], -1
        ).reshape(rows * kinds, 1, level + 1)
        z = quantizer.look_up(whole.to(device))
        if codes.shape[1]:
            before = quantizer.look_up(codes[:, -CONTEXT:].to(device))
            z = torch.cat([before.repeat_interleave(kinds, 0), z], -1)
        x = self.tokenizer.decoder(z).movedim(1, -1) * self.tokenizer.std + self.tokenizer.mean
        return x.unflatten(0, (rows, kinds)).cpu().numpy()

    def _miss(
        self,
        row: int,
        step: int,
        ahead: NDArray[np.float32],
        path: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """How much each choice (K,) quarrels with the marks of a row.

        Args:
            row: of the batch.
            step: that is being written.
            ahead: features (K, W, C) as ``_looked_ahead`` gives them.
            path: (T, 3) x, z and heading of what is written.
        """
        marks, stride = self.courses[row].marks, self.stride
        begin = stride * (step + 1) - ahead.shape[1]  # the first frame of what was decoded
        miss = np.zeros(len(ahead))
        for mark, target in zip(marks, self.targets[row], strict=True):
            away = mark.frame // stride - step
            if away not in NEAR:
                continue
            frame = min(max(mark.frame - begin, 0), ahead.shape[1] - 1)
            if away < 0 and mark.frame % stride < stride - self.tokenizer.config.lap:
                frame = ahead.shape[1] - stride  # the pose itself no longer moves
            made = ahead[:, frame, BODY].reshape(len(ahead), -1, 3)
            miss += np.linalg.norm(made - target, axis=-1).mean(-1) / NEAR[away]
        behind = (m for m in marks if m.place is not None and m.frame >= stride * step)
        following = next(behind, None)
        origin = marks[0].frame if marks else 0
        if following is not None and origin < max(stride * step, 1):
            miss += self._off(following, origin, begin, ahead, path)
        return miss

    def _off(
        self,
        mark: Mark,
        origin: int,
        begin: int,
        ahead: NDArray[np.float32],
        path: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """How far each choice (K,) leaves the way to a mark's place."""
        assert mark.place is not None
        moved = _path(ahead)  # (K, W, 3), from the first frame that was decoded
        here = _behind(path[min(begin, len(path) - 1)], moved)
        start = max(begin + ahead.shape[1] - self.stride - 1, 0)
        end = min(begin + ahead.shape[1] - 1, mark.frame)
        now = path[min(start, len(path) - 1)]
        aim = _behind(path[min(origin, len(path) - 1)], np.array(mark.place))
        share = (end - start) / max(mark.frame - start, 1)
        left = (mark.frame - end) / self.stride
        made = here[:, end - begin] - now
        wanted = aim - now
        wanted[2] = _wrapped(wanted[2])
        apart = made - share * wanted
        off = np.linalg.norm(apart[:, :2], axis=-1) / (OFF[0] + OFF[1] * left)
        turned = _wrapped(apart[:, 2]) / (TURN[0] + TURN[1] * left)
        return 0.5 * (off**2 + turned**2)


#: Channels of the places of all joints but the pelvis, seen from the body.
BODY: Final = slice(4, 4 + 3 * (features.HUMANML3D.joints - 1))


def _features_of(pose: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places (21, 3) of a pose's joints as features have them."""
    return features.from_poses(pose[None])[0, BODY].reshape(-1, 3)


def _wrapped(angle: Any) -> Any:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _path(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Place x, z and heading (..., T, 3) of features (..., T, C), from their first frame."""
    facing = np.zeros(x.shape[:-1])
    facing[..., 1:] = -2 * np.cumsum(x[..., :-1, 0], axis=-1)
    steps = np.zeros((*x.shape[:-1], 3))
    steps[..., 1:, :2] = x[..., :-1, 1:3]
    stands = np.stack([np.zeros_like(facing), np.zeros_like(facing), facing], -1)
    path = np.cumsum(_behind(stands, steps), axis=-2)
    path[..., 2] = facing
    return path


def _behind(stand: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where what is seen (..., 3) from a stand (..., 3) is in the stand's own world.

    Both are x, z and heading; the way back from ``places.seen_from``.
    """
    sine, cosine = np.sin(stand[..., 2]), np.cos(stand[..., 2])
    left, ahead = seen[..., 0], seen[..., 1]
    return np.stack(
        [
            stand[..., 0] + cosine * left + sine * ahead,
            stand[..., 1] - sine * left + cosine * ahead,
            stand[..., 2] + seen[..., 2],
        ],
        -1,
    )
