"""What a way asks of the model: a motion that gets on as far and as fast, straight ahead.

``way_following`` lays it along the way. So marked poses have no places while the model works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.prompt_checks.checks import Demand, Direction, Side
from ext_models.prompt_checks.grammar import read_checks
from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.ways.gaits import is_travelling, usual_speed
from motiongpt_blender.core.ways.path import WayPath, path_of
from motiongpt_blender.core.ways.way import MOST_SECONDS, Way

from .request import GenerationRequest
from .schedule import standing_pose
from .targets import PoseTarget
from .timed_actions import TimedAction

#: Frames from one place that the model is led to on its way to the next.
EVERY: Final = 32
#: What a way answers itself: a prompt's checks of these are not asked any more.
SETTLED: Final = frozenset({Demand.TRAVEL, Demand.TURN, Demand.CIRCLE})


@dataclass(frozen=True)
class WayPlan:
    """When a body is due where on its way.

    Attributes:
        way: checked.
        path: of the way, for the prompt's speed.
        due: (T,) metres of the way that are due in each frame.
        ahead: (T, 2) to the left and ahead of the body, where it goes in each frame.
    """

    way: Way
    path: WayPath
    due: NDArray[np.floating]
    ahead: NDArray[np.floating]

    @classmethod
    def of(
        cls, request: GenerationRequest, actions: Sequence[TimedAction], stride: int
    ) -> WayPlan | None:
        """The plan of a request; None without a way."""
        if request.way is None:
            return None
        path = path_of(request.way, usual_speed(request.prompt))
        going = [action for action in actions if _goes(action.prompt)] or list(actions)
        moving, ahead = np.zeros(request.frames), np.tile([0.0, 1.0], (request.frames, 1))
        for action in going:
            part = slice(stride * action.first, stride * action.end)
            moving[part], ahead[part] = 1.0, _direction(action.prompt)
        gone = np.concatenate([[0.0], np.cumsum(moving[1:])]) + 1e-6 * np.arange(request.frames)
        known = {0: 0.0, request.frames - 1: path.effort}
        for point, at in zip(request.way.points, path.at, strict=True):
            if point.seconds is not None:
                frame = min(round(point.seconds * MODEL_FPS), request.frames - 1)
                known[frame] = float(path.effort_at(np.array(at)))
        frames = sorted(known)
        efforts = np.interp(gone, gone[frames], [known[frame] for frame in frames])
        return cls(request.way, path, path.length_of(efforts), ahead)

    def places(self, first: int, count: int, ahead: int) -> tuple[PoseTarget, ...]:
        """Where the model is led to in a part of the motion, straight on from its first frame.

        Args:
            first: frame that the part begins with.
            count: its frames.
            ahead: frames that are given before it.
        """
        body = standing_pose().astype(np.float32)
        end = min(first + count, len(self.due)) - 1
        frames = [*range(first + EVERY, end - EVERY // 2, EVERY), end]
        gone = np.cumsum(np.diff(self.due, prepend=self.due[0])[:, None] * self.ahead, axis=0)
        places = gone - gone[first]
        return tuple(
            PoseTarget(
                ahead + frame - first,
                body,
                (float(places[frame, 0]), float(places[frame, 1]), 0.0),
                pull=0,
                has_body=False,
            )
            for frame in frames
            if frame > first
        )


def most_frames(request: GenerationRequest, longest: int) -> int:
    """The longest motion of a request in frames: a way is followed piece by piece."""
    return longest if request.way is None else max(longest, round(MOST_SECONDS * MODEL_FPS))


def without_places(request: GenerationRequest) -> GenerationRequest:
    """The request as the model is asked: on a way, marked poses have no places."""
    if request.way is None:
        return request
    return replace(request, poses=tuple(replace(pose, placed=False) for pose in request.poses))


def _goes(prompt: str) -> bool:
    """Whether an action goes somewhere."""
    asked = any(check.demand in (Demand.TRAVEL, Demand.RUN) for check in read_checks(prompt))
    return asked or is_travelling(prompt)


def _direction(prompt: str) -> tuple[float, float]:
    """Where an action goes, to the left and ahead of the body."""
    for check in read_checks(prompt):
        if check.demand is Demand.TRAVEL and check.direction is Direction.BACKWARD:
            return 0.0, -1.0
        if check.demand is Demand.TRAVEL and check.direction is Direction.SIDEWAYS:
            return (-1.0, 0.0) if check.side is Side.RIGHT else (1.0, 0.0)
    return 0.0, 1.0
