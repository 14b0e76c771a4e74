"""``python -m tests.support.measure.ways``: takes on ways, measured and drawn.

Each way is followed by a prompt with some seeds, and the same prompt is made without it. Prints how
far the pelvis is from the way and from the waypoints, how standing feet slide and how the body
lurches; draws each take from above with its footprints, and in poses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ext_models import packs
from ext_models.evaluation.contact_sheets import LEFT, RIGHT, draw_sheets
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest
from ext_models.motion.floor_metrics import support_foot_speed
from ext_models.motion.pacing_metrics import peak_acceleration
from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.body.rotations import Array
from motiongpt_blender.core.feet.foot_contacts import runs
from motiongpt_blender.core.ways.gaits import natural_seconds, usual_speed
from motiongpt_blender.core.ways.path import path_of
from motiongpt_blender.core.ways.way import Way, Waypoint
from motiongpt_blender.demo.command import exit_now, run_command
from motiongpt_blender.wire import Sampling
from tests.support.measure.plots import new_figure

WALK: Final = "a person walks forward"


def _drawn(points: Any) -> Way:
    return Way(tuple(Waypoint(float(x), float(z)) for x, z in points), drawn=True)


def _circle(radius: float) -> Way:
    t = np.linspace(0, 2 * np.pi, 90)
    return _drawn(np.stack([radius * (1 - np.cos(t)), radius * np.sin(t)], -1))


def _s_curve() -> Way:
    z = np.linspace(0, 6, 80)
    return _drawn(np.stack([1.2 * np.sin(z * np.pi / 3), z], -1))


#: Name of a case -> its prompt and its way.
CASES: Final = {
    "straight, 3 m": (WALK, _drawn([(0, 0), (0, 3)])),
    "straight, 20 m": (WALK, _drawn([(0, 0), (0, 20)])),
    "circle, radius 1 m": (WALK, _circle(1)),
    "circle, radius 2 m": (WALK, _circle(2)),
    "S curve": (WALK, _s_curve()),
    "zigzag, drawn": (WALK, _drawn([(0, 0), (1, 1.5), (-1, 3), (1, 4.5), (0, 6)])),
    "square, drawn": (WALK, _drawn([(0, 0), (0, 2.5), (2.5, 2.5), (2.5, 0), (0, 0)])),
    "there and back, drawn": (WALK, _drawn([(0, 0), (0, 4), (0, 0)])),
    "S curve, running": ("a person runs forward", _s_curve()),
    "straight, 20 m, running": ("a person runs forward", _drawn([(0, 0), (0, 20)])),
    "circle, radius 2 m, sneaking": ("a person sneaks", _circle(2)),
    "S curve, walking backwards": ("a person walks backwards", _s_curve()),
    "waypoints, zigzag": (
        WALK,
        Way((Waypoint(0, 0), Waypoint(1, 1.5), Waypoint(-1, 3), Waypoint(1, 4.5))),
    ),
    "waypoints, back to the start": (
        WALK,
        Way((Waypoint(0, 0), Waypoint(1.5, 2), Waypoint(-1.5, 2), Waypoint(0, 0, 0.0))),
    ),
    "waypoints with times": (
        WALK,
        Way((Waypoint(0, 0, None, 0), Waypoint(0, 2, None, 2.5), Waypoint(2, 3, None, 5.0))),
    ),
    "waypoints with times and facing": (
        WALK,
        Way(
            (
                Waypoint(0, 0, None, 0),
                Waypoint(1, 2, np.pi / 2, 3.0),
                Waypoint(0, 4, -np.pi / 2, 6.0),
            )
        ),
    ),
    "walks, then waves": (
        "a person walks forward, then waves with the right hand",
        _drawn([(0, 0), (0.5, 2), (2, 3)]),
    ),
}


@dataclass(frozen=True)
class Row:
    """One take; centimetres, cm/s and m/s^2."""

    away: tuple[float, float]
    points: float
    slide: tuple[float, float]
    acceleration: tuple[float, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.ways", description=__doc__
    )
    parser.add_argument("--pack", type=packs.named, default=packs.DEFAULT_PACK)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--out", type=Path, help="folder for pictures")
    arguments = parser.parse_args(argv)
    return run_command("ways", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    pipeline = MotionPipeline.from_pack(arguments.pack)
    print(
        "| way | length | seconds | off the way, mean | most | off waypoints, most | "
        "support foot slides | without the way | lurch | without |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for name, (prompt, way) in CASES.items():
        if arguments.only and arguments.only not in name:
            continue
        frames, metres = _length(prompt, way)
        takes = [_takes(pipeline, prompt, way, frames, k) for k in range(arguments.seeds)]
        rows = [_row(prompt, way, *pair) for pair in takes]
        mean, most = np.mean([r.away[0] for r in rows]), max(r.away[1] for r in rows)
        points = max(r.points for r in rows)
        slide, slid = np.mean([r.slide for r in rows], axis=0)
        lurch, lurched = np.mean([r.acceleration for r in rows], axis=0)
        print(
            f"| {name} | {metres:.1f} m | {(frames - 1) / MODEL_FPS:.1f} | {mean:.1f} cm | "
            f"{most:.1f} cm | {'-' if way.drawn else f'{points:.1f} cm'} | {slide:.1f} cm/s | "
            f"{slid:.1f} cm/s | {lurch:.1f} m/s² | {lurched:.1f} m/s² |",
            flush=True,
        )
        if arguments.out:
            for seed, (made, _) in enumerate(takes):
                draw(f"{name}, seed {seed}", prompt, way, made, arguments.out)
    return 0


def _length(prompt: str, way: Way) -> tuple[int, float]:
    """Frames of a take on a way, and its metres."""
    path = path_of(way, usual_speed(prompt))
    seconds = way.last_seconds or natural_seconds(prompt, path.effort)
    return round(seconds * MODEL_FPS) + 1, path.metres


def _takes(
    pipeline: MotionPipeline, prompt: str, way: Way, frames: int, seed: int
) -> tuple[Array, Array]:
    """The takes with and without the way, the latter as long as the model makes it."""
    sampling = Sampling(seed=seed)
    longest = min(frames, pipeline.manifest.max_frames)
    asked = [
        GenerationRequest(prompt, frames, sampling=sampling, way=way),
        GenerationRequest(prompt, longest, sampling=sampling),
    ]
    made, without = (pipeline.generate(one, *silent()).clips[0].joints for one in asked)
    return made, without


def _row(prompt: str, way: Way, made: Array, without: Array) -> Row:
    path = path_of(way, usual_speed(prompt))
    pelvis = made[:, 0][:, [0, 2]]
    line = np.array([[p.x, p.z] for p in way.points]) if way.drawn else path.places
    away = [100 * _to_line(place, line) for place in pelvis]
    fine = np.stack(
        [np.interp(np.arange(0, len(made) - 1, 0.05), np.arange(len(made)), c) for c in pelvis.T],
        axis=-1,
    )
    points = [
        np.linalg.norm(
            (fine if p.seconds is None else pelvis[round(p.seconds * MODEL_FPS)]) - (p.x, p.z),
            axis=-1,
        ).min()
        for p in way.points
    ]
    slides = tuple(100 * (support_foot_speed(joints) or 0.0) for joints in (made, without))
    peaks = tuple(peak_acceleration(joints) for joints in (made, without))
    return Row(
        (float(np.mean(away)), max(away)),
        100 * float(max(points)),
        (slides[0], slides[1]),
        (peaks[0], peaks[1]),
    )


def _to_line(place: Array, line: Array) -> float:
    """Metres from a place (2,) to a line through points (N, 2)."""
    steps = np.diff(line, axis=0)
    share = ((place - line[:-1]) * steps).sum(-1) / np.maximum((steps**2).sum(-1), 1e-12)
    nearest = line[:-1] + np.clip(share, 0, 1)[:, None] * steps
    return float(np.linalg.norm(nearest - place, axis=-1).min())


def draw(name: str, prompt: str, way: Way, joints: Array, folder: Path) -> None:
    """One take from above, with its footprints, and in poses."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = "".join(c if c.isalnum() else "_" for c in name)
    path = path_of(way, usual_speed(prompt))
    figure = new_figure((8, 8))
    axes = figure.subplots()
    axes.plot(-path.places[:, 0], path.places[:, 1], color="0.8", lw=5, zorder=0)
    axes.plot(-joints[:, 0, 0], joints[:, 0, 2], color="#374151", lw=1)
    for ankle, toe, colour in ((7, 10, LEFT), (8, 11, RIGHT)):
        axes.plot(-joints[:, toe, 0], joints[:, toe, 2], color=colour, lw=0.4, alpha=0.6)
        speed = np.linalg.norm(np.diff(joints[:, toe][:, [0, 2]], axis=0), axis=-1) * MODEL_FPS
        for first, last in runs((joints[1:, toe, 1] < 0.06) & (speed < 0.4)):
            foot = joints[(first + last) // 2, [ankle, toe]]
            axes.plot(-foot[:, 0], foot[:, 2], color=colour, lw=4, solid_capstyle="round")
    for k in range(0, len(joints), 10):
        hips = joints[k, [16, 17]]
        axes.plot(-hips[:, 0], hips[:, 2], color="#10b981", lw=1)
    for number, point in enumerate(way.points if not way.drawn else (), 1):
        axes.plot(-point.x, point.z, "o", color="C3", ms=5)
        axes.annotate(str(number), (-point.x, point.z))
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title(f"{name}: '{prompt}'")
    figure.savefig(folder / f"{stem}_above.png", dpi=70)
    pages = draw_sheets([(name, joints)], folder / stem)
    for page in pages:
        page.rename(folder / f"{stem}_poses.png")
        page.parent.rmdir()


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
