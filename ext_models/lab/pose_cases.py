"""The cases of pose timing: walks between two poses, and unusual end poses.

Hand-made poses are built from bone directions, as an animator would pose them. Real ones are
frames of the motion data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets import data_folder
from ext_models.datasets.examples import Skipped
from ext_models.errors import PipelineError
from ext_models.generation.request import GenerationRequest, PoseCondition
from motiongpt_blender.core.body.motion import place_at_origin
from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.rotations import about_y, normalise, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.wire import Sampling

Pose: TypeAlias = NDArray[np.float32]

#: Metres between the two poses of a walk, and seconds.
WAYS: Final = ((0.8, 3.0), (1.5, 3.0), (3.0, 4.0), (4.0, 4.0))
WALK: Final = "a person walks forward"
#: Metres to an unusual end pose with a sentence that does not fit it; seconds of either.
OTHER_WAY: Final = 1.5
POSE_SECONDS: Final = 3.0


class Kind(Enum):
    """What is asked of a case."""

    WALK = "walk"
    ARRIVAL = "arrival"
    LYING = "lying"


@dataclass(frozen=True)
class Case:
    """One request that is measured.

    Attributes:
        name: as the table names it.
        kind: what is asked of it.
        request: what is generated.
    """

    name: str
    kind: Kind
    request: GenerationRequest


@dataclass(frozen=True)
class EndPose:
    """An unusual end pose.

    Attributes:
        sentence: one that fits it.
        joints: (22, 3) metres, over the origin, facing +z.
        lying: whether the body lies there.
    """

    sentence: str
    joints: Pose
    lying: bool = False


#: Of the motion data.
PACK: Final = "clean"
#: Real end poses: a sentence that fits, the clip's id, and its frame.
REAL: Final = {
    "kneel (real)": ("a person kneels down", "snu_tiling_1_blame_1_00148", 111),
    "lie (real)": ("a person lies down on the floor", "accad_Male1_A9_LieDown", 83),
    "sit (real)": ("a person sits down", "snu_tiling_1_chair_00018", 101),
    "crouch (real)": ("a person crouches down", "accad_Male1_B24_WalkToCrouch", 135),
    "hands on hips (real)": (
        "a person stands with the hands on the hips", "sumerian_adult_female_bored", 78,
    ),
    "one leg (real)": (
        "a person stands on the right leg", "snu_tiling_multi_mmk_chicken_1_00380", 67,
    ),
}  # fmt: skip


def _pose(limbs: Mapping[str, tuple[float, float, float]], turn: float = 0.0) -> Pose:
    """A pose (22, 3) of bone directions, on the floor; degrees to the left of +z."""
    directions = DIRECTIONS.copy()
    for name, direction in limbs.items():
        directions[Joint[name]] = direction
    body = build(normalise(directions), np.zeros(3))
    body = rotate(np.broadcast_to(about_y(np.radians(turn)), (len(body), 4)), body)
    body[:, 1] -= body[:, 1].min()
    return body.astype(np.float32)


_HANGING: Final = {
    "L_ELBOW": (0.2, -0.98, 0.02), "L_WRIST": (0.1, -0.96, 0.24),
    "R_ELBOW": (-0.2, -0.98, 0.02), "R_WRIST": (-0.1, -0.96, 0.24),
}  # fmt: skip
_LEGS: Final = {"L_KNEE": (0.07, -1.0, 0.02), "R_KNEE": (-0.07, -1.0, 0.04)}
STANDING: Final = _pose(_HANGING | _LEGS)
TURNED: Final = _pose(
    _HANGING | _LEGS | {"R_ELBOW": (-0.92, 0.22, 0.34), "R_WRIST": (-0.2, 0.96, 0.2)}, turn=24.0
)
STRIDING: Final = _pose(
    _HANGING
    | {
        "L_KNEE": (0.03, -0.91, 0.42), "L_ANKLE": (0.0, -0.97, 0.24),
        "R_KNEE": (-0.03, -0.98, -0.21), "R_ANKLE": (0.0, -0.83, -0.56),
        "R_FOOT": (-0.1, -0.79, 0.6),
    }
)  # fmt: skip

#: Hand-made end poses: a sentence that fits, and the directions of bones.
HAND_MADE: Final = {
    "kneel": EndPose(
        "a person kneels down on the right knee",
        _pose(
            _HANGING
            | {
                "L_KNEE": (0.1, 0.0, 1.0), "L_ANKLE": (0.0, -1.0, 0.05),
                "R_KNEE": (-0.1, -1.0, 0.05), "R_ANKLE": (0.0, -0.05, -1.0),
                "R_FOOT": (0.0, -0.1, -1.0),
            }
        ),
    ),
    "T-pose": EndPose("a person stretches the arms out to the sides", _pose({})),
    "hands on hips": EndPose(
        "a person puts the hands on the hips",
        _pose(
            _LEGS
            | {
                "L_ELBOW": (0.75, -0.6, -0.3), "L_WRIST": (-0.8, -0.5, 0.35),
                "R_ELBOW": (-0.75, -0.6, -0.3), "R_WRIST": (0.8, -0.5, 0.35),
            }
        ),
    ),
    "one leg": EndPose(
        "a person stands on the left leg",
        _pose(
            _HANGING
            | {
                "L_KNEE": (0.0, -1.0, 0.0), "R_KNEE": (-0.1, -0.3, 1.0),
                "R_ANKLE": (0.0, -1.0, -0.2), "R_FOOT": (-0.1, -0.6, 0.8),
            }
        ),
    ),
}  # fmt: skip


def walks(sampling: Sampling, fps: float) -> Iterator[Case]:
    """Walks between standing poses, to a turned one and to a stride, over ways of all lengths."""
    ends = {"stand": STANDING, "turned": TURNED, "stride": STRIDING}
    for metres, seconds in WAYS:
        for name, end in ends.items():
            request = _request(WALK, seconds, end, metres, sampling, fps)
            yield Case(f"{metres:g} m in {seconds:g} s, {name}", Kind.WALK, request)


def arrivals(poses: Mapping[str, EndPose], sampling: Sampling, fps: float) -> Iterator[Case]:
    """Each end pose on the spot with a sentence that fits, and on a walk with one that does not."""
    for name, pose in poses.items():
        kind = Kind.LYING if pose.lying else Kind.ARRIVAL
        for sentence, way in ((pose.sentence, 0.0), (WALK, OTHER_WAY)):
            request = _request(sentence, POSE_SECONDS, pose.joints, way, sampling, fps)
            yield Case(f"{name}: {sentence}", kind, request)


def real_poses(data: Path) -> dict[str, EndPose]:
    """The real end poses of a data folder; raises PipelineError if it lacks one of their clips."""
    examples = data_folder.read(data, PACK, Skipped(), uncaptioned=True)
    clips = {example.id: example.joints for example in examples}
    missing = sorted({clip for _, clip, _ in REAL.values()} - set(clips))
    if missing:
        raise PipelineError(
            f"{data}: it has no clip '{missing[0]}': name the folder of the motion data."
        )
    return {
        name: EndPose(
            sentence,
            place_at_origin(clips[clip][frame : frame + 1])[0].astype(np.float32),
            lying=name.startswith("lie"),
        )
        for name, (sentence, clip, frame) in REAL.items()
    }


def _request(
    sentence: str, seconds: float, end: Pose, metres: float, sampling: Sampling, fps: float
) -> GenerationRequest:
    """A motion from standing to an end pose some metres ahead."""
    last = round(seconds * fps)
    ahead = end + np.array([0.0, 0.0, metres], np.float32)
    poses = (PoseCondition(0, STANDING, True), PoseCondition(last, ahead, True))
    return GenerationRequest(sentence, last + 1, poses, sampling)
