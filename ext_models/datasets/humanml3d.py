"""Reads HumanML3D and KIT-ML as their authors publish them.

``new_joint_vecs/NAME.npy`` (T, 263 or 251), ``new_joints/NAME.npy`` (T, 22 or 21, 3),
``texts/NAME.txt`` with a line ``caption#tokens#start#end`` for each caption, ``Mean.npy``
and ``Std.npy``, and the official splits ``train.txt``, ``val.txt``, ``test.txt``.

The rules are those of published results. A clip is used when it has at least 40 frames (KIT-ML:
24) and fewer than 200. A caption whose start and end are not 0 belongs to that segment, which is
a clip of its own under the same rule; captions of one segment share one clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.motion.features import to_joints
from ext_models.motion.representations import HUMANML3D, KIT, REPRESENTATIONS, Representation
from motiongpt_blender.core.body.motion import place_at_origin
from motiongpt_blender.core.bounded_files import check_regular

from .examples import (
    SPLITS,
    Array,
    DataError,
    Example,
    Skipped,
    VectorFile,
    check_finite,
    npy_shape,
)

VECTORS: Final = "new_joint_vecs"
JOINTS: Final = "new_joints"
TEXTS: Final = "texts"
#: Names of the two data sets in recipes.
NAMES: Final = {"humanml3d": HUMANML3D, "kit": KIT}
#: Fewest frames of a clip, by representation; and the first length that is too long.
LEAST_FRAMES: Final = {HUMANML3D.name: 40, KIT.name: 24}
TOO_LONG: Final = 200
#: No recording is longer than this: a day.
LONGEST_SECONDS: Final = 86_400.0


@dataclass(frozen=True)
class Caption:
    """One line of a text file.

    Attributes:
        text: the sentence.
        tokens: its words with their parts of speech, "a/DET person/NOUN", as published.
        start, end: seconds of the segment; both 0 for the whole clip.
    """

    text: str
    tokens: str
    start: float
    end: float

    @property
    def whole(self) -> bool:
        """Whether it describes the whole clip."""
        return self.start == 0 and self.end == 0


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation (channels,) that the published models normalise by."""

    mean: Array
    std: Array


def is_dataset(folder: Path) -> bool:
    """Whether a folder is laid out like HumanML3D."""
    return (folder / TEXTS).is_dir() and any((folder / n).is_dir() for n in (VECTORS, JOINTS))


def representation_of(folder: Path) -> Representation:
    """HumanML3D or KIT-ML, by the width of the first readable array."""
    for place in (VECTORS, JOINTS):
        for path in sorted((folder / place).glob("*.npy")):
            try:
                shape = npy_shape(path)
            except DataError:
                continue
            for rep in REPRESENTATIONS.values():
                if shape[1:] in ((rep.width,), (rep.joints, 3)):
                    return rep
    raise DataError(
        f"{folder} has no array of HumanML3D (frames, 263) or KIT-ML (frames, 251) in "
        f"{VECTORS}/: unpack the data set there."
    )


def read_statistics(folder: Path, rep: Representation | None = None) -> Statistics:
    """``Mean.npy`` and ``Std.npy`` of a data set, or ``mean.npy`` and ``std.npy`` of a model.

    Args:
        folder: that holds them.
        rep: what they are statistics of; by default that of the data set's arrays.

    Raises:
        DataError: when one is missing, of another width, or not positive.
    """
    rep = rep or representation_of(folder)
    arrays: list[Array] = []
    for name in ("Mean.npy", "Std.npy"):
        path = folder / name
        if not path.is_file() and (folder / name.lower()).is_file():
            path = folder / name.lower()
        try:
            check_regular(path)
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # a damaged header can raise anything
            raise DataError(f"{path}: the statistics cannot be read ({error}).") from None
        numbers = array.shape == (rep.width,) and array.dtype.kind in "fiu"
        if not numbers or not np.isfinite(array).all():
            raise DataError(
                f"{path} must hold {rep.width} finite numbers; it has {array.dtype} {array.shape}."
            )
        arrays.append(array.astype(np.float32))
    if (arrays[1] <= 0).any():
        raise DataError(f"{folder / 'Std.npy'} holds a number that is not positive.")
    return Statistics(*arrays)


def read_splits(folder: Path) -> dict[str, str]:
    """Clip name to split, in the order of the official lists."""
    splits: dict[str, str] = {}
    for split in SPLITS:
        path = folder / f"{split}.txt"
        if path.is_file():
            for name in path.read_text("utf-8", "replace").split():
                splits.setdefault(name, split)
    if not splits:
        raise DataError(
            f"{folder} has none of the official lists train.txt, val.txt and test.txt: "
            "copy them there from the data set."
        )
    return splits


