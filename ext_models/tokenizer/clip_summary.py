"""The clip summary of a motion: what it is as a whole, in a few tokens before its codes.

A sentence says what a motion is as a whole, and says little about any one code. So an
answer begins with its clip summary: a small description of the whole clip (poses at even times,
path, speeds, posture, swing), quantised residually like the codes. Motion alone teaches
which codes follow which clip summary, without a single caption; sentences then only have to be led
to the right clip summary.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.cluster.vq import kmeans2

from ext_models.packs import require
from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.rotations import about_y, rotate

Array = NDArray[np.floating]

WEIGHTS: Final = "clip_summary.safetensors"
#: Moments of a clip that are looked at, evenly from its first frame to its last.
MOMENTS: Final = 12
JOINTS: Final = 22
#: What a metre travelled, a metre of height, a turn of a radian and a metre a second count,
#: beside a metre between joints.
TRAVELLED, RISE, TURNED, SPEED, SECONDS = 0.3, 2.0, 1.0, 0.5, 0.5
#: What a metre counts in the posture, the mean of all bodies, and in the swing, how far joints
#: stray from it. Much: both stay the same whatever foot a run begins with, and hold its style,
#: while bodies at even moments say above all where in its stride it is.
POSTURE, SWING = 6.0, 8.0
#: Dimensions that are kept of a description.
WIDTH: Final = 64


@dataclass(frozen=True)
class ExpectedPoses:
    """What descriptions (..., D) say of their moments.

    Attributes:
        bodies: (..., MOMENTS, 22, 3) metres from the pelvis, facing +z.
        heights: (..., MOMENTS) metres of the pelvis.
        path: (..., MOMENTS, 2) metres to the left and ahead of where the motion begins.
        turns: (..., MOMENTS) radians to the left of how it faces there.
    """

    bodies: Array
    heights: Array
    path: Array
    turns: Array

    @classmethod
    def of(cls, told: Array) -> ExpectedPoses:
        """Read what ``describe`` has written."""
        lengths = (MOMENTS * JOINTS * 3, MOMENTS * 2, MOMENTS, MOMENTS)
        ends = np.cumsum(lengths)
        body, path, height, turn = np.split(told, ends, axis=-1)[:4]
        return cls(
            body.reshape(*told.shape[:-1], MOMENTS, JOINTS, 3),
            height / RISE,
            path.reshape(*told.shape[:-1], MOMENTS, 2) / TRAVELLED,
            turn / TURNED,
        )


def moments(frames: int) -> NDArray[np.intp]:
    """The frames (MOMENTS,) of a motion of so many frames that are looked at."""
    return np.linspace(0, frames - 1, MOMENTS).round().astype(int)


@dataclass(frozen=True)
class ClipSummary:
    """Describes motions and quantises the description.

    Attributes:
        mean: (D,) of all descriptions.
        basis: (D, WIDTH) their main directions.
        books: (G, K, WIDTH) code books; each quantises what the ones before left over.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    books: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """Tokens of a clip summary, and how many kinds there are of each."""
        return self.books.shape[0], self.books.shape[1]

    def __call__(self, joints: Array) -> tuple[int, ...]:
        """The clip summary (G,) of a motion (T, 22, 3)."""
        rest = self._described(joints)
        codes: list[int] = []
        for book in self.books:
            codes.append(int(np.argmin(((book - rest) ** 2).sum(-1))))
            rest = rest - book[codes[-1]]
        return tuple(codes)

    def _described(self, joints: Array) -> Array:
        """A motion (T, 22, 3) along the main directions (WIDTH,).

        Packs from before posture and swing were added, behind the rest, do without them.
        """
        return (describe(joints)[: len(self.mean)] - self.mean) @ self.basis

    def expected_poses(self, said: Sequence[int], *, following: bool = False) -> ExpectedPoses:
        """What a summary prefix (G',) expects, or what each next token (K,) would expect."""
        told = sum((self.books[k][c] for k, c in enumerate(said)), np.zeros(self.basis.shape[1]))
        if following:
            told = told + self.books[len(said)]
        return ExpectedPoses.of(self.mean + told @ self.basis.T)

    def distance(self, joints: Array, codes: Sequence[int]) -> float:
        """Distance of a motion (T, 22, 3) from a summary (G,), as one of descriptions."""
        rest = self._described(joints)
        for book, code in zip(self.books, codes, strict=True):
            rest = rest - book[code]
        return float(np.linalg.norm(rest))

    def save(self, folder: Path) -> None:
        """Write it into a pack."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"mean": self.mean, "basis": self.basis, "books": self.books}
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> ClipSummary:
        """Read that of a pack; raises PackError when it is missing."""
        arrays: dict[str, Any] = load_file(require(folder / WEIGHTS))
        return cls(arrays["mean"], arrays["basis"], arrays["books"])


def fit_clip_summary(motions: Sequence[Array], levels: int, kinds: int, seed: int) -> ClipSummary:
    """A clip summary for motions such as these: principal components, then residual k-means."""
    rows = np.stack([describe(joints) for joints in motions])
    mean = rows.mean(0)
    _, _, directions = np.linalg.svd(rows - mean, full_matrices=False)
    basis = directions[: min(WIDTH, len(directions))].T
    rest = (rows - mean) @ basis
    books: list[Array] = []
    rng = np.random.default_rng(seed)
    for _ in range(levels):
        count = min(kinds, len(np.unique(rest.round(9), axis=0)))  # what is equal is one kind
        book, label = kmeans2(rest, count, iter=25, minit="++", missing="warn", rng=rng)
        rest = rest - book[label]
        distance = np.full((kinds - count, book.shape[1]), 1e3)  # too few motions for all kinds
        books.append(np.concatenate([book, distance]))
    return ClipSummary(
        mean.astype(np.float32), basis.astype(np.float32), np.stack(books).astype("f4")
    )


def describe(joints: Array) -> NDArray[np.float64]:
    """A description (D,) of a motion (T, 22, 3), from its own start and heading."""
    joints = joints.astype(np.float64)
    at = moments(len(joints))
    facing = np.unwrap(heading(joints))
    path = joints[:, 0] - joints[0, 0] * np.array([1, 0, 1])
    path = rotate(np.broadcast_to(about_y(-facing[0]), (len(path), 4)), path)
    back = about_y(-facing)[:, None]
    body = joints - joints[:, :1]
    body = rotate(np.broadcast_to(back, (*body.shape[:-1], 4)), body)
    steps = np.diff(joints, axis=0) if len(joints) > 1 else np.zeros((1, *joints.shape[1:]))
    speed = 20 * np.linalg.norm(steps, axis=-1).mean(0)
    still = 20 * np.linalg.norm(np.diff(body, axis=0), axis=-1).mean(0) if len(body) > 1 else speed
    turn = facing[at] - facing[0]
    parts = [
        body[at].reshape(-1),
        TRAVELLED * path[at][:, [0, 2]].reshape(-1),
        RISE * path[at][:, 1],
        TURNED * turn,
        SPEED * speed,
        SPEED * still,
        [SECONDS * np.log(len(joints) / 20)],
        POSTURE * body.mean(0).reshape(-1),
        SWING * body.std(0).reshape(-1),
    ]
    return np.array(list(itertools.chain.from_iterable(parts)))
