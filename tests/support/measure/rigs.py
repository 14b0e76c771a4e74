"""``python -m tests.support.measure.rigs``: real clips on every family of rigs, measured.

Builds an armature of each family (Rigify makes its own), opens the rig files of folders as they
are, where some are named, writes the clips to each as the add-on does, and compares what Blender
shows with what was given. Prints one table; leaves a picture a rig in a folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip, heading
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.core.rig.bone_maps import families
from motiongpt_blender.demo.command import CommandError, exit_now, run_command
from motiongpt_blender.demo.terminal import Terminal

#: Clips that are played, by pack: walks, runs, kicks, jumps, dances, arms over the head.
CLIPS: Final = {
    "clean": ("cmu_131_02", "accad_Male1_C12_RunTurnLeft45", "cmu_135_01_p0", "cmu_02_05_p0",
              "cmu_91_51", "cmu_05_09", "cmu_02_10_p0", "accad_Male1_B25_CrouchToWalk"),
}  # fmt: skip
#: The clip that is drawn.
DRAWN: Final = "cmu_135_01_p0"
#: Frames of the motion that is timed.
TIMED: Final = 196
HEAD: Final = (
    "rig", "bones", "limbs mean", "limbs worst", "hinges", "palms", "toes", "headings",
    "slide", "lowest", "flips", "jump", "locked: limbs", "slide", "lowest", "time", "slice",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    cells: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    arguments = _parser().parse_args(argv)
    return run_command("rigs", lambda: _run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.rigs", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clean.npz")
    parser.add_argument(
        "--rigs", type=Path, nargs="*", default=[], help="folders with rig files to measure as well"
    )
    parser.add_argument("--files-only", action="store_true", help="the rig files alone")
    parser.add_argument("--out", type=Path, default=Path("out/rigs"), help="folder for pictures")
    parser.add_argument("--only", nargs="*", help="names of families or files")
    parser.add_argument("--no-pictures", action="store_true", help="the table alone")
    return parser


def load_clips(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Name -> joints (T, 22, 3) in metres of the clips that are played."""
    out: dict[str, np.ndarray[Any, Any]] = {}
    for pack, names in CLIPS.items():
        path = folder / f"{pack}.npz"
        if not path.is_file():
            raise CommandError(f"{path}: there is no such file: name the motion data with --data.")
        with np.load(path) as data:
            ids, at = [str(i) for i in data["ids"]], data["offsets"]
            rows = data["joints_half_mm"]
            for name in names:
                k = ids.index(name)
                out[name] = rows[at[k] : at[k + 1]].astype(np.float32) / 2000
    return out


def _run(arguments: argparse.Namespace) -> int:
    clips = load_clips(arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="motiongpt-rigs-") as name,
        Terminal(Path(name) / "blender.log") as terminal,
    ):
        for key, make in makers(arguments.rigs, Path(name), made=not arguments.files_only):
            if arguments.only and key not in arguments.only:
                continue
            try:
                rows.append(_one(key, make, clips, arguments))
            except Exception as error:
                message = " ".join(f"{type(error).__name__}: {error}".split())
                rows.append(Row(key, (message,)))
            terminal.say(_line(rows[-1]))
        terminal.say("\n" + table(rows))
    return 0


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    rule = "|---|" + "---:|" * (len(HEAD) - 1)
    return "\n".join(["| " + " | ".join(HEAD) + " |", rule, *(_line(r) for r in rows)])


def _line(row: Row) -> str:
    return "| " + " | ".join((row.name, *row.cells)) + " |"


