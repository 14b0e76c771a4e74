"""Detects the bone map of an armature: by names, else by shape, else an error that says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ...translation import tr
from .bones import Bones
from .editing import check_lengths
from .parts import REQUIRED, BoneMap, MappedBone, MappingError, Part, missing
from .structure import SHAPE, by_structure
from .tables import best_by_name

#: Fewer bones than this cannot be a body.
FEWEST: Final = 8
#: Share of all parts from which on a family is named.
_NAMED: Final = 0.8
#: From this number of required parts found by name on, the shape only fills gaps.
_KNOWN: Final = 8


def find(bones: Bones | Iterable[str]) -> BoneMap:
    """The best map of these bones.

    Args:
        bones: the bones at rest, or their names alone; names alone leave the hierarchy
            unchecked and the shape unused.

    Raises:
        MappingError: when a required part has no bone.
    """
    best = propose(bones)
    if missing(best):
        count = len(bones.names) if isinstance(bones, Bones) else None
        raise MappingError(explain(best, count))
    if isinstance(bones, Bones):
        check_lengths(best, bones)
    return best


def propose(bones: Bones | Iterable[str]) -> BoneMap:
    """The best map, complete or not; the user can complete it in the panel."""
    if not isinstance(bones, Bones):
        bones = Bones.named(bones)
    by_name = best_by_name(bones)
    if bones.heads is None or not missing(by_name):
        return by_name
    by_shape = by_structure(bones)
    if len(REQUIRED) - len(missing(by_name)) >= _KNOWN:
        return _filled(by_name, by_shape, bones)
    return by_shape if len(missing(by_shape)) < len(missing(by_name)) else by_name


def _filled(by_name: BoneMap, by_shape: BoneMap, bones: Bones) -> BoneMap:
    """A map by name, its gaps filled from the shape where both agree about the adjacent bones."""
    used = {b.control for b in by_name.bones}
    gaps = {f.part for f in by_name.failures if f.required}
    new = [
        b for b in by_shape.bones
        if b.part in gaps and b.control not in used and _fits(b, by_name, bones)
    ]  # fmt: skip
    order = list(Part)
    filled = {b.part for b in new}
    return replace(
        by_name,
        bones=tuple(sorted((*by_name.bones, *new), key=lambda b: order.index(b.part))),
        failures=tuple(f for f in by_name.failures if f.part not in filled),
    )


_ABOVE: Final = {"shin": "thigh", "foot": "shin", "forearm": "upper_arm", "upper_arm": "collar"}
_BELOW: Final = {"thigh": "shin", "shin": "foot", "upper_arm": "forearm", "forearm": "hand"}


def _fits(bone: MappedBone, by_name: BoneMap, bones: Bones) -> bool:
    """Whether a bone lies between the bones that names give for the parts above and below it."""
    for table, is_above in ((_ABOVE, True), (_BELOW, False)):
        base = table.get(bone.part.base)
        other = by_name.of(Part(f"{base}_{bone.part.side}")) if base else ()
        if other:
            pair = (bone.control, other[0].control)
            if not bones.is_below(*(pair if is_above else pair[::-1])):
                return False
    return True


def explain(nearest: BoneMap, count: int | None = None) -> str:
    """Why a map cannot be used, and what to do; the caller begins the sentence."""
    if count is not None and count < FEWEST:
        bones = (
            tr("it has no bones")
            if not count
            else tr("it has only 1 bone")
            if count == 1
            else tr("it has only {count} bones", count=count)
        )
        return tr("{bones}: choose an armature with arms and legs.", bones=bones)
    parts = missing(nearest)
    if len(parts) > len(REQUIRED) // 2:
        return tr(
            "its bones are recognised neither by name nor by shape: choose them in "
            "the panel under Retargeting > Bones, or choose the armature of a body with two arms "
            "and two legs."
        )
    reasons = [f.reason for f in nearest.failures if f.required and f.misplaced]
    if len(reasons) == len(parts):
        why = " ".join(reasons)[:-1]
        return tr(
            "{why}: parent them in Edit Mode, or choose another armature.",
            why=f"{why[0].lower()}{why[1:]}",
        )
    listed = ", ".join(tr(p.words) for p in parts)
    return _kind(nearest) + tr(
        "no bone was found for {listed}: choose them in the panel under Retargeting > Bones, "
        "or choose another armature.",
        listed=listed,
    )


def _kind(nearest: BoneMap) -> str:
    """The beginning of a sentence that names the family, where most of its parts are there."""
    found = len({bone.part for bone in nearest.bones})
    if found < _NAMED * (found + len(nearest.failures)):
        return ""
    if nearest.family == SHAPE:
        return tr("it is a body, but ")
    return tr("its bones have the names of {rig}, but ", rig=nearest.label)
