"""The folder of an environment: what stands in it, and how it is made, kept and brought back.

Standard library only, no bpy. ``installer`` puts packages into it.

The stamp in the folder is written first, so that a folder that is not finished is known as ours,
and names the groups that are installed. What is somebody else's is moved aside whole, never
changed.
"""

from __future__ import annotations

import contextlib
import enum
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...core.patience import patiently, remove_folder
from ...core.translation import tr
from .asking import ask
from .install_errors import InstallError, explain
from .pins import Pins
from .places import STAMP, is_free

#: What the log is called after its environment, beside which it lies.
LOG: Final = "-install.log"
#: The Python that makes environments; never one inside an environment that may be moved.
OUTSIDE: Final = getattr(sys, "_base_executable", None) or sys.executable

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


class State(enum.Enum):
    """What stands in an environment's folder."""

    ABSENT = "absent"
    FOREIGN = "foreign"  # a folder without our stamp
    BROKEN = "broken"  # ours, but its Python does not start
    OTHER_PYTHON = "other python"  # ours, made by another Python version
    OURS = "ours"


@dataclass(frozen=True)
class EnvironmentFolder:
    """The folder of a virtual environment that this project makes and keeps.

    Attributes:
        folder: where it is.
        base: the Python that makes it.
    """

    folder: Path
    base: Path = Path(OUTSIDE)

    @property
    def python(self) -> Path:
        """The environment's Python."""
        windows = sys.platform == "win32"
        return self.folder / ("Scripts/python.exe" if windows else "bin/python")

    @property
    def log(self) -> Path:
        """The log of the installers; it outlives the environment."""
        return self.folder.with_name(self.folder.name + LOG)

    def make(self, say: Say) -> None:
        """Have an environment of this Python stand there, with or without packages.

        What is there and cannot be used is moved aside, or swapped with what lies aside.
        """
        state = self.state()
        if state is State.OTHER_PYTHON and self._swap_back(say):
            state = self.state()
        moved = state not in (State.ABSENT, State.OURS)
        if moved:
            self._move_aside(state, say)
        if state is not State.OURS:
            self.create_or_restore(moved, say)

    def state(self) -> State:
        """What stands there; its Python is started once."""
        if is_free(self.folder):
            return State.ABSENT
        stamp = self.stamp()
        if stamp is None:
            return State.FOREIGN
        found = self.probe(())
        if found is None:
            return State.BROKEN
        same = found["python"] == stamp["python"] and stamp["python"] == _version(self.base)
        return State.OURS if same else State.OTHER_PYTHON

    @property
    def _aside(self) -> Path:
        return self.folder.with_name(self.folder.name + ".old")

    def stamp(self, folder: Path | None = None) -> dict[str, Any] | None:
        """The stamp in it, or in another folder; None where it is missing or cannot be read."""
        try:
            stamp = json.loads(((folder or self.folder) / STAMP).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        known = isinstance(stamp, dict) and isinstance(stamp.get("groups"), dict)
        return stamp if known and isinstance(stamp.get("python"), str) else None

    def write(self, groups: Mapping[str, Sequence[str]]) -> None:
        """Write the stamp with these groups."""
        stamp = {"python": _version(self.base), "groups": groups}
        partial = self.folder / f"{STAMP}.part"  # whoever is killed here leaves the stamp whole
        partial.write_text(json.dumps(stamp, indent=1), "utf-8")
        patiently(partial.replace, self.folder / STAMP)

    def remember(self, name: str, lines: Sequence[str]) -> None:
        """Note in the stamp that a group is installed."""
        self.write({**(self.stamp() or {"groups": {}})["groups"], name: list(lines)})

    def forget(self, names: Sequence[str]) -> None:
        """Take groups out of the stamp."""
        groups = (self.stamp() or {"groups": {}})["groups"]
        self.write({name: lines for name, lines in groups.items() if name not in names})

    def probe(self, lines: Sequence[str]) -> dict[str, Any] | None:
        """The version of the environment's Python and the lines that it does not meet."""
        command = [self.python, "-I", "-c", _PROBE, json.dumps(lines)]
        try:
            return json.loads(ask(command, timeout=60).stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None

    def unmet(self, pins: Pins, groups: Sequence[str]) -> list[str]:
        """Those of the groups that the environment does not hold as pinned."""
        stamped = (self.stamp() or {"groups": {}})["groups"]
        found = self.probe([line for name in groups for line in pins.groups[name]])
        missing = set(found["missing"]) if found else set()
        return [
            name
            for name in groups
            if stamped.get(name) != list(pins.groups[name]) or missing & set(pins.groups[name])
        ]

    def _swap_back(self, say: Say) -> bool:
        """Bring back the environment that this Python made before another one's took its place."""
        version = _version(self.base)
        if (self.stamp(self._aside) or {}).get("python") != version:
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

    def create_or_restore(self, moved: bool, say: Say) -> None:
        """Make the environment; where that fails, what was moved aside comes back."""
        try:
            self.create(say)
        except BaseException:  # interrupted too
            remove_folder(self.folder)
            if moved and self._aside.exists():
                patiently(self._aside.rename, self.folder)
                say(tr("{name} is back as it was.", name=self.folder.name))
            raise

    def create(self, say: Say) -> None:
        """Make the environment, without packages."""
        say(
            tr(
                "Making {folder} with Python {version} ...",
                folder=self.folder,
                version=_version(self.base),
            )
        )
        command = [str(self.base), "-m", "venv", str(self.folder)]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write({})
        done = ask(command)
        if done.returncode:
            text = done.stdout + done.stderr
            self.log_text(f"$ {' '.join(command)}\n{text}")
            raise InstallError(explain(text, tr("the virtual environment"), self.folder, self.base))

    def log_text(self, text: str) -> None:
        """Append an installer's output to the log; a full disk is reported by the caller."""
        log = self.log
        with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
            file.write(text)


def _version(python: Path) -> str:
    if python in (Path(sys.executable), Path(OUTSIDE)):
        return "{}.{}.{}".format(*sys.version_info[:3])
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    try:
        done = ask(command)
    except OSError:
        raise InstallError(
            tr("{python} does not start: name a working Python.", python=python)
        ) from None
    return done.stdout.strip()
