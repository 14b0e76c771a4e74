"""The cost of each possible next code, for all rows of a batch in a few matrix products.

Predicted frames are linear in the code: what the code adds, plus what is known of the row. So the
squared distance between a predicted body and a target pose multiplies out into sums over the
codes, prepared once, and sums over codes and rows, which are matrix products. A body's joints on
the ground plane are complex numbers, x + i z, so that a rotation is a product too.

Double precision on the CPU: distances are small differences of large sums, and the rows beside a
row must not change its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ext_models.motion import planar
from ext_models.motion.motion_metrics import local_pose

from .schedule import Segment

#: Metres off an even progress that cost half a unit, along the path and beside it, at most.
PROGRESS: Final = (0.1, 0.3)
#: Channels of a frame in front of the positions of its joints: turn, step (2), height.
HEAD: Final = 4


@dataclass(frozen=True)
class PredictedFrames:
    """Predicted frames (B, F, 67) in parts that are linear in them.

    Attributes:
        plane: (F, B, 22) complex metres, x + i z of the joints from the pelvis.
        rise: (F, B, 22) metres of the joints over the pelvis.
        height: (F, B) metres of the pelvis.
        across: (F, B) complex metres from the right side of the body to its left.
        turn, step: (F, B) turn of the root to the next frame, and its step there in complex
            metres, x + i z; in single precision, as nothing is subtracted from them.
    """

    plane: Tensor
    rise: Tensor
    height: Tensor
    across: Tensor
    turn: Tensor
    step: Tensor

    @classmethod
    def of(cls, frames: Tensor) -> PredictedFrames:
        """Split frames (B, F, 67)."""
        single, frames = frames.float(), frames.double()
        step = torch.complex(single[..., 1], single[..., 2])
        height = frames[..., HEAD - 1]
        joints = frames[..., HEAD:].unflatten(-1, (-1, 3))
        joints = torch.cat([torch.zeros_like(joints[..., :1, :]), joints], -2)
        plane = torch.complex(joints[..., 0], joints[..., 2])
        rise = joints[..., 1] - height[..., None]
        rise[..., 0] = 0.0
        across = sum(
            (plane[..., left] - plane[..., right] for left, right in planar.ACROSS),
            torch.zeros_like(plane[..., 0]),
        )
        parts = (plane, rise, height, across, single[..., 0], step)
        return cls(*(part.movedim(1, 0).contiguous() for part in parts))

    def some(self, which: Sequence[int]) -> PredictedFrames:
        """Those of some indices (N,) into the frames."""
        if list(which) == list(range(self.turn.shape[1])):
            return self
        at = torch.tensor(which)
        parts = (self.plane, self.rise, self.height, self.across, self.turn, self.step)
        return PredictedFrames(*(part[:, at] for part in parts))


@dataclass(frozen=True)
class TargetPoses:
    """Target poses, as bodies that face +z.

    Attributes:
        plane, rise: (M, 22) of the joints, as in ``PredictedFrames``.
        height: (M,) of the pelvis.
        weights: (M, 22) of the joints, adding up to 1.
    """

    plane: Tensor
    rise: Tensor
    height: Tensor
    weights: Tensor

    @classmethod
    def of(
        cls, poses: Sequence[NDArray[np.float32]], weights: Sequence[NDArray[np.float32] | None]
    ) -> TargetPoses:
        """Args: poses (22, 3) in metres; weights (22,) of their joints, None for equal ones."""
        if not poses:
            none = torch.zeros(0, 22, dtype=torch.double)
            return cls(none.to(torch.cdouble), none, none[:, 0], none)
        every = np.stack(poses)
        body = torch.from_numpy(local_pose(every.astype(np.float64)))
        alike = np.ones(every.shape[1])
        share = np.stack([alike if c is None else c for c in weights]).astype(np.float64)
        share /= np.maximum(share.sum(-1, keepdims=True), 1e-6)
        return cls(
            torch.complex(body[..., 0], body[..., 2]),
            body[..., 1],
            torch.from_numpy(every[:, 0, 1].astype(np.float64)),
            torch.from_numpy(share),
        )

    def some(self, which: Sequence[int]) -> TargetPoses:
        """Those of some indices (N,)."""
        every = (self.plane, self.rise, self.height, self.weights)
        return TargetPoses(*(part[list(which)] for part in every))


@dataclass(frozen=True)
class CodeCosts:
    """What the codes of a level add to the predicted frames, and what that costs."""

    codes: PredictedFrames

    def pose_cost(
        self,
        rows: PredictedFrames,
        wanted: TargetPoses,
        share: Sequence[float],
        then: int,
        now: int,
        height: float,
    ) -> Tensor:
        """Squared error (N, C) in m^2 of a share of the distance to a pose, for each code.

        Args:
            rows: what is known of each of N rows.
            wanted: the N poses that they approach.
            share: (N,) of the distance from frame ``now`` that is due at frame ``then``; 1 is all.
            then: one of the predicted frames.
            now: an earlier one.
            height: weight of the pelvis' height beside the mean of the joints.
        """
        n = wanted.weights
        due = n.new_tensor(share)[:, None]
        end, facing = self._body(rows, then)
        high = end.height - due * wanted.height[:, None]
        error = end.square(n) - 2 * due * end.along(wanted, n, facing)
        error = error + due**2 * _square(wanted.plane, wanted.rise, n)
        if min(share) < 1:
            rest = 1 - due
            begin, faced = self._body(rows, now)
            high = high - rest * begin.height
            error = error + rest**2 * begin.square(n)
            error = error + 2 * rest * due * begin.along(wanted, n, faced)
            error = error - 2 * rest * self._between(begin, end, n, faced.conj() * facing)
        return error.clamp(min=0) + height * high.square()

    def planar_poses(self, rows: PredictedFrames, at: Sequence[Sequence[int]]) -> list[Tensor]:
        """Planar poses (N, C, 3) of the bodies, relative to the root in the first frame.

        Args:
            rows: what is known of each of N rows.
            at: frames; for each planar pose that is wanted, one of each row.
        """
        turn = torch.zeros(len(self.codes.turn[0])).expand(rows.turn.shape[1], -1)
        place = torch.complex(turn, turn)
        found_poses = [turn.new_empty(*turn.shape, 3) for _ in at]
        for frame in range(1 + max(map(max, at))):
            if frame:
                k = frame - 1
                turn = turn - 2 * (rows.turn[k][:, None] + self.codes.turn[k])
                step = rows.step[k][:, None] + self.codes.step[k]
                place = place + torch.polar(torch.ones_like(turn), -turn) * step
            asked = [[n for n, f in enumerate(frames) if f == frame] for frames in at]
            if not any(asked):
                continue
            across = rows.across[frame][:, None] + self.codes.across[frame]
            heading = across.to(place.dtype).conj().angle()
            stand = torch.stack([place.real, place.imag, turn + heading], -1)
            for found, some in zip(found_poses, asked, strict=True):
                if some:
                    found[some] = stand[some]
        return found_poses

    def _body(self, rows: PredictedFrames, at: int) -> tuple[_Bodies, Tensor]:
        """Bodies (N, C) at a frame; complex numbers (N, C) that turn them to face +z."""
        across = rows.across[at][:, None] + self.codes.across[at]
        bodies = _Bodies(
            at, self.codes.plane[at], self.codes.rise[at], self._squares[at],
            rows.plane[at], rows.rise[at],
            rows.height[at][:, None] + self.codes.height[at],
        )  # fmt: skip
        return bodies, torch.sgn(across).conj()

    def _between(self, begin: _Bodies, end: _Bodies, n: Tensor, turned: Tensor) -> Tensor:
        """Products (N, C) of the joints of bodies at two frames, weighted (N, 22)."""
        key = begin.at, end.at
        if key not in self._products:
            flat = begin.plane.conj() * end.plane
            self._products[key] = flat, begin.rise * end.rise
        flat, upright = self._products[key]
        plane = n.to(flat.dtype) @ flat.T
        plane = plane + (n * begin.known.conj()) @ end.plane.T
        plane = plane + (n * end.known) @ begin.plane.conj().T
        plane = plane + (n * begin.known.conj() * end.known).sum(-1, keepdim=True)
        rise = n @ upright.T + (n * begin.risen) @ end.rise.T + (n * end.risen) @ begin.rise.T
        rise = rise + (n * begin.risen * end.risen).sum(-1, keepdim=True)
        return (turned * plane).real + rise

    @cached_property
    def _products(self) -> dict[tuple[int, int], tuple[Tensor, Tensor]]:
        return {}

    @cached_property
    def _squares(self) -> Tensor:
        """Squared distances (F, C, 22) of joints from the pelvis, in what the codes add."""
        return self.codes.plane.abs().square() + self.codes.rise.square()


@dataclass(frozen=True)
class _Bodies:
    """Bodies of N rows and C codes: what codes add (C, 22), what is known of rows (N, 22)."""

    at: int
    plane: Tensor
    rise: Tensor
    squares: Tensor
    known: Tensor
    risen: Tensor
    height: Tensor

    def square(self, n: Tensor) -> Tensor:
        """Mean squared distance (N, C) of the joints from the pelvis, weighted (N, 22)."""
        plane = ((n * self.known.conj()) @ self.plane.T).real
        both = plane + (n * self.risen) @ self.rise.T
        return n @ self.squares.T + 2 * both + _square(self.known, self.risen, n)

    def along(self, wanted: TargetPoses, n: Tensor, facing: Tensor) -> Tensor:
        """Mean product (N, C) of the joints, turned (N, C), with those of poses."""
        goal, up = n * wanted.plane.conj(), n * wanted.rise
        plane = goal @ self.plane.T + (goal * self.known).sum(-1, keepdim=True)
        return (facing * plane).real + up @ self.rise.T + (up * self.risen).sum(-1, keepdim=True)


def _square(plane: Tensor, rise: Tensor, n: Tensor) -> Tensor:
    """Mean squared distance (N, 1) of joints (N, 22) from the pelvis, weighted (N, 22)."""
    return (n * (plane.abs().square() + rise.square())).sum(-1, keepdim=True)


def progress_cost(
    here: Tensor, then: Tensor, segments: Sequence[Segment], frame: int, widths: Tensor
) -> Tensor:
    """What it costs (R, C) to be off an even progress along segments of a path.

    Args:
        here: planar poses (R, 1, 3) or (R, C, 3) that places are relative to.
        then: planar poses (R, C, 3) of the bodies at a frame.
        segments: that the rows walk.
        frame: of the whole motion.
        widths: (R, 1) metres off that cost half a unit, if that is less than ``PROGRESS``.
    """
    ahead = here.new_tensor(np.array([[*segment.direction, 0.0] for segment in segments]))[:, None]
    course = planar.compose(here * here.new_tensor([0.0, 0.0, 1.0]), ahead)[..., :2]
    even = here.new_tensor(np.array([[*segment.due(frame), 0.0] for segment in segments]))[:, None]
    off = (planar.compose(here, even) - then)[..., :2]
    along = (off * course).sum(-1)
    across = off[..., 0] * course[..., 1] - off[..., 1] * course[..., 0]
    late, beside = (widths.clamp(max=most) for most in PROGRESS)
    return 0.5 * ((along / late).square() + (across / beside).square())
