"""The use-case at the end of the way: a generated clip becomes keyframes on a rig.

Everything is worked out before anything is written; a failure leaves the scene as it was.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import bpy

from ...compat import session_id
from ...core.body.motion import MotionClip
from ...core.body.slices import run_to_end
from ...core.feet.foot_contacts import NO_CONTACTS, find_foot_contacts
from ...core.feet.foot_locking import move_to_floor
from ...core.finish_motion import finish_motion_slices
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.retargeting.solver import solve_slices
from ...core.rig.rig_options import RigOptions
from ...core.timeline.frame_range import Fit
from ...core.timeline.plausibility import drag_notes, jerk_notes, with_body_distances
from ..action.action_writer import SWITCHES_KEY, Channel, WrittenAction, write_slices
from ..action.sparse_keys import sparse_key_slices
from ..pose.pose_parts import constrained_poses
from ..rig.description import armature_named, describe
from ..rig.ik_constraints import INFLUENCES_KEY, ik_influences
from ..rig.rig_warnings import rig_warnings
from ..scene_time import remapping_note, scene_fps
from .channels import channel_slices, switch_values, switches_of
from .ik_controls import check_ik
from .place_clip import place_clip
from .remove_take import take_back
from .report import ApplyReport, TakeIds
from .root_motion import ROOT_MOTION_KEY, check_root
from .stopwatch import Stopwatch
from .track import put_on_track


def apply_clip(
    obj: Any,
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
        clip: what the model gave, at its own rate.
        marked: poses that the motion passes exactly at their frames.
        start_frame: scene frame of the clip's first frame.
        name: name of the action and the track.
        options: root, pins and IK as the animator chose them.
        fit: how the take fits into what is there.

    Raises:
        RigError: when the armature cannot be used.
    """
    return run_to_end(apply_slices(obj, clip, marked, start_frame, name, options, fit))


def apply_slices(
    obj: Any,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    name: str,
    options: RigOptions | None = None,
    fit: Fit | None = None,
    count: int | None = None,
) -> Generator[None, None, ApplyReport]:
    """``apply_clip`` in slices that leave Blender its turn; closing it leaves no trace.

    ``count`` is the number of scene frames to write, where it was planned.
    Nothing shows in the scene before the last slice but one.
    """
    watch, options, fit = Stopwatch(), options or RigOptions(), fit or Fit()
    who = obj.name
    with watch.stage("describe"):
        rig = describe(obj)
        check_root(obj, rig, options)
        if options.ik_controls:
            check_ik(obj)
        notes = (*rig_warnings(obj, rig), *filter(None, [remapping_note()]))
    yield
    with watch.stage("place"):
        joints = place_clip(
            armature_named(who), rig, clip, marked, start_frame, fit.standing, count
        )
    yield
    with watch.stage("retarget"):
        motion = yield from watch.paused(solve_slices(rig, joints, scene_fps(), options))
        motion = move_to_floor(motion, options.floor)
    yield
    with watch.stage("keys"):
        by_index = constrained_poses(armature_named(who), rig, marked, start_frame)
        foot_contacts = (
            find_foot_contacts(joints, scene_fps()) if options.lock_feet else NO_CONTACTS
        )
        fitted = yield from watch.paused(
            finish_motion_slices(rig, motion, by_index, foot_contacts, start_frame, fit, options)
        )
        motion, reports = fitted.motion, fitted.pose_reports
        reports = with_body_distances(reports, joints, marked, start_frame)
        notes += (*drag_notes(reports, start_frame), *jerk_notes(reports, start_frame))
    yield
    obj = armature_named(who)
    with watch.stage("write"):
        at = [report.frame for report in reports]
        channels = yield from watch.paused(
            channel_slices(obj, rig, motion, by_index, options, fit, fit.staying(start_frame))
        )
        mapped = [c.name for c in rig.controls]
        obj = armature_named(who)
        earlier = switch_values(obj, switches_of(obj, rig, options))
        sparse = None
        if options.sparse:
            sparse = yield from watch.paused(
                sparse_key_slices(
                    armature_named(who), rig, channels, fitted.foot_contacts, at, options
                )
            )
        written = yield from watch.paused(
            write_slices(armature_named(who), name, channels, start_frame, at, sparse)
        )
        written.action[SWITCHES_KEY] = json.dumps(earlier)
        written.action[INFLUENCES_KEY] = json.dumps(ik_influences(armature_named(who), mapped))
        if options.in_place:
            armature_named(who)[ROOT_MOTION_KEY] = [0.0, 0.0, 0.0]
    label = str(written.action.name)
    with watch.stage("track"):
        track = yield from watch.paused(_shown(who, written, channels, start_frame, name, fit))
    return ApplyReport(
        action_name=label,
        track_name=track,
        frame_start=start_frame,
        frame_end=start_frame + len(motion) - 1,
        keys=tuple(replace(r, frame=r.frame + start_frame) for r in reports),
        seconds=watch.seconds,
        notes=notes,
        seams=tuple(replace(s, frame=s.frame + start_frame) for s in fitted.blends),
        foot_lock=fitted.foot_lock if options.lock_feet else None,
        ids=TakeIds(session_id(armature_named(who)), session_id(bpy.data.actions[label])),
    )


def _shown(
    who: str,
    written: WrittenAction,
    channels: Sequence[Channel],
    start_frame: float,
    name: str,
    fit: Fit,
) -> Generator[None, None, str]:
    """Put the action on its track, in two slices; returns the track's name."""
    label = str(written.action.name)
    try:
        track = put_on_track(armature_named(who), written, channels, start_frame, name, fit)
    except Exception:
        bpy.data.actions.remove(written.action)
        raise
    try:
        yield  # Blender's turn to evaluate the whole rig anew
    except GeneratorExit:
        take_back(label)
        raise
    bpy.context.view_layer.update()
    return track
