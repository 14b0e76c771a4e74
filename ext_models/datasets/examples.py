"""The result of every reader of motion data, and the report of clips that cannot be read.

The readers import this module; it imports none of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.motion.representations import HUMANML3D, REPRESENTATIONS
from motiongpt_blender.core.bounded_files import check_regular

Array = NDArray[np.float32]

logger = logging.getLogger(__name__)

SPLITS: Final = ("train", "val", "test")
#: The shortest clip for training, in frames (0.8 s at 20 fps).
MIN_FRAMES: Final = 16
#: The longest recording that is read at once, in frames (half an hour at 20 fps).
MAX_FRAMES: Final = 36_000


class DataError(ValueError):
    """Motion data that cannot be used; one sentence with what was expected."""


@dataclass(frozen=True)
class VectorFile:
    """Published feature vectors of a clip, left on disk until they are needed.

    Attributes:
        path: a ``.npy`` of (T, channels) float32.
        start, stop: the clip's rows in it.
    """

    path: Path
    start: int
    stop: int

    def read(self) -> Array:
        """The rows, (stop - start, channels) float32, not normalised."""
        rows = np.load(self.path, mmap_mode="r", allow_pickle=False)[self.start : self.stop]
        return np.array(rows, dtype=np.float32)


@dataclass(frozen=True)
class Example:
    """One captioned clip.

    Attributes:
        id: name of the clip.
        joints: (T, 22, 3) float32 metres, y up, 20 fps; of a KIT-ML clip (T, 21, 3) in
            that data set's own unit, 12.5 fps.
        captions: English sentences, each true of the clip.
        split: train, val or test.
        label: what the source calls it.
        representation: name of the features that the joints belong to.
        tokens: for each caption its words with their parts of speech ("walks/VERB"), where the data
            set has them.
        vectors: the published features of the clip, where the data set has them.
    """

    id: str
    joints: Array
    captions: tuple[str, ...]
    split: str
    label: str = ""
    representation: str = HUMANML3D.name
    tokens: tuple[str, ...] = ()
    vectors: VectorFile | None = None

    @property
    def fps(self) -> float:
        """Frames a second."""
        return REPRESENTATIONS[self.representation].fps


@dataclass
class Skipped:
    """The clips that were left out: each is logged, and counted at the end.

    Attributes:
        broken: (name, reason) of each clip that cannot be used.
        outside: how many are fine but too short or too long by the data set's own rule.
        used: how many were taken.
    """

    broken: list[tuple[str, str]] = field(default_factory=list)
    outside: int = 0
    used: int = 0

    def add(self, name: str, reason: object) -> None:
        """Record a clip that is left out, with the reason."""
        self.broken.append((name, str(reason)))
        logger.warning("skipped %s: %s", name, reason)

    def add_unexpected(self, name: str, error: Exception) -> None:
        """Record a clip whose file raised what no reader foresees: a damaged file can."""
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(".")
        self.add(name, f"it cannot be read ({reason}).")

    def summary(self) -> str:
        """One sentence, or an empty one when nothing was left out."""
        parts: list[str] = []
        if self.broken:
            parts.append(f"{len(self.broken)} skipped because they cannot be used (named above)")
        if self.outside:
            parts.append(f"{self.outside} outside the data set's lengths")
        return f"{self.used} clips taken, {' and '.join(parts)}." if parts else ""

    def log_summary(self) -> None:
        """Log a warning with the number of clips left out, if any."""
        if text := self.summary():
            logger.warning("%s", text)


def check_length(frames: int, fps: float = HUMANML3D.fps) -> None:
    """Refuse a clip by its length before its numbers are read.

    Raises:
        DataError: naming the length and the limit.
    """
    if frames * HUMANML3D.fps < MIN_FRAMES * fps - 1e-6:
        raise DataError(
            f"it has {frames} frames at {fps:g} fps; a clip needs at least "
            f"{MIN_FRAMES / HUMANML3D.fps:g} s ({MIN_FRAMES} frames at {HUMANML3D.fps:g} fps)."
        )
    if frames * HUMANML3D.fps > MAX_FRAMES * fps:
        raise DataError(
            f"it has {frames:,} frames at {fps:g} fps; cut it into recordings of at most "
            f"{MAX_FRAMES / HUMANML3D.fps / 60:g} minutes."
        )


def check_finite(joints: NDArray[np.floating]) -> None:
    """Raise DataError, naming the first frame (T, ...) with a number that is not finite."""
    bad = ~np.isfinite(joints).reshape(len(joints), -1).all(axis=1)
    if bad.any():
        raise DataError(f"frame {int(np.argmax(bad))} holds a number that is not finite.")


def npy_shape(path: Path) -> tuple[int, ...]:
    """Shape of a ``.npy`` from its header alone; raises DataError when it has none."""
    try:
        check_regular(path)
        return np.load(path, mmap_mode="r", allow_pickle=False).shape
    except Exception as error:  # a damaged header can raise anything
        raise DataError(f"it is not a readable .npy ({error}).") from None


def data_hash(examples: Sequence[Example]) -> str:
    """Names a data set: the same clips, captions and splits give the same 16 digits.

    The order of the clips does not count, and positions count to a tenth of a millimetre, so
    that the rounding of the half millimetres in a data folder does not.
    """
    total = hashlib.sha256()
    for example in sorted(examples, key=lambda e: (e.id, e.split)):
        texts = [example.id, example.split, example.label, *example.captions]
        total.update(json.dumps(texts).encode())
        tenths = np.rint(np.asarray(example.joints, dtype=np.float64) * 1e4)
        total.update(tenths.astype("<i4").tobytes())
    return total.hexdigest()[:16]
