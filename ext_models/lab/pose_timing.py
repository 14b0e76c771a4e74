"""Pose timing: whether a motion walks all the way to a placed pose, and how early it reaches one.

A take that meets its poses may still stand for two seconds and then leap, or snap into a pose in
its last frames. These numbers see both. Joints are (T, 22, 3) in metres, y up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.errors import PipelineError
from ext_models.generation.candidate_score import pose_error
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.pose_correction import meet_poses
from ext_models.motion.grounding import lift_above_floor
from ext_models.motion.pacing_metrics import STILL_SPEED, longest_standstill
from motiongpt_blender.core.body.motion import local_pose
from motiongpt_blender.wire import Sampling

from .pose_cases import HAND_MADE, Case, Kind, arrivals, real_poses, walks

Array = NDArray[np.floating]

#: Cases that are generated together.
BATCH: Final = 8
#: Seconds over which speeds are measured.
WINDOW: Final = 0.1
#: Seconds before a pose in which the joints' speed counts.
ARRIVAL: Final = 1.0

#: What a good walk and a good arrival keep to.
HALF_WAY: Final = (0.35, 0.65)
MOST_STANDSTILL: Final = 0.6
MOST_PEAK: Final = 1.6
LEAST_LEAD: Final = 0.6
MOST_SPEED: Final = 3.0
MOST_SPEED_LYING: Final = 4.0


@dataclass(frozen=True)
class WalkTiming:
    """How evenly a motion covers the way from its first frame to its last.

    Attributes:
        half: share of the way that is done at half of the time.
        standstill: seconds of the longest standstill.
        peak: fastest tenth of a second, relative to the median speed while walking.
    """

    half: float
    standstill: float
    peak: float

    @property
    def even(self) -> bool:
        """Whether it walks all the way."""
        on_time = HALF_WAY[0] <= self.half <= HALF_WAY[1]
        return on_time and self.standstill <= MOST_STANDSTILL and self.peak <= MOST_PEAK


@dataclass(frozen=True)
class Arrival:
    """How a motion arrives at the pose of its last frame.

    Attributes:
        lead: seconds before the pose at which half of the change to it is done for good. The
            change is that from the first frame, or from the motion before the last second if
            that is farther.
        fastest: metres a second of the fastest joint in the last second.
        sunk: metres by which a joint is below the floor, and below the lower of both end poses.
    """

    lead: float
    fastest: float
    sunk: float

    def in_time(self, *, lying: bool) -> bool:
        """Whether nothing snaps."""
        most = MOST_SPEED_LYING if lying else MOST_SPEED
        return self.lead >= LEAST_LEAD and self.fastest <= most


def walk_timing(joints: Array, fps: float) -> WalkTiming:
    """How evenly a motion walks from its first frame to its last."""
    path = joints[:, 0][:, [0, 2]].astype(np.float64)
    way = path[-1] - path[0]
    done = (path - path[0]) @ way / max(float(way @ way), 1e-9)
    speed = _speeds(path, fps)
    walking = speed[speed > STILL_SPEED]
    peak = float(speed.max() / np.median(walking)) if len(walking) else 1.0
    return WalkTiming(float(done[len(done) // 2]), longest_standstill(joints, fps), peak)


def arrival(joints: Array, fps: float) -> Arrival:
    """How a motion arrives at the pose of its last frame."""
    apart = distances(joints, joints[-1])
    before = apart[: -round(ARRIVAL * fps)]
    change = max(float(apart[0]), float(np.median(before)) if len(before) else 0.0)
    late = np.flatnonzero(apart > 0.5 * change)
    begun = int(late[-1]) if len(late) else 0
    last = joints[-round(ARRIVAL * fps) - 1 :]
    lowest = joints[..., 1].min(-1)
    floor = min(0.0, float(lowest[0]), float(lowest[-1]))
    sunk = max(0.0, floor - float(lowest.min()))
    lead = (len(joints) - 1 - begun) / fps
    return Arrival(lead, float(_speeds(last, fps).max()), sunk)


def distances(joints: Array, pose: Array) -> Array:
    """Metres (T,) between the bodies of a motion and a pose (22, 3), wherever they stand."""
    apart = _on_the_spot(joints) - _on_the_spot(pose)
    return np.linalg.norm(apart, axis=-1).mean(-1)


def _on_the_spot(joints: Array) -> Array:
    """Bodies (..., 22, 3) with the pelvis over the origin, at its height, facing +z."""
    return local_pose(joints) + joints[..., :1, :] * np.array([0.0, 1.0, 0.0])


def _speeds(points: Array, fps: float) -> Array:
    """Metres a second of points (T, ..., D) over ``WINDOW``: (T - N, ...)."""
    frames = min(max(round(WINDOW * fps), 1), len(points) - 1)
    return np.linalg.norm(points[frames:] - points[:-frames], axis=-1) * fps / frames


@dataclass(frozen=True)
class PoseRow:
    """What was measured of one case.

    Attributes:
        name: of the case.
        kind: what is asked of it.
        walk: of the way.
        arrival: at the last pose.
        off: centimetres to the poses before the correction.
    """

    name: str
    kind: Kind
    walk: WalkTiming
    arrival: Arrival
    off: float

    @classmethod
    def of(cls, name: str, kind: Kind, joints: Array, fps: float, off: float) -> PoseRow:
        """Measure a motion (T, 22, 3)."""
        return cls(name, kind, walk_timing(joints, fps), arrival(joints, fps), off)

    @property
    def good(self) -> bool:
        """Whether it does what is asked of it."""
        if self.kind is Kind.WALK:
            return self.walk.even
        return self.arrival.in_time(lying=self.kind is Kind.LYING)


def cases_of(data: Path | None, sampling: Sampling, fps: float, only: str = "") -> list[Case]:
    """The cases whose name contains ``only``; those of real poses if there is a data folder.

    Raises:
        PipelineError: if none is left, or the data lacks a clip.
    """
    real = real_poses(data) if data else {}
    every = [*walks(sampling, fps), *arrivals(HAND_MADE | real, sampling, fps)]
    cases = [case for case in every if only in case.name]
    if not cases:
        raise PipelineError(f"--only {only}: no case has this in its name.")
    return cases


def measure(
    pipeline: MotionPipeline, cases: Sequence[Case]
) -> tuple[list[PoseRow], list[tuple[str, Array]]]:
    """What a pack does in each case, and the titled motions (T, 22, 3), corrected as in files."""
    rows: list[PoseRow] = []
    motions: list[tuple[str, Array]] = []
    with tqdm(total=len(cases), desc="cases") as bar:
        for begin in range(0, len(cases), BATCH):
            batch = cases[begin : begin + BATCH]
            answers = pipeline.generate_batch([case.request for case in batch])
            for case, candidates in zip(batch, answers, strict=True):
                clip = pipeline.select(candidates, case.request).clips[0]
                off = 100 * pose_error(clip, case.request)
                kept = [pose.frame for pose in case.request.poses]
                met = lift_above_floor(meet_poses(clip.joints, case.request.poses), kept)
                rows.append(PoseRow.of(case.name, case.kind, met, clip.fps, off))
                motions.append((case.name, met))
            bar.update(len(batch))
    return rows, motions


def table(rows: Sequence[PoseRow]) -> str:
    """The measurements as a table in Markdown, and how many cases are good."""
    lines = [
        "| case | half | standstill s | peak | lead s | fastest m/s | sunk cm | off cm | good |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        walk, end = row.walk, row.arrival
        way = f"{walk.half:.2f} | {walk.standstill:.2f} | {walk.peak:.2f}"
        way = way if row.kind is Kind.WALK else "- | - | -"
        lines.append(
            f"| {row.name} | {way} | {end.lead:.2f} | {end.fastest:.1f} | "
            f"{100 * end.sunk:.0f} | {row.off:.0f} | {'yes' if row.good else 'no'} |"
        )
    of_walks = [row.good for row in rows if row.kind is Kind.WALK]
    of_poses = [row.good for row in rows if row.kind is not Kind.WALK]
    return "\n".join(
        [*lines, "", f"walks all the way: {sum(of_walks)} of {len(of_walks)}",
         f"poses in time: {sum(of_poses)} of {len(of_poses)}"]
    )  # fmt: skip
