"""``python -m tests.support.measure.blending``: windows and loops of real clips, measured.

One real clip plays on a rig, another takes the place of its middle, as a generated take
would; then the same clip is closed to a loop. Prints how far the speed of any bone jumps at
the seams, with and without the fitting; draws one seam.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.body.rotations import Array
from motiongpt_blender.core.feet.foot_contacts import UP_SPEED
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.core.timeline.frame_range import Fit
from motiongpt_blender.demo.command import exit_now, run_command
from tests.support.measure.plots import new_figure
from tests.support.measure.rigs import load_clips

FAMILY: Final = "mixamo"
FPS: Final = 24
#: Bones whose curve is drawn, and frames on either side of the seam.
DRAWN: Final = "mixamorig:LeftHand"
AROUND: Final = 14
TOES: Final = ("mixamorig:LeftToeBase", "mixamorig:RightToeBase")


@dataclass(frozen=True)
class SeamRow:
    """One seam.

    Attributes:
        name: of the clips, and which seam.
        alone: jump in the fastest bone's speed in the undisturbed clip there, metres a second.
        cut: the same with the other clip put in through the poses alone.
        fitted: the same with speeds fitted.
        outside: millimetres by which any bone moved outside the window.
    """

    name: str
    alone: float
    cut: float
    fitted: float
    outside: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.blending", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clean.npz")
    parser.add_argument("--out", type=Path, help="picture of one seam")
    arguments = parser.parse_args(argv)
    return run_command("seams", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    clips = list(load_clips(arguments.data).items())
    rows: list[SeamRow] = []
    drawn: dict[str, Array] = {}
    for (name, joints), (other, inside) in pairwise([*clips, clips[0]]):
        rows += measure(name, joints, other, inside, drawn)
    print(
        "| clip with another put in | alone | cut | fitted | outside |\n|---|---:|---:|---:|---:|"
    )
    for row in rows:
        print(
            f"| {row.name} | {row.alone:.2f} m/s | {row.cut:.2f} m/s | {row.fitted:.2f} m/s | "
            f"{row.outside:.3f} mm |"
        )
    for which in ("alone", "cut", "fitted"):
        print(f"median {which}: {np.median([getattr(r, which) for r in rows]):.3f} m/s")
    for name, joints in clips:
        turn, jump, toes = loop(joints)
        print(
            f"loop of {name}: ends {turn:.4f} degrees apart, jump {jump:.2f} m/s, standing toes "
            f"near the seam {toes:.1f} cm/s"
        )
    if arguments.out:
        draw(drawn, arguments.out)
    return 0


def measure(
    name: str, joints: Array, other: str, inside: Array, drawn: dict[str, Array] | None = None
) -> list[SeamRow]:
    """Both seams of one clip in the middle of another, on an armature of their own.

    Args:
        name: of the clip that stays.
        joints: its motion (T, 22, 3).
        other: name of the clip that is put in.
        inside: its motion.
        drawn: takes the curves of one bone at the first seam by what they show.
    """
    from motiongpt_blender.scene.rig.description import describe
    from motiongpt_blender.scene.take.apply import apply_clip
    from motiongpt_blender.scene.take.surroundings import surrounding_poses
    from tests.support.rigs.families import fresh_rig

    obj = fresh_rig(FAMILY, FPS)
    rig = describe(obj)
    apply_clip(obj, MotionClip(joints.astype(np.float32), MODEL_FPS), (), 1, name)
    last = round((len(joints) - 1) / MODEL_FPS * FPS) + 1
    start, end = 1 + round((last - 1) / 3), 1 + round(2 * (last - 1) / 3)
    clip = MotionClip(inside[: round((end - start) / FPS * MODEL_FPS) + 2], MODEL_FPS)
    frames = [*range(1, start + 1, 3), start, end, *range(end, last + 1, 3)]
    before = [_places(obj, f) for f in frames]
    alone = [_jump(obj, f) for f in (start, end)]
    poses, joins = surrounding_poses(obj, rig, [(start, PoseRole.START), (end, PoseRole.END)])
    curves, jumps, outside = {"the clip alone": _curve(obj, start)}, [], 0.0
    for fitted, kind in ((), "put in"), (joins, "put in and fitted"):
        fit = Fit(joins=fitted, alone=False, holds=False)
        report = apply_clip(obj, clip, poses, start, other, fit=fit)
        jumps.append([_jump(obj, f) for f in (start, end)])
        curves[kind] = _curve(obj, start)
        moved = [np.abs(_places(obj, f) - p).max() for f, p in zip(frames, before, strict=True)]
        outside = max(outside, 1000 * float(max(moved)))
        obj.animation_data.nla_tracks[report.track_name].mute = True
    if drawn is not None and not drawn:
        drawn.update(curves)
    return [
        SeamRow(f"{name} + {other}, {which}", alone[k], jumps[0][k], jumps[1][k], outside)
        for k, which in enumerate(("first", "last"))
    ]


def loop(joints: Array) -> tuple[float, float, float]:
    """A clip closed to a loop, feet locked, played on past its end.

    Returns:
        Degrees between its ends; the jump in speed there, m/s; and the speed of the fastest toe
        that stands within ``AROUND`` frames of the seam, cm/s.
    """
    from motiongpt_blender.scene.take.apply import apply_clip
    from tests.support.rigs.families import fresh_rig

    obj = fresh_rig(FAMILY, FPS)
    fit = Fit(loop=True, cyclic=True)
    clip = MotionClip(joints.astype(np.float32), MODEL_FPS)
    options = RigOptions(lock_feet=True)
    report = apply_clip(obj, clip, (), 1, "loop", options, fit)
    ends = [_turns(obj, f) for f in (1, report.frame_end)]
    # The chord of the angle: its cosine would lose small angles in rounding.
    away = np.linalg.norm(ends[0] - ends[1], axis=(1, 2)) / np.sqrt(8.0)
    strip = obj.animation_data.nla_tracks[report.track_name].strips[0]
    length = report.frame_end - 1
    strip.action_frame_end = strip.frame_end_raw = report.frame_end + length
    turn = float(np.degrees(2 * np.arcsin(away)).max())
    return turn, _jump(obj, report.frame_end), _standing_toes(obj, round(report.frame_end))


def _standing_toes(obj: Any, seam: int) -> float:
    """Speed of the fastest toe within ``AROUND`` frames of a seam, cm/s, while it stands.

    It stands where it is as low as a toe at rest (within a centimetre) and moves too slowly for a
    step. A frame is as fast as the slower of the steps to it and from it: landing is no sliding.
    """
    frames = range(seam - AROUND, seam + AROUND + 1)
    places = [dict(_posed(obj, f)) for f in frames]
    fastest = 0.0
    for toe in TOES:
        path = np.array([p[toe][:3, 3] for p in places])
        low = path[:, 2] < (obj.matrix_world @ obj.data.bones[toe].head_local)[2] + 0.01
        speed = FPS * np.linalg.norm(np.diff(path, axis=0), axis=-1)
        to, off = speed[:-1], speed[1:]
        stands = low[:-2] & low[1:-1] & low[2:] & (np.maximum(to, off) < UP_SPEED)
        fastest = max(fastest, float(np.minimum(to, off)[stands].max(initial=0)))
    return 100 * fastest


def _posed(obj: Any, frame: float) -> Iterator[tuple[str, Array]]:
    import bpy

    bpy.context.scene.frame_set(frame)
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    for bone in posed.pose.bones:
        yield bone.name, np.array(posed.matrix_world @ bone.matrix)


def _places(obj: Any, frame: float) -> Array:
    """Where all bones begin at a frame, (N, 3) metres."""
    return np.array([matrix[:3, 3] for _, matrix in _posed(obj, frame)])


def _turns(obj: Any, frame: float) -> Array:
    """How all bones are turned at a frame, (N, 3, 3)."""
    turns = [matrix[:3, :3] for _, matrix in _posed(obj, frame)]
    return np.array([m / np.linalg.norm(m, axis=0) for m in turns])


def _jump(obj: Any, frame: float) -> float:
    """Jump in the fastest bone's speed at a frame, metres a second; slopes from three frames."""
    places = [_places(obj, frame + k) for k in (-2, -1, 0, 1, 2)]
    before = 2 * (places[2] - places[1]) - 0.5 * (places[2] - places[0])
    after = 2 * (places[3] - places[2]) - 0.5 * (places[4] - places[2])
    return FPS * float(np.linalg.norm(after - before, axis=-1).max())


