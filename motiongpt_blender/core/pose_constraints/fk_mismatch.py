"""What FK controls cannot reach of a pose that was marked with IK or constraints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..rig.bone_maps import Part
from ..translation import msgid, tr
from .body_parts import BodyPart, is_whole_body, parts_of

#: Degrees and millimetres below which a mismatch cannot be seen.
MAX_UNSEEN_DEGREES: Final = 0.01
MAX_UNSEEN_MILLIMETRES: Final = 0.1


@dataclass(frozen=True)
class FKMismatch:
    """A bone whose transform under FK differs from the marked one.

    Attributes:
        bone: its name.
        degrees: angle between both rotations.
        millimetres: distance between both positions, in the scene.
        part: the part of the body that it belongs to, or None.
    """

    bone: str
    degrees: float
    millimetres: float
    part: Part | None = None

    @property
    def unseen(self) -> bool:
        """Whether the mismatch is too small to be seen."""
        return self.degrees <= MAX_UNSEEN_DEGREES and self.millimetres <= MAX_UNSEEN_MILLIMETRES

    @property
    def place_in_words(self) -> str:
        """The part of the body in words."""
        if self.part is None:
            return tr("every bone")
        template = {"l": msgid("the left {part}"), "r": msgid("the right {part}")}.get(
            self.part.side, msgid("the {part}")
        )
        return tr(template, part=tr(self.part.base.replace("_", " ")))

    @property
    def size(self) -> float:
        """Degrees or millimetres over what can be seen, whichever is more; for sorting."""
        return max(self.degrees / MAX_UNSEEN_DEGREES, self.millimetres / MAX_UNSEEN_MILLIMETRES)


def find_worst_mismatch(
    mismatches: Iterable[FKMismatch], body_parts: frozenset[BodyPart]
) -> FKMismatch | None:
    """The first of some mismatches, sorted worst first, in a constrained part, or None."""
    parts, whole = parts_of(body_parts), is_whole_body(body_parts)
    return next((m for m in mismatches if whole or m.part in parts), None)


def mismatch_note(mismatch: FKMismatch | None) -> str:
    """A sentence about what FK controls cannot reach, or ""."""
    if mismatch is None or mismatch.unseen:
        return ""
    return tr(
        "FK controls cannot reach {place} of this pose exactly: '{bone}' remains "
        "{degrees:.2f}° and {millimetres:.1f} mm away, because IK stretches a "
        "limb or a constraint acts on the bone.",
        place=mismatch.place_in_words,
        bone=mismatch.bone,
        degrees=mismatch.degrees,
        millimetres=mismatch.millimetres,
    )
