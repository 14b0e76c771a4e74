"""``--path`` and ``--waypoint``: the way that a generated motion follows."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Final

import numpy as np

from ext_models.errors import PipelineError
from motiongpt_blender.core.ways.gaits import natural_seconds, usual_speed
from motiongpt_blender.core.ways.path import path_of
from motiongpt_blender.core.ways.way import MOST_SECONDS, Way, WayError, Waypoint, check_way

_HOW: Final = "write LEFT,AHEAD in metres, then ,DEGREES to face and @SECONDS if wanted"


def add_way(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--path",
        type=Path,
        metavar="FILE",
        help="a line to follow: .npy or .csv of points (N, 2), metres to the left and ahead",
    )
    parser.add_argument(
        "--waypoint",
        action="append",
        default=[],
        metavar="LEFT,AHEAD[,DEGREES][@SECONDS]",
        help="a place to pass, in metres; degrees to the left that the body faces there, and when "
        "it is there; two or more, in their order (--waypoint=-1,2 for one to the right)",
    )


def read_way(arguments: argparse.Namespace) -> Way | None:
    """The way that the options name; None for none.

    Raises:
        PipelineError: naming the option that cannot be used.
    """
    if arguments.path is None and not arguments.waypoint:
        return None
    if arguments.path is not None and arguments.waypoint:
        raise PipelineError("--path and --waypoint: name a line or waypoints, not both.")
    if arguments.path is not None:
        way, option = _line(arguments.path), f"--path {arguments.path}"
    else:
        way, option = Way(tuple(map(_waypoint, arguments.waypoint))), "--waypoint"
    try:
        check_way(way)
    except WayError as error:
        raise PipelineError(f"{option}: {error}") from None
    return way


def way_seconds(way: Way, prompt: str) -> float:
    """The length of a motion on a way: until its last waypoint is due, or as suits the prompt."""
    if way.last_seconds is not None:
        return way.last_seconds
    seconds = natural_seconds(prompt, path_of(way, usual_speed(prompt)).effort)
    return min(seconds, MOST_SECONDS - 0.1)


def _line(path: Path) -> Way:
    """The line of a file of points (N, 2)."""
    try:
        if path.suffix == ".csv":
            points = np.loadtxt(path, delimiter=",", ndmin=2)
        else:
            points = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"--path {path}: this is not a readable .npy or .csv ({error})."
        ) from None
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "fiu":
        raise PipelineError(
            f"--path {path}: a line is points (N, 2), metres to the left and ahead; the file holds "
            f"{points.shape}."
        )
    rows = points.astype(float).tolist()
    return Way(tuple(Waypoint(left, ahead) for left, ahead in rows), drawn=True)


def _waypoint(text: str) -> Waypoint:
    """The waypoint of one ``--waypoint``."""
    place, at, when = text.partition("@")
    try:
        left, ahead, *faces = map(float, place.split(","))
        seconds = float(when) if at else None
    except ValueError:
        raise PipelineError(f"--waypoint {text}: {_HOW}.") from None
    if len(faces) > 1:
        raise PipelineError(f"--waypoint {text}: {_HOW}.")
    return Waypoint(left, ahead, math.radians(faces[0]) if faces else None, seconds)
