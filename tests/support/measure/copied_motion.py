"""``python -m tests.support.measure.copied_motion``: motion copied between pairs of skeletons.

A clip, raw as it was recorded, is put on an armature of one family and copied to one of another
with *Copy Motion*, once with its feet planted and once as it is, and from there back to a second
one of the first family. Every bone is read as Blender evaluates it. Prints, for each pair, the
angles between their limbs, how far apart their hips are on the way, in percent of a leg, and how
far standing toes slide on the copy and on the source, in percent of a leg a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.body.rotations import Array
from motiongpt_blender.core.body.skeleton import SIDES
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_description import RigDescription
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.demo.command import exit_now, run_command
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.clips import as_generated, clip
from tests.support.rigs.families import USUAL, build_family, build_of
from tests.support.rigs.files import READ, open_rig, put_at_rest
from tests.support.rigs.measures import Played, angle, play, point

#: Frames a second of the scene, and of the clip that is put on the sources.
FPS: Final = 30
#: A toe stands where it moves slower than so many legs a second, below so much of a leg.
STANDS: Final = (0.3, 0.08)
_ENDS: Final = (("HIP", "KNEE"), ("KNEE", "ANKLE"), ("SHOULDER", "ELBOW"), ("ELBOW", "WRIST"))


@dataclass(frozen=True)
class Copied:
    """How a copy differs from its source.

    Attributes:
        limbs: angles in degrees between their limbs, all frames.
        place: percent of a leg, of the hips' way, mean.
        slide: percent of a leg that standing toes slide a second: the copy's, the source's.
    """

    limbs: Array
    place: float
    slide: tuple[float, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.copied_motion", description=__doc__
    )
    parser.add_argument("--clip", default="walk", help="one of the clips of the tests")
    parser.add_argument("--frames", type=int, default=50, help="of the clip")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument(
        "--files", type=Path, help="a folder of rigs: each is copied to a built one, and from one"
    )
    arguments = parser.parse_args(argv)
    return run_command("copied motion", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    import motiongpt_blender

    motiongpt_blender.register()
    names = _pairs(arguments.pairs, arguments.files)
    joints = as_generated(clip(arguments.clip)[: arguments.frames]).astype(np.float32)
    print("| from | to | place, % | slide, %/s: source, copy | limbs, planted: mean, worst "
          "| as it is: worst | and back: worst |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    rows: list[tuple[Copied, Copied, Copied]] = []
    for source, other in names:
        rows.append(pair(source, other, joints))
        planted, there, back = rows[-1]
        print(
            f"| {Path(source).stem} | {Path(other).stem} | {planted.place:.1f} "
            f"| {planted.slide[1]:.1f}, {planted.slide[0]:.1f} "
            f"| {planted.limbs.mean():.1f}, {planted.limbs.max():.1f} "
            f"| {there.limbs.max():.2f} | {back.limbs.max():.2f} |",
            flush=True,
        )
    places = [planted.place for planted, _, _ in rows]
    limbs = [[one.limbs.max() for one in column] for column in zip(*rows, strict=True)]
    planted, there, back = map(max, limbs)
    print(f"{len(rows)} pairs; worst: place {max(places):.1f} %, limbs planted {planted:.1f}, "
          f"as it is {there:.2f}, and back {back:.2f} degrees")  # fmt: skip
    return 0


def _pairs(count: int, folder: Path | None) -> list[tuple[str, str]]:
    """Names of families, or paths of rigs in a folder and names."""
    families = sorted(USUAL)
    if folder is not None:
        paths = sorted(p for p in folder.iterdir() if p.suffix in READ and p.suffix != ".blend")
        files = [str(path) for path in paths if "bone" not in path.stem]
        pairs = [(file, families[k % len(families)]) for k, file in enumerate(files)]
        return [ends for pair in pairs for ends in (pair, pair[::-1])]
    return [
        (families[k % len(families)],
         families[(k + 1 + k // len(families) * 5 + k % 7) % len(families)])
        for k in range(count)
    ]  # fmt: skip


def _armature(name: str, folder: Path) -> Any:
    """An armature of a family, or of a file, at rest."""
    path = Path(name)
    if not path.suffix:
        return build_family(build_of(name))
    others = set(bpy.context.scene.objects)
    open_rig(path, folder)
    new = [o for o in bpy.context.scene.objects if o.type == "ARMATURE" and o not in others]
    return put_at_rest(max(new, key=lambda obj: len(obj.data.bones)))


def pair(source: str, other: str, joints: Array) -> tuple[Copied, Copied, Copied]:
    """A motion (T, 22, 3) of one family on another: planted; as it is; and back on the first."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = FPS
    with tempfile.TemporaryDirectory() as folder:
        first, planted, there, back = (
            _armature(name, Path(folder)) for name in (source, other, other, source)
        )
    apply_clip(first, MotionClip(joints, MODEL_FPS), (), 1, "source", RigOptions(lock_feet=False))
    copy(first, planted, lock_feet=True)
    copy(first, there, lock_feet=False)
    copy(there, back, lock_feet=False)
    count = round((len(joints) - 1) * FPS / MODEL_FPS) + 1
    origin, *copies = [
        (rig := describe(obj), play(obj, rig, 1, count, []))
        for obj in (first, planted, there, back)
    ]
    found = [_difference(origin, one) for one in copies]
    return found[0], found[1], found[2]


def copy(source: Any, obj: Any, *, lock_feet: bool) -> None:
    """What the animator does: choose the armature, and *Copy Motion* from another."""
    bpy.context.scene.motiongpt.armature = obj
    obj.motiongpt.retargeting.lock_feet = lock_feet
    assert bpy.ops.motiongpt.copy_motion(source=source.name) == {"FINISHED"}


def _difference(
    source: tuple[RigDescription, Played], copied: tuple[RigDescription, Played]
) -> Copied:
    limbs = [
        angle(_limb(*copied, *ends, side), _limb(*source, *ends, side))
        for side in SIDES
        for ends in _ENDS
    ]
    ways = [played.heads[Part.PELVIS] / rig.leg for rig, played in (source, copied)]
    ways = [way - way[0] for way in ways]
    apart = np.linalg.norm((ways[1] - ways[0])[:, [0, 2]], axis=-1).mean()
    slides = [_slide(*source, *one) for one in (copied, source)]
    return Copied(np.concatenate(limbs), 100 * float(apart), (slides[0], slides[1]))


def _limb(rig: RigDescription, played: Played, begin: str, end: str, side: str) -> Array:
    return point(rig, played, end, side) - point(rig, played, begin, side)


def _slide(rig: RigDescription, played: Played, copied: RigDescription, shown: Played) -> float:
    """Percent of a leg a second that a copy's toes move while the source's stand."""
    speeds = []
    for side in SIDES:
        toe = point(rig, played, "FOOT", side) / rig.leg
        speed = np.linalg.norm(np.diff(toe, axis=0)[:, [0, 2]], axis=-1) * FPS
        stands = (speed < STANDS[0]) & (toe[1:, 1] - toe[:, 1].min() < STANDS[1])
        own = point(copied, shown, "FOOT", side) / copied.leg
        speeds.append((np.linalg.norm(np.diff(own, axis=0)[:, [0, 2]], axis=-1) * FPS)[stands])
    return 100 * float(np.concatenate(speeds).mean())


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
