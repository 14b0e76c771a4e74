"""The use-case at the end of the way: a generated clip becomes keyframes on a rig.

Everything is worked out before anything is written; a failure leaves the scene as it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import bpy
import numpy as np

from ..core.agreement import drag_notes, with_bodies
from ..core.binding import binds_place
from ..core.bone_maps import Switch
from ..core.footfalls import NO_FOOTFALLS, find_footfalls
from ..core.keys import KeyReport, RigPose, completed, meet_keys
from ..core.loops import closing_poses, closing_seams
from ..core.motion import MotionClip, heading, place_at_origin
from ..core.planting import PlantReport, on_floor, plant_feet
from ..core.poses import MarkedPose, PoseRole
from ..core.resampling import resample_motion
from ..core.retarget import RigDescription, RigMotion, solve, solve_steps
from ..core.rig_options import RigOptions, RootTarget
from ..core.rotations import Array, about_y, continuous, multiply, rotate
from ..core.seams import SeamReport, fit_seams
from ..core.windows import Fit
from . import nla
from .action_writer import (
    SLICE,
    SWITCHES_KEY,
    Channel,
    WrittenAction,
    location_channels,
    property_channel,
    rotation_channels,
    run,
    write_action,
    write_steps,
)
from .bound import bound_poses
from .capture import capture_joints
from .clock import remapping_note, scene_fps
from .detached import detached_channels
from .held import held_channels
from .ik_constraints import INFLUENCES_KEY, influences, off_channels
from .ik_controls import check_ik, ik_channels, ik_switches
from .neighbours import animated_properties
from .remarks import remarks
from .rig import RigError, describe, quaternion_of
from .roots import WAY_KEY, check_root, split
from .sparse_keys import sparse_steps


@dataclass(frozen=True)
class ApplyReport:
    """What ``apply_clip`` wrote.

    Attributes:
        action_name: the new action.
        track_name: the NLA track it is on.
        frame_start: its first frame in the scene.
        frame_end: its last frame in the scene.
        keys: for each marked pose within the range, by scene frame, how far the motion
            was from it before it was made to meet it.
        seconds: time spent in each stage.
        notes: what the animator should know about the rig, one sentence each.
        seams: for each seam, by scene frame, the jump in speed before it was fitted.
        planted: what it took to plant the feet; None where they were not to be planted.
    """

    action_name: str
    track_name: str
    frame_start: float
    frame_end: float
    keys: tuple[KeyReport, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    seams: tuple[SeamReport, ...] = ()
    planted: PlantReport | None = None


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
    report: ApplyReport = run(steps_of_take(obj, clip, marked, start_frame, name, options, fit))
    return report


def steps_of_take(
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
    Nothing shows in the scene before the last slice.
    """
    watch, options, fit = _Watch(), options or RigOptions(), fit or Fit()
    who = obj.name
    with watch.stage("describe"):
        rig = describe(obj)
        check_root(obj, rig, options)
        if options.ik_controls:
            check_ik(obj)
        notes = (*remarks(obj, rig), *filter(None, [remapping_note()]))
    yield
    with watch.stage("place"):
        joints = placed(_again(who), rig, clip, marked, start_frame, fit.standing, count)
    yield
    with watch.stage("retarget"):
        motion = yield from watch.paused(solve_steps(rig, joints, scene_fps(), options))
        motion = on_floor(motion, options.floor)
    yield
    with watch.stage("keys"):
        by_index = bound_poses(_again(who), rig, marked, start_frame)
        footfalls = find_footfalls(joints, scene_fps()) if options.plant_feet else NO_FOOTFALLS
        plant = partial(plant_feet, rig, footfalls=footfalls, floor=options.floor)
        motion, reports, seams, planted = _fitted(
            motion, by_index, plant, start_frame, fit, options.reach
        )
        reports = with_bodies(reports, joints, marked, start_frame)
        notes += tuple(drag_notes(reports, start_frame))
    yield
    obj = _again(who)
    with watch.stage("write"):
        at = [report.frame for report in reports]
        channels = yield from watch.paused(_channel_steps(obj, rig, motion, by_index, options, fit))
        mapped = [c.name for c in rig.controls]
        earlier = _switch_values(_again(who), _switches(rig, options))
        sparse = None
        if options.sparse:
            sparse = yield from watch.paused(
                sparse_steps(_again(who), rig, channels, footfalls, at, options)
            )
        written = yield from watch.paused(
            write_steps(_again(who), name, channels, start_frame, at, sparse)
        )
        written.action[SWITCHES_KEY] = json.dumps(earlier)
        written.action[INFLUENCES_KEY] = json.dumps(influences(_again(who), mapped))
        if options.in_place:
            _again(who)[WAY_KEY] = [0.0, 0.0, 0.0]
    with watch.stage("track"):
        try:
            track = _on_a_track(_again(who), written, channels, start_frame, name, fit)
        except Exception:
            bpy.data.actions.remove(written.action)
            raise
        bpy.context.view_layer.update()
    return ApplyReport(
        action_name=written.action.name,
        track_name=track,
        frame_start=start_frame,
        frame_end=start_frame + len(motion) - 1,
        keys=tuple(replace(r, frame=r.frame + start_frame) for r in reports),
        seconds=watch.seconds,
        notes=notes,
        seams=tuple(replace(s, frame=s.frame + start_frame) for s in seams),
        planted=planted if options.plant_feet else None,
    )