def _curve(obj: Any, frame: int) -> Array:
    """Places (2 * AROUND + 1, 3) of the drawn bone around a frame, metres."""
    around = range(frame - AROUND, frame + AROUND + 1)
    return np.array([dict(_posed(obj, f))[DRAWN][:3, 3] for f in around])


def draw(curves: dict[str, Array], path: Path) -> None:
    """Height and speed of a hand at a seam, with and without fitting."""
    figure = new_figure((9, 3.6))
    frames = np.arange(-AROUND, AROUND + 1)
    looks = {
        "the clip alone": ("0.65", "--"),
        "put in": ("C3", "-"),
        "put in and fitted": ("C0", "-"),
    }
    for axes, title in zip(figure.subplots(1, 2), ("height, cm", "speed, m/s"), strict=True):
        for kind, places in curves.items():
            steps = np.linalg.norm(np.diff(places, axis=0), axis=-1) * FPS
            x, y = (frames, 100 * places[:, 2]) if title[0] == "h" else (frames[1:] - 0.5, steps)
            colour, line = looks[kind]
            axes.plot(x, y, line, color=colour, label=kind)
        axes.axvline(0, color="0.8", zorder=0)
        axes.set_title(f"left hand, {title}")
        axes.set_xlabel("frames from the seam: before it the clip, after it the take")
    figure.axes[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
