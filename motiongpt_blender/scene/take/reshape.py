"""A take changed where it is: read back from its curves, reshaped, written into them again."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import bpy
import numpy as np

from ...core.body.rotations import (
    Array,
    continuous,
    from_log,
    inverse,
    multiply,
    normalise,
    to_log,
)
from ...core.body.transforms import rest_transform
from ...core.feet.foot_contacts import NO_CONTACTS, FootContacts
from ...core.pose_constraints.fk_mismatch import FKMismatch
from ...core.pose_constraints.rig_pose import RigPose
from ...core.reshape.fit import Fade, fit_pose, without_own_key
from ...core.reshape.foot_paths import keep_foot_paths
from ...core.reshape.planting import contacts_of, ground_along, plant_change_slices
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions
from ...core.timeline.frame_range import frame_text
from ...core.translation import tr
from ..access import pose_bones, update_view_layer
from ..action.action_writer import Channel
from ..action.curve_edits import rewrite_curves
from ..action.played_curves import animated_properties
from ..action.sparse_keys import sparse_key_slices
from ..errors import RigError
from ..pose.mark_pose import fit_fk_pose
from ..rig.bone_transforms import in_mode, rotation_property
from ..rig.description import describe
from ..rig.detached_limbs import detached_limbs
from ..rig.root_bones import hip_ancestors
from .channels import body_channel_slices
from .ik_controls import ik_channels, ik_control_names
from .played_motion import values_of
from .read_take import ReadTake, below_carrier, pose_in_take, read_take
from .record import TakeRecord

#: Frames by which the frame in view may lie beside a frame of the take.
_ON_FRAME: Final = 0.01
#: Values below which a channel shows nothing.
_NOTHING: Final = 1e-5


@dataclass(frozen=True)
class Fitted:
    """What *Fit* did.

    Attributes:
        frame: index of the frame in the take.
        mismatches: what FK controls cannot reach of the pose, worst first.
    """

    frame: int
    mismatches: tuple[FKMismatch, ...]


def fit_take_slices(
    obj: bpy.types.Object,
    action: bpy.types.Action,
    time: float,
    options: RigOptions,
    *,
    ends_stay: bool,
) -> Generator[None, None, Fitted]:
    """Bend a take through the pose that the armature shows, feet planted again.

    Args:
        obj: the armature object; the take plays on it.
        action: the take's action.
        time: time of the action that is in view.
        options: reach, foot locking, keys.
        ends_stay: whether the take joins other animation or closes a loop.

    Raises:
        RigError: nothing was changed then.
    """
    update_view_layer()
    rig = describe(obj)
    take = read_take(obj, rig, action)
    index, last = _index_at(take, time), len(take.motion) - 1
    fixed = (0, last) if ends_stay else ()
    if index in fixed:
        raise RigError(
            tr(
                "At frame {frame} the take joins other animation or closes its loop: go to a frame "
                "between its ends.",
                frame=frame_text(take.start + index),
            )
        )
    pose, mismatches = fit_fk_pose(obj, rig)
    yield
    pose = pose_in_take(obj, rig, take, pose, index)
    before = without_own_key(take.motion, index)
    fade = Fade(index, options.reach, fixed)
    bent = fit_pose(before, pose, fade)
    contacts = NO_CONTACTS
    if options.lock_feet:
        contacts = contacts_of(rig, before, ground_along(rig, before))
        yield
        bent = keep_foot_paths(rig, before, bent, contacts, fade)
        bent = yield from plant_change_slices(rig, before, bent, [index, *fixed])
    others = list(_other_bones(obj, rig, take, pose, fade))
    yield from write_motion_slices(
        obj, rig, take, bent, options, contacts, poses={index: pose}, others=others
    )
    return Fitted(index, mismatches)


def write_motion_slices(
    obj: bpy.types.Object,
    rig: RigDescription,
    take: ReadTake,
    motion: RigMotion,
    options: RigOptions,
    contacts: FootContacts,
    poses: Mapping[int, RigPose],
    others: Collection[Channel] = (),
    *,
    few_keys: bool | None = None,
) -> Generator[None, None, None]:
    """Write a changed motion into the curves of its take, below the same carrier.

    Args:
        obj: the armature object.
        rig: its description.
        take: as it was read.
        motion: the changed motion, as long as the take's carrier, all of it on the hips.
        options: how many keys.
        contacts: when each foot stands.
        poses: index of a frame -> the animator's pose there.
        others: channels of other bones.
        few_keys: whether curves have few keys; None: as they have them now.
    """
    few_keys = has_few_keys(take) if few_keys is None else few_keys
    curves = take.curves
    options = replace(options, root=take.carrier.root, in_place=take.carrier.in_place)
    below = below_carrier(obj, rig, motion, take.carrier)
    shown, channels = yield from body_channel_slices(obj, rig, below, motion, poses, options)
    known = {path for path, _ in curves}
    goals = [pose_bones(obj)[name].path_from_id("location") for name in ik_control_names(obj)]
    if goals and known.issuperset(goals):
        channels += ik_channels(obj, rig, shown)
    channels = [c for c in channels if c.path in known or _moves(c)]
    written = {c.path for c in channels}
    channels += [c for c in others if c.path not in written]
    sparse = None
    if few_keys:
        sparse = yield from sparse_key_slices(obj, rig, channels, contacts, list(poses), options)
    record = TakeRecord.load_present(take.action)
    rewrite_curves(take.action, take.slot, channels, take.start, list(poses), sparse)
    if record is not None:  # it names the bone of each curve
        record.save(take.action)
    obj.update_tag()
    update_view_layer()


def _index_at(take: ReadTake, time: float) -> int:
    """Index of the take's frame at a time of its action; raises RigError where none is."""
    index, last = round(time - take.start), len(take.motion) - 1
    if not 0 <= index <= last:
        first, final = (frame_text(take.start + k) for k in (0, last))
        raise RigError(
            tr(
                "The take plays from {first} to {last}: go to one of these frames.",
                first=first,
                last=final,
            )
        )
    if abs(time - take.start - index) > _ON_FRAME:
        raise RigError(
            tr("The frame in view lies between two frames of the take: go to one of them.")
        )
    return index


