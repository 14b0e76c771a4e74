"""Python environments made from the pinned requirements of ``pyproject.toml``.

``build.py`` makes ``.venv`` and the environments of the test matrix with it. Standard
library only, and no bpy. pip does the work, so that a user's own pip settings hold;
PyTorch alone may come through uv, because on Linux the plain wheel carries several
gigabytes for a GPU that may not be there.

The stamp in an environment's folder is written first, so that a folder that is not finished
is known as ours, and names the groups that are installed. Whatever goes wrong leaves as one
``InstallError``: a sentence that says what, where, what to do.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...core.patience import patiently, remove_folder
from ...core.systems import LONGEST_PATH, child_options, room_in
from ...core.translation import tr
from . import torch_source
from .asking import ask
from .install_errors import InstallError, explain, missing_library, without_passwords
from .places import STAMP, is_free

#: What the log is called after its environment, beside which it lies.
LOG: Final = "-install.log"
#: The Python that makes environments; never one inside an environment that may be moved.
_OUTSIDE: Final = getattr(sys, "_base_executable", None) or sys.executable
#: Characters of the longest path in an environment: licences of PyTorch (measured).
LONGEST_NAME: Final = len("Lib/site-packages/") + 171
#: Unpacked size over download size, with room for the largest wheel on its way (measured).
DISK_FACTOR: Final = 4
#: The lines of an installer's stderr that show its progress.
_PROGRESS: Final = re.compile(r"^\s*(Resolved|Downloading|Downloaded|Prepared|Installed)\b")

#: Run by the environment's own Python: names the requirement lines that are not met.
_PROBE: Final = """
import importlib.metadata as metadata, json, platform, sys
from pip._vendor.packaging.requirements import Requirement
missing = []
for line in json.loads(sys.argv[1]):
    wanted = Requirement(line)
    if wanted.marker and not wanted.marker.evaluate():
        continue
    try:
        met = wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        met = False
    if not met:
        missing.append(line)
print(json.dumps({"python": platform.python_version(), "missing": missing}))
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pins:
    """What ``pyproject.toml`` asks for.

    Attributes:
        groups: requirement lines of each dependency group, markers included.
        megabytes: download size of each group, as measured on Linux.
        matrix: Python version ("3.11") of each bpy version that the tests cover.
    """

    groups: Mapping[str, tuple[str, ...]]
    megabytes: Mapping[str, int]
    matrix: Mapping[str, str]


def read_pins(pyproject: Path) -> Pins:
    """The pins, download sizes and test matrix of a ``pyproject.toml``."""
    with pyproject.open("rb") as file:
        document = tomllib.load(file)
    groups = {name: tuple(lines) for name, lines in document["dependency-groups"].items()}
    ours = document["tool"]["motiongpt"]
    return Pins(groups, ours["download-megabytes"], ours["matrix"])


class State(enum.Enum):
    """What stands in an environment's folder."""

    ABSENT = "absent"
    FOREIGN = "foreign"  # a folder without our stamp
    BROKEN = "broken"  # ours, but its Python does not start
    OTHER_PYTHON = "other python"  # ours, made by another Python version
    OURS = "ours"