def makers(
    rigs: Sequence[Path], folder: Path, *, made: bool = True
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name and maker of every rig."""
    from tests.support.rigs import families as built
    from tests.support.rigs import files

    for family, _ in families() if made else ():
        if family in built.MADE_BY_RIGIFY:
            yield family, lambda f=family: files.make_rigify(f == "rigify")
        else:
            yield family, lambda f=family: built.build_family(built.build_of(f))
    for path in (path for folder_of in rigs for path in sorted(folder_of.iterdir())):
        if path.suffix in files.READ and not path.stem.startswith("bone_"):
            yield path.stem, lambda p=path: files.open_rig(p, folder)


def _one(
    name: str, make: Callable[[], Any], clips: dict[str, Any], arguments: argparse.Namespace
) -> Row:
    """One rig: every clip written, played, measured and taken off again."""
    import bpy

    from motiongpt_blender.core.rig.rig_options import RigOptions
    from motiongpt_blender.scene.rig.description import describe

    bpy.ops.wm.read_factory_settings(use_empty=True)
    obj = make()
    scene = bpy.context.scene  # a blend file brings its own
    # After the file: importers bring a frame rate of their own.
    scene.render.fps, scene.render.fps_base = round(MODEL_FPS), 1.0
    rig = describe(obj)
    found: dict[bool, list[Any]] = {False: [], True: []}
    for clip_name, joints in clips.items():
        for lock, errors in found.items():
            shown = clip_name == DRAWN and not lock and not arguments.no_pictures
            picture = arguments.out / f"{name}.png" if shown else None
            clip = MotionClip(joints, MODEL_FPS)
            errors.append(played_errors(obj, rig, clip, RigOptions(lock_feet=lock), picture))
    whole, longest = _timed(obj, clips)
    return Row(name, _cells(len(obj.data.bones), found, whole, longest))


def played_errors(
    obj: Any, rig: Any, clip: MotionClip, options: Any, picture: Path | None = None
) -> Any:
    """How well the rig shows a clip, of which nothing stays behind; drawn to ``picture``."""
    import bpy

    from motiongpt_blender.core.pose_constraints.pose_ground import find_grounds
    from motiongpt_blender.scene.pose.capture import capture_joints, capture_pose
    from motiongpt_blender.scene.take.apply import apply_clip
    from motiongpt_blender.scene.take.remove_take import remove_take
    from tests.support.rigs import measures
    from tests.support.rigs.portraits import portrait

    bpy.context.scene.frame_set(1)
    ground = find_grounds(rig, {1: capture_pose(obj, rig)})[1]
    turn = about_y(heading(capture_joints(obj, rig)) - heading(clip.joints[0]))
    given = rotate(turn, clip.joints.astype(np.float64))
    report = apply_clip(obj, clip, (), 1, "measured", options)
    drawn = _drawn(obj, rig) if picture else []
    played = measures.play(obj, rig, 1, len(clip.joints), drawn)
    if picture:
        standing = replace(played, bones=played.bones - np.array([0.0, ground, 0.0]))
        portrait(rig, standing, drawn, given).save(picture, optimize=True)
    remove_take(report.action_name, report.ids)
    return measures.measure(rig, played, given, clip.fps, ground)


def _drawn(obj: Any, rig: Any) -> list[str]:
    """Bones to draw: those that show parts, and those that hang between them."""
    return list(dict.fromkeys(c.body for c in rig.controls))


def _timed(obj: Any, clips: dict[str, Any]) -> tuple[float, float]:
    """Processor milliseconds to write 196 frames, and of its longest slice; the best of three.

    The best, as the machine may be busy with something else: its caches are shared. With
    locked feet, as the add-on writes unless it is told otherwise.
    """
    import bpy

    from motiongpt_blender.core.rig.rig_options import RigOptions
    from motiongpt_blender.scene.take.apply import apply_slices
    from motiongpt_blender.scene.take.remove_take import remove_take

    long = np.concatenate([clips[DRAWN], clips[DRAWN][::-1]])[:TIMED]
    options = RigOptions(lock_feet=True)
    best = (np.inf, np.inf)
    for _ in range(3):
        slices: list[float] = []
        steps = apply_slices(obj, MotionClip(long, MODEL_FPS), (), 1, "timed", options)
        while True:
            began = time.thread_time()
            try:
                next(steps)
            except StopIteration as end:
                report = end.value
                slices.append(time.thread_time() - began)
                break
            slices.append(time.thread_time() - began)
            bpy.context.view_layer.update()  # as Blender does in its turn
        remove_take(report.action_name, report.ids)
        best = min(best[0], 1000 * sum(slices)), min(best[1], 1000 * max(slices))
    return best


def _cells(
    bones: int, found: dict[bool, list[Any]], whole: float, longest: float
) -> tuple[str, ...]:
    free, locked = found[False], found[True]

    def mean(which: str) -> str:
        values = np.concatenate([getattr(e, which) for e in free])
        return f"{values.mean():.2f}°" if len(values) else "-"

    return (
        str(bones),
        mean("limbs"),
        f"{max(e.limbs.max() for e in free):.2f}°",
        *(mean(which) for which in ("hinges", "palms", "toes", "headings")),
        *_feet(free),
        str(sum(e.flips for e in free)),
        f"{max(e.jumps.max() for e in free):.0f}°",
        f"{np.concatenate([e.limbs for e in locked]).mean():.2f}°",
        *_feet(locked),
        f"{whole:.0f} ms",
        f"{longest:.0f} ms",
    )


def _feet(found: Sequence[Any]) -> tuple[str, str]:
    """How far standing feet slide, over the motion's own, and the lowest point of a foot."""
    slides = np.sum([e.slides for e in found], axis=0)
    lowest = min(e.lowest for e in found)
    return f"{slides[0] / slides[1]:.2f} x", f"{100 * lowest:.1f} cm"


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
