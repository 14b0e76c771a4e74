"""What an animator should know about an armature before a motion is put on it.

Nothing here stops a take; each remark is one sentence. Reads the armature only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ...core.rig.rig_description import RigDescription
from .ik_constraints import ik_constraints_on, is_driven

#: Constraints that only hold back or follow; they leave a control's rotation its own.
HARMLESS: Final = frozenset(
    {"LIMIT_LOCATION", "LIMIT_SCALE", "LIMIT_DISTANCE", "MAINTAIN_VOLUME", "COPY_SCALE",
     "STRETCH_TO", "ARMATURE"}
)  # fmt: skip
#: So many names are told, the rest counted.
MAX_LISTED: Final = 4


def rig_warnings(obj: Any, rig: RigDescription) -> Iterator[str]:
    """Sentences about constraints, locks and hidden bones that touch the mapped controls."""
    if names := [c.name for c in obj.constraints if _acts(c)]:
        yield (
            f"'{obj.name}' is itself held by {_listed(names, 'constraint')}: its place in the "
            "scene is theirs, the motion is inside it."
        )
    controls = [obj.pose.bones[c.name] for c in rig.controls]
    if held := [b.name for b in controls if _is_held(b)]:
        yield (
            f"Constraints act on {_listed(held, 'bone')}: they change what the take shows there; "
            "mute them where it looks wrong."
        )
    acting = [
        (b, c) for b, c in ik_constraints_on(obj, [b.name for b in controls]) if c.influence > 0
    ]
    if driven := [b.name for b, c in acting if is_driven(obj, c)]:
        yield (
            f"Inverse kinematics on {_listed(driven, 'bone')} is held by drivers: the take turns "
            "these bones, so mute the IK constraint to see it."
        )
    if off := [b.name for b, c in acting if not is_driven(obj, c)]:
        yield (
            f"Inverse kinematics on {_listed(off, 'bone')} is switched off while the take plays, "
            "as the take turns these bones itself."
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


def _acts(constraint: Any) -> bool:
    return (
        not constraint.mute and constraint.influence > 0 and constraint.type not in HARMLESS
        and constraint.is_valid
    )  # fmt: skip


def _is_held(bone: Any) -> bool:
    return any(_acts(c) and c.type != "IK" for c in bone.constraints)


def _is_hidden(obj: Any, bone: Any) -> bool:
    if bone.bone.hide or getattr(bone, "hide", False):
        return True
    homes = bone.bone.collections
    return bool(len(homes)) and not any(c.is_visible_effectively for c in homes)
