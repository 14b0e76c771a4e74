"""Bones that no motion drives, keyed as marked poses hold them.

A bone is keyed only where a marked pose differs from how the bone is now, so that a take keys
nothing that it does not need. Bones that carry the hips are not keyed: the hips' own channels
compensate for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import bpy
import numpy as np

from ...core.body.transforms import Transform, interpolate_transforms, rest_transform
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.rig_description import RigDescription
from ..access import pose_bones
from ..action.action_writer import Channel
from ..rig.bone_transforms import in_mode, own_transforms, rotation_property
from ..rig.root_bones import hip_ancestors


def undriven_bone_channels(
    obj: bpy.types.Object,
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
            a take that plays alone. Beside other animation, all begins and ends as it is now.
    """
    known = {f: p for f, p in poses.items() if p.transforms is not None}
    now = own_transforms(obj)
    names = dict.fromkeys(n for p in known.values() for n in p.transforms or ()) | dict.fromkeys(
        now
    )
    rotated = {c.name for c in rig.controls} | set(rig.extras)
    ancestors = hip_ancestors(obj, rig)
    for name in names:
        bone = pose_bones(obj).get(name)
        asked = {f: p.transforms or {} for f, p in known.items() if p.describes(name)}
        if bone is None or name in ancestors or not asked:
            continue
        mode = str(bone.rotation_mode)
        current = now.get(name, rest_transform(mode))
        keys = {
            f: in_mode(others.get(name, rest_transform(mode)), mode) for f, others in asked.items()
        }
        driven = (name == rig.root, name in rotated, False)
        if animated is not None:
            keys = {0: current, count - 1: current, **keys}
        for channel in _bone_channels(bone, keys, current, driven, count):
            if animated is None or (channel.path, channel.index) not in animated:
                yield channel


def _bone_channels(
    bone: bpy.types.PoseBone,
    keys: Mapping[int, Transform],
    current: Transform,
    driven: tuple[bool, bool, bool],
    count: int,
) -> Iterator[Channel]:
    """Channels of those of location, rotation and scale that change and are not driven."""
    changed = np.array([key.differs(current) for key in keys.values()]).any(0)
    paths = ("location", rotation_property(current.mode), "scale")
    for path, values, changes, skipped in zip(
        paths, interpolate_transforms(keys, count), changed, driven, strict=True
    ):
        if changes and not skipped:
            for index in range(values.shape[1]):
                yield Channel(bone.path_from_id(path), index, bone.name, values[:, index])