def _fitted(
    motion: RigMotion,
    poses: dict[int, RigPose],
    plant: Callable[..., tuple[RigMotion, PlantReport]],
    start_frame: float,
    fit: Fit,
    reach: float,
) -> tuple[RigMotion, tuple[KeyReport, ...], tuple[SeamReport, ...], PlantReport]:
    """The motion through its poses (by index), feet planted, neighbours' speeds met, closed."""
    last, asked = len(motion) - 1, set(poses)
    if fit.loop and last > 1:
        start = poses.get(0)
        first, final = closing_poses(motion, start and completed(motion, 0, start))
        poses = {**poses, 0: first, last: final}
    motion, reports = meet_keys(motion, poses, reach)
    reports = tuple(r for r in reports if r.frame in asked)
    motion, planted = plant(motion, kept=[f for f, pose in poses.items() if pose.placed])
    seams = fit.seams(start_frame, len(motion))
    if fit.loop and last > 1:
        seams += closing_seams(motion)
    motion, fitted = fit_seams(motion, seams, poses)
    return motion, reports, fitted, planted


def _on_a_track(
    obj: Any,
    written: WrittenAction,
    channels: Sequence[Channel],
    start_frame: float,
    name: str,
    fit: Fit,
) -> str:
    """Put the action where it belongs; returns the track's name."""
    if fit.track:
        track = nla.add_block(obj, written, start_frame, name, fit.track).track
    elif fit.alone:
        track = nla.push_take(obj, written, start_frame, name).track
    else:
        held = _held(obj, channels, name)
        try:
            track = nla.join_take(obj, written, held, start_frame, name, holds=fit.holds).track
        except Exception:
            if held is not None:
                bpy.data.actions.remove(held.action)
            raise
    if fit.loop and fit.cyclic:
        strip = next(s for s in obj.animation_data.nla_tracks[track].strips
                     if s.action == written.action)  # fmt: skip
        last = float(bpy.context.scene.frame_end)
        nla.repeat_for_ever(written.action, strip, last, beyond=fit.alone and not fit.track)
    return track


def _held(obj: Any, channels: Sequence[Channel], name: str) -> WrittenAction | None:
    """An action that keeps what only the take animates as it stands now, outside the take.

    Without it Blender shows such a property's default there.
    """
    animated = animated_properties(obj)
    held: list[Channel] = []
    for channel in channels:
        if (channel.path, max(channel.index, 0)) in animated:
            continue
        now = obj.path_resolve(channel.path)
        value = now if channel.index < 0 else now[channel.index]
        held.append(replace(channel, values=np.array([float(value)])))
    if not held:
        return None
    return write_action(obj, f"{name} (around)", held, round(bpy.context.scene.frame_start))


def _again(name: str) -> Any:
    """The armature object once more; Blender may have moved it in memory meanwhile."""
    obj = bpy.data.objects.get(name)
    if obj is None:
        raise RigError(f"The armature '{name}' was removed while its take was written.")
    return obj


def retarget(
    obj: Any,
    rig: RigDescription,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    standing: Array | None = None,
    count: int | None = None,
) -> RigMotion:
    """The clip on the rig at the scene's frame rate, standing where it has to begin."""
    return solve(rig, placed(obj, rig, clip, marked, start_frame), scene_fps())


def placed(
    obj: Any,
    rig: RigDescription,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    standing: Array | None = None,
    count: int | None = None,
) -> Array:
    """The clip's joints (T, 22, 3) at the scene's frame rate, where it has to begin.

    Args:
        obj: the armature object.
        rig: its description.
        clip: what the model gave.
        marked: poses; the first one with a place says where the motion stands.
        start_frame: scene frame of the motion's first frame.
        standing: (22, 3) where it begins without a pose; None: where the armature stands.
        count: scene frames; None: what end pose or clip ask for.
    """
    fps = scene_fps()
    count = count or _frame_count(clip, marked, start_frame, fps)
    joints = resample_motion(np.asarray(clip.joints, dtype=np.float64), clip.fps, fps, count)
    placed_ones = (m for m in marked if binds_place(m.binds))
    first = min(placed_ones, key=lambda m: m.frame, default=None)
    if first is not None and first.frame - start_frame < count:
        index, standing = max(round(first.frame - start_frame), 0), first.joints
    else:
        index, standing = 0, capture_joints(obj, rig) if standing is None else standing
    return _stand_at(joints, index, standing)