def _moves(channel: Channel) -> bool:
    """Whether a channel that the take has not keyed yet has anything to show."""
    if channel.path.endswith("rotation_quaternion") and channel.index == 0:
        return bool(np.abs(channel.values - 1).max() > _NOTHING)
    return bool(np.abs(channel.values).max() > _NOTHING)


def has_few_keys(take: ReadTake) -> bool:
    """Whether the hips have fewer keys than frames."""
    curve = next((c for (p, _), c in take.curves.items() if p.endswith(".location")), None)
    return curve is not None and 1 < len(curve.keyframe_points) < len(take.motion)


def _other_bones(
    obj: bpy.types.Object, rig: RigDescription, take: ReadTake, pose: RigPose, fade: Fade
) -> Iterator[Channel]:
    """Channels of fingers, face and all else that the pose has otherwise than the take."""
    count = len(take.motion)
    record = TakeRecord.load(take.action) or TakeRecord()
    curves, times = take.curves, take.start + np.arange(count)
    elsewhere = {key for key in animated_properties(obj) if key not in curves}
    skipped, moved = (
        hip_ancestors(obj, rig),
        {limb.control.name for limb in detached_limbs(obj, rig)},
    )
    for bone in pose_bones(obj):
        if bone.name in skipped or bone.name == rig.root:
            continue
        mode = str(bone.rotation_mode)
        target = in_mode((pose.transforms or {}).get(bone.name, rest_transform(mode)), mode)
        before = in_mode(record.transforms.get(bone.name, rest_transform(mode)), mode)
        rotation = rotation_property(mode)
        for prop, wanted, rest in (
            ("location", target.location, before.location),
            (rotation, target.rotation, before.rotation),
            ("scale", target.scale, before.scale),
        ):
            path = bone.path_from_id(prop)
            if prop == rotation and bone.name in take.motion.rotations:
                continue
            if prop == "location" and bone.name in moved:
                continue
            if any((path, k) in elsewhere for k in range(len(wanted))):
                continue
            keyed = any((path, k) in curves for k in range(len(wanted)))
            values = np.tile(np.array(rest), (count, 1))
            if keyed:
                values = values_of(bone, prop, curves, times)
            if np.abs(values[fade.frame] - wanted).max() < _NOTHING:
                continue
            changed = _faded(values, np.array(wanted), fade, take.motion.fps, prop)
            for k in range(len(wanted)):
                yield Channel(path, k, bone.name, changed[:, k])


def _faded(values: Array, wanted: Array, fade: Fade, fps: float, prop: str) -> Array:
    """Values (T, N) that have the wanted ones (N,) at the fade's frame."""
    if prop != "rotation_quaternion":
        return values + fade.curve(wanted - values[fade.frame], len(values), fps)
    values = continuous(normalise(values))
    away = to_log(multiply(inverse(values[fade.frame]), normalise(wanted)))
    return continuous(multiply(values, from_log(fade.curve(away, len(values), fps))))