@dataclass(frozen=True)
class Environment:
    """A virtual environment that this project makes and keeps.

    Attributes:
        folder: where it is.
        base: the Python that makes it.
    """

    folder: Path
    base: Path = Path(_OUTSIDE)

    @property
    def python(self) -> Path:
        """The environment's Python."""
        windows = sys.platform == "win32"
        return self.folder / ("Scripts/python.exe" if windows else "bin/python")

    @property
    def log(self) -> Path:
        """The log of the installers; it outlives the environment."""
        return self.folder.with_name(self.folder.name + LOG)

    def ensure(self, pins: Pins, groups: Sequence[str], say: Say = print) -> bool:
        """Make the environment hold these groups; False when it already did."""
        try:
            return self._ensure(pins, groups, say)
        except OSError as error:
            raise InstallError(explain(str(error), "it", self.folder, self.base)) from None

    def _ensure(self, pins: Pins, groups: Sequence[str], say: Say) -> bool:
        self._check_paths()
        state = self._state()
        if state is State.OTHER_PYTHON and self._swap_back(say):
            state = self._state()
        moved = state not in (State.ABSENT, State.OURS)
        if moved:
            self._move_aside(state, say)
        if state is not State.OURS:
            self._create_or_restore(moved, say)
        wanted = self._unmet(pins, groups)
        if not wanted:
            return False
        self._forget(wanted)
        source = self._announce(pins, wanted, say)
        for name in _torch_first(wanted):
            self._install(name, pins.groups[name], source, say)
            self._remember(name, pins.groups[name])
        if any(line.startswith("bpy") for name in wanted for line in pins.groups[name]):
            self._check_bpy(wanted)
        say(tr("Compiling ..."))
        self._compile()
        say(tr("{name} is ready.", name=self.folder.name))
        return True

    def _check_paths(self) -> None:
        """Refuse a folder in which files would have longer paths than Windows can write."""
        if (room := room_in(self.folder.absolute())) < LONGEST_NAME:
            raise InstallError(
                tr(
                    "The path {folder} is {excess} characters too long: Windows writes paths "
                    "of {longest} characters at most; choose a shorter folder, or switch on "
                    "long paths in Windows.",
                    folder=self.folder,
                    excess=LONGEST_NAME - room,
                    longest=LONGEST_PATH,
                )
            )

    def _state(self) -> State:
        if is_free(self.folder):
            return State.ABSENT
        stamp = self._stamp()
        if stamp is None:
            return State.FOREIGN
        found = self._probe(())
        if found is None:
            return State.BROKEN
        same = found["python"] == stamp["python"] and stamp["python"] == _version(self.base)
        return State.OURS if same else State.OTHER_PYTHON

    @property
    def _aside(self) -> Path:
        return self.folder.with_name(self.folder.name + ".old")

    def _stamp(self, folder: Path | None = None) -> dict[str, Any] | None:
        try:
            stamp = json.loads(((folder or self.folder) / STAMP).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        known = isinstance(stamp, dict) and isinstance(stamp.get("groups"), dict)
        return stamp if known and isinstance(stamp.get("python"), str) else None

    def _write(self, groups: Mapping[str, Sequence[str]]) -> None:
        stamp = {"python": _version(self.base), "groups": groups}
        partial = self.folder / f"{STAMP}.part"  # whoever is killed here leaves the stamp whole
        partial.write_text(json.dumps(stamp, indent=1), "utf-8")
        patiently(partial.replace, self.folder / STAMP)

    def _remember(self, name: str, lines: Sequence[str]) -> None:
        self._write({**(self._stamp() or {"groups": {}})["groups"], name: list(lines)})

    def _forget(self, names: Sequence[str]) -> None:
        groups = (self._stamp() or {"groups": {}})["groups"]
        self._write({name: lines for name, lines in groups.items() if name not in names})

    def _probe(self, lines: Sequence[str]) -> dict[str, Any] | None:
        """The version of the environment's Python and the lines that it does not meet."""
        command = [self.python, "-I", "-c", _PROBE, json.dumps(lines)]
        try:
            return json.loads(ask(command, timeout=60).stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None

    def _unmet(self, pins: Pins, groups: Sequence[str]) -> list[str]:
        stamped = (self._stamp() or {"groups": {}})["groups"]
        found = self._probe([line for name in groups for line in pins.groups[name]])
        missing = set(found["missing"]) if found else set()
        return [
            name
            for name in groups
            if stamped.get(name) != list(pins.groups[name]) or missing & set(pins.groups[name])
        ]

    def _swap_back(self, say: Say) -> bool:
        """Bring back the environment that this Python made before another one's took its place."""
        version = _version(self.base)
        if (self._stamp(self._aside) or {}).get("python") != version:
            return False
        between = self.folder.with_name(self.folder.name + ".swap")
        for old, new in (
            (self.folder, between),
            (self._aside, self.folder),
            (between, self._aside),
        ):
            patiently(old.rename, new)
        say(
            tr(
                "{name} of Python {version} is back; the other is {aside}.",
                name=self.folder.name,
                version=version,
                aside=self._aside.name,
            )
        )
        return True

    def _move_aside(self, state: State, say: Say) -> None:
        why = {
            State.FOREIGN: tr("was not made, or not finished, by this project"),
            State.BROKEN: tr("is broken: its Python does not start"),
            State.OTHER_PYTHON: tr(
                "was made by another Python than {version}", version=_version(self.base)
            ),
        }[state]
        aside = self._aside
        if (aside / STAMP).exists():
            remove_folder(aside)
        elif aside.exists() and state is State.BROKEN:
            # Ours, most likely interrupted while it was made: what is aside stays.
            remove_folder(self.folder)
            say(tr("{name} {why}; it is made anew.", name=self.folder.name, why=why))
            return
        if aside.exists():
            raise InstallError(
                tr(
                    "{folder} {why}, and {aside} is in the way: delete one of the two folders.",
                    folder=self.folder,
                    why=why,
                    aside=aside,
                )
            )
        try:
            patiently(self.folder.rename, aside)
        except OSError as error:
            raise InstallError(
                tr(
                    "{folder} {why} and cannot be moved aside ({error}): delete it.",
                    folder=self.folder,
                    why=why,
                    error=error,
                )
            ) from None
        say(
            tr(
                "{name} {why}; moved to {aside} and made anew.",
                name=self.folder.name,
                why=why,
                aside=aside.name,
            )
        )

    def _create_or_restore(self, moved: bool, say: Say) -> None:
        try:
            self._create(say)
        except BaseException:  # interrupted too
            remove_folder(self.folder)
            if moved and self._aside.exists():
                patiently(self._aside.rename, self.folder)
                say(tr("{name} is back as it was.", name=self.folder.name))
            raise

    def _create(self, say: Say) -> None:
        say(
            tr(
                "Making {folder} with Python {version} ...",
                folder=self.folder,
                version=_version(self.base),
            )
        )
        command = [str(self.base), "-m", "venv", str(self.folder)]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write({})
        done = ask(command)
        if done.returncode:
            text = done.stdout + done.stderr
            self._log(f"$ {' '.join(command)}\n{text}")
            raise InstallError(explain(text, tr("the virtual environment"), self.folder, self.base))

    def _announce(
        self, pins: Pins, groups: Sequence[str], say: Say
    ) -> torch_source.TorchSource | None:
        """Say the download size first, and see that the disk can take what follows."""
        sizes = {name: pins.megabytes.get(name, 0) for name in groups}
        source = None
        if "torch" in groups:
            source = torch_source.choose(self.python, pins.groups["torch"])
            say(tr("PyTorch: {reason}.", reason=source.reason))
            if source.gpu:
                sizes["torch"] = pins.megabytes["torch-gpu"]
        unpacked = DISK_FACTOR * sum(sizes.values())
        if source and source.on_disk:
            sizes["torch"] = 0
        free = shutil.disk_usage(self.folder).free // 2**20
        say(
            tr(
                "To download: about {total} MB ({groups}).",
                total=sum(sizes.values()),
                groups=", ".join(map(_in_words, groups)),
            )
        )
        if free < unpacked:
            raise InstallError(
                tr(
                    "The disk of {folder} has {free} MB free and this needs about {unpacked} "
                    "MB: make room there and try again.",
                    folder=self.folder,
                    free=free,
                    unpacked=unpacked,
                )
            )
        return source

    def _install(
        self, name: str, lines: Sequence[str], source: torch_source.TorchSource | None, say: Say
    ) -> None:
        what = _in_words(name)
        say(tr("Installing {name} ...", name=what))
        if name == "torch" and source:
            for command in source.commands(self.python):
                self._call(command, what, say, source.secret(self.python))
        else:
            self._call([str(self.python), "-m", "pip", "install", *lines], what, say)

    def _call(
        self, command: Sequence[str], what: str, say: Say, secret: Mapping[str, str] | None = None
    ) -> None:
        """Run an installer; its progress is shown, its output goes to the log.

        ``secret`` are variables of its environment, which no list of processes shows.
        """
        settings = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_RETRIES": "2",
            "PIP_COMPILE": "0",  # pip would do it on one core
            "PYTHONUTF8": "1",
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        environment = {**settings, **inherited, **(secret or {})}
        output: list[str] = []
        with subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment,
            **child_options(),
        ) as process:
            for line in process.stderr or ():
                output.append(line)
                if _PROGRESS.match(line):
                    say(line.rstrip())
        text = without_passwords("".join(output))
        self._log(f"$ {' '.join(command)}\n{text}")
        if process.returncode:
            raise InstallError(explain(text, what, self.folder, self.base))

    def _compile(self) -> None:
        """Compile what was installed, on every core; files that do not compile are let be."""
        command = [str(self.python), "-m", "compileall", "-q", "-j", "0", str(self.folder)]
        ask(command)

    def _log(self, text: str) -> None:
        """Append an installer's output to the log; a full disk is reported by the caller."""
        log = self.log
        with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
            file.write(text)

    def _check_bpy(self, groups: Sequence[str]) -> None:
        """Import bpy once: a desktop's libraries may be missing."""
        command = [str(self.python), "-c", "import bpy"]
        done = ask(command)
        if done.returncode:
            self._forget(groups)
            text = done.stdout + done.stderr
            sentence = missing_library(text) or explain(text, "bpy", self.folder, self.base)
            raise InstallError(sentence)


def _torch_first(groups: Sequence[str]) -> list[str]:
    """PyTorch before the packages that would otherwise pull a build of their own choice."""
    return sorted(groups, key=lambda name: name != "torch")


def _in_words(group: str) -> str:
    """What a dependency group is called before people."""
    return {"torch": "PyTorch", "backend": tr("the model's packages")}.get(group, group)


def _version(python: Path) -> str:
    if python in (Path(sys.executable), Path(_OUTSIDE)):
        return "{}.{}.{}".format(*sys.version_info[:3])
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    try:
        done = ask(command)
    except OSError:
        raise InstallError(
            tr("{python} does not start: name a working Python.", python=python)
        ) from None
    return done.stdout.strip()
