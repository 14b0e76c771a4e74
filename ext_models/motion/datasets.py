"""Captioned motion from disk.

A data folder holds ``clips.jsonl`` (one clip a line), ``captions.json`` (captions by
clip id) and one ``<pack>.npz`` a licence group with ``joints_half_mm`` (sum T, 22, 3)
int16 in half millimetres, ``offsets`` (N + 1) and ``ids`` (N).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.motion import check_joints
from motiongpt_blender.core.skeleton import MIRRORED

Array = NDArray[np.float32]

SPLITS: Final = ("train", "val", "test")
WANTED: Final = (
    "a data folder holds clips.jsonl, captions.json and <pack>.npz (joints_half_mm, offsets, ids); "
    "such data can be made from the free CMU (mocap.cs.cmu.edu) and ACCAD (accad.osu.edu) motion "
    "capture collections"
)


class DataError(ValueError):
    """A data folder that cannot be used; says what was expected."""


@dataclass(frozen=True)
class Example:
    """One captioned clip.

    Attributes:
        id: name of the clip.
        joints: (T, 22, 3) float32 metres, y up, 20 fps.
        captions: English sentences, each true of the clip.
        split: train, val or test.
        label: what the source calls it.
    """

    id: str
    joints: Array
    captions: tuple[str, ...]
    split: str
    label: str = ""


def read_examples(
    folder: Path | None, pack: str, *, quoted_captions: bool = False
) -> list[Example]:
    """All clips of one pack of a data folder.

    Args:
        folder: the data folder.
        pack: name of the npz without its ending.
        quoted_captions: also take captions quoted from other data sets.

    Raises:
        DataError: when the folder is no data folder; the message says what is wanted.
    """
    if folder is None:
        raise DataError(f"training needs --data DIR (or MOTIONGPT_DATA): {WANTED}.")
    missing = [
        n for n in ("clips.jsonl", "captions.json", f"{pack}.npz") if not (folder / n).is_file()
    ]
    if missing:
        raise DataError(f"{folder} has no {missing[0]}: {WANTED}.")
    captions: dict[str, list[str]] = json.loads((folder / "captions.json").read_text("utf-8"))
    lines = (folder / "clips.jsonl").read_text("utf-8").splitlines()
    clips = [json.loads(line) for line in lines]
    with np.load(folder / f"{pack}.npz", allow_pickle=False) as z:
        raw, ids, ends = z["joints_half_mm"], [str(i) for i in z["ids"]], z["offsets"]
    rows = {
        name: slice(int(a), int(b)) for name, a, b in zip(ids, ends[:-1], ends[1:], strict=True)
    }
    examples = []
    for clip in clips:
        if clip["pack"] != pack or clip["id"] not in rows:
            continue
        joints = raw[rows[clip["id"]]].astype(np.float32) / 2000
        check_joints(joints)
        examples.append(_example(clip, joints, captions[clip["id"]], quoted_captions))
    return examples


def _example(
    clip: dict[str, Any], joints: Array, captions: list[str], quoted_captions: bool
) -> Example:
    if clip.get("kit_caption") and not quoted_captions:
        captions = captions[:-1]  # the quoted one is the last
    return Example(clip["id"], joints, tuple(captions), clip["split"], clip.get("label", ""))


def mirrored(example: Example) -> Example:
    """The same clip seen in a mirror: sides swapped in joints and captions."""
    return replace(
        example,
        id=f"{example.id}~mirrored",
        joints=mirror_joints(example.joints),
        captions=tuple(mirror_caption(c) for c in example.captions),
    )


def mirror_joints(joints: Array) -> Array:
    """Joints (..., 22, 3) reflected in the plane x = 0, with left and right joints swapped."""
    return joints[..., list(MIRRORED), :] * np.array([-1, 1, 1], dtype=np.float32)


_SIDES: Final = {"left": "right", "right": "left", "clockwise": "counterclockwise",
                 "counterclockwise": "clockwise", "anticlockwise": "clockwise",
                 "lefthanded": "righthanded", "righthanded": "lefthanded"}  # fmt: skip
_SIDE_WORDS: Final = re.compile(rf"\b({'|'.join(_SIDES)})(s|wards?)?\b", re.IGNORECASE)


def mirror_caption(caption: str) -> str:
    """The caption of the mirrored motion: left becomes right and so on."""

    def swap(match: re.Match[str]) -> str:
        return _SIDES[match.group(1).lower()] + (match.group(2) or "")

    return _SIDE_WORDS.sub(swap, caption)
