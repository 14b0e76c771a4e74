"""A generated clip becomes a take: keyframes on a rig.

Everything is worked out before anything is written; a failure leaves the scene as it was.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ...compat import session_id
from ...core.body.motion import MotionClip
from ...core.body.rotations import Array
from ...core.body.slices import pause, run_to_end
from ...core.feet.foot_contacts import NO_CONTACTS, FootContacts, find_foot_contacts
from ...core.feet.ground_path import body_ground, ground_path
from ...core.finish_motion import finish_motion_slices
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.pose_constraints.pose_ground import marked_grounds, on_level_floor
from ...core.pose_constraints.rig_pose import RigPose
from ...core.retargeting.solver import solve_slices
from ...core.rig.kinematics import raise_root
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions
from ...core.timeline.frame_range import Fit
from ...core.timeline.plausibility import drag_notes, jerk_notes, with_body_distances
from ...core.translation import tr
from ...core.ways.on_rig import back_on_way
from ..access import ArmatureHandle, block_of
from ..action.action_writer import Channel, write_slices
from ..action.sparse_keys import sparse_key_slices
from ..errors import RigError
from ..pose.capture import standing_pose
from ..pose.pose_parts import check_bones, constrained_poses
from ..pose.rest_pose import check_rest_pose
from ..rig.description import describe
from ..rig.rig_warnings import rig_warnings
from ..rig.root_bones import check_root
from ..rig.usability import check_not_tweaked
from ..scene_time import scene_fps, time_remapping_note
from .channels import channel_slices
from .ik_controls import check_ik
from .place_clip import place_clip
from .placing import place_slices
from .provenance import record_provenance
from .remove_take import remove_take
from .report import ApplyReport, TakeIds
from .stopwatch import Stopwatch
from .unshown import unshown_note_slices


@dataclass(frozen=True)
class _Take:
    """A take that is being written.

    Attributes:
        armature: the armature object, which may move in memory.
        rig: its description.
        name: name of the action and the track.
        start_frame: first frame in the scene.
        options: how the rig is to be driven.
        fit: how the take fits into the animation that is there.
    """

    armature: ArmatureHandle
    rig: RigDescription
    name: str
    start_frame: float
    options: RigOptions
    fit: Fit

    @property
    def obj(self) -> bpy.types.Object:
        """The armature object; raises RigError when it or its bones changed meanwhile."""
        return self.armature.obj


@dataclass(frozen=True)
class WrittenTake:
    """A take whose action is written, and that nothing plays yet.

    Attributes:
        take: what it was written for.
        standing: the pose in which it begins where none is marked.
        motion: the finished motion, all of it on the hips.
        report: what was written; it names no track.
    """

    take: _Take
    standing: MarkedPose
    motion: RigMotion
    report: ApplyReport


def apply_clip(
    obj: bpy.types.Object,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    name: str,
    options: RigOptions | None = None,
    fit: Fit | None = None,
) -> ApplyReport:
    """Write a clip to a rig as a new action on a new NLA track.

    Args:
        obj: the armature object.
        clip: the generated clip, at its own frame rate.
        marked: poses that the motion passes exactly at their frames.
        start_frame: scene frame of the clip's first frame.
        name: name of the action and the track.
        options: root, feet and IK as the animator chose them.
        fit: how the take fits into the animation that is there.

    Raises:
        RigError: when the armature cannot be used.
    """
    return run_to_end(apply_slices(obj, clip, marked, start_frame, name, options, fit))


def apply_slices(
    obj: bpy.types.Object,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    name: str,
    options: RigOptions | None = None,
    fit: Fit | None = None,
    count: int | None = None,
) -> Generator[None, None, ApplyReport]:
    """``apply_clip`` in slices, between which Blender may do anything; closing leaves no trace.

    ``count`` is the number of scene frames to write, where it was planned.
    Nothing shows in the scene before the last slice but one.
    """
    written = yield from write_take_slices(
        obj, clip, marked, start_frame, name, options, fit, count
    )
    return (yield from place_written_slices(written))


def place_written_slices(written: WrittenTake) -> Generator[None, None, ApplyReport]:
    """Put a written take on the rig, and note what the rig does not show of it.

    Closing takes it off again and removes it.
    """
    report, take, watch = written.report, written.take, Stopwatch()
    action_id, start = report.ids.action, report.frame_start
    try:
        with watch.stage("track"):
            track = yield from watch.paused(
                place_slices(take.armature, action_id, start, report.action_name, take.fit)
            )
            yield from watch.paused(pause())
            unshown = yield from watch.paused(
                unshown_note_slices(take.obj, take.rig, written.motion, start, take.options)
            )
    except BaseException:
        remove_take(report.action_name, report.ids)
        drop_action(action_id)
        raise
    return replace(
        report,
        track_name=track,
        seconds={**report.seconds, **watch.seconds},
        notes=(*report.notes, *unshown),
    )


def write_take_slices(
    obj: bpy.types.Object,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    name: str,
    options: RigOptions | None = None,
    fit: Fit | None = None,
    count: int | None = None,
    like: WrittenTake | None = None,
) -> Generator[None, None, WrittenTake]:
    """Write a clip as an action that nothing plays yet, in slices; closing removes it.

    See ``apply_slices``. The report names no track. ``like`` is a take that was written just now
    for the same request: the pose in which both begin is read once.
    """
    watch, options, fit = Stopwatch(), options or RigOptions(), fit or Fit()
    with watch.stage("describe"):
        take = _Take(ArmatureHandle(obj), describe(obj), name, start_frame, options, fit)
        notes = yield from watch.paused(_checked_slices(take, marked))
    yield
    with watch.stage("place"):
        standing, joints, contacts, ground = yield from watch.paused(
            _placed_slices(take, clip, marked, count, like)
        )
    yield
    with watch.stage("retarget"):
        motion = yield from watch.paused(solve_slices(take.rig, joints, scene_fps(), options))
        raised = raise_root(motion, body_ground(ground, contacts, scene_fps()))
        motion = replace(motion, locations=raised)
        if take.fit.on_way:
            motion = back_on_way(take.rig, motion, joints)
    yield
    with watch.stage("keys"):
        poses = constrained_poses(take.obj, take.rig, marked, start_frame)
        locked = contacts if options.lock_feet else NO_CONTACTS
        fitted = yield from watch.paused(
            finish_motion_slices(take.rig, motion, poses, locked, start_frame, fit, options, ground)
        )
        level = on_level_floor(take.rig, marked)
        reports = with_body_distances(fitted.pose_reports, joints, level, start_frame)
        notes += (*drag_notes(reports, start_frame), *jerk_notes(reports, start_frame))
    yield
    with watch.stage("write"):
        key_frames = [report.frame for report in reports]
        action = yield from watch.paused(
            _write_slices(take, fitted.motion, poses, fitted.foot_contacts, key_frames, like)
        )
        record_provenance(action, clip)
    report = ApplyReport(
        action_name=action.name,
        track_name="",
        frame_start=start_frame,
        frame_end=start_frame + len(fitted.motion) - 1,
        keys=tuple(replace(r, frame=r.frame + start_frame) for r in reports),
        seconds=watch.seconds,
        notes=notes,
        checks=clip.checks,
        seams=tuple(replace(s, frame=s.frame + start_frame) for s in fitted.blends),
        foot_lock=fitted.foot_lock if options.lock_feet else None,
        ids=TakeIds(take.armature.session_id, session_id(action)),
    )
    return WrittenTake(take, standing, fitted.motion, report)


def _checked_slices(
    take: _Take, marked: Sequence[MarkedPose]
) -> Generator[None, None, tuple[str, ...]]:
    """Notes about the rig and the scene; raises RigError for what the rig cannot follow."""
    yield
    check_bones(take.obj, marked)
    check_rest_pose(take.obj, marked)
    check_not_tweaked(take.obj)
    check_root(take.obj, take.rig, take.options)
    if take.options.ik_controls:
        check_ik(take.obj)
    yield
    return (*rig_warnings(take.obj, take.rig, take.options), *filter(None, [time_remapping_note()]))


def _placed_slices(
    take: _Take,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    count: int | None,
    like: WrittenTake | None,
) -> Generator[None, None, tuple[MarkedPose, Array, FootContacts, Array]]:
    """The pose in which a take begins, its joints in the scene, their contacts and ground."""
    standing = take.fit.standing or (like and like.standing)
    if standing is None:
        standing = standing_pose(take.obj, take.rig, take.start_frame)
        yield
    joints = place_clip(
        clip, marked, take.start_frame, standing.joints, count, placed=take.fit.on_way
    )
    contacts = find_foot_contacts(joints, scene_fps())
    yield
    return standing, joints, contacts, _ground(take, marked, standing, joints, contacts)


def _ground(
    take: _Take,
    marked: Sequence[MarkedPose],
    standing: MarkedPose,
    joints: Array,
    contacts: FootContacts,
) -> Array:
    """Heights (T,) of the ground along a take: as chosen, else as its poses or its start tell."""
    if take.options.floor:
        return np.full(len(joints), take.options.floor)
    last = take.start_frame + len(joints) - 1
    within = [m for m in marked if take.start_frame <= round(m.frame) <= last]
    grounds = marked_grounds(take.rig, within) or marked_grounds(take.rig, [standing])
    by_index = {round(frame - take.start_frame): height for frame, height in grounds.items()}
    return ground_path(by_index, joints, contacts)


def _check_numbers(channels: Sequence[Channel]) -> None:
    """Raise RigError unless every channel holds finite numbers: Blender would take any."""
    for channel in channels:
        if not np.isfinite(channel.values).all():
            raise RigError(
                tr(
                    "The take would move '{bone}' to a place that is not a number, so "
                    "nothing was written: look for such numbers in the animation beside it, "
                    "in constraints and in the rest pose.",
                    bone=channel.group,
                )
            )


def _write_slices(
    take: _Take,
    motion: RigMotion,
    poses: Mapping[int, RigPose],
    foot_contacts: FootContacts,
    key_frames: Sequence[int],
    like: WrittenTake | None,
) -> Generator[None, None, bpy.types.Action]:
    """Write the action, without playing it."""
    anchor_frame = take.fit.anchor_frame(take.start_frame)
    channels = yield from channel_slices(
        take.obj, take.rig, motion, poses, take.options, take.fit, anchor_frame
    )
    _check_numbers(channels)
    sparse = None
    if take.options.sparse:
        sparse = yield from sparse_key_slices(
            take.obj, take.rig, channels, foot_contacts, key_frames, take.options
        )
    written = yield from write_slices(
        take.obj,
        take.name,
        channels,
        take.start_frame,
        key_frames,
        sparse,
        like.report.ids.action if like is not None else 0,
    )
    return written.action


def drop_action(action_id: int) -> None:
    """Remove the action of a session id, if there is one."""
    if (action := block_of(bpy.data.actions, action_id)) is not None:
        bpy.data.actions.remove(action)
