"""``python -m tests.support.measure.feet``: feet of generated motion on two rigs, measured.

The pack makes a clip for each prompt, or clips of an earlier run are taken from the folder.
Each is written to a generated Rigify rig and a Mixamo rig as the add-on does, once as it is and
once with *Lock Feet*. Toes and heels are read off the evaluated bones, in metres of the model.
What the clips themselves are like, before any rig, is told first.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ext_models.evaluation.prompts.prompt_lists import read_prompts, shipped_lists
from ext_models.motion.floor_metrics import (
    floor_penetration,
    support_foot_speed,
    support_foot_speeds,
)
from ext_models.motion.pacing_metrics import speeds_up_late
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.body.rotations import Array
from motiongpt_blender.core.body.skeleton import SIDES, Joint, of_side
from motiongpt_blender.core.timeline.plan import plan
from motiongpt_blender.demo.command import exit_now, run_command
from motiongpt_blender.demo.terminal import Terminal

#: Seconds of each clip.
SECONDS: Final = 4.0
PROMPTS: Final = (
    "a person walks forward", "a person runs forward", "a person walks backward",
    "a person turns left", "a person steps sideways to the left", "a person jumps up high",
    "a person kicks with the right foot", "a person throws punches with the right hand",
    "a person dances with quick steps", "a person stands still",
)  # fmt: skip
RIGS: Final = ("rigify", "mixamo")
#: Name of an action that is measured and removed.
_ACTION: Final = "measured"


@dataclass(frozen=True)
class Feet:
    """Feet of one take on a rig.

    Attributes:
        speeds: (C,) m/s of the support foot in the contact frames.
        depth: metres that a toe or heel is below the floor at most.
        moved_cm: the farthest that foot locking moved a toe, in centimetres of the model.
    """

    speeds: Array
    depth: float
    moved_cm: float = 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.feet", description=__doc__
    )
    parser.add_argument("--clips", type=Path, default=Path("out/feet"), help="folder of the clips")
    parser.add_argument(
        "--prompts", help=f"list of prompts: a file or one of {', '.join(shipped_lists())}"
    )
    parser.add_argument("--pack", type=Path, help="folder of a model pack (the one shipped)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--fake", action="store_true", help="a drawn walk, no model; for tests")
    arguments = parser.parse_args(argv)
    return run_command("feet", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="motiongpt-feet-") as name,
        Terminal(Path(name) / "blender.log") as terminal,
    ):
        clips = list(_clips(arguments, terminal))
        terminal.say(raw_motion(clips))
        for rig in RIGS:
            terminal.say(table(rig, clips, measured(rig, clips)))
    return 0


def _clips(arguments: argparse.Namespace, terminal: Terminal) -> Iterator[MotionClip]:
    """The clip of each prompt; those that the folder lacks are generated."""
    from motiongpt_blender.demo.request import Model, make_launch
    from motiongpt_blender.generate.job import max_frames

    prompts = _prompts(arguments.prompts)
    arguments.clips.mkdir(parents=True, exist_ok=True)
    launch = make_launch(arguments.pack, arguments.device, arguments.fake)
    with Model(launch) as model:  # starts with the first question
        for k, prompt in enumerate(prompts):
            words = re.findall(r"\w+", prompt.removeprefix("a person "))
            path = arguments.clips / f"{'_'.join(words)}.npz"
            if not path.is_file():
                terminal.progress("Generating", k / len(prompts), prompt)
                most = max_frames(launch.pack)
                planned = plan(prompt, (), 0, SECONDS, MODEL_FPS, MODEL_FPS, most)
                model.ask(planned, (), 0, lambda *_: None).clip.save(path)
            yield MotionClip.load(path)


def _prompts(name: str | None) -> Sequence[str]:
    """The prompts of a list."""
    if name is None:
        return PROMPTS
    return [prompt.text for prompt in read_prompts(shipped_lists().get(name) or Path(name)).prompts]


def raw_motion(clips: Sequence[MotionClip]) -> str:
    """What clips are like before any rig, in one sentence."""
    feet = [100 * (support_foot_speed(clip.joints, clip.fps) or 0.0) for clip in clips]
    depths = [100 * floor_penetration(clip.joints) for clip in clips]
    late = np.mean([speeds_up_late(clip.joints, clip.fps) for clip in clips])
    return (
        f"{len(clips)} clips: support foot {np.mean(feet):.1f} cm/s in the mean, "
        f"penetration {np.mean(depths):.1f} cm in the mean and {max(depths):.1f} at most, "
        f"{late:.0%} speed up late"
    )


def measured(family: str, clips: Sequence[MotionClip]) -> list[tuple[Feet, Feet]]:
    """The feet of each clip on a rig of a family: as they are, and locked."""
    import bpy

    from tests.support.rigs import families, files

    bpy.ops.wm.read_factory_settings(use_empty=True)
    if family in families.MADE_BY_RIGIFY:
        obj = files.make_rigify(family == "rigify")
    else:
        obj = families.build_family(families.build_of(family))
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = round(MODEL_FPS), 1.0
    return [(_played(obj, clip, lock=False), _played(obj, clip, lock=True)) for clip in clips]


def _played(obj: Any, clip: MotionClip, *, lock: bool) -> Feet:
    """The feet of a clip on a rig, of which nothing stays behind."""
    import bpy

    from motiongpt_blender.core.rig.rig_options import RigOptions
    from motiongpt_blender.scene.rig.description import describe
    from motiongpt_blender.scene.take.apply import apply_clip
    from motiongpt_blender.scene.take.remove_take import remove_take
    from tests.support.rigs import measures

    bpy.context.scene.frame_set(1)
    report = apply_clip(obj, clip, (), 1, _ACTION, RigOptions(lock_feet=lock))
    rig = describe(obj)
    played = measures.play(obj, rig, 1, len(clip.joints), [])
    remove_take(report.action_name, report.ids)
    for bone in obj.pose.bones:
        bone.matrix_basis.identity()
    return feet_of(rig, played, report.foot_lock.moved_cm if report.foot_lock else 0.0)


def feet_of(rig: Any, played: Any, moved_cm: float = 0.0) -> Feet:
    """The feet of what a rig played; a toe or heel as high as at rest is on the floor."""
    from tests.support.rigs import measures

    count = len(next(iter(played.turns.values())))
    joints = np.zeros((count, len(Joint), 3))
    for side in SIDES:
        for name, joint in zip(("ANKLE", "FOOT"), of_side(side, "ANKLE", "FOOT"), strict=True):
            rest = [0.0, float(rig.points[joint][1]), 0.0]
            joints[:, joint] = (measures.point(rig, played, name, side) - rest) / rig.scale
    return Feet(support_foot_speeds(joints), floor_penetration(joints), moved_cm)


def table(family: str, clips: Sequence[MotionClip], rows: Sequence[tuple[Feet, Feet]]) -> str:
    """The measurements as a table in Markdown: cm/s and cm, each as it is and locked."""
    head = (
        "prompt", "support foot", "locked", "95th percentile", "locked", "moved", "penetration",
        "locked",
    )  # fmt: skip
    lines = [f"\n{family}\n", "| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += [_line(clip.prompt, *row) for clip, row in zip(clips, rows, strict=True)]
    before, after = (_together([row[k] for row in rows]) for k in (0, 1))
    return "\n".join([*lines, _line("all", before, after)])


def _together(takes: Sequence[Feet]) -> Feet:
    """All contact frames of several takes, and the worst of the rest."""
    return Feet(
        np.concatenate([one.speeds for one in takes]),
        max(one.depth for one in takes),
        max(one.moved_cm for one in takes),
    )


def _line(name: str, before: Feet, after: Feet) -> str:
    def speeds(take: Feet) -> tuple[str, str]:
        if not len(take.speeds):
            return "-", "-"
        mean, fast = take.speeds.mean(), np.percentile(take.speeds, 95)
        return f"{100 * mean:.1f}", f"{100 * fast:.1f}"

    (mean, fast), (locked, locked_fast) = speeds(before), speeds(after)
    depths = (f"{100 * take.depth:.1f}" for take in (before, after))
    cells = (name, mean, locked, fast, locked_fast, f"{after.moved_cm:.1f}", *depths)
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
