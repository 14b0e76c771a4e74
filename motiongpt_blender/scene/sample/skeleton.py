"""The bones of the sample character, named as in Rigify's metarig, 1.98 m tall.

Lengths are metres in the rest pose: x to the character's left, -y its front, z up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np

from ...core.body.rotations import Array

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Bone:
    """A bone at rest.

    Attributes:
        name: of the bone; a left one stands for both sides.
        parent: name of its parent; empty for the root.
        head, tail: where it begins and ends.
        upwards: whether its z axis points up, and not to the front.
    """

    name: str
    parent: str
    head: Point
    tail: Point
    upwards: bool = False


def _chain(parent: str, *bones: tuple[str, Point], end: Point) -> list[Bone]:
    """Bones that follow one another, the last of which ends at ``end``."""
    made: list[Bone] = []
    for k, (name, head) in enumerate(bones):
        tail = bones[k + 1][1] if k + 1 < len(bones) else end
        made.append(Bone(name, bones[k - 1][0] if k else parent, head, tail))
    return made


_TRUNK: Final = _chain(
    "",
    ("spine", (0, 0.055, 1.01)),
    ("spine.001", (0, 0.017, 1.157)),
    ("spine.002", (0, 0, 1.293)),
    ("spine.003", (0, 0.006, 1.466)),
    ("spine.004", (0, 0.011, 1.658)),
    ("spine.005", (0, -0.013, 1.72)),
    ("spine.006", (0, -0.025, 1.781)),
    end=(0, -0.025, 1.98),
)
_LEFT: Final = [
    Bone("shoulder.L", "spine.003", (0.018, -0.068, 1.605), (0.169, 0.021, 1.605)),
    *_chain(
        "shoulder.L",
        ("upper_arm.L", (0.195, 0.027, 1.585)),
        ("forearm.L", (0.442, 0.089, 1.449)),
        ("hand.L", (0.659, 0.049, 1.306)),
        end=(0.723, 0.041, 1.258),
    ),
    *_chain(
        "hand.L",
        ("thumb.01.L", (0.67, 0.021, 1.274)),
        ("thumb.02.L", (0.686, 0.002, 1.24)),
        ("thumb.03.L", (0.706, -0.006, 1.214)),
        end=(0.719, -0.01, 1.199),
    ),
    *_chain(
        "hand.L",
        ("f_middle.01.L", (0.752, 0.028, 1.249)),
        ("f_middle.02.L", (0.776, 0.023, 1.206)),
        ("f_middle.03.L", (0.785, 0.022, 1.175)),
        end=(0.789, 0.022, 1.153),
    ),
    *_chain(
        "spine",
        ("thigh.L", (0.098, 0.012, 1.072)),
        ("shin.L", (0.098, -0.029, 0.537)),
        end=(0.098, 0.016, 0.085),
    ),
    Bone("foot.L", "shin.L", (0.098, 0.016, 0.085), (0.098, -0.093, 0.017), upwards=True),
    Bone("toe.L", "foot.L", (0.098, -0.093, 0.017), (0.098, -0.161, 0.017), upwards=True),
]


def _mirrored(bone: Bone) -> Bone:
    """The right bone of a left one."""
    name, parent = (text.replace(".L", ".R") for text in (bone.name, bone.parent))
    head, tail = ((-x, y, z) for x, y, z in (bone.head, bone.tail))
    return Bone(name, parent, head, tail, bone.upwards)


#: Every bone, parents first.
BONES: Final = (*_TRUNK, *_LEFT, *map(_mirrored, _LEFT))


def build(armature: bpy.types.Armature) -> None:
    """Give an armature in edit mode the bones."""
    for bone in BONES:
        edit = armature.edit_bones.new(bone.name)
        edit.head, edit.tail = bone.head, bone.tail
        edit.align_roll((0, 0, 1) if bone.upwards else (0, -1, 0))
        if bone.parent:
            edit.parent = armature.edit_bones[bone.parent]
            edit.use_connect = edit.parent.tail == edit.head


def ends() -> dict[str, tuple[Array, Array]]:
    """Head and tail (3,) of each bone."""
    return {bone.name: (np.array(bone.head), np.array(bone.tail)) for bone in BONES}
