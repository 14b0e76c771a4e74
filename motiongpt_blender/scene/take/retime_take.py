"""A take changed as a whole where it is: its speed, what carries it, a blend with another one."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Final

import bpy

from ... import compat
from ...core.body.transforms import rest_transform
from ...core.feet.foot_contacts import NO_CONTACTS, FootContacts
from ...core.reshape.planting import contacts_of, ground_along
from ...core.reshape.retime import blend_slices, resampled, retime_slices
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.timeline.frame_range import Fit
from ..access import pose_bones, update_view_layer
from ..action.curve_edits import remove_curves, rewrite_curves, stretch_curve
from ..action.nla_tracks import lengthen, playing_strip
from ..action.sparse_keys import sparse_key_slices
from ..rig.bone_transforms import in_mode, rotation_property, set_transform
from ..rig.description import describe
from ..rig.root_bones import check_root, root_bone
from .channels import body_channel_slices
from .ik_controls import ik_channels, ik_control_names
from .read_take import ROOT_MOTION_PATH, ReadTake, read_take
from .record import ROOT_MOTION_KEY, TakeRecord, add_root_motion_property
from .reshape import has_few_keys, write_motion_slices
from .root_motion import split_root_motion
from .switches import constraint_influences, constraint_off_channels

#: The fewest frames of a take.
_FEWEST: Final = 4


def retime_take_slices(
    obj: bpy.types.Object, action: bpy.types.Action, speed: float, options: RigOptions
) -> Generator[None, None, int]:
    """Play a take faster or slower from its first frame on, its feet kept; its frames then.

    Args:
        obj: the armature object.
        action: the take's action.
        speed: over the present one.
        options: foot locking, keys.

    Raises:
        RigError: nothing was changed then.
    """
    rig = describe(obj)
    take = read_take(obj, rig, action)
    before = len(take.motion)
    count = max(round((before - 1) / speed) + 1, _FEWEST)
    if options.lock_feet:
        motion = yield from retime_slices(rig, take.motion, count)
    else:
        motion = resampled(take.motion, count)
    few, factor = has_few_keys(take), (count - 1) / (before - 1)
    for curve in compat.all_curves(action):
        stretch_curve(curve, take.start, factor)
    yield from write_motion_slices(
        obj,
        rig,
        read_take(obj, rig, action),  # what carries the body plays for as long by now
        motion,
        options,
        _contacts(rig, motion, options),
        poses={},
        few_keys=few,
    )
    if action.use_frame_range:
        action.frame_end += count - before
    data = obj.animation_data
    if data is not None and (found := playing_strip(data, action)) is not None:
        lengthen(found[1], count - before)
    return count


def blend_take_slices(
    obj: bpy.types.Object,
    action: bpy.types.Action,
    other: bpy.types.Action,
    share: float,
    options: RigOptions,
    *,
    ends_stay: bool,
) -> Generator[None, None, None]:
    """Blend a take with another one; its length, other bones and what carries it stay.

    Args:
        obj: the armature object.
        action: the take's action.
        other: the other take's.
        share: of the other, 0 to 1.
        options: keys.
        ends_stay: whether the take joins other animation or closes a loop.

    Raises:
        RigError: nothing was changed then.
    """
    rig = describe(obj)
    one, two = read_take(obj, rig, action), read_take(obj, rig, other)
    kept = (0, len(one.motion) - 1) if ends_stay else ()
    motion = yield from blend_slices(rig, one.motion, two.motion, share, kept)
    contacts = _contacts(rig, motion, options)
    yield from write_motion_slices(obj, rig, one, motion, options, contacts, poses={})


def move_root_slices(
    obj: bpy.types.Object,
    action: bpy.types.Action,
    root: RootTarget,
    options: RigOptions,
    *,
    in_place: bool,
    loop: bool,
) -> Generator[None, None, None]:
    """Put a take's way over the floor on the hips, a root bone or the object, or take it away.

    Args:
        obj: the armature object.
        action: the take's action.
        root: what is to move.
        options: keys.
        in_place: nothing moves; the way is kept as a custom property.
        loop: whether the take closes a loop.

    Raises:
        RigError: nothing was changed then.
    """
    update_view_layer()
    rig = describe(obj)
    options = replace(options, root=root, in_place=in_place)
    check_root(obj, rig, options)
    take = read_take(obj, rig, action)
    few, known = has_few_keys(take), {path for path, _ in take.curves}
    stored = TakeRecord.load_present(action)
    record = stored or TakeRecord()
    _stop_carrier(obj, rig, take, record)
    fit = Fit(loop=loop, object_matrix=take.carrier.origin)
    below, channels = split_root_motion(obj, rig, take.motion, options, fit, 0)
    shown, body = yield from body_channel_slices(
        obj, rig, below, take.motion, {}, options, loop=loop
    )
    goals = [pose_bones(obj)[name].path_from_id("location") for name in ik_control_names(obj)]
    if goals and known.issuperset(goals):
        body += ik_channels(obj, rig, shown)
    channels += [c for c in body if c.path in known]
    off = constraint_influences(obj, rig, options)
    channels += constraint_off_channels(obj, off)
    sparse = None
    if few:
        contacts = _contacts(rig, take.motion, options)
        sparse = yield from sparse_key_slices(obj, rig, channels, contacts, [], options)
    rewrite_curves(action, take.slot, channels, take.start, (), sparse)
    known_off = {(bone, name) for bone, name, _ in record.influences}
    more = tuple(row for row in off if row[:2] not in known_off)
    if stored is not None:  # it plays
        replace(record, influences=record.influences + more).save(action)
    if in_place:
        add_root_motion_property(obj)
    elif ROOT_MOTION_KEY in obj:
        del obj[ROOT_MOTION_KEY]
    obj.update_tag()
    update_view_layer()


def _stop_carrier(
    obj: bpy.types.Object, rig: RigDescription, take: ReadTake, record: TakeRecord
) -> None:
    """Remove the curves of what carries a take; it stands as it did before the take."""
    carrier = take.carrier
    if carrier.in_place:
        remove_curves(take.action, take.slot, {(ROOT_MOTION_PATH, k) for k in range(3)})
        return
    if carrier.root is RootTarget.HIPS:
        return
    owner = obj if carrier.root is RootTarget.OBJECT else root_bone(obj, rig)
    mode = str(owner.rotation_mode)
    paths = [rotation_property(mode), "location"]
    name = ""
    if isinstance(owner, bpy.types.PoseBone):
        paths, name = [owner.path_from_id(prop) for prop in paths], owner.name
    remove_curves(take.action, take.slot, {(path, k) for path in paths for k in range(4)})
    if TakeRecord.load(take.action) is None:
        return  # it does not play
    set_transform(owner, in_mode(record.transforms.get(name, rest_transform(mode)), mode))
    update_view_layer()


def _contacts(rig: RigDescription, motion: RigMotion, options: RigOptions) -> FootContacts:
    """When each foot stands, where that counts."""
    if not options.lock_feet:
        return NO_CONTACTS
    return contacts_of(rig, motion, ground_along(rig, motion))
