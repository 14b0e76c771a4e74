"""IK constraints on the bones that a take turns: off while it plays, back when it is taken off.

Rigs as MikuMikuDance makes them hold their legs by IK constraints on the very bones that are
mapped; a take that turns these bones shows only without them. Rigs with switches of their own
never come here: their FK controls have no such constraint.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from ..action.action_writer import Channel

#: Custom property of a generated action: bone, constraint and influence before it, as JSON.
INFLUENCES_KEY: Final = "motiongpt_influences"


def ik_constraints_on(obj: Any, bones: Iterable[str]) -> Iterator[tuple[Any, Any]]:
    """Each bone with an IK constraint that moves one of these bones, and the constraint."""
    wanted = set(bones)
    for bone in obj.pose.bones:
        for constraint in bone.constraints:
            works = constraint.type == "IK" and not constraint.mute and constraint.is_valid
            if works and wanted & chain_of(bone, constraint):
                yield bone, constraint


def chain_of(bone: Any, constraint: Any) -> set[str]:
    """Names of the bones that an IK constraint moves."""
    out: set[str] = set()
    link, left = bone if constraint.use_tail else bone.parent, constraint.chain_count
    while link is not None:
        out.add(link.name)
        left -= 1
        link = link.parent if left else None
    return out


def is_driven(obj: Any, constraint: Any) -> bool:
    """Whether a driver holds the influence, so that no action can."""
    path = constraint.path_from_id("influence")
    data = obj.animation_data
    return data is not None and any(d.data_path == path for d in data.drivers)


def ik_influences(obj: Any, bones: Iterable[str]) -> list[tuple[str, str, float]]:
    """(bone, constraint, influence) of all that a take has to switch off.

    An earlier take that switched one off tells how it was before.
    """
    before = _before(obj)
    found: list[tuple[str, str, float]] = []
    for bone, constraint in ik_constraints_on(obj, bones):
        value = before.get((bone.name, constraint.name), float(constraint.influence))
        if value > 0 and not is_driven(obj, constraint):
            found.append((bone.name, constraint.name, value))
    return found


def ik_off_channels(obj: Any, found: Iterable[tuple[str, str, float]]) -> Iterator[Channel]:
    """Channels that hold the influences at nothing."""
    for bone, name, _ in found:
        path = obj.pose.bones[bone].constraints[name].path_from_id("influence")
        yield Channel(path, -1, bone, np.zeros(1))


def restore_influences(obj: Any, action: Any) -> None:
    """Give the constraints that an action switched off the influence they had before it."""
    for bone, name, value in json.loads(action.get(INFLUENCES_KEY, "[]")):
        owner = obj.pose.bones.get(bone)
        constraint = owner.constraints.get(name) if owner is not None else None
        if constraint is not None:
            constraint.influence = value


def _before(obj: Any) -> dict[tuple[str, str], float]:
    """What the takes of an armature tell of the influences before them."""
    tracks = obj.animation_data.nla_tracks if obj.animation_data is not None else ()
    out: dict[tuple[str, str], float] = {}
    for track in tracks:
        for strip in track.strips:
            told = strip.action.get(INFLUENCES_KEY, "[]") if strip.action is not None else "[]"
            for bone, name, value in json.loads(told):
                out.setdefault((bone, name), value)
    return out