def read_captions(path: Path) -> list[Caption]:
    """All captions of a text file.

    Raises:
        DataError: when there are none, or a line is not ``caption#tokens#start#end``.
    """
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}).") from None
    captions: list[Caption] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            text, tokens, start, end = line.strip().rsplit("#", 3)
            seconds = _seconds(start), _seconds(end)
        except ValueError:
            raise DataError(
                f"{path.name}, line {number} is not caption#tokens#start#end."
            ) from None
        if text.strip():
            captions.append(Caption(" ".join(text.split()), tokens.strip(), *seconds))
    if not captions:
        raise DataError(f"{path.name} holds no caption.")
    return captions


def _seconds(text: str) -> float:
    """A time as published, where nan stands for 0; raises ValueError for anything else."""
    value = float(text)
    if value > LONGEST_SECONDS or value < 0:
        raise ValueError(text)
    return 0.0 if np.isnan(value) else value


def read(folder: Path, dataset: str, skipped: Skipped) -> list[Example]:
    """All of ``clips`` at once."""
    return list(clips(folder, dataset, skipped))


def clips(folder: Path, dataset: str, skipped: Skipped) -> Iterator[Example]:
    """The clips of HumanML3D or KIT-ML that the field's rules keep, one by one.

    Args:
        folder: the data set.
        dataset: ``humanml3d`` or ``kit``; a folder with the other one is refused.
        skipped: records each broken clip.

    Raises:
        DataError: when the folder as a whole cannot be used.
    """
    rep = representation_of(folder)
    wanted = NAMES.get(dataset)
    if wanted is not rep:
        own = next(name for name, r in NAMES.items() if r is rep)
        raise DataError(
            f"{folder} holds {rep.width}-channel clips, not the data set '{dataset}': "
            f'write data = "{own}" under [pack] of the recipe.'
        )
    if (folder / "Mean.npy").exists() or (folder / "Std.npy").exists():
        read_statistics(folder)  # wrong ones would spoil a training without an error
    for name, split in tqdm(read_splits(folder).items(), desc=dataset, unit="clip", leave=False):
        try:
            for example in _clips(folder, name, split, rep, skipped):
                skipped.used += 1
                yield example
        except DataError as error:
            skipped.add(name, error)
        except Exception as error:
            skipped.add_unexpected(name, error)


def _clips(
    folder: Path, name: str, split: str, rep: Representation, skipped: Skipped
) -> Iterator[Example]:
    """The whole clip and its captioned segments, without those of a wrong length."""
    frames, path = _open(folder, name, rep)
    if not _kept(len(frames), rep, skipped):
        return
    captions = read_captions(folder / TEXTS / f"{name}.txt")
    segments: dict[tuple[float, float], list[Caption]] = {}
    for caption in captions:
        key = (0.0, 0.0) if caption.whole else (caption.start, caption.end)
        segments.setdefault(key, []).append(caption)
    for (start, end), group in sorted(segments.items()):
        whole = start == end == 0
        part = slice(0, len(frames)) if whole else slice(int(start * rep.fps), int(end * rep.fps))
        rows = frames[part]
        if not whole and not _kept(len(rows), rep, skipped):
            continue
        check_finite(rows)
        first = part.start
        yield Example(
            id=name if whole else f"{name}~{start:g}-{end:g}",
            joints=_joints(np.array(rows, dtype=np.float32), rep),
            captions=tuple(c.text for c in group),
            split=split,
            label=name,
            representation=rep.name,
            tokens=tuple(c.tokens for c in group),
            vectors=VectorFile(path, first, first + len(rows)) if rows.ndim == 2 else None,
        )


def _kept(frames: int, rep: Representation, skipped: Skipped) -> bool:
    kept = LEAST_FRAMES[rep.name] <= frames < TOO_LONG
    skipped.outside += not kept
    return kept


def _open(folder: Path, name: str, rep: Representation) -> tuple[NDArray[np.floating], Path]:
    """Features (T, channels) of a clip, or its joints (T, J, 3), memory-mapped; and the file."""
    vectors = (folder / VECTORS).is_dir()
    path = folder / (VECTORS if vectors else JOINTS) / f"{name}.npy"
    if not path.is_file():
        raise DataError(f"there is no {path.parent.name}/{path.name}.")
    shape = npy_shape(path)
    wanted = (rep.width,) if vectors else (rep.joints, 3)
    if len(shape) != 1 + len(wanted) or shape[1:] != wanted:
        sizes = ", ".join(str(n) for n in wanted)
        raise DataError(f"{path.name} must be (frames, {sizes}); it is {shape}.")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.kind != "f":
        raise DataError(f"{path.name} must hold floating-point numbers; it holds {array.dtype}.")
    return array, path


def _joints(rows: Array, rep: Representation) -> Array:
    """Joints (T, J, 3) at the origin facing +z, of features or of joints."""
    if rows.ndim == 2:
        return to_joints(rows, rep)
    if rep is HUMANML3D:
        return place_at_origin(rows).astype(np.float32)
    return rows - rows[:1, :1] * np.array([1, 0, 1], dtype=np.float32)
