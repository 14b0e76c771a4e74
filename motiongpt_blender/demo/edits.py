"""``python -m motiongpt_blender.demo.edits``: the pictures of poses, seams, feet and keys.

Plants the feet of a walk made rough and reduces the keys of a real one, prints the numbers and
draws both; has ``demo.paths`` and ``demo.seams`` print and draw theirs, so that all the pictures
of what is done to a motion come from one command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..core.footfalls import Footfalls, find_footfalls
from ..core.frames import gaussian_smooth
from ..core.kinematics import forward, joint_place
from ..core.motion import MODEL_FPS, MotionClip
from ..core.planting import plant_feet
from ..core.retarget import RigDescription, RigMotion, solve
from ..core.rig_options import RigOptions
from ..core.rotations import Array
from ..core.skeleton import Joint
from . import paths, seams
from .__main__ import leave, run_in_words
from .errors import DemoError

#: Frames that are looked at, and the bone whose curves are drawn.
FRAMES: Final = 60
BONE: Final = "upper_arm_l"
#: Degrees and millimetres of the drawn limits.
LIMITS: Final = ((1.0, 5.0), (2.0, 10.0))
#: How a clip is made rough: metres that a joint trembles (before smoothing), metres a second
#: that the body drifts.
TREMBLE: Final = 0.007
DRIFT: Final = 0.12
_COLOURS: Final = ("0.3", "C3", "C2", "C0")


@dataclass(frozen=True)
class Written:
    """One bone's curves in a take.

    Attributes:
        points: of each curve its keys (K, 3, 2): left handle, key, right handle.
        count: keys of the whole take, on curves that move.
    """

    points: list[Array]
    count: int


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and draw; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m motiongpt_blender.demo.edits", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clean.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    arguments = parser.parse_args(argv)
    return run_in_words("edits", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    data, out = str(arguments.data), arguments.out
    out.mkdir(parents=True, exist_ok=True)
    for made, name in ((paths, "paths.png"), (seams, "seam.png")):
        if status := made.main(["--data", data, "--out", str(out / name)]):
            return status
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    walk = paths.straightest(arguments.data)[-FRAMES:]
    draw_feet(walk, out / "feet.png")
    draw_keys(walk, out / "sparse_keys.png")
    return 0


def rough(joints: Array) -> Array:
    """A clip (T, 22, 3) that trembles and drifts, as a weak model gives it."""
    rng = np.random.default_rng(0)
    noise = gaussian_smooth(rng.normal(scale=TREMBLE, size=joints.shape), 0.8)
    way = gaussian_smooth(rng.normal(size=(len(joints), 3)), 0.5 * MODEL_FPS) * [1.0, 0.0, 1.0]
    speed = np.linalg.norm(np.diff(way, axis=0), axis=-1).mean() * MODEL_FPS
    return joints + noise + (DRIFT / speed * way)[:, None]


def _new_rig() -> tuple[Any, RigDescription]:
    """The armature that is played on, at the model's frame rate."""
    import bpy

    from ..scene.rig import describe
    from .rig_families import build_family, build_of

    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    bpy.context.scene.render.fps = round(MODEL_FPS)
    obj = build_family(build_of(paths.FAMILY))
    return obj, describe(obj)


def draw_feet(walk: Array, path: Path) -> None:
    """A rough walk's left foot before and after planting; prints the toe's greatest speed."""
    _, rig = _new_rig()
    joints = rough(walk)
    footfalls = find_footfalls(joints, MODEL_FPS)
    before = solve(rig, joints, MODEL_FPS)
    after, _ = plant_feet(rig, before, footfalls)
    figure = _figure((8, 6.2))
    axes = figure.subplots(3, 1, sharex=True)
    standing = footfalls.mask("L", len(before)) > 0
    for motion, kind, colour in ((before, "before", "C3"), (after, "planted", "C0")):
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
    _shade(axes, footfalls)
    names = ("toe over the floor, cm", "toe speed, cm/s", "knee bend, degrees")
    for one, name in zip(axes, names, strict=True):
        one.set_ylabel(name)
    axes[1].set_ylim(0, 120)
    axes[0].legend(frameon=False)
    axes[0].set_title("Left foot of a rough walk; shaded: it stands", loc="left")
    axes[2].set_xlabel("seconds")
    figure.savefig(path, dpi=100)


