"""A motion fitted to what waits for it: poses met, speeds met, ends closed, feet planted.

The order matters. Feet are planted after seams have moved them; that leaves poses as they
are, and the speed at seams nearly.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from .feet.foot_contacts import FootContacts
from .feet.foot_locking import FootLockReport, lock_feet_slices
from .feet.loop_feet import lock_loop_feet_slices, staying
from .pose_constraints.correction import PoseReport, RigPose, complete_pose, meet_pose_slices
from .pose_constraints.smoothness import smoothness_slices
from .rig.rig_description import RigDescription, RigMotion
from .rig.rig_options import RigOptions
from .timeline.blending import BlendReport, blend_speeds, speed_jump
from .timeline.frame_range import Fit
from .timeline.loops import loop_blend_frames, loop_end_poses


@dataclass(frozen=True)
class FinishedMotion:
    """A motion that fits, and what that took.

    Attributes:
        motion: as it will be keyed.
        pose_reports: how far it was from each marked pose.
        blends: how its speed differed from its neighbours' at each seam.
        planted: what planting the feet took.
        foot_contacts: when each foot stands; in a loop, as its closed motion has it.
    """

    motion: RigMotion
    pose_reports: tuple[PoseReport, ...]
    blends: tuple[BlendReport, ...]
    foot_lock: FootLockReport
    foot_contacts: FootContacts


def finish_motion_slices(
    rig: RigDescription,
    motion: RigMotion,
    poses: Mapping[int, RigPose],
    foot_contacts: FootContacts,
    start_frame: float,
    fit: Fit,
    options: RigOptions,
) -> Generator[None, None, FinishedMotion]:
    """The motion through its poses, with its neighbours' speeds, closed, its feet planted.

    In slices of some milliseconds.

    Args:
        rig: whose motion it is.
        motion: what the model gave.
        poses: index of a frame -> the pose there.
        foot_contacts: when each foot is to stand.
        start_frame: scene frame of the first frame.
        fit: what it has to join.
        options: reach, floor, and whether feet of a loop are planted.
    """
    last, asked = len(motion) - 1, set(poses)
    closes = fit.loop and last > 1
    if closes:
        if options.lock_feet:
            motion = staying(rig, motion, options.floor)
            yield
        start = poses.get(0)
        first, final = loop_end_poses(motion, start and complete_pose(motion, 0, start))
        poses = {**poses, 0: first, last: final}
    before = motion
    motion, reports = yield from meet_pose_slices(motion, poses, options.reach)
    reports = tuple(r for r in reports if r.frame in asked)
    yield
    reports = yield from smoothness_slices(reports, rig, before, motion, options.reach)
    yield
    kept = [f for f, pose in poses.items() if pose.root_constrained]
    seams = fit.blend_frames(start_frame, len(motion))
    if closes:
        seams += loop_blend_frames(motion)
        yield
    found: list[BlendReport] = []
    for seam in seams:
        motion, reports_here = blend_speeds(motion, [seam], poses)
        found += reports_here
        yield
    if closes and options.lock_feet:
        held = asked.intersection(kept)
        motion, foot_contacts, foot_lock = yield from lock_loop_feet_slices(
            rig, motion, held, options.floor
        )
        yield
        left = {seam.frame: speed_jump(motion, seam) for seam in loop_blend_frames(motion)}
    else:
        at = {seam.frame for seam in seams}
        motion, foot_lock = yield from lock_feet_slices(
            rig, motion, foot_contacts, kept, options.floor, moving=at
        )
        yield
        # What planting took from the speed at a seam is so little that feet go on standing.
        motion, after = blend_speeds(motion, seams, poses)
        left = {r.frame: (r.degrees_left, r.cm_left) for r in after}
    return FinishedMotion(
        motion,
        reports,
        tuple(replace(r, degrees_left=left[r.frame][0], cm_left=left[r.frame][1]) for r in found),
        foot_lock,
        foot_contacts,
    )
