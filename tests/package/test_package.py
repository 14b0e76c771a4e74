"""The zip, as Blender itself takes it: validated, installed, enabled, removed."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import build
from tests import blenders

BLENDERS = blenders.commands()
every_blender = pytest.mark.parametrize("blender", sorted(BLENDERS) or [None])

#: Run inside Blender: the extension is on, and leaves nothing when it goes.
ON_AND_OFF = """
import sys, bpy, addon_utils
name = "bl_ext.user_default.motiongpt"
# Whether the installer's own switch survived is Blender's affair; ours is that it comes on.
assert name in bpy.context.preferences.addons or addon_utils.enable(name), "not enabled"
def traces():
    return {n for n in dir(bpy.types) if "motiongpt" in n.lower()}
assert traces(), "registered nothing"
addon_utils.disable(name)
left = traces()
assert not left, left
print("ON AND OFF")
"""


@pytest.fixture(scope="session")
def extension(tmp_path_factory):
    return build.package(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def run(blender, tmp_path):
    """Start one Blender with settings of its own."""
    if blender is None:
        pytest.skip(blenders.NONE_HERE)

    def start(*arguments, **settings):
        return blenders.run(blender, *arguments, folder=tmp_path, **settings)

    return start


def test_validator_of_the_bpy_module(extension):
    done = _blender_ext("validate", extension)
    assert done.returncode == 0, done.stdout + done.stderr


def _blender_ext(*arguments):
    """Blender's own tool for extensions, as ``blender --command extension`` runs it."""
    spec = importlib.util.find_spec("bpy")
    if spec is None:
        pytest.skip("needs Blender as a module")
    [tool] = Path(spec.submodule_search_locations[0]).rglob("bl_pkg/cli/blender_ext.py")
    command = [sys.executable, tool, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_build_of_the_bpy_module(extension, tmp_path):
    """What is in the zip can be built again by Blender's tool, and nothing is left out."""
    source, built = tmp_path / "source", tmp_path / "built.zip"
    with zipfile.ZipFile(extension) as archive:
        archive.extractall(source)
        names = set(archive.namelist())
    done = _blender_ext("build", "--source-dir", source, "--output-filepath", built)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(built) as archive:
        assert {name for name in archive.namelist() if not name.endswith("/")} == names
    assert _blender_ext("validate", built).returncode == 0


@every_blender
def test_validate(run, extension):
    status, text = run("--command", "extension", "validate", extension)
    assert status == 0, text


@every_blender
def test_install_enable_disable(run, extension):
    status, text = run(
        "--command", "extension", "install-file", "-r", "user_default", "-e", extension
    )
    assert status == 0, text
    assert "Error" not in text, text
    installed = text
    status, text = run("--background", "--python-exit-code", 3, "--python-expr", ON_AND_OFF)
    assert status == 0, installed + text
    assert "ON AND OFF" in text


#: Run inside Blender: a file with the sample character, who stands at frame 1.
A_SHOT = """
import bpy
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.motiongpt.add_sample_character()
[rig] = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
rig.name = "Hero"
bpy.ops.wm.save_as_mainfile(filepath="shot.blend")
"""
#: Run inside Blender: what the command left in the file.
A_LOOK = """
import bpy
rig = bpy.data.objects["Hero"]
print("BAKED", rig.animation_data.action.name, tuple(rig.animation_data.action.frame_range))
"""


@every_blender
def test_takes_without_a_window(run, extension, tmp_path):
    """The command of the installed extension, from a file to keys in it."""
    run("--command", "extension", "install-file", "-r", "user_default", "-e", extension)
    status, text = run("--background", "--python-exit-code", 3, "--python-expr", A_SHOT)
    assert status == 0, text
    ask = [
        "--prompt",
        "a person walks",
        "--seconds",
        2,
        "--mark",
        "start:1",
        "--takes",
        2,
        "--bake",
    ]
    fake = {"MOTIONGPT_PYTHON": "/usr/bin/python3"}  # the fake model needs numpy alone
    shot = tmp_path / "shot.blend"
    words = ["-b", shot, "--command", "motiongpt", "--fake", *ask]
    status, text = run(*words, "--armature", "Rig", **fake)
    assert status == 1, text
    assert "There is no armature 'Rig' in shot.blend: it has 'Hero'." in text
    status, text = run(*words, "--armature", "Hero", **fake)
    assert status == 0, text
    assert "Written: " in text and "(action) in" in text
    status, text = run("-b", shot, "--python-exit-code", 3, "--python-expr", A_LOOK)
    assert "BAKED a person walks" in text, text
    status, text = run("-b", tmp_path / "gone.blend", *words[2:], "--armature", "Hero", **fake)
    assert status != 0 and "No such file" in text, text
