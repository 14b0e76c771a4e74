"""What an animator should know about an armature before a motion is put on it.

No warning stops a take; each is one sentence. Reads the armature only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy

from ...core.rig.rig_description import RigDescription
from ..access import pose_bones
from .ik_constraints import ik_constraints_on, is_driven

#: Constraints that do not change a control's rotation.
HARMLESS: Final = frozenset(
    {"LIMIT_LOCATION", "LIMIT_SCALE", "LIMIT_DISTANCE", "MAINTAIN_VOLUME", "COPY_SCALE",
     "STRETCH_TO", "ARMATURE"}
)  # fmt: skip
#: This many names are listed, the others are counted.
MAX_LISTED: Final = 4


def rig_warnings(obj: bpy.types.Object, rig: RigDescription) -> Iterator[str]:
    """Sentences about constraints, locks and hidden bones that touch the mapped controls."""
    if names := [c.name for c in obj.constraints if _acts(c)]:
        yield (
            f"'{obj.name}' is itself moved by {_listed(names, 'constraint')}: "
            "they decide its place in the scene, and the take moves within it."
        )
    controls = [pose_bones(obj)[c.name] for c in rig.controls]
    if constrained := [b.name for b in controls if _is_constrained(b)]:
        yield (
            f"Constraints on {_listed(constrained, 'bone')} change what the take shows: "
            "mute them where it looks wrong."
        )
    acting = [
        (b, c) for b, c in ik_constraints_on(obj, [b.name for b in controls]) if c.influence > 0
    ]
    if driven := [b.name for b, c in acting if is_driven(obj, c)]:
        yield (
            f"The IK on {_listed(driven, 'bone')} is held by drivers, but the take keys these "
            "bones: mute the IK constraint to see it."
        )
    if off := [b.name for b, c in acting if not is_driven(obj, c)]:
        yield (
            f"The IK on {_listed(off, 'bone')} is switched off while the take plays, because "
            "the take keys these bones."
        )
    if hidden := [b.name for b in controls if _is_hidden(obj, b)]:
        yield (
            f"The take keys {_listed(hidden, 'bone')} that {'is' if len(hidden) == 1 else 'are'} "
            "hidden now: show the bone collection to edit the keys."
        )


def _listed(names: list[str], kind: str) -> str:
    """``the bones 'a', 'b' and 3 more``."""
    quoted = ", ".join(f"'{n}'" for n in names[:MAX_LISTED])
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return f"the {kind}{'s'[: len(names) > 1]} {quoted}{more}"


def _acts(constraint: bpy.types.Constraint) -> bool:
    return (
        not constraint.mute and constraint.influence > 0 and constraint.type not in HARMLESS
        and constraint.is_valid
    )  # fmt: skip


def _is_constrained(bone: bpy.types.PoseBone) -> bool:
    return any(_acts(c) and c.type != "IK" for c in bone.constraints)


def _is_hidden(obj: bpy.types.Object, bone: bpy.types.PoseBone) -> bool:
    if bone.bone.hide or getattr(bone, "hide", False):
        return True
    collections = bone.bone.collections
    return len(collections) > 0 and not any(c.is_visible_effectively for c in collections)