def _shade(axes: Any, footfalls: Footfalls) -> None:
    """Marks when the left foot stands."""
    for stand in footfalls.of("L"):
        for one in axes:
            one.axvspan(stand.first / MODEL_FPS, stand.last / MODEL_FPS, color="C0", alpha=0.1)


def _foot(rig: RigDescription, motion: RigMotion) -> tuple[Array, Array, Array]:
    """Of the left leg: height of the toe (T,) cm, its speed (T-1,) cm/s, knee bend (T,) degrees."""
    seen = forward(rig, motion)
    chain = (Joint.L_HIP, Joint.L_KNEE, Joint.L_ANKLE, Joint.L_FOOT)
    hip, knee, ankle, toe = (joint_place(rig, seen, j) / rig.scale for j in chain)
    thigh, shin = knee - hip, ankle - knee
    length = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
    bend = np.degrees(np.arccos(np.clip((thigh * shin).sum(-1) / length, -1, 1)))
    height = 100 * (toe[:, 1] - rig.points[Joint.L_FOOT][1] / rig.scale)
    speed = 100 * MODEL_FPS * np.linalg.norm(np.diff(toe, axis=0), axis=-1)
    return height, speed, bend


def draw_keys(walk: Array, path: Path) -> None:
    """An upper arm's curves with a key a frame and with few; prints how many there are."""
    few = [written(walk, RigOptions(plant_feet=True, sparse=True, degrees=d, millimetres=m))
           for d, m in LIMITS]  # fmt: skip
    dense = written(walk, RigOptions(plant_feet=True))
    figure = _figure((8, 5.4))
    shown = figure.subplots(len(LIMITS), 1, sharex=True)
    for axes, one, (degrees, mm) in zip(shown, few, LIMITS, strict=True):
        counts = [max(len(p) for p in d.points) for d in (one, dense)]
        fewer = dense.count / one.count
        title = (
            f"{degrees:.0f}°, {mm:.0f} mm: {counts[0]} keys instead of {counts[1]} on this bone, "
            f"{fewer:.1f} times fewer on the whole body"
        )
        print(title)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylabel("upper arm, quaternion")
        for points, every, colour in zip(one.points, dense.points, _COLOURS, strict=True):
            axes.plot(*every[:, 1].T, ".", color=colour, alpha=0.4, markersize=4)
            axes.plot(*_drawn(points).T, color=colour, linewidth=1)
            axes.plot(*points[:, 1].T, "D", color=colour, markersize=4)
            for left, key, right in points:
                axes.plot(*np.stack([left, key, right]).T, color="0.2", linewidth=0.6)
    shown[-1].set_xlabel("frame (dots: a key a frame; diamonds: few keys and their handles)")
    figure.savefig(path, dpi=100)


def written(walk: Array, options: RigOptions) -> Written:
    """A clip written on an armature of its own."""
    import bpy

    from .. import compat
    from ..scene.apply import apply_clip

    obj, rig = _new_rig()
    clip = MotionClip(walk.astype(np.float32), MODEL_FPS)
    report = apply_clip(obj, clip, (), 1, "keys", options)
    bone = next(c.name for c in rig.controls if c.part.value == BONE)
    path = obj.pose.bones[bone].path_from_id("rotation_quaternion")
    points: list[Array] = []
    count = 0
    for curve in compat.all_curves(bpy.data.actions[report.action_name]):
        keys = [(k.handle_left[:], k.co[:], k.handle_right[:]) for k in curve.keyframe_points]
        if np.ptp([k[1][1] for k in keys]) > 1e-6:  # what stands still counts for neither
            count += len(keys)
        if curve.data_path == path:
            points.append(np.array(keys))
    return Written(points, count)


def _drawn(points: Array) -> Array:
    """Places (N, 2) along a Bézier curve, from its keys (K, 3, 2)."""
    t = np.linspace(0, 1, 12)[:, None]
    pieces = [
        (1 - t) ** 3 * a[1] + 3 * t * (1 - t) ** 2 * a[2] + 3 * t**2 * (1 - t) * b[0] + t**3 * b[1]
        for a, b in pairwise(points)
    ]
    return np.concatenate(pieces)


def _figure(size: tuple[float, float]) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise DemoError("The pictures need matplotlib: install it into this environment.") from None
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
