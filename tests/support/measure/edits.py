"""``python -m tests.support.measure.edits``: the pictures of poses, seams, feet and keys.

Locks the feet of a walk made rough, prints the numbers and draws it; has ``demo.paths``,
``demo.seams`` and ``demo.few_keys`` print and draw theirs, so that all the pictures of what is
done to a motion come from one command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.body.rotations import Array
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.smoothing import gaussian_smooth
from motiongpt_blender.core.feet.foot_contacts import FootContacts, find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from motiongpt_blender.core.rig.rig_description import RigDescription, RigMotion
from motiongpt_blender.demo.command import exit_now, run_command
from tests.support.measure import blending, few_keys, root_paths
from tests.support.measure.plots import new_figure

#: Frames that are looked at.
FRAMES: Final = 60
#: How a clip is made rough: metres that a joint trembles (before smoothing), metres a second
#: that the body drifts.
TREMBLE: Final = 0.007
DRIFT: Final = 0.12


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and draw; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.edits", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clean.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    arguments = parser.parse_args(argv)
    return run_command("edits", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    data, out = str(arguments.data), arguments.out
    out.mkdir(parents=True, exist_ok=True)
    pictures = ((root_paths, "paths.png"), (blending, "seam.png"), (few_keys, "sparse_keys.png"))
    for made, name in pictures:
        if status := made.main(["--data", data, "--out", str(out / name)]):
            return status
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    walk = root_paths.straightest(arguments.data)[-FRAMES:]
    draw_feet(walk, out / "feet.png")
    return 0


def rough(joints: Array) -> Array:
    """A clip (T, 22, 3) that trembles and drifts, as a weak model gives it."""
    rng = np.random.default_rng(0)
    noise = gaussian_smooth(rng.normal(scale=TREMBLE, size=joints.shape), 0.8)
    way = gaussian_smooth(rng.normal(size=(len(joints), 3)), 0.5 * MODEL_FPS) * [1.0, 0.0, 1.0]
    speed = np.linalg.norm(np.diff(way, axis=0), axis=-1).mean() * MODEL_FPS
    return joints + noise + (DRIFT / speed * way)[:, None]


def draw_feet(walk: Array, path: Path) -> None:
    """A rough walk's left foot before and after foot locking; prints the toe's greatest speed."""
    from motiongpt_blender.scene.rig.description import describe
    from tests.support.rigs.families import fresh_rig

    rig = describe(fresh_rig(root_paths.FAMILY, MODEL_FPS))
    joints = rough(walk)
    foot_contacts = find_foot_contacts(joints, MODEL_FPS)
    before = solve(rig, joints, MODEL_FPS)
    after, _ = lock_feet(rig, before, foot_contacts)
    figure = new_figure((8, 6.2))
    axes = figure.subplots(3, 1, sharex=True)
    standing = foot_contacts.mask("L", len(before)) > 0
    for motion, kind, colour in ((before, "before", "C3"), (after, "locked", "C0")):
        height, speed, bend = _foot(rig, motion)
        seconds = np.arange(len(motion)) / MODEL_FPS
        axes[0].plot(seconds, height, color=colour, label=kind)
        axes[1].plot(seconds[1:] - 0.5 / MODEL_FPS, speed, color=colour)
        axes[2].plot(seconds, bend, color=colour)
        both = standing[1:] & standing[:-1]
        below = max(0.0, -float(height[standing].min()))
        print(
            f"left toe, standing, {kind}: {np.median(speed[both]):.1f} cm/s in the median, "
            f"{speed[both].max():.1f} at most, {below:.1f} cm under the floor"
        )
    _shade(axes, foot_contacts)
    names = ("toe over the floor, cm", "toe speed, cm/s", "knee bend, degrees")
    for one, name in zip(axes, names, strict=True):
        one.set_ylabel(name)
    axes[1].set_ylim(0, 120)
    axes[0].legend(frameon=False)
    axes[0].set_title("Left foot of a rough walk; shaded: it stands", loc="left")
    axes[2].set_xlabel("seconds")
    figure.savefig(path, dpi=100)


def _shade(axes: Any, foot_contacts: FootContacts) -> None:
    """Marks when the left foot stands."""
    for stand in foot_contacts.of("L"):
        for one in axes:
            one.axvspan(stand.first / MODEL_FPS, stand.last / MODEL_FPS, color="C0", alpha=0.1)


def _foot(rig: RigDescription, motion: RigMotion) -> tuple[Array, Array, Array]:
    """Of the left leg: height of the toe (T,) cm, its speed (T-1,) cm/s, knee bend (T,) degrees."""
    seen = forward_kinematics(rig, motion)
    chain = (Joint.L_HIP, Joint.L_KNEE, Joint.L_ANKLE, Joint.L_FOOT)
    hip, knee, ankle, toe = (joint_position(rig, seen, j) / rig.scale for j in chain)
    thigh, shin = knee - hip, ankle - knee
    length = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
    bend = np.degrees(np.arccos(np.clip((thigh * shin).sum(-1) / length, -1, 1)))
    height = 100 * (toe[:, 1] - rig.points[Joint.L_FOOT][1] / rig.scale)
    speed = 100 * MODEL_FPS * np.linalg.norm(np.diff(toe, axis=0), axis=-1)
    return height, speed, bend


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
