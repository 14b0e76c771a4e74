"""``python -m motiongpt_blender.demo``: marked poses and a prompt become a filmed take.

Leaves demo.blend, clip.npz, demo.png and demo.gif in a folder and says what it did. What
can go wrong for the person who started it leaves as one sentence and exit status 1.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, Final

from ..core.body.motion import MODEL_FPS
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.plan import Plan, plan
from .command import CommandError, exit_now, run_command
from .stances import FIRST, Cue, cues
from .terminal import Terminal

PROMPT: Final = "a person walks forward, stops and raises the right arm"
SECONDS: Final = 4.0
SEED: Final = 4
FPS: Final = 24
#: Pictures on the contact sheet.
SHEET: Final = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit status."""
    arguments = _parser().parse_args(argv)
    return run_command("demo", lambda: _run(arguments, time.perf_counter()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m motiongpt_blender.demo", description=__doc__)
    parser.add_argument("--prompt", default=PROMPT, help=f"what the character does ({PROMPT})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"length ({SECONDS:.0f})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the sampler ({SEED})")
    parser.add_argument(
        "--out", type=Path, default=Path("out"), help="folder for the results (out)"
    )
    parser.add_argument("--pack", type=Path, help="folder of a model pack (the one shipped)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--fake", action="store_true", help="a drawn walk, no model; for tests")
    parser.add_argument("--pictures", choices=("all", "sheet", "none"), default="all",
                        help="which pictures to render (all)")  # fmt: skip
    return parser


def _run(arguments: argparse.Namespace, began: float) -> int:
    """Check, act, film, tell."""
    from .request import make_launch

    launch = make_launch(arguments.pack, arguments.device, arguments.fake)
    _check_seed(arguments.seed)
    _plan(arguments, (), launch.pack)  # prompt and length first: the poses are laid out by them
    wanted = cues(arguments.prompt, arguments.seconds)
    planned = _plan(arguments, wanted, launch.pack)
    if arguments.pictures != "none":
        import PIL  # noqa: F401 - better missed now than after the work
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="motiongpt-demo-") as name,
        Terminal(Path(name) / "blender.log") as terminal,
    ):
        show = _Show(arguments, planned, wanted, Path(name), terminal)
        show.perform(launch)
        show.film()
        terminal.say(f"\nDone in {time.perf_counter() - began:.0f} s.")
    return 0


def _plan(arguments: argparse.Namespace, wanted: Sequence[Cue], pack: Path) -> Plan:
    from ..generate.job import any_script, max_frames

    marks = [(FIRST + round(c.share * arguments.seconds * FPS), c.role) for c in wanted]
    return plan(
        arguments.prompt,
        marks,
        FIRST,
        arguments.seconds,
        FPS,
        MODEL_FPS,
        max_frames(pack),
        any_script=any_script(pack),
    )


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**31:
        raise CommandError(f"The seed is {seed}: choose one from 0 to {2**31 - 1}.")


class _Show:
    """One run of the demo."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        planned: Plan,
        wanted: Sequence[Cue],
        folder: Path,
        terminal: Terminal,
    ) -> None:
        self.arguments, self.planned, self.wanted = arguments, planned, wanted
        self.folder, self.terminal = folder, terminal
        self.notes: dict[int, str] = {}

    def perform(self, launch: Any) -> None:
        """Character, marked poses, the model's answer, keyframes; says how near they came."""
        from .performance import Performance
        from .request import Model
        from .stage import Look

        say, stage = self.terminal.say, self.terminal.stage
        out = self.arguments.out
        say(f'"{self.planned.prompt}"')
        say(f"{self.arguments.seconds:.1f} s, seed {self.arguments.seed}, model "
            f"{'fake (drawn, no model)' if launch.fake else launch.pack.name}\n")  # fmt: skip
        with stage("Rigify character, figure, stage"):
            self.performance = Performance(Look(), FPS)
        with stage("Poses marked with FK controls"):
            self.marked = self.performance.mark(self.wanted, self.arguments.seconds)
        with Model(launch) as model, stage("Motion from the model's process"):
            self.answer = model.ask(
                self.planned,
                self.marked,
                self.arguments.seed,
                self.terminal.progress,
            )
        self.answer.clip.save(out / "clip.npz")
        with stage("Keyframes on the rig, NLA track"):
            self.report = self.performance.apply(
                self.answer.clip, self.marked, shorten(self.planned.prompt, 48, placeholder="")
            )
        self.performance.follow(self.report)
        self._tell_how_near()
        self._save(out / "demo.blend")

    def _tell_how_near(self) -> None:
        from .roles import NAMES

        say = self.terminal.say
        say("\n  marked pose      frame   the model came within      on the rig now")
        before = {key.frame: key for key in self.report.keys}
        for pose in self.marked:
            key, met = before[round(pose.frame)], self.performance.measure(pose)
            say(
                f"  {NAMES[pose.role]:<15} {pose.frame:>6}   {key.body_degrees:5.1f} deg, "
                f"{key.position_cm:6.1f} cm     {met.degrees:.4f} deg, {met.position_cm:.4f} cm"
            )
            self.notes[round(pose.frame)] = (
                f"model: {key.body_degrees:.0f}°, {key.position_cm:.0f} cm away; now met exactly"
                if met.degrees < 0.05 and met.position_cm < 0.05
                else f"missed by {met.degrees:.1f}°, {met.position_cm:.1f} cm"
            )
        inside = ", ".join(f"{n} {s:.2f} s" for n, s in self.answer.seconds.items())
        say(f"\n  inside the model's process: {inside}")
        inside = ", ".join(f"{n} {s:.2f} s" for n, s in self.report.seconds.items())
        say(f"  inside the keyframes:       {inside}")
        for note in self.answer.notes:
            say(f"  note: {note}")
        say(f'  action "{self.report.action_name}" on NLA track "{self.report.track_name}", '
            f"frames {self.report.frame_start} to {self.report.frame_end}\n")  # fmt: skip

    def _save(self, path: Path) -> None:
        import bpy

        from .panel_data import save_with_panel

        bpy.context.scene.frame_set(round(self.report.frame_start))
        rig, seed = self.performance.rig_object, self.arguments.seed
        try:
            save_with_panel(str(path.absolute()), rig, self.planned, self.marked, seed)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"{path} cannot be written ({reason}): use another --out.") from None

    def film(self) -> None:
        """Render the frames; put contact sheet and moving picture together."""
        out, say = self.arguments.out, self.terminal.say
        files = [out / "demo.blend", out / "clip.npz"]
        if self.arguments.pictures != "none":
            from . import film, pictures

            frames = range(round(self.report.frame_start), round(self.report.frame_end) + 1)
            must = [round(pose.frame) for pose in self.marked]
            with self.terminal.stage("Pictures"):
                shots = self._shoot(film, frames, must)
            chosen = film.sheet_frames(list(shots), must, SHEET)
            sheet = pictures.contact_sheet(
                [shots[f] for f in chosen], self.planned.prompt, self._subtitle(), 5, 320
            )
            sheet.save(out / "demo.png", optimize=True)
            files.append(out / "demo.png")
            if self.arguments.pictures == "all":
                marks = {self._seconds(pose.frame): pose.role for pose in self.marked}
                pictures.moving_picture(
                    out / "demo.gif", list(shots.values()), self.planned.prompt, marks, 0.5
                )
                files.append(out / "demo.gif")
        say("\n" + "\n".join(f"  {p}  ({p.stat().st_size / 1024:.0f} KB)" for p in files))

    def _shoot(self, film: Any, frames: range, must: Sequence[int]) -> dict[int, Any]:
        from .pictures import Shot

        film.shoot(frames[0], self.folder)  # shaders and structures are built with the first
        began = time.perf_counter()
        film.shoot(frames[len(frames) // 3], self.folder)
        each = time.perf_counter() - began
        chosen = (
            film.film_frames(frames, must, each)
            if self.arguments.pictures == "all"
            else film.sheet_frames(frames, must, SHEET)
        )
        taken = film.shoot_all(
            chosen, self.folder, lambda share, note: self.terminal.progress("Filming", share, note)
        )
        roles: dict[int, PoseRole] = {round(pose.frame): pose.role for pose in self.marked}
        return {
            frame: Shot(path, self._seconds(frame), roles.get(frame), self.notes.get(frame, ""))
            for frame, path in taken.items()
        }

    def _seconds(self, frame: float) -> float:
        return (frame - self.report.frame_start) / FPS

    def _subtitle(self) -> str:
        return (
            f"{self.arguments.seconds:.1f} s on a Rigify human, seed {self.arguments.seed}. "
            "The translucent figures are the marked poses."
        )


if __name__ == "__main__":
    exit_now(main())
