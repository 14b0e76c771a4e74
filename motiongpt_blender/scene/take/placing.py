"""A written take is put on the rig: its action goes on the NLA track where it belongs.

What has to come back when the take is removed is recorded on the action.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Final

import bpy

from ... import compat
from ...core.body.slices import run_to_end
from ...core.timeline.frame_range import Fit
from ...core.translation import tr
from ..access import ArmatureHandle, block_of, pose_bones, update_view_layer
from ..action.action_writer import WrittenAction
from ..action.played_curves import audible_actions
from ..errors import WriteError
from ..rig.bone_transforms import own_transform, own_transforms
from .provenance import show_terms
from .record import ROOT_MOTION_KEY, BoneValue, TakeRecord, add_root_motion_property
from .remove_take import remove_take
from .report import TakeIds
from .switches import influences_before_takes
from .track import put_on_track

_BONE_PROPERTY: Final = re.compile(r'pose\.bones\["(.*)"\]\["(.*)"\]')
_INFLUENCE: Final = re.compile(r'pose\.bones\["(.*)"\]\.constraints\["(.*)"\]\.influence')


def place_take(
    obj: bpy.types.Object, action: bpy.types.Action, start: float, name: str, fit: Fit
) -> str:
    """Put a take on the rig.

    Args:
        obj: the armature object.
        action: the take's action.
        start: its first frame in the scene.
        name: name of the NLA track.
        fit: how the take fits into the animation that is there.

    Returns:
        The name of the track that it is on.
    """
    handle = ArmatureHandle(obj)
    return run_to_end(place_slices(handle, compat.session_id(action), start, name, fit))


def place_slices(
    armature: ArmatureHandle, action_id: int, start: float, name: str, fit: Fit
) -> Generator[None, None, str]:
    """``place_take`` in two slices, of an action's session id; closing takes it off again."""
    obj, action = armature.obj, block_of(bpy.data.actions, action_id)
    if action is None:
        raise WriteError(
            tr("The take '{name}' was undone while it was written: generate it again.", name=name)
        )
    slot = compat.only_slot(action)
    record = record_before(obj, action)
    if any(ROOT_MOTION_KEY in curve.data_path for curve in compat.all_curves(action)):
        add_root_motion_property(obj)
    added = put_on_track(obj, WrittenAction(action, slot), start, name, fit)
    replace(record, stashed_track=added.stashed, held_track=added.held, nla=added.before).save(
        action
    )
    show_terms(obj)
    try:
        yield  # Blender evaluates the whole rig anew
    except GeneratorExit:
        remove_take(action.name, TakeIds(armature.session_id, action_id))
        raise
    update_view_layer()
    return added.track


def restore_properties(obj: bpy.types.Object) -> None:
    """Give a library override back the custom properties of its takes: no file holds them."""
    show_terms(obj)
    curves = (curve for action in audible_actions(obj) for curve in compat.all_curves(action))
    if ROOT_MOTION_KEY not in obj and any(ROOT_MOTION_KEY in curve.data_path for curve in curves):
        add_root_motion_property(obj)


def record_before(obj: bpy.types.Object, action: bpy.types.Action) -> TakeRecord:
    """How an armature is before an action plays on it, as far as the action changes it."""
    return TakeRecord(
        switches=tuple(_property_values(obj, action)),
        influences=tuple(_influences(obj, action)),
        transforms={"": own_transform(obj), **own_transforms(obj)},
    )


def _property_values(obj: bpy.types.Object, action: bpy.types.Action) -> Iterator[BoneValue]:
    """The bones' custom properties that an action keys, and their values now."""
    for bone, name in _names_keyed(action, _BONE_PROPERTY):
        owner = pose_bones(obj).get(bone)
        if owner is not None and name in owner:
            yield bone, name, owner[name]


def _influences(obj: bpy.types.Object, action: bpy.types.Action) -> Iterator[BoneValue]:
    """The constraints whose influence an action keys, and that influence before all takes."""
    before = influences_before_takes(obj)
    for bone, name in _names_keyed(action, _INFLUENCE):
        owner = pose_bones(obj).get(bone)
        if owner is not None and name in owner.constraints:
            now = float(owner.constraints[name].influence)
            yield bone, name, before.get((bone, name), now)


def _names_keyed(action: bpy.types.Action, path: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Bone, and property or constraint, of the curves whose data path is of a kind."""
    for curve in compat.all_curves(action):
        if (found := path.fullmatch(curve.data_path)) is not None:
            bone, name = map(bpy.utils.unescape_identifier, found.groups())
            yield bone, name
