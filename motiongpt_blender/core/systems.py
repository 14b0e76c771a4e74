"""What Windows, the Microsoft Store and macOS ask of paths, names and programs.

Each decision is a function of the system's name, so that the tests can simulate the systems.
Standard library only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

WINDOWS: Final = "win32"
MACOS: Final = "darwin"
#: Characters of a whole path that Windows takes while long paths are off.
LONGEST_PATH: Final = 259
#: Flags of a new process on Windows: without a console window; deaf to the parent's Ctrl-C.
NO_WINDOW: Final = 0x08000000
OWN_GROUP: Final = 0x00000200
#: Name of our folder among a user's data.
OURS: Final = "motiongpt-blender"
#: Names of devices on Windows, with any ending.
RESERVED: Final = re.compile(r"(con|prn|aux|nul|con(in|out)\$|(com|lpt)[0-9¹²³])( *\..*)?", re.I)
#: Characters that move the cursor, or turn the direction of what follows.
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SWITCH: Final = r"SYSTEM\CurrentControlSet\Control\FileSystem"


def is_writable_name(name: str) -> bool:
    """Whether every system can write a file or folder of this name."""
    odd = not name or name[-1] in ". " or any(c in name for c in '<>:"/\\|?*')
    return not odd and not CONTROL.search(name) and not RESERVED.fullmatch(name)


def room_in(folder: Path, system: str = sys.platform, *, long_paths: bool | None = None) -> int:
    """Characters that the path of a file inside a folder may have, counted from the folder.

    Args:
        folder: the folder, absolute.
        system: as ``sys.platform`` names it.
        long_paths: whether Windows takes long paths; None asks it.
    """
    if system != WINDOWS or (takes_long_paths() if long_paths is None else long_paths):
        return sys.maxsize
    return max(LONGEST_PATH - len(str(folder)) - 1, 0)


def takes_long_paths() -> bool:
    """Whether this Windows has long paths switched on."""
    if sys.platform != "win32":
        return False
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _SWITCH) as key:
            return winreg.QueryValueEx(key, "LongPathsEnabled")[0] == 1
    except OSError:
        return False


def is_store_app(program: Path | str) -> bool:
    """Whether a program came from the Microsoft Store.

    Its folder changes with each update and other programs may not run what lies in it; a file of
    that name in the user's own ``WindowsApps`` may only open the Store.
    """
    return "windowsapps" in (part.lower() for part in PureWindowsPath(program).parts)


def is_translocated(program: Path | str) -> bool:
    """Whether macOS runs a downloaded program from a place that is gone when it ends."""
    return "AppTranslocation" in PurePosixPath(program).parts


def data_folder_on(
    system: str, environment: Mapping[str, str], home: Path, program: Path | str
) -> Path:
    """The user's folder for files that stay when Blender or the add-on is updated.

    Args:
        system: as ``sys.platform`` names it.
        environment: its variables.
        home: the user's folder.
        program: what runs. What a program of the Microsoft Store writes among the user's data,
            Windows puts in a place that only this program sees, and deletes with it.
    """
    if system == WINDOWS:
        if is_store_app(program):
            return home / OURS
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / OURS
    if system == MACOS:
        return home / "Library" / "Application Support" / OURS
    return Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / OURS


def child_options(system: str = sys.platform, *, own_group: bool = False) -> dict[str, Any]:
    """Arguments of ``subprocess`` for a child that opens no window.

    Args:
        system: as ``sys.platform`` names it.
        own_group: whether it leads a group of its own, which can be ended with all it started.
    """
    if system == WINDOWS:
        return {"creationflags": NO_WINDOW | (OWN_GROUP if own_group else 0)}
    return {"start_new_session": own_group}
