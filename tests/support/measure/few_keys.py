"""``python -m tests.support.measure.few_keys``: how many keys real clips take, measured.

Plays real clips on a rig with a key a frame and with few, feet locked or left alone, and
prints how many times fewer keys that takes; draws the curves of one bone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.body.rotations import Array
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.demo.command import CommandError, exit_now, run_command
from tests.support.measure import root_paths
from tests.support.measure.plots import new_figure

#: Frames that are drawn, and the bone whose curves.
FRAMES: Final = 60
BONE: Final = "upper_arm_l"
#: Degrees and millimetres of the limits.
LIMITS: Final = ((1.0, 5.0), (2.0, 10.0))
#: How many clips are measured, evenly over the data, and the most frames of each.
CLIPS: Final = 21
LONGEST: Final = 196
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
        prog="python -m tests.support.measure.few_keys", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clean.npz")
    parser.add_argument("--out", type=Path, help="picture of some curves")
    arguments = parser.parse_args(argv)
    return run_command("few_keys", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    if arguments.out:
        draw_keys(root_paths.straightest(arguments.data)[-FRAMES:], arguments.out)
    clips = list(_clips(arguments.data))
    for locked in (True, False):
        fewer = np.array([times_fewer(clip, locked=locked) for clip in clips])
        for (degrees, mm), ratios in zip(LIMITS, fewer.T, strict=True):
            print(
                f"{degrees:.0f}°, {mm:.0f} mm, {'locked' if locked else 'left alone'}: "
                f"{np.median(ratios):.1f} times fewer keys in the median of {len(clips)} clips, "
                f"{ratios.min():.1f} to {ratios.max():.1f}"
            )
    return 0


def _clips(folder: Path) -> Iterator[Array]:
    """The clips (T, 22, 3) that are measured."""
    path = folder / "clean.npz"
    if not path.is_file():
        raise CommandError(f"{path}: there is no such file: name the motion data with --data.")
    with np.load(path) as data:
        at, rows = data["offsets"], data["joints_half_mm"]
        for k in np.linspace(0, len(at) - 2, CLIPS).astype(int):
            yield rows[at[k] : at[k + 1]][:LONGEST].astype(np.float32) / 2000


def times_fewer(clip: Array, *, locked: bool) -> list[float]:
    """How many times fewer keys a clip (T, 22, 3) takes, for each of ``LIMITS``."""
    dense = written(clip, RigOptions(lock_feet=locked)).count
    return [dense / written(clip, few).count for few in _few(locked=locked)]


def _few(*, locked: bool) -> list[RigOptions]:
    one = RigOptions(lock_feet=locked, sparse=True)
    return [replace(one, degrees=degrees, millimetres=mm) for degrees, mm in LIMITS]


def draw_keys(walk: Array, path: Path) -> None:
    """An upper arm's curves with a key a frame and with few; prints how many there are."""
    few = [written(walk, options) for options in _few(locked=True)]
    dense = written(walk, RigOptions(lock_feet=True))
    figure = new_figure((8, 5.4))
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

    from motiongpt_blender import compat
    from motiongpt_blender.scene.rig.description import describe
    from motiongpt_blender.scene.take.apply import apply_clip
    from tests.support.rigs.families import fresh_rig

    obj = fresh_rig(root_paths.FAMILY, MODEL_FPS)
    rig = describe(obj)
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


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