def _frame_count(
    clip: MotionClip, marked: Sequence[MarkedPose], start_frame: float, fps: float
) -> int:
    """Scene frames to write: up to the end pose where one is marked, else the clip's own."""
    ends = [m.frame for m in marked if m.role is PoseRole.END and m.frame > start_frame]
    if ends:
        return round(max(ends) - start_frame) + 1
    return max(round(clip.seconds * fps) + 1, 1)


def _stand_at(joints: Array, index: int, standing: Array) -> Array:
    """The motion (T, 22, 3) moved on the floor so that frame ``index`` stands there."""
    there = np.asarray(standing, dtype=np.float64)
    joints = place_at_origin(joints)
    here = joints[index]
    turn = about_y(heading(there) - heading(here))
    level = np.array([1.0, 0.0, 1.0])
    turned = rotate(np.broadcast_to(turn, (*joints.shape[:-1], 4)), joints - here[0] * level)
    return turned + there[0] * level


def _channel_steps(
    obj: Any,
    rig: RigDescription,
    motion: RigMotion,
    poses: Mapping[int, RigPose],
    options: RigOptions,
    fit: Fit,
) -> Generator[None, None, list[Channel]]:
    """Everything to key: controls, extras that anything uses, switches, what poses hold."""
    used = {c.name for c in rig.controls} | _used_extras(obj, rig, list(poses.values()))
    motion = replace(motion, rotations={n: q for n, q in motion.rotations.items() if n in used})
    motion, channels = split(obj, rig, motion, options, fit)
    who = obj.name
    if options.root is not RootTarget.BONE:
        motion = _seen_from_carriers(obj, rig, motion)
    began = time.perf_counter()
    for name in motion.rotations:
        if time.perf_counter() - began > SLICE:
            yield
            obj, began = _again(who), time.perf_counter()
        channels += rotation_channels(obj, name, motion)
    channels += location_channels(obj, motion)
    channels += detached_channels(obj, rig, motion)
    channels += off_channels(obj, influences(obj, [c.name for c in rig.controls]))
    yield
    obj = _again(who)
    if options.ik_controls:
        channels += ik_channels(obj, rig, motion)
    for switch in _switches(rig, options):
        bone = obj.pose.bones[switch.bone]
        if switch.prop in bone:
            channels.append(property_channel(bone, switch.prop, switch.value))
    yield
    obj = _again(who)
    animated = None if fit.alone else animated_properties(obj)
    taken = {(c.path, c.index) for c in channels}
    held = held_channels(obj, rig, poses, len(motion), animated)
    return channels + [c for c in held if (c.path, c.index) not in taken]


def _used_extras(obj: Any, rig: RigDescription, poses: Sequence[RigPose]) -> set[str]:
    """Extra controls that a marked pose turns, or that stand turned now."""
    used: set[str] = set()
    for name in rig.extras:
        now = tuple(quaternion_of(obj.pose.bones[name].matrix_basis))
        seen = [now, *(p.rotations[name] for p in poses if name in p.rotations)]
        if any(np.linalg.norm(q[1:]) > 1e-5 for q in seen):
            used.add(name)
    return used


def _seen_from_carriers(obj: Any, rig: RigDescription, motion: RigMotion) -> RigMotion:
    """The root's channels when the bones that carry it are not at rest (a moved root bone)."""
    bone = obj.pose.bones[rig.root]
    carried = bone.matrix @ bone.matrix_basis.inverted()
    change = carried.inverted() @ bone.bone.matrix_local
    turn = quaternion_of(change)
    if abs(abs(turn[0]) - 1) < 1e-12 and change.translation.length < 1e-6:
        return motion
    matrix = np.array(change)
    locations = motion.locations @ matrix[:3, :3].T + matrix[:3, 3]
    rotation = continuous(multiply(np.broadcast_to(turn, (len(motion), 4)),
                                   motion.rotations[rig.root]))  # fmt: skip
    return replace(motion, locations=locations, rotations={**motion.rotations, rig.root: rotation})


def _switches(rig: RigDescription, options: RigOptions) -> tuple[Switch, ...]:
    return ik_switches(rig) if options.ik_controls else rig.switches


def _switch_values(obj: Any, switches: Sequence[Switch]) -> list[tuple[str, str, float]]:
    """What the switched properties hold now, each as the kind of number that it is."""
    bones = obj.pose.bones
    return [(s.bone, s.prop, bones[s.bone][s.prop]) for s in switches if s.prop in bones[s.bone]]


class _Watch:
    """Time spent in named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._idle = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        self._idle = 0.0
        yield
        self.seconds[name] = time.perf_counter() - began - self._idle

    def paused(self, steps: Generator[None, None, Any]) -> Generator[None, None, Any]:
        """The same steps, the time between two of them left out of the stage."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            began = time.perf_counter()
            yield
            self._idle += time.perf_counter() - began
