"""A saved file with a character, and the add-on as a script in the background meets it."""

import sys

import bpy
import pytest

from motiongpt_blender import api, registration


@pytest.fixture
def shot(make_smpl_rig, empty_scene, tmp_path):
    """A file with the armature "smpl", 1 to 120 at 20 frames a second; it is open."""
    rig = make_smpl_rig()
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    empty_scene.frame_start, empty_scene.frame_end = 1, 120
    empty_scene.frame_set(1)
    path = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def script(shot, monkeypatch):
    """The add-on is on, and the fake model answers; ``shot`` is open."""
    monkeypatch.setenv("MOTIONGPT_PYTHON", sys.executable)
    registration.register()
    with api.using(fake=True):
        yield shot
    registration.unregister()
