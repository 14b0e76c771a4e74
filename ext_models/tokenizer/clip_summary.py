"""Clip summary: a few tokens before an answer's codes that describe the motion as a whole.

A caption describes a whole motion and says little about any one code. So an answer begins with
summary tokens: a description of the clip (poses at even times, path, speeds, mean pose, range of
motion) in principal components, quantised residually like the codes. Which codes follow which
summary is learnt from motion alone, without captions; a caption only has to predict the summary.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.cluster.vq import kmeans2

from ext_models.packs import PackError, check_finite, require
from motiongpt_blender.core.body.motion import heading, local_pose, place_at_origin

Array = NDArray[np.floating]

WEIGHTS: Final = "clip_summary.safetensors"
#: Number of moments in a description, evenly from the first frame to the last.
MOMENTS: Final = 12
JOINTS: Final = 22
#: Weights of a metre of path, a metre of height, a radian of turn, a metre a second and the
#: logarithm of the length, beside a metre between joints.
TRAVELLED, RISE, TURNED, SPEED, SECONDS = 0.3, 2.0, 1.0, 0.5, 0.5
#: Weights of a metre in the mean pose and in the standard deviation of the joints. High: both
#: hold the style of a gait and are the same whatever foot it begins with, while poses at even
#: moments depend mostly on the phase of the stride.
MEAN_POSE, DEVIATION = 6.0, 8.0
#: Principal components of a description.
WIDTH: Final = 64


@dataclass(frozen=True)
class ExpectedPoses:
    """The poses that descriptions (..., D) expect at their moments.

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
    def of(cls, descriptions: Array) -> ExpectedPoses:
        """Read a description of ``describe``."""
        lengths = (MOMENTS * JOINTS * 3, MOMENTS * 2, MOMENTS, MOMENTS)
        ends = np.cumsum(lengths)
        body, path, height, turn = np.split(descriptions, ends, axis=-1)[:4]
        return cls(
            body.reshape(*descriptions.shape[:-1], MOMENTS, JOINTS, 3),
            height / RISE,
            path.reshape(*descriptions.shape[:-1], MOMENTS, 2) / TRAVELLED,
            turn / TURNED,
        )


def moments(frames: int) -> NDArray[np.intp]:
    """The frames (MOMENTS,) that a description of a motion of some frames reads."""
    return np.linspace(0, frames - 1, MOMENTS).round().astype(int)


@dataclass(frozen=True)
class ClipSummary:
    """Describes motions and quantises the descriptions.

    Attributes:
        mean: (D,) of all descriptions.
        basis: (D, WIDTH) their principal directions.
        books: (G, K, WIDTH) codebooks; each quantises the residual of the ones before.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    books: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of summary tokens G, and of codes K of each."""
        return self.books.shape[0], self.books.shape[1]

    def __call__(self, joints: Array) -> tuple[int, ...]:
        """The summary tokens (G,) of a motion (T, 22, 3) in metres, y up."""
        residual = self._components(joints)
        codes: list[int] = []
        for book in self.books:
            codes.append(int(np.argmin(((book - residual) ** 2).sum(-1))))
            residual = residual - book[codes[-1]]
        return tuple(codes)

    def _components(self, joints: Array) -> Array:
        """Principal components (WIDTH,) of a motion (T, 22, 3)."""
        return (describe(joints) - self.mean) @ self.basis

    def expected_poses(self, tokens: Sequence[int], *, following: bool = False) -> ExpectedPoses:
        """What a summary prefix (G',) expects, or what each next token (K,) would expect."""
        description = sum(
            (self.books[k][c] for k, c in enumerate(tokens)), np.zeros(self.basis.shape[1])
        )
        if following:
            description = description + self.books[len(tokens)]
        return ExpectedPoses.of(self.mean + description @ self.basis.T)

    def save(self, folder: Path) -> None:
        """Write ``clip_summary.safetensors`` into a pack."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"mean": self.mean, "basis": self.basis, "books": self.books}
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> ClipSummary:
        """Read the one of a pack; raises PackError if it is missing or damaged."""
        path = require(folder / WEIGHTS)
        try:
            arrays: dict[str, Any] = load_file(path)
            summary = cls(arrays["mean"], arrays["basis"], arrays["books"])
            sizes, width = summary.basis.shape, summary.books.shape[2]
        except (SafetensorError, OSError, KeyError, IndexError) as error:
            raise PackError(
                f"{path} is damaged or holds no clip summary ({error}): install the pack again."
            ) from None
        if sizes != (len(summary.mean), width):
            raise PackError(f"{path} holds arrays that do not fit: install the pack again.")
        check_finite(path, arrays.values())
        return summary


def fit_clip_summary(motions: Sequence[Array], levels: int, kinds: int, seed: int) -> ClipSummary:
    """Fit to motions (T, 22, 3): principal components, then residual k-means.

    Args: the motions; number of tokens; codes of each; seed of k-means.
    """
    rows = np.stack([describe(joints) for joints in motions])
    mean = rows.mean(0)
    _, _, directions = np.linalg.svd(rows - mean, full_matrices=False)
    basis = directions[: min(WIDTH, len(directions))].T
    residual = (rows - mean) @ basis
    books: list[Array] = []
    rng = np.random.default_rng(seed)
    for _ in range(levels):
        count = min(kinds, len(np.unique(residual.round(9), axis=0)))  # what is equal is one kind
        book, label = kmeans2(residual, count, iter=25, minit="++", missing="warn", rng=rng)
        residual = residual - book[label]
        distance = np.full((kinds - count, book.shape[1]), 1e3)  # too few motions for all kinds
        books.append(np.concatenate([book, distance]))
    return ClipSummary(
        mean.astype(np.float32), basis.astype(np.float32), np.stack(books).astype("f4")
    )


def describe(joints: Array) -> NDArray[np.float64]:
    """A description (D,) of a motion (T, 22, 3), from its own start and heading."""
    joints = joints.astype(np.float64)
    at = moments(len(joints))
    path, body = place_at_origin(joints)[:, 0], local_pose(joints)
    facing = np.unwrap(heading(joints))
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
        MEAN_POSE * body.mean(0).reshape(-1),
        DEVIATION * body.std(0).reshape(-1),
    ]
    return np.array(list(itertools.chain.from_iterable(parts)))
