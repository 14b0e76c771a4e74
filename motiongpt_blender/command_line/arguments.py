"""What the command understands. Imports no bpy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from ..core.shots import Mark, ShotError
from ..generate.take_request import MOST_TAKES
from ..wire import HELP, LIMITS, Sampling

#: Where a take can be kept.
KEEP = ("nla", "action", "layer")
#: What the first word may be; another one is an option of ``generate``.
COMMANDS = ("generate", "batch", "serve")


class UsageError(ValueError):
    """The command cannot begin as it is written; the message is one sentence."""


class _Parser(argparse.ArgumentParser):
    """Tells of a wrong option by an error, as a command of Blender may not end the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; --help says what there is.")


def parse(words: list[str]) -> argparse.Namespace:
    """The command's options.

    Raises:
        UsageError: for options that it does not know.
        SystemExit: after ``--help``.
    """
    name = words[0] if words and words[0] in COMMANDS else "generate"
    rest = words[1:] if words[:1] == [name] else words
    parsed = {"generate": _generate, "batch": _batch, "serve": _serve}[name]().parse_args(rest)
    parsed.name = name
    return parsed


def _parser(name: str, usage: str, text: str) -> _Parser:
    parser = _Parser(
        prog=f"blender -b {usage} --command motiongpt {name}".rstrip(), description=text
    )
    parser.add_argument("--pack", type=Path, help="folder of a model pack (the preferences')")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where it runs")
    parser.add_argument("--fake", action="store_true", help=argparse.SUPPRESS)
    return parser


def _generate() -> _Parser:
    parser = _parser(
        "",
        "FILE.blend",
        "Make takes of a prompt for an armature of the file, keep the best, and save. "
        f"'batch SHOTS.csv' does so for a list; {', '.join(COMMANDS)} each have a --help.",
    )
    add = parser.add_argument
    add("--armature", required=True, help="name of the armature object")
    add("--prompt", required=True, help="what the character does, in English")
    add("--seconds", type=float, help="length without marked poses (what suits the prompt)")
    add(
        "--mark",
        action="append",
        default=[],
        metavar="ROLE:FRAME",
        help="the takes meet the pose at this frame: start:1, key:24 or end:73; without this "
        "option those that are marked in the file count, 'none' means none",
    )
    add("--takes", type=int, default=MOST_TAKES, help=f"different ones, 1 to {MOST_TAKES}")
    for option in ("seed", "candidates", "guidance"):
        default = getattr(Sampling(), option)
        low, high = LIMITS[option].low, LIMITS[option].high
        text = f"{HELP[option]} ({default}; {low:g} to {high:g})"
        add(f"--{option}", type=type(default), default=default, help=text)
    add("--frames", type=int, nargs=2, metavar=("FIRST", "LAST"), help="frames of the takes")
    add("--loop", action="store_true", help="the takes end as they begin")
    add("--keep", choices=KEEP, default="nla", help="where the best take is kept (nla)")
    add(
        "--bake",
        action="store_const",
        const="action",
        dest="keep",
        help="--keep action: its keys become the active action's, without an NLA track",
    )
    add("--keep-others", action="store_true", help="the other takes stay in the list")
    add("--replace-keys", action="store_true", help="--bake may replace keys of yours")
    add(
        "--out",
        type=Path,
        action="append",
        help="write .blend, .bvh, .fbx or .glb; may be given again (the file itself is saved)",
    )
    return parser


def _batch() -> _Parser:
    parser = _parser("batch", "", "Make the shots of a CSV file, each into a file of its own.")
    parser.add_argument("shots", type=Path, help="columns: file, armature, prompt, output, and "
                        "marks, seconds, seed, takes, keep where they are wanted")  # fmt: skip
    parser.add_argument("--out", type=Path, help="folder of the outputs (that of the list)")
    parser.add_argument("--again", action="store_true", help="make finished shots again")
    return parser


def _serve() -> _Parser:
    parser = _parser("serve", "", "Answer requests on standard input, a JSON object a line.")
    parser.add_argument("--folder", type=Path, required=True, help="the only folder whose files "
                        "are opened and in which new ones are written")  # fmt: skip
    return parser


def marks_of(texts: list[str]) -> tuple[Mark, ...] | None:
    """The marks of ``--mark``; raises UsageError."""
    try:
        return Mark.parse_all(texts)
    except ShotError as error:
        raise UsageError(str(error)) from None
