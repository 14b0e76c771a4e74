"""Matches an armature's bone names against rig families: one small data file for each.

A file in ``families/`` lists the names of the bone of each body part, without its side. Families
of control rigs give exact names of the left side, and the switches. ``checked`` is the source of
the names: a rig ``file``, a public ``source``, or ``memory``; ``unproved`` is a pattern of names
that are from memory while the others are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from ...translation import msgid, tr
from .bones import Bones
from .names import canonical, keys_of, mirrored_name
from .parts import BoneMap, Failure, MappedBone, Part, Switch, missing

#: Confidence of a family's names, by their source.
CONFIDENCE: Final = {"file": 0.95, "source": 0.85, "memory": 0.4}
#: Factor for the confidence of a bone in an unlikely place.
DOUBT: Final = 0.5
#: The part that each part of a limb must be a descendant of.
_CARRIER: Final = {
    "upper_arm": "collar", "forearm": "upper_arm", "hand": "forearm",
    "shin": "thigh", "foot": "shin", "toe": "foot",
}  # fmt: skip
#: Parts that are children of the root in some rigs, as IK targets.
_MAY_DETACH: Final = ("foot", "hand")
_LIMBS: Final = ("collar", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")


@dataclass(frozen=True)
class Scored:
    """A family's map of an armature, and its score; larger is better."""

    bone_map: BoneMap
    score: tuple[float, ...]


