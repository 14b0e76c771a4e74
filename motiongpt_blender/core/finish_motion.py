"""What a motion on a rig gets before it is keyed: poses met, speeds blended, feet locked.

The order matters. Feet are locked after the blends, which move them; locking leaves the poses
as they are, and the speed at the blends nearly.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from .body.rotations import Array
from .feet.foot_contacts import FootContacts
from .feet.foot_locking import FootLockReport, lock_feet_slices
from .feet.loop_feet import lock_loop_feet_slices, remove_drift
from .pose_constraints.correction import meet_pose_slices
from .pose_constraints.reports import PoseReport
from .pose_constraints.rig_pose import RigPose, complete_pose
from .pose_constraints.smoothness import smoothness_slices
from .rig.rig_description import RigDescription, RigMotion
from .rig.rig_options import RigOptions
from .timeline.blending import BlendReport, blend_speeds, speed_jump
from .timeline.frame_range import Fit
from .timeline.loops import loop_blend_frames, loop_end_poses


@dataclass(frozen=True)
class FinishedMotion:
    """A motion as it is keyed, and what was changed.

    Attributes:
        motion: the channels to key.
        pose_reports: how far the motion was from each marked pose.
        blends: how its speed differed from the neighbouring animation's at each blend.
        foot_lock: what foot locking changed.
        foot_contacts: when each foot is in contact; in a loop, of the closed motion.
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
    ground: Array | float = 0.0,
) -> Generator[None, None, FinishedMotion]:
    """The motion through its poses, with its neighbours' speeds, closed, its feet locked.

    Works in slices of some milliseconds.

    Args:
        rig: the motion's rig.
        motion: the model's motion on the rig.
        poses: index of a frame -> the pose there.
        foot_contacts: when each foot is to be in contact.
        start_frame: scene frame of the first frame.
        fit: the animation beside the take, and whether it loops.
        options: reach, and whether the feet of a loop are locked.
        ground: height of the ground over the rig's own floor, or heights (T,) along the motion.
    """
    last, marked = len(motion) - 1, set(poses)
    closes = fit.loop and last > 1
    if closes:
        if options.lock_feet:
            motion = remove_drift(rig, motion, ground)
            yield
        start = poses.get(0)
        first, final = loop_end_poses(motion, start and complete_pose(motion, 0, start))
        poses = {**poses, 0: first, last: final}
    before = motion
    motion, reports = yield from meet_pose_slices(motion, poses, options.reach)
    reports = tuple(r for r in reports if r.frame in marked)
    yield
    reports = yield from smoothness_slices(reports, rig, before, motion, options.reach)
    yield
    kept = [f for f, pose in poses.items() if pose.root_constrained]
    blend_frames = fit.blend_frames(start_frame, len(motion))
    if closes:
        blend_frames += loop_blend_frames(motion)
        yield
    blends: list[BlendReport] = []
    for blend_frame in blend_frames:
        motion, blend_notes = blend_speeds(motion, [blend_frame], poses)
        blends += blend_notes
        yield
    if closes and options.lock_feet:
        fixed = marked.intersection(kept)
        motion, foot_contacts, foot_lock = yield from lock_loop_feet_slices(
            rig, motion, fixed, ground
        )
        yield
        left = {b.frame: speed_jump(motion, b) for b in loop_blend_frames(motion)}
    else:
        moving = {b.frame for b in blend_frames}
        motion, foot_lock = yield from lock_feet_slices(
            rig, motion, foot_contacts, kept, ground, moving
        )
        yield
        # Locking changed the speed at a blend so little that feet stay in contact.
        motion, after = blend_speeds(motion, blend_frames, poses)
        left = {r.frame: (r.degrees_left, r.cm_left) for r in after}
    blends = [replace(r, degrees_left=left[r.frame][0], cm_left=left[r.frame][1]) for r in blends]
    return FinishedMotion(motion, reports, tuple(blends), foot_lock, foot_contacts)
