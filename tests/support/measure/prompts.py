"""``python -m tests.support.measure.prompts``: ten prompts, as they come, one strip each.

Text only, no marked poses, nothing chosen afterwards. Clips that were made elsewhere may be
given as files instead; their own prompts are then the titles.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.timeline.plan import plan
from motiongpt_blender.demo.__main__ import FPS
from motiongpt_blender.demo.command import exit_now, run_command
from motiongpt_blender.demo.terminal import Terminal

#: Pictures of a strip, and their width and height in pixels.
COUNT: Final = 8
CELL: Final = (240, 300)
COMBINED: Final = "all.png"


@dataclass(frozen=True)
class Prompt:
    """One of the ten prompts.

    Attributes:
        name: name of its picture.
        prompt: what the model is asked.
        seconds: for how long.
        like: captions that match this are of the same kind.
    """

    name: str
    prompt: str
    seconds: float
    like: str


PROMPTS: Final = (
    Prompt("walk", "a person walks forward", 4.0, r"\bwalk\w* (straight |slowly )?(forward|ahead)"),
    Prompt("run", "a person runs forward", 2.5, r"\b(run|sprint|jog)\w*\b.*\b(forward|ahead)"),
    Prompt("turn_left", "a person walks forward and turns left", 5.0,
         r"\b(walk|run)\w*\b.*\bturn\w*\b.*\bleft"),
    Prompt("turn_right", "a person walks forward and turns right", 5.0,
         r"\b(walk|run)\w*\b.*\bturn\w*\b.*\bright"),
    Prompt("walk_backward", "a person walks backward", 4.0, r"\bwalk\w* backward"),
    Prompt("jump", "a person jumps up high", 3.0, r"\b(jump|leap|hop)"),
    Prompt("side_step", "a person steps sideways to the left", 3.5,
         r"\bside ?-?step|\bsteps? sideways|\bsideways"),
    Prompt("punch", "a person throws punches with the right hand", 4.0, r"\bpunch"),
    Prompt("dance", "a person dances with quick steps", 5.0, r"\bdanc"),
    Prompt("stand_idle", "a person stands still with the arms by the sides", 4.0,
         r"\bstand(s|ing)?( \w+)? (still|idle|idly|relaxed|in place)|\bidle"),
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Make the strips; returns the exit status."""
    arguments = _parser().parse_args(argv)
    return run_command("prompts", lambda: _run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.prompts", description=__doc__
    )
    parser.add_argument("clips", nargs="*", type=Path, help="clip files instead of the model")
    parser.add_argument("--out", type=Path, default=Path("docs/images/prompts"), help="folder")
    parser.add_argument("--only", nargs="+", help="names of some of the prompts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="motion data, to count clips of each kind")
    parser.add_argument("--pack", type=Path, help="folder of a model pack (the one shipped)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--fake", action="store_true", help="a drawn walk, no model; for tests")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="motiongpt-prompts-") as name,
        Terminal(Path(name) / "blender.log") as terminal,
    ):
        with terminal.stage("Motions"):
            clips = list(_from_files(arguments.clips) or _from_model(arguments, terminal))
        _film(clips, arguments, Path(name), terminal)
    return 0


def _from_files(paths: Sequence[Path]) -> list[tuple[Prompt, MotionClip]]:
    """Clips as they lie on disk, each with its own prompt."""
    known = {w.prompt: w for w in PROMPTS}
    out: list[tuple[Prompt, MotionClip]] = []
    for path in paths:
        clip = MotionClip.load(path)
        title = clip.prompt or path.stem
        one = known.get(title) or Prompt(path.stem.removeprefix("clip_"), title, clip.seconds, "")
        out.append((one, clip))
    return out


def _from_model(
    arguments: argparse.Namespace, terminal: Terminal
) -> Iterator[tuple[Prompt, MotionClip]]:
    """Each prompt's motion, all from one process."""
    from motiongpt_blender.demo.request import Model, make_launch
    from motiongpt_blender.generate.job import max_frames

    launch = make_launch(arguments.pack, arguments.device, arguments.fake)
    prompts = [w for w in PROMPTS if not arguments.only or w.name in arguments.only]
    with Model(launch) as model:
        for k, one in enumerate(prompts):
            planned = plan(
                one.prompt,
                (),
                0,
                one.seconds,
                MODEL_FPS,
                MODEL_FPS,
                max_frames(launch.pack),
            )
            terminal.progress("Generating", k / len(prompts), one.prompt)
            yield one, model.ask(planned, (), arguments.seed, lambda *_: None).clip


def _film(
    clips: Sequence[tuple[Prompt, MotionClip]],
    arguments: argparse.Namespace,
    folder: Path,
    terminal: Terminal,
) -> None:
    """A strip a clip, and all of them on one sheet."""
    from motiongpt_blender.demo import pictures
    from motiongpt_blender.demo.performance import Performance
    from motiongpt_blender.demo.stage import Look

    with terminal.stage("Rigify character, figure, stage"):
        performance = Performance(Look(*CELL, samples=6, angle=42.0), FPS)
    counts = count_clips(arguments.data) if arguments.data else {}
    sheets: list[Any] = []
    with terminal.stage("Pictures"):
        for k, (one, clip) in enumerate(clips):
            terminal.progress("Filming", k / len(clips), one.prompt)
            into = folder / f"{k:02}"
            into.mkdir()
            note = f"{clip.seconds:.1f} s, seed {clip.seed}"
            if one.name in counts:
                note += f", {counts[one.name]} training clips of this kind"
            strip = pictures.strip(_take(performance, clip, into), one.prompt, note, CELL[0])
            pictures.save_small(strip, arguments.out / f"{one.name}.png")
            sheets.append(strip)
    pictures.save_small(pictures.stack(sheets, 1400), arguments.out / COMBINED)
    for name, number in counts.items():
        terminal.say(f"  {name:<16}{number:>4} training clips")
    terminal.say(f"  {len(sheets)} strips and {COMBINED} in {arguments.out}")


def _take(performance: Any, clip: MotionClip, folder: Path) -> list[Path]:
    """Pictures of one clip, evenly over its time; the rig is clean again afterwards."""
    from motiongpt_blender.demo import film
    from motiongpt_blender.demo.stances import AT_EASE
    from motiongpt_blender.scene.take.remove_take import remove_take

    performance.stand(AT_EASE.joints(0.0))
    report = performance.apply(clip, (), "Take")
    performance.follow(report)
    chosen = film.lively_frames(clip.joints, report.frame_start, performance.fps / clip.fps, COUNT)
    last = report.frame_end
    shots = film.shoot_all([min(f, last) for f in chosen], folder, lambda *_: None)
    remove_take(report.action_name, report.ids)
    return list(shots.values())


def count_clips(data: Path) -> dict[str, int]:
    """How many training clips there are of each prompt's kind, by their captions."""
    lines = (data / "clips.jsonl").read_text(encoding="utf-8").splitlines()
    captions = json.loads((data / "captions.json").read_text(encoding="utf-8"))
    clips = [json.loads(line) for line in lines if line.strip()]
    names = [c["id"] for c in clips if c["split"] == "train" and c["pack"] == "clean"]
    return {
        one.name: sum(any(re.search(one.like, text) for text in captions[n]) for n in names)
        for one in PROMPTS
    }


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
