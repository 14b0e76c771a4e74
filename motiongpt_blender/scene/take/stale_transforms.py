"""What superseded animation left on the bones of the body: put back to rest while a take plays.

Files of games key the location and scale of every bone. A take that replaces such animation would
otherwise keep the stretched leg of the frame at which it was written, and sink by as much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import bpy
import numpy as np

from ...core.body.transforms import rest_transform
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.rig_description import RigDescription
from ..access import pose_bones
from ..action.action_writer import Channel
from ..action.played_curves import stored_paths
from ..rig.bone_transforms import own_transforms, rotation_property
from ..rig.root_bones import hip_ancestors

#: Values that differ from rest by no more are not stale: files round.
TOLERANCE: Final = 1e-5


def stale_transform_channels(
    obj: bpy.types.Object,
    rig: RigDescription,
    poses: Collection[RigPose],
    keyed: Collection[str],
) -> Iterator[Channel]:
    """Channels that hold the body's bones at rest in what the superseded animation moves.

    What the animator changed without keys stays, and so do bones that a marked pose describes.

    Args:
        obj: the armature object, as the superseded animation left it.
        rig: its description.
        poses: the marked poses.
        keyed: data paths that the take keys already.
    """
    transforms = own_transforms(obj)
    described = [pose for pose in poses if pose.transforms is not None]
    moved = [
        name for name in _carrying(obj, rig)
        if name in transforms and not any(pose.describes(name) for pose in described)
    ]  # fmt: skip
    stored = stored_paths(obj) if moved else set[str]()
    for name in moved:
        bone, now = pose_bones(obj)[name], transforms[name]
        rest = rest_transform(now.mode)
        for prop, value, wanted in (
            ("location", now.location, rest.location),
            (rotation_property(now.mode), now.rotation, rest.rotation),
            ("scale", now.scale, rest.scale),
        ):
            path = bone.path_from_id(prop)
            if path in stored and path not in keyed and _differ(value, wanted):
                for index, number in enumerate(wanted):
                    yield Channel(path, index, name, np.array([number]))


def _carrying(obj: bpy.types.Object, rig: RigDescription) -> list[str]:
    """The controls, and the bones between them."""
    bones, above = pose_bones(obj), hip_ancestors(obj, rig)
    names = [c.name for c in rig.controls]
    between = [b.name for name in names for b in bones[name].parent_recursive]
    return [name for name in dict.fromkeys((*names, *between)) if name not in above]


def _differ(one: Sequence[float], other: Sequence[float]) -> bool:
    return bool(np.abs(np.subtract(one, other)).max() > TOLERANCE)
