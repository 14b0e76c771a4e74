"""``python -m tests.support.measure.root_paths``: real walks bent to end poses elsewhere, measured.

The last pose of a walk is put aside, turned, or further on, and the walk has to end there.
Prints how well the body faces its way, how much is dragged and how standing toes slide;
draws some ways from above and how far a hand is moved around a marked pose.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS, heading
from motiongpt_blender.core.body.rotations import (
    Array,
    about_y,
    from_log,
    inverse,
    multiply,
    rotate,
    wrap_angle,
)
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.pose_constraints.correction import meet_poses
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose, pose_at
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from motiongpt_blender.core.rig.rig_description import RigDescription, RigMotion
from motiongpt_blender.demo.command import CommandError, exit_now, run_command
from tests.support.measure.plots import new_figure

FAMILY: Final = "mixamo"
#: Metres that a clip has to get on, frames that it has to have and that are used of it, and
#: how many clips are looked at.
FAR: Final = 1.5
LEAST: Final = 80
FRAMES: Final = 120
EVERY: Final = 5
#: What the end pose is asked for: degrees turned, metres to the left, metres on.
CASES: Final = {
    "1 m to the left": (0.0, 1.0, 0.0),
    "1 m to the left, turned by 90°": (90.0, 1.0, 0.0),
    "round a corner": (90.0, 1.5, -1.5),
    "1 m further": (0.0, 0.0, 1.0),
    "0.7 m nearer": (0.0, 0.0, -0.7),
    "10 m further": (0.0, 0.0, 10.0),
}
DRAWN: Final = ("1 m to the left", "round a corner", "0.7 m nearer")
#: How the arm of the marked pose is turned, and the reaches that are drawn.
RAISED: Final = np.array([-0.7, 0.0, 0.7])
REACHES: Final = (0.4, 0.8, 1.6)
_LEVEL: Final = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True)
class PathRow:
    """One walk to one end.

    Attributes:
        case: of ``CASES``.
        course: mean degrees by which the way turned otherwise than the body.
        dragged: centimetres that no bend gave.
        slides: centimetres a second of standing toes: as it came, bent, locked.
    """

    case: str
    course: float
    dragged: float
    slides: tuple[float, float, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.root_paths", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clean.npz")
    parser.add_argument("--out", type=Path, help="picture of some ways and a curve")
    arguments = parser.parse_args(argv)
    return run_command("paths", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    import bpy

    from motiongpt_blender.scene.rig.description import describe
    from tests.support.rigs.families import build_family, build_of

    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = describe(build_family(build_of(FAMILY)))
    walks = list(_walks(arguments.data))
    if not walks:
        raise CommandError(f"{arguments.data}: no clip there gets {FAR:.1f} m on.")
    print(
        "| end pose | walks | body off its way | dragged | standing toes as they came | bent | "
        "locked |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for case in CASES:
        rows = [measure(rig, joints, case) for joints in walks]
        came, bent, locked = np.median([row.slides for row in rows], axis=0)
        print(
            f"| {case} | {len(rows)} | {np.median([r.course for r in rows]):.1f}° | "
            f"{np.median([r.dragged for r in rows]):.0f} cm | {came:.0f} cm/s | {bent:.0f} cm/s | "
            f"{locked:.1f} cm/s |"
        )
    if arguments.out:
        draw(rig, max(walks, key=_gets_on), arguments.out)
    return 0


def _walks(folder: Path) -> Iterator[Array]:
    """Every ``EVERY``-th clip of the clean pack that is long enough and gets on."""
    path = folder / "clean.npz"
    if not path.is_file():
        raise CommandError(f"{path}: there is no such file: name the motion data with --data.")
    with np.load(path) as data:
        rows, at = data["joints_half_mm"], data["offsets"]
    for k in range(0, len(at) - 1, EVERY):
        walk = rows[at[k] : at[k + 1]][:FRAMES].astype(np.float64) / 2000
        if len(walk) >= LEAST and np.linalg.norm((walk[-1, 0] - walk[0, 0]) * _LEVEL) > FAR:
            yield walk


def straightest(folder: Path) -> Array:
    """The walk (T, 22, 3) that is drawn: the one that turns least."""
    walks = list(_walks(folder))
    if not walks:
        raise CommandError(f"{folder}: no clip there gets {FAR:.1f} m on.")
    return max(walks, key=_gets_on)


def _gets_on(walk: Array) -> float:
    """How much of a walk (T, 22, 3) leads to its end; 1 is a straight line."""
    steps = np.diff(walk[:, 0] * _LEVEL, axis=0)
    return float(np.linalg.norm(steps.sum(0)) / np.linalg.norm(steps, axis=-1).sum())


def measure(rig: RigDescription, joints: Array, case: str) -> PathRow:
    """One walk (T, 22, 3) to one end, on a rig."""
    motion = solve(rig, joints, MODEL_FPS)
    met, end = bent(rig, motion, joints, case)
    foot_contacts = find_foot_contacts(joints, MODEL_FPS)
    last = len(motion) - 1
    locked, _ = lock_feet(rig, met, foot_contacts, kept=(0, last))
    down = np.stack([foot_contacts.mask(s, len(motion)) > 0 for s in "LR"], 1)
    standing = down[1:] & down[:-1]
    slides = [_slide(rig, m, standing) for m in (motion, met, locked)]
    ways = [_root(rig, m) for m in (motion, met)]
    steps = [np.diff(places * _LEVEL, axis=0) for places, _ in ways]
    turned = np.unwrap(ways[1][1]) - np.unwrap(ways[0][1])
    courses = [np.arctan2(s[:, 0], s[:, 2]) for s in steps]
    away = courses[1] - courses[0] - 0.5 * (turned[1:] + turned[:-1])
    away = np.abs(wrap_angle(away))
    weight = np.linalg.norm(steps[0], axis=-1)
    course = float(np.degrees((away * weight).sum() / weight.sum()))
    return PathRow(case, course, end, (slides[0], slides[1], slides[2]))


def bent(
    rig: RigDescription, motion: RigMotion, joints: Array, case: str
) -> tuple[RigMotion, float]:
    """The walk that ends where a case asks for, and the centimetres that were dragged."""
    last = len(motion) - 1
    met, reports = meet_poses(
        motion, {0: pose_at(motion, 0), last: _end(rig, motion, joints, case)}
    )
    return met, reports[-1].dragged_cm


def _end(rig: RigDescription, motion: RigMotion, joints: Array, case: str) -> RigPose:
    """The last pose, put where a case asks for."""
    degrees, aside, on = CASES[case]
    way = (joints[-1, 0] - joints[0, 0]) * _LEVEL
    ahead = way / np.linalg.norm(way)
    step = (aside * np.cross([0.0, 1.0, 0.0], ahead) + on * ahead) * rig.scale
    last = pose_at(motion, len(motion) - 1)
    rest = motion.root_rest
    turn = multiply(multiply(inverse(rest), about_y(np.array(np.radians(degrees)))), rest)
    w, x, y, z = (float(v) for v in multiply(turn, np.array(last.rotations[motion.root])))
    place = np.array(last.root_location) + rotate(inverse(rest), step)
    return RigPose(
        {**last.rotations, motion.root: (w, x, y, z)},
        (float(place[0]), float(place[1]), float(place[2])),
    )


def _root(rig: RigDescription, motion: RigMotion) -> tuple[Array, Array]:
    """Where the hips are (T, 3), metres, and which way they face (T,)."""
    figure = forward_kinematics(rig, motion)
    hips = np.zeros((len(motion), 22, 3))
    for joint in (Joint.L_HIP, Joint.R_HIP, Joint.L_SHOULDER, Joint.R_SHOULDER):
        hips[:, joint] = joint_position(rig, figure, joint) / rig.scale
    places = motion.root_head + rotate(motion.root_rest, motion.locations)
    return places / rig.scale, heading(hips)


def _slide(rig: RigDescription, motion: RigMotion, standing: Any) -> float:
    figure = forward_kinematics(rig, motion)
    toes = [joint_position(rig, figure, j) * _LEVEL for j in (Joint.L_FOOT, Joint.R_FOOT)]
    speed = np.linalg.norm(np.diff(np.stack(toes, 1), axis=0), axis=-1) * MODEL_FPS / rig.scale
    return 100 * float(speed[standing].mean()) if standing.any() else 0.0


def draw(rig: RigDescription, joints: Array, path: Path) -> None:
    """Ways from above, before and after, and how far a hand is moved around a marked pose."""
    figure = new_figure((12, 4.2))
    axes = figure.subplots(1, len(DRAWN) + 1, width_ratios=[1] * len(DRAWN) + [1.5])
    motion = solve(rig, joints, MODEL_FPS)
    for one, case in zip(axes, DRAWN, strict=False):
        met, _ = bent(rig, motion, joints, case)
        for way, colour, label in ((motion, "0.6", "as it came"), (met, "C0", "bent")):
            places, faces = _root(rig, way)
            one.plot(-places[:, 0], places[:, 2], color=colour, label=label)
            for k in (*range(0, len(places), 12), len(places) - 1):
                tip = 0.22 * np.array([-np.sin(faces[k]), np.cos(faces[k])])
                one.annotate("", (-places[k, 0] + tip[0], places[k, 2] + tip[1]),
                             (-places[k, 0], places[k, 2]),
                             arrowprops={"arrowstyle": "->", "color": colour})  # fmt: skip
        goal = _root(rig, met)[0][-1]
        one.plot(-goal[0], goal[2], "o", color="C3", label="end pose", zorder=0)
        one.set_title(case)
        one.set_aspect("equal", adjustable="datalim")
        one.set_xlabel("metres, from above")
    axes[0].legend(frameon=False, fontsize=8)
    _draw_reaches(rig, motion, axes[-1])
    figure.savefig(path, dpi=110)


def _draw_reaches(rig: RigDescription, motion: RigMotion, axes: Any) -> None:
    """How far a hand is moved when the arm is raised in a marked pose, with several reaches."""
    middle = len(motion) // 2
    arm = next(c for c in rig.controls if c.part == "upper_arm_l")
    turn = multiply(np.array(pose_at(motion, middle).rotations[arm.name]),
                    from_log(RAISED))  # fmt: skip
    w, x, y, z = (float(v) for v in turn)
    pose = RigPose({arm.name: (w, x, y, z)}, (0.0, 0.0, 0.0), root_constrained=False)
    seconds = (np.arange(len(motion)) - middle) / MODEL_FPS
    before = joint_position(rig, forward_kinematics(rig, motion), Joint.L_WRIST)
    for k, reach in enumerate(REACHES):
        met, _ = meet_poses(motion, {middle: pose}, reach)
        away = joint_position(rig, forward_kinematics(rig, met), Joint.L_WRIST) - before
        away = 100 * np.linalg.norm(away, axis=-1) / rig.scale
        axes.plot(seconds, away, color=f"C{k}", label=f"reach {reach} s")
    axes.axvline(0, color="0.85", zorder=0)
    axes.set_title("left hand, cm from where it came")
    axes.set_xlabel("seconds from the marked pose")
    axes.set_xlim(-2, 2)
    axes.legend(frameon=False, fontsize=8)


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
