"""Reads captioned motion in every layout.

Training and evaluation read their clips with this module: the project's own data folders
(``data_folder``), and HumanML3D and KIT-ML as published (``humanml3d``). ``prepare`` converts other
layouts to a data folder first.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Final

from . import data_folder, humanml3d
from .examples import SPLITS, Array, DataError, Example, Skipped
from .mirroring import mirror_joints, mirrored

__all__ = [
    "SPLITS", "Array", "DataError", "Example", "Layout", "layout_of", "mirror_joints",
    "mirrored", "read_examples", "read_sets",
]  # fmt: skip

WANTED: Final = (
    "a data folder holds clips.jsonl, captions.json and <dataset>.npz (joints_half_mm, offsets, "
    "ids); such data can be made from the free motion capture collections CMU (mocap.cs.cmu.edu) "
    "and ACCAD (accad.osu.edu)"
)
LAYOUTS: Final = (
    "a data folder (clips.jsonl, captions.json, <dataset>.npz), HumanML3D or KIT-ML "
    "(new_joint_vecs/, texts/, train.txt), or .bvh or clip .npz files with captions.json or "
    "captions.csv"
)


class Layout(Enum):
    """How a folder of motion is laid out."""

    DATA_FOLDER = "a data folder"
    PUBLISHED = "HumanML3D or KIT-ML"
    FILES = "a folder of .bvh or clip .npz files"


def layout_of(folder: Path) -> Layout:
    """What kind of data set a folder is.

    Raises:
        DataError: when it is none; the message lists the layouts.
    """
    if not folder.exists():
        raise DataError(f"there is no folder {folder}.")
    if not folder.is_dir():
        raise DataError(f"{folder} is a file: name the folder that holds the motion data.")
    if data_folder.is_data_folder(folder):
        return Layout.DATA_FOLDER
    if humanml3d.is_dataset(folder):
        return Layout.PUBLISHED
    if any(itertools.islice(motion_files(folder), 1)):
        return Layout.FILES
    raise DataError(f"{folder} is not a data set; expected was {LAYOUTS}.")


def motion_files(folder: Path) -> itertools.chain[Path]:
    """Every ``.bvh`` and ``.npz`` of a folder and the folders in it, in no order."""
    names = ("*.bvh", "*.BVH", "*.npz")
    return itertools.chain.from_iterable(folder.rglob(name) for name in names)


def read_examples(
    folder: Path | None, dataset: str, *, quoted_captions: bool = False, uncaptioned: bool = False
) -> list[Example]:
    """All clips of one data set of a data folder, or of HumanML3D or KIT-ML.

    Broken clips are logged and skipped.

    Args:
        folder: the data folder.
        dataset: name of the npz without its ending; ``humanml3d`` or ``kit`` for these two.
        quoted_captions: also take captions quoted from other data sets.
        uncaptioned: of a data folder, also take clips without a caption.

    Raises:
        DataError: when the folder cannot be used; the message says what is expected.
    """
    if folder is None:
        raise DataError(f"training needs --data DIR (or MOTIONGPT_DATA): {WANTED}.")
    skipped = Skipped()
    missing = next((n for n in _needed(dataset) if not (folder / n).is_file()), None)
    if missing is None:
        examples = data_folder.read(
            folder, dataset, skipped, quoted_captions=quoted_captions, uncaptioned=uncaptioned
        )
    elif humanml3d.is_dataset(folder):
        examples = humanml3d.read(folder, dataset, skipped)
    elif folder.is_dir() and missing == data_folder.CLIPS and any(motion_files(folder)):
        raise DataError(
            f"{folder} has no {missing}: turn its files into a data folder with "
            f"'python -m ext_models prepare-data {folder} --out DIR' first."
        )
    else:
        raise DataError(f"{folder} has no {missing}: {WANTED}.")
    skipped.log_summary()
    if not examples:
        raise DataError(f"{folder} has no usable clip in its data set '{dataset}'.")
    return examples


def read_sets(
    folder: Path | None,
    names: str | Sequence[str],
    *,
    quoted_captions: bool = False,
    uncaptioned: bool = False,
) -> list[Example]:
    """The clips of several data sets of one data folder; see ``read_examples``."""
    names = [names] if isinstance(names, str) else names
    options = {"quoted_captions": quoted_captions, "uncaptioned": uncaptioned}
    return [e for name in names for e in read_examples(folder, name, **options)]


def _needed(dataset: str) -> tuple[str, ...]:
    return data_folder.CLIPS, data_folder.CAPTIONS, f"{dataset}.npz"
