"""Maps that the user edited: checked against the bones, written as presets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...translation import tr
from .bones import Bones
from .names import canonical, keys_of, mirrored_name
from .parts import CHAINS, BoneMap, Failure, MappedBone, MappingError, Part, Source, Switch
from .structure import SHAPE, SHAPE_LABEL
from .tables import families

#: Format of a preset file, and the newest version that can be read.
FORMAT: Final = "motiongpt-bone-map"
VERSION: Final = 1
#: Share of the skeleton's size within which a bone lies opposite to another.
OPPOSITE: Final = 0.03
#: Share of the left-right line along an axis from which on the axis is taken for it.
STRAIGHT: Final = 0.98
#: Limbs whose two beginnings must not be one point.
_SEGMENTS: Final = (
    ("thigh", "shin"), ("shin", "foot"), ("upper_arm", "forearm"), ("forearm", "hand"),
)  # fmt: skip


def map_of_rows(bones: Bones, entries: Iterable[MappedBone], family: str) -> BoneMap:
    """The map of rows that the user chose; rows without a bone are failures.

    Args:
        bones: the armature's bones now.
        entries: the rows, in any order; chains from the lowest bone up.
        family: the family of the detected map; it gives switches and extras.
    """
    rows = sorted(entries, key=lambda e: list(Part).index(e.part))
    data: dict[str, Any] = dict(dict(families()).get(family, {}))
    return BoneMap(
        family=family,
        label=str(data.get("label", SHAPE_LABEL if family == SHAPE else tr("Chosen by hand"))),
        bones=tuple(e for e in rows if e.control),
        extras=tuple(n for n in data.get("extras", []) if n in bones.index),
        switches=tuple(Switch(*r) for r in data.get("switches", []) if r[0] in bones.index),
        by_hierarchy=bool(data.get("by_hierarchy", True)),
        failures=tuple(
            Failure(e.part, e.note or tr("No bone is chosen.")) for e in rows if not e.control
        ),
    )


def check_map(bone_map: BoneMap, bones: Bones) -> None:
    """Raise MappingError when a map does not fit the bones any more."""
    for bone in bone_map.bones:
        for name in (bone.control, bone.body):
            if name not in bones.index:
                raise MappingError(
                    tr(
                        "the bone '{name}', chosen for {part}, is no longer there: choose "
                        "another in the panel under Retargeting > Bones, or press Find Bones.",
                        name=name,
                        part=tr(bone.part.words),
                    )
                )
    seen: dict[str, Part] = {}
    for bone in bone_map.bones:
        if bone.control in seen:
            raise MappingError(
                tr(
                    "'{bone}' is chosen twice, for {first} and for {part}: clear one of them "
                    "in the panel under Retargeting > Bones.",
                    bone=bone.control,
                    first=tr(seen[bone.control].words),
                    part=tr(bone.part.words),
                )
            )
        seen[bone.control] = bone.part
    for part in {bone.part for bone in bone_map.bones} - set(CHAINS):
        if len(both := bone_map.of(part)) > 1:
            raise MappingError(
                tr(
                    "'{bone}' and '{other}' are both chosen for {part}: clear one of them in "
                    "the panel under Retargeting > Bones.",
                    bone=both[0].control,
                    other=both[1].control,
                    part=tr(part.words),
                )
            )
    check_lengths(bone_map, bones)


def check_lengths(bone_map: BoneMap, bones: Bones) -> None:
    """Raise MappingError when a limb has no length, so that no direction can be read."""
    if bones.heads is None:
        return
    size = float(np.ptp(bones.heads, axis=0).max())
    for side in "lr":
        for upper, lower in _SEGMENTS:
            pair = [bone_map.of(Part(f"{p}_{side}")) for p in (upper, lower)]
            if not all(pair):
                continue
            first, second = (row[0].body for row in pair)
            apart = bones.heads[bones.index[first]] - bones.heads[bones.index[second]]
            if np.linalg.norm(apart) <= 1e-6 * max(size, 1e-12):
                raise MappingError(
                    tr(
                        "'{first}' and '{second}' begin at the same point, so the {part} has no "
                        "length: move one of them in Edit Mode, or choose another bone.",
                        first=first,
                        second=second,
                        part=tr(upper.replace("_", " ")),
                    )
                )


def mirrored_bone(bones: Bones, name: str, pairs: Iterable[tuple[str, str]]) -> str | None:
    """The bone of the other side: by name and position, else by position, else by name.

    Args:
        bones: the armature's bones.
        name: one of them.
        pairs: left and right bones of parts that are known, which give the mirror plane.
    """
    named = mirrored_name(name, bones.names)
    known = [(a, b) for a, b in pairs if a in bones.index and b in bones.index]
    if bones.heads is None or bones.tails is None or name not in bones.index or not known:
        return named
    ends = np.stack([bones.heads, bones.tails], axis=1)
    left, right = (bones.heads[[bones.index[n] for n in side]] for side in zip(*known, strict=True))
    across: NDArray[np.float64] = np.median(left - right, axis=0)
    across = across / max(float(np.linalg.norm(across)), 1e-12)
    if np.abs(across).max() > STRAIGHT:  # bodies stand straight in their armature, or nearly
        across = np.round(across)
    middle: NDArray[np.float64] = np.median(0.5 * (left + right), axis=0)
    position = ends[bones.index[name]] - middle
    mirrored = position - 2 * (position @ across)[:, None] * across + middle
    away = np.linalg.norm(ends - mirrored, axis=-1)
    near = away[:, 0] <= OPPOSITE * float(np.ptp(bones.heads, axis=0).max())
    if named is not None and near[bones.index[named]]:
        return named
    # Importers invent tails: these only separate bones that begin at one point.
    nearest = int(np.argmin(np.where(near, away.sum(axis=-1), np.inf)))
    return bones.names[nearest] if near[nearest] and bones.names[nearest] != name else named


def to_preset(bone_map: BoneMap) -> str:
    """A map as the text of a preset file."""
    bones = [
        {"part": b.part.value, "control": b.control, "body": b.body, "raw": b.raw}
        for b in bone_map.bones
    ]
    head = {"format": FORMAT, "version": VERSION, "family": bone_map.family}
    lines = ",\n".join(f"    {json.dumps(b, ensure_ascii=False)}" for b in bones)
    begin = json.dumps(head, ensure_ascii=False)[:-1]
    return f'{begin}, "bones": [\n{lines}\n]}}\n'


def from_preset(text: str, bones: Bones) -> tuple[str, tuple[MappedBone, ...]]:
    """Family and rows of a preset, with this armature's bone names.

    Names that are not there are looked for without namespace and case; what is not found
    becomes a row without a bone.

    Raises:
        MappingError: when the text is no preset.
    """
    data = _read(text)
    keys = keys_of(bones.names)
    rows = tuple(_row(item, bones, keys) for item in data["bones"])
    if not any(r.control for r in rows):
        raise MappingError(tr("none of its bones is in this armature: choose another preset."))
    return str(data.get("family", "user")), rows


def _read(text: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(text)
    except ValueError:
        raise MappingError(
            tr("it is not a bone map: choose a .json that was saved here.")
        ) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:  # pyright: ignore
        raise MappingError(tr("it is not a bone map: choose a .json that was saved here."))
    found: dict[str, Any] = {str(k): v for k, v in data.items()}  # pyright: ignore
    if found.get("version") != VERSION or not isinstance(found.get("bones"), list):
        raise MappingError(tr("it is of a version that is not known: update the add-on."))
    return found


def _row(item: Any, bones: Bones, keys: dict[str, str]) -> MappedBone:
    def here(name: str) -> str:
        return name if name in bones.index else keys.get(canonical(name), "")

    try:
        part, wanted = Part(item["part"]), str(item["control"])
        body, raw = str(item.get("body") or wanted), bool(item.get("raw", False))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MappingError(tr("a row of it cannot be read: save the preset again.")) from None
    control = here(wanted)
    if not control:
        note = tr("The preset names '{wanted}', which is not in this armature.", wanted=wanted)
        return MappedBone(part, "", "", False, 0.0, Source.USER, note)
    return MappedBone(part, control, here(body) or control, raw, 1.0, Source.USER)


def rows_of(bone_map: BoneMap) -> tuple[MappedBone, ...]:
    """All rows to show for a map: a part without a bone has one row with the reason."""
    reasons = {f.part: f.reason for f in bone_map.failures}
    rows: list[MappedBone] = []
    for part in Part:
        rows += bone_map.of(part) or (
            MappedBone(part, "", "", False, 0.0, note=reasons.get(part, tr("No bone is chosen."))),
        )
    return tuple(rows)


def chosen(part: Part, bone: str) -> MappedBone:
    """The row of a bone that the user chose."""
    return MappedBone(part, bone, bone, False, 1.0 if bone else 0.0, Source.USER)
