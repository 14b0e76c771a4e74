"""The score of a candidate: one number for how well a motion answers its request.

It weighs fit to the sentence, met checks, distance to marked poses, and what an animator dislikes:
a sliding support foot, a lurch, a standstill followed by a rush. A request without poses or
without checks leaves these out for all candidates alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.motion.floor_metrics import support_foot_speed
from ext_models.motion.motion_metrics import local_pose
from ext_models.motion.pacing_metrics import peak_acceleration, speed_after_standstill
from ext_models.motion.planar import planar_offset, planar_poses
from ext_models.prompt_checks.checks import CheckResult
from motiongpt_blender.core.body.motion import MotionClip

from .request import GenerationRequest, PoseCondition

Array = NDArray[np.floating]

#: Metres from a marked pose that cost nothing: the correction on the rig takes them.
POSE_DEAD_ZONE: Final = 0.08
#: m/s after a standstill that cost nothing: so fast a person walks off.
WALK_OFF_SPEED: Final = 1.0
#: Weight of the checks of several actions in a row. With that of a single action a smooth motion
#: without the second one wins; docs/language.md has the numbers.
ROW_CHECKS: Final = 9.0
#: m/s and m/s^2 from which more is no worse.
MOST_SLIDE: Final = 1.0
MOST_ACCELERATION: Final = 60.0


@dataclass(frozen=True)
class CandidateFeatures:
    """What the score of a motion weighs.

    Attributes:
        fit: cosine of motion and sentence, by the reranker; 0 without one.
        checks: mean score of the prompt's checks, implied ones too, 0 to 1; 0 without any.
        pose_distance: metres from the marked poses beyond the dead zone, mean over the poses.
        slide: ground speed of the support foot in m/s; 0 where no foot ever stands.
        acceleration: peak acceleration of the pelvis in m/s^2.
        rush: m/s by which the speed after a standstill is above that of walking off.
    """

    fit: float = 0.0
    checks: float = 0.0
    pose_distance: float = 0.0
    slide: float = 0.0
    acceleration: float = 0.0
    rush: float = 0.0

    def array(self) -> Array:
        """The features (6,) in their order."""
        return np.array(astuple(self))


@dataclass(frozen=True)
class ScoreWeights:
    """Weight of each feature: the log-odds that a unit of it speaks for a real motion.

    Fitted by ``fit-score``; docs/language.md has the command and what it found.
    """

    fit: float = 2.81
    checks: float = 4.12
    pose_distance: float = -1.14
    slide: float = -2.23
    acceleration: float = -0.102
    rush: float = -0.0771

    def for_checks(self, checks: Sequence[CheckResult]) -> ScoreWeights:
        """The weights where a prompt demands these: several actions in a row must all come."""
        return replace(self, checks=ROW_CHECKS) if any(r.check.part for r in checks) else self

    def score(self, features: CandidateFeatures) -> float:
        """The score; of two candidates the one with the higher score is better."""
        return float(features.array() @ np.array(astuple(self)))


#: Names of the features and their weights.
FEATURES: Final = tuple(field.name for field in fields(CandidateFeatures))


def candidate_features(
    clip: MotionClip, request: GenerationRequest, fit: float, checks: Sequence[CheckResult]
) -> CandidateFeatures:
    """The features of a motion.

    Args:
        clip: the motion, before any correction.
        request: what was asked for.
        fit: by the reranker; 0 without one.
        checks: results of the checks that the prompt makes or implies.
    """
    joints, fps = clip.joints, clip.fps
    return CandidateFeatures(
        fit=float(fit),
        checks=float(np.mean([result.score for result in checks])) if checks else 0.0,
        pose_distance=pose_distance(clip, request),
        slide=min(support_foot_speed(joints, fps) or 0.0, MOST_SLIDE),
        acceleration=min(peak_acceleration(joints, fps), MOST_ACCELERATION),
        rush=max(0.0, speed_after_standstill(joints, fps) - WALK_OFF_SPEED),
    )


def pose_distance(clip: MotionClip, request: GenerationRequest) -> float:
    """Metres of ``pose_errors`` beyond the dead zone, the mean over the poses; 0 without any."""
    beyond = [max(0.0, error - POSE_DEAD_ZONE) for error in pose_errors(clip, request)]
    return float(np.mean(beyond)) if beyond else 0.0


def pose_error(clip: MotionClip, request: GenerationRequest) -> float:
    """Metres between a clip and the poses of its request, the mean of ``pose_errors``."""
    return float(np.mean(pose_errors(clip, request)))


def pose_errors(clip: MotionClip, request: GenerationRequest) -> list[float]:
    """Metres between a clip and each pose of its request.

    Bodies are compared with the pelvis over the origin and facing one way; the place of a placed
    pose, relative to the first pose, counts as well.
    """
    return [_pose_error(clip, pose, request.poses[0]) for pose in request.poses]


def _pose_error(clip: MotionClip, pose: PoseCondition, first: PoseCondition) -> float:
    body = clip.joints[pose.frame]
    apart = np.linalg.norm(local_pose(body) - local_pose(pose.joints), axis=-1)
    error = apart.mean() if pose.bound is None else apart[pose.bound].mean()
    if pose.placed and pose is not first:
        wanted = planar_poses(np.stack([first.joints, pose.joints]))
        made = planar_poses(np.stack([clip.joints[first.frame], body]))
        error += np.linalg.norm(planar_offset(*wanted) - planar_offset(*made))
    return float(error)
