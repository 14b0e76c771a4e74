"""A motion fitted to what waits for it: poses met, speeds met, ends closed, feet planted.

The order matters. Feet are planted after seams have moved them; that leaves poses as they
are, and the speed at seams nearly.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from .feet.foot_contacts import Footfalls
from .feet.foot_locking import PlantReport, plant_steps
from .feet.loop_feet import plant_loop, staying
from .pose_constraints.correction import KeyReport, RigPose, completed, meet_steps
from .pose_constraints.smoothness import smoothness_steps
from .rig.rig_description import RigDescription, RigMotion
from .rig.rig_options import RigOptions
from .timeline.blending import SeamReport, fit_seams, speed_jump
from .timeline.frame_range import Fit
from .timeline.loops import closing_poses, closing_seams


@dataclass(frozen=True)
class Fitted:
    """A motion that fits, and what that took.

    Attributes:
        motion: as it will be keyed.
        keys: how far it was from each marked pose.
        seams: how its speed differed from its neighbours' at each seam.
        planted: what planting the feet took.
        footfalls: when each foot stands; in a loop, as its closed motion has it.
    """

    motion: RigMotion
    keys: tuple[KeyReport, ...]
    seams: tuple[SeamReport, ...]
    planted: PlantReport
    footfalls: Footfalls


def fit_steps(
    rig: RigDescription,
    motion: RigMotion,
    poses: Mapping[int, RigPose],
    footfalls: Footfalls,
    start_frame: float,
    fit: Fit,
    options: RigOptions,
) -> Generator[None, None, Fitted]:
    """The motion through its poses, with its neighbours' speeds, closed, its feet planted.

    In slices of some milliseconds.

    Args:
        rig: whose motion it is.
        motion: what the model gave.
        poses: index of a frame -> the pose there.
        footfalls: when each foot is to stand.
        start_frame: scene frame of the first frame.
        fit: what it has to join.
        options: reach, floor, and whether feet of a loop are planted.
    """
    last, asked = len(motion) - 1, set(poses)
    closes = fit.loop and last > 1
    if closes:
        if options.plant_feet:
            motion = staying(rig, motion, options.floor)
            yield
        start = poses.get(0)
        first, final = closing_poses(motion, start and completed(motion, 0, start))
        poses = {**poses, 0: first, last: final}
    before = motion
    motion, reports = yield from meet_steps(motion, poses, options.reach)
    reports = tuple(r for r in reports if r.frame in asked)
    yield
    reports = yield from smoothness_steps(reports, rig, before, motion, options.reach)
    yield
    kept = [f for f, pose in poses.items() if pose.placed]
    seams = fit.seams(start_frame, len(motion))
    if closes:
        seams += closing_seams(motion)
        yield
    found: list[SeamReport] = []
    for seam in seams:
        motion, reports_here = fit_seams(motion, [seam], poses)
        found += reports_here
        yield
    if closes and options.plant_feet:
        held = asked.intersection(kept)
        motion, footfalls, planted = yield from plant_loop(rig, motion, held, options.floor)
        yield
        left = {seam.frame: speed_jump(motion, seam) for seam in closing_seams(motion)}
    else:
        at = {seam.frame for seam in seams}
        motion, planted = yield from plant_steps(
            rig, motion, footfalls, kept, options.floor, moving=at
        )
        yield
        # What planting took from the speed at a seam is so little that feet go on standing.
        motion, after = fit_seams(motion, seams, poses)
        left = {r.frame: (r.degrees_left, r.cm_left) for r in after}
    return Fitted(
        motion,
        reports,
        tuple(replace(r, degrees_left=left[r.frame][0], cm_left=left[r.frame][1]) for r in found),
        planted,
        footfalls,
    )
