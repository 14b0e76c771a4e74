"""Bones that no motion drives: read when a pose is marked, and keyed as they were marked.

A bone is keyed only where a marked pose asks for something else than what stands there now,
so that a take holds nothing that it does not need. Bones that carry the whole rig are left
as they stand: the hips make up for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from mathutils import Euler, Quaternion

from ...core.body.transforms import Transform, interpolate_transforms, rest_transform
from ...core.pose_constraints.correction import RigPose
from ...core.rig.rig_description import RigDescription
from ..action.action_writer import Channel
from ..take.root_motion import ROOT_BONE_NAMES

#: What all channels of a bone at rest are, whatever its rotation mode.
_AT_REST = {
    "location": (0.0, 0.0, 0.0), "scale": (1.0, 1.0, 1.0),
    "rotation_quaternion": (1.0, 0.0, 0.0, 0.0), "rotation_euler": (0.0, 0.0, 0.0),
    "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0),
}  # fmt: skip
_PROPERTIES = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def rotation_property(mode: str) -> str:
    """The property that turns a bone in a rotation mode."""
    return _PROPERTIES.get(mode, "rotation_euler")


def own_transform(bone: Any) -> Transform:
    """A bone's own channels."""
    mode = str(bone.rotation_mode)
    return Transform(
        mode,
        tuple(float(v) for v in bone.location),
        tuple(float(v) for v in getattr(bone, rotation_property(mode))),
        tuple(float(v) for v in bone.scale),
    )


def transforms_of(obj: Any) -> dict[str, Transform]:
    """The own channels of every bone that is not at rest."""
    bones = obj.pose.bones
    moved = np.zeros(len(bones), dtype=bool)
    for prop, rest in _AT_REST.items():  # all bones at once: one by one is slow on large rigs
        values = np.empty(len(bones) * len(rest), dtype=np.float32)
        bones.foreach_get(prop, values)
        moved |= (values.reshape(-1, len(rest)) != rest).any(-1)
    names = [bone.name for bone in bones]
    found = {names[i]: own_transform(bones[int(i)]) for i in np.flatnonzero(moved)}
    return {name: own for name, own in found.items() if not own.at_rest}


def set_transform(bone: Any, transform: Transform) -> None:
    """Give a bone its own channels back."""
    bone.rotation_mode = transform.mode
    bone.location, bone.scale = transform.location, transform.scale
    setattr(bone, rotation_property(transform.mode), transform.rotation)


def undriven_bone_channels(
    obj: Any,
    rig: RigDescription,
    poses: Mapping[int, RigPose],
    count: int,
    animated: Collection[tuple[str, int]] | None = None,
) -> Iterator[Channel]:
    """Channels that bring back what marked poses hold beside the motion.

    Args:
        obj: the armature object.
        rig: its description.
        poses: index of a frame -> the pose there.
        count: frames of the take.
        animated: path and index of what other animation moves and goes on moving; None for
            a take that plays alone. Beside other animation, all begins and ends as it stands.
    """
    known = {f: p for f, p in poses.items() if p.transforms is not None}
    now = transforms_of(obj)
    names = dict.fromkeys(n for p in known.values() for n in p.transforms or ()) | dict.fromkeys(
        now
    )
    turned = {c.name for c in rig.controls} | set(rig.extras)
    carriers = hip_ancestors(obj, rig)
    for name in names:
        bone = obj.pose.bones.get(name)
        asked = {f: p.transforms or {} for f, p in known.items() if p.describes(name)}
        if bone is None or name in carriers or not asked:
            continue
        mode = str(bone.rotation_mode)
        stands = now.get(name, rest_transform(mode))
        keys = {
            f: in_mode(others.get(name, rest_transform(mode)), mode) for f, others in asked.items()
        }
        driven = (name == rig.root, name in turned, False)
        if animated is not None:
            keys = {0: stands, count - 1: stands, **keys}
        for channel in _bone_channels(bone, keys, stands, driven, count):
            if animated is None or (channel.path, channel.index) not in animated:
                yield channel


def _bone_channels(
    bone: Any,
    keys: Mapping[int, Transform],
    stands: Transform,
    driven: tuple[bool, bool, bool],
    count: int,
) -> Iterator[Channel]:
    """Channels of those of location, rotation and scale that change and are not driven."""
    asked = np.array([key.differs(stands) for key in keys.values()]).any(0)
    paths = ("location", rotation_property(stands.mode), "scale")
    for path, values, differs, skipped in zip(
        paths, interpolate_transforms(keys, count), asked, driven, strict=True
    ):
        if differs and not skipped:
            for index in range(values.shape[1]):
                yield Channel(bone.path_from_id(path), index, bone.name, values[:, index])


def in_mode(transform: Transform, mode: str) -> Transform:
    """The same in another rotation mode, which the bone got since."""
    if transform.mode == mode:
        return transform
    turn = quaternion_in(transform)
    if mode == "QUATERNION":
        rotation = tuple(turn)
    elif mode == "AXIS_ANGLE":
        axis, angle = turn.to_axis_angle()
        rotation = (angle, *axis)
    else:
        rotation = tuple(turn.to_euler(mode))
    return Transform(mode, transform.location, rotation, transform.scale)


def quaternion_in(transform: Transform) -> Quaternion:
    """A transform's rotation."""
    turned = transform.rotation
    if transform.mode == "QUATERNION":
        return Quaternion(turned).normalized()
    if transform.mode == "AXIS_ANGLE":
        return Quaternion(turned[1:], turned[0])
    return Euler(turned, transform.mode).to_quaternion()


def hip_ancestors(obj: Any, rig: RigDescription) -> set[str]:
    """Bones that carry the hips: what they hang on, by parent or by constraint."""
    bones = obj.pose.bones
    found = {name for name in ROOT_BONE_NAMES if name in bones and name != rig.root}
    left = [bones[rig.root]]
    while left:
        bone = left.pop()
        above = [bone.parent] if bone.parent is not None else []
        for constraint in bone.constraints if bone.name != rig.root else ():
            named = [getattr(constraint, "subtarget", "")]
            named += [t.subtarget for t in getattr(constraint, "targets", ())]
            above += [bones[n] for n in named if n in bones]
        for carrier in above:
            if carrier.name not in found and carrier.name != rig.root:
                left.append(carrier)
            found.add(carrier.name)
    return found - {rig.root}
