"""A request with a way: checked, and its motions laid along it. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ext_models.errors import PipelineError
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip, heading
from motiongpt_blender.core.ways.following import Followed, Mark, follow_way
from motiongpt_blender.core.ways.gaits import speed_note, usual_speed
from motiongpt_blender.core.ways.path import WayPath, path_of
from motiongpt_blender.core.ways.way import Way, WayError, check_way

from .request import GenerationRequest

#: What the score of a candidate loses where its steps are made e times longer or shorter.
STRAIN_COST: Final = 4.0


def check_request(request: GenerationRequest) -> None:
    """Raise PipelineError for a way that cannot be followed."""
    if request.way is None:
        return
    try:
        check_way(request.way, (request.frames - 1) / MODEL_FPS)
    except WayError as error:
        raise PipelineError(str(error)) from None


def follow(
    clips: Sequence[MotionClip], request: GenerationRequest
) -> tuple[list[MotionClip], list[float]]:
    """Motions laid along the way of their request, and what each loses of its score."""
    if request.way is None:
        return list(clips), [0.0] * len(clips)
    path = path_of(request.way, usual_speed(request.prompt))
    laid = [_laid(clip, request, request.way, path) for clip in clips]
    followed = [replace(c, joints=f.joints) for c, f in zip(clips, laid, strict=True)]
    return followed, [STRAIN_COST * one.strain for one in laid]


def way_notes(request: GenerationRequest) -> tuple[str, ...]:
    """Sentences for the user about the way of a request."""
    if request.way is None:
        return ()
    metres = path_of(request.way, usual_speed(request.prompt)).metres
    note = speed_note(request.prompt, metres, (request.frames - 1) / MODEL_FPS)
    return (note,) if note else ()


def _laid(clip: MotionClip, request: GenerationRequest, way: Way, path: WayPath) -> Followed:
    marks: list[Mark] = []
    for pose in request.poses:
        if pose.placed:
            place = pose.joints[0, [0, 2]].astype(np.float64)
            marks.append(Mark(pose.frame, place, float(heading(pose.joints))))
    return follow_way(clip.joints, way, path, marks, clip.fps)