@cache
def families() -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Every data file: (family, its contents), sorted by name."""
    files = sorted((Path(__file__).parent / "families").glob("*.json"))
    return tuple((file.stem, json.loads(file.read_text(encoding="utf-8"))) for file in files)


def best_by_name(bones: Bones) -> BoneMap:
    """The family whose names fit best, complete or not."""
    keys = keys_of(bones.names)
    scored = [_FamilyMatch(family, data, bones, keys).run() for family, data in families()]
    return max(scored, key=lambda s: s.score).bone_map


@dataclass
class _FamilyMatch:
    """Matches one family against the names of one armature."""

    family: str
    data: Mapping[str, Any]
    bones: Bones
    keys: Mapping[str, str]
    found: dict[Part, list[MappedBone]] = field(default_factory=dict[Part, list[MappedBone]])
    failures: list[Failure] = field(default_factory=list[Failure])
    used: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.exact = bool(self.data.get("exact", False))
        self.by_hierarchy = bool(self.data.get("by_hierarchy", True))
        self.parts: Mapping[str, Any] = self.data["parts"]
        signature = self.data.get("signature")
        self.signed = 0
        if signature:
            seen = any(re.search(signature, n) for n in self.bones.names)
            self.signed = 1 if seen else -1
        unproved = self.data.get("unproved")
        doubted = unproved and any(re.search(unproved, n) for n in self.bones.names)
        checked = "memory" if doubted else self.data["checked"]
        self.sure = CONFIDENCE[checked] + (0.04 if self.signed > 0 else 0.0)

    def run(self) -> Scored:
        """Match the limbs first, then the trunk above them in the hierarchy."""
        for side in "lr":
            for base in _LIMBS:
                self._limb(base, Part(f"{base}_{side}"))
        self._pelvis()
        self._trunk()
        self._chain(Part.NECK)
        self._single(Part.HEAD)
        filled = BoneMap(
            family=self.family,
            label=str(self.data["label"]),
            bones=tuple(b for part in Part for b in self.found.get(part, [])),
            extras=tuple(n for n in self.data.get("extras", []) if n in self.bones.index),
            switches=tuple(
                Switch(*row) for row in self.data.get("switches", []) if row[0] in self.bones.index
            ),
            by_hierarchy=self.by_hierarchy,
            failures=tuple(sorted(self.failures, key=lambda f: list(Part).index(f.part))),
        )
        return Scored(filled, self._score(filled))

    def _score(self, filled: BoneMap) -> tuple[float, ...]:
        named = {b.part for b in filled.bones} | {f.part for f in self.failures if f.misplaced}
        count = len(named) + 0.1 * len(filled.bones)
        return -len(missing(filled)), not self.by_hierarchy, count, self.signed, self.sure

    def _spell(self, options: list[str], side: str) -> list[str]:
        """The bones of this armature with one of these names, not yet used."""
        found: list[str] = []
        for option in options:
            if self.exact:
                name = option if side != "r" else mirrored_name(option, self.bones.names)
                name = name if name in self.bones.index else None
            else:
                name = self.keys.get((f"{side}_" if side else "") + canonical(option))
            if name is not None and name not in self.used and name not in found:
                found.append(name)
        return found

    def _entry(self, part: Part, entry: Any) -> list[MappedBone]:
        """The candidates of an entry: a list of names, or {"control", "body", "raw"}."""
        item: dict[str, Any] = {"control": entry} if isinstance(entry, list) else entry
        body = self._spell(item.get("body", []), part.side)
        return [
            MappedBone(part, name, (body or [name])[0], bool(item.get("raw", False)), self.sure)
            for name in self._spell(item.get("control", []), part.side)
        ]

    def _keep(self, bone: MappedBone) -> None:
        self.found.setdefault(bone.part, []).append(bone)
        self.used |= {bone.control, bone.body}

    def _fail(self, part: Part, reason: str, *, misplaced: bool = False) -> None:
        self.failures.append(Failure(part, reason, misplaced))

    def _no_name(self, part: Part, entry: Any) -> None:
        item: dict[str, Any] = {"control": entry} if isinstance(entry, list) else entry
        names: list[str] = item.get("control", [])
        if not names:
            self._fail(part, tr("{rig} has no bone for it.", rig=self.data["label"]))
            return
        listed = tr(" or ").join(f"'{n}'" for n in names)
        template = {
            "l": msgid("No bone on the left side is named like {listed}."),
            "r": msgid("No bone on the right side is named like {listed}."),
            "": msgid("No bone is named like {listed}."),
        }[part.side]
        self._fail(part, tr(template, listed=listed))

    def _carrier(self, part: Part) -> str | None:
        base = _CARRIER.get(part.base)
        bones = self.found.get(Part(f"{base}_{part.side}")) if base else None
        return bones[0].control if bones else None

    def _limb(self, base: str, part: Part) -> None:
        entry: Any = self.parts.get(base, [])
        options = self._entry(part, entry)
        if not options:
            self._no_name(part, entry)
            return
        carrier = self._carrier(part) if self.by_hierarchy else None
        below = [b for b in options if not carrier or self.bones.is_below(b.control, carrier)]
        if below:
            self._keep(below[0])
            return
        note = tr(
            "'{bone}' is not a child of '{carrier}'.", bone=options[0].control, carrier=carrier
        )
        if base in _MAY_DETACH:
            doubted = replace(options[0], confidence=self.sure * DOUBT, note=note, detached=True)
            self._keep(doubted)
        else:
            self._fail(part, note, misplaced=True)

    def _carried(self) -> list[str]:
        """The bones that must be descendants of the pelvis: thighs and upper arms."""
        parts = (Part.THIGH_L, Part.THIGH_R, Part.UPPER_ARM_L, Part.UPPER_ARM_R)
        return [b.control for p in parts for b in self.found.get(p, [])]

    def _pelvis(self) -> None:
        options = self._entry(Part.PELVIS, self.parts["pelvis"])
        if not options:
            self._no_name(Part.PELVIS, self.parts["pelvis"])
            return
        carried = self._carried() if self.by_hierarchy else []
        good = [b for b in options if all(self.bones.is_below(c, b.control) for c in carried)]
        if good:
            self._keep(good[0])
        else:
            note = tr("'{bone}' is not a parent of the legs and the arms.", bone=options[0].control)
            self._keep(replace(options[0], confidence=self.sure * DOUBT, note=note))

    def _trunk(self) -> None:
        """Spine and chest: the last bone of the spine that carries both arms is the chest."""
        rows: list[Any] = self.parts.get("spine", [])
        line = [b for row in rows for b in self._entry(Part.SPINE, row)[:1]]
        if "chest" in self.parts:
            self._single(Part.CHEST)
        else:
            arms = [
                b.control
                for p in (Part.UPPER_ARM_L, Part.UPPER_ARM_R)
                for b in self.found.get(p, [])
            ]
            carries = [
                k
                for k, b in enumerate(line)
                if not self.by_hierarchy or all(self.bones.is_below(a, b.control) for a in arms)
            ]
            if carries:
                chest = line[carries[-1]]
                line = line[: carries[-1]]
                self._keep(replace(chest, part=Part.CHEST))
            elif line:
                names = ", ".join(f"'{b.control}'" for b in line)
                self._fail(
                    Part.CHEST,
                    tr("The arms are no children of {names}.", names=names),
                    misplaced=True,
                )
                return
            else:
                self._no_name(Part.CHEST, [n for row in rows for n in row])
        for bone in line:
            self._keep(bone)
        if rows and not line:
            self._fail(Part.SPINE, tr("The chest is the only bone of the spine that was found."))

    def _chain(self, part: Part) -> None:
        rows: list[Any] = self.parts.get(part.value, [])
        for row in rows:
            for bone in self._entry(part, row)[:1]:
                self._keep(bone)
        if part not in self.found:
            self._no_name(part, [n for row in rows for n in row])

    def _single(self, part: Part) -> None:
        entry: Any = self.parts.get(part.value, [])
        options = self._entry(part, entry)
        if options:
            self._keep(options[0])
        else:
            self._no_name(part, entry)
