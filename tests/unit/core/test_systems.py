"""Decisions for Windows, its Store and macOS, simulated: no such machine is at hand."""

import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

from motiongpt_blender.core import systems
from motiongpt_blender.core.systems import (
    MACOS,
    WINDOWS,
    child_options,
    data_folder_on,
    is_store_app,
    is_translocated,
    is_writable_name,
    room_in,
)

STORE = (
    r"C:\Program Files\WindowsApps\BlenderFoundation.Blender_5.0.1.0_x64__ppwjx1n5r4v9t"
    r"\Blender\5.0\python\bin\python.exe"
)
ALIAS = r"C:\Users\Jürgen\AppData\Local\Microsoft\WindowsApps\python3.exe"
USUAL = r"C:\Program Files\Blender Foundation\Blender 5.0\5.0\python\bin\python.exe"


@pytest.mark.parametrize(
    "name", ["pack.json", "Größe 2.txt", "console.txt", "com.txt", "com10", "nullo", "a (1)", ".x"]
)
def test_names_that_every_system_writes(name):
    assert is_writable_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "CON", "nul.txt", "Aux.tar.gz", "com1", "LPT9.json", "COM².txt", "conin$", "nul .txt",
        "trailing.", "trailing ", "..", "a:b", "a/b", "a\\b", "what?", 'a"b', "a\x1bb", "\u202etxt",
    ],
)  # fmt: skip
def test_names_that_some_system_cannot_write(name):
    assert not is_writable_name(name)


@pytest.mark.parametrize(
    ("system", "long_paths", "room"),
    [(WINDOWS, False, 259 - 8 - 1), (WINDOWS, True, sys.maxsize), (MACOS, None, sys.maxsize)],
)
def test_windows_writes_paths_of_259_characters(system, long_paths, room):
    assert room_in(PureWindowsPath("C:/Users"), system, long_paths=long_paths) == room


def test_a_folder_that_is_too_deep_has_no_room():
    assert room_in(Path("x" * 300), WINDOWS, long_paths=False) == 0


@pytest.mark.parametrize(("program", "store"), [(STORE, True), (ALIAS, True), (USUAL, False)])
def test_programs_of_the_store_are_told_by_their_folder(program, store):
    assert is_store_app(program) is store


def test_a_program_in_quarantine_runs_from_a_place_that_goes():
    place = "/private/var/folders/x1/T/AppTranslocation/0C6B/d/Blender.app/Contents/python3.11"
    assert is_translocated(place)
    assert not is_translocated("/Applications/Blender.app/Contents/Resources/5.0/python3.11")


@pytest.mark.parametrize(
    ("system", "environment", "program", "folder"),
    [
        (WINDOWS, {"LOCALAPPDATA": "/L"}, USUAL, "/L/motiongpt-blender"),
        (WINDOWS, {}, USUAL, "/people/AppData/Local/motiongpt-blender"),
        # not among the user's data, which the Store's programs see in a place of their own
        (WINDOWS, {"LOCALAPPDATA": "/L"}, STORE, "/people/motiongpt-blender"),
        (MACOS, {}, "", "/people/Library/Application Support/motiongpt-blender"),
        ("linux", {}, "", "/people/.local/share/motiongpt-blender"),
        ("linux", {"XDG_DATA_HOME": "/d"}, "", "/d/motiongpt-blender"),
    ],
)
def test_the_users_folder(system, environment, program, folder):
    assert data_folder_on(system, environment, Path("/people"), program) == Path(folder)


def test_children_open_no_window_on_windows():
    assert child_options(WINDOWS) == {"creationflags": systems.NO_WINDOW}
    own = child_options(WINDOWS, own_group=True)["creationflags"]
    assert own == systems.NO_WINDOW | systems.OWN_GROUP
    assert child_options("linux", own_group=True) == {"start_new_session": True}
    assert getattr(subprocess, "CREATE_NO_WINDOW", systems.NO_WINDOW) == systems.NO_WINDOW
