"""The command in the background: options, outputs, exit status, one sentence for what is wrong."""

import os
import subprocess
import sys

import bpy
import pytest

from motiongpt_blender import compat, preferences, registration
from motiongpt_blender.command_line import command
from tests.support.imports import ROOT

ASK = ("--armature", "smpl", "--prompt", "a person walks", "--seconds", "2", "--fake")


@pytest.fixture
def run(script, capsys):
    """``run("--takes", "2")``: exit status, output and complaint of the command."""

    def call(*words):
        capsys.readouterr()
        status = command.main([str(word) for word in words])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def opened(path):
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return bpy.data.objects["smpl"]


def test_the_issue_of_one_line(run, script):
    """blender -b shot.blend --command motiongpt ... --mark start:1 --takes 4 --bake."""
    status, out, err = run(*ASK, "--mark", "start:1", "--takes", "4", "--bake")
    assert (status, err) == (0, "")
    assert out.count("frames 1 to 41") == 4
    assert f"Written: {script}" in out and "Kept 'a person walks' (action) in" in out
    rig = opened(script)
    assert rig.animation_data.action is not None and not rig.animation_data.nla_tracks
    assert [take.kept for take in rig.motiongpt.takes.entries] == [True]
    assert [(pose.frame, pose.role) for pose in rig.motiongpt.poses] == [(1, "START")]


def test_outputs_and_the_other_takes(run, script, tmp_path):
    before = script.read_bytes()
    outs = [tmp_path / "new" / f"walk{end}" for end in (".blend", ".bvh", ".glb", ".fbx")]
    words = [word for path in outs for word in ("--out", path)]
    status, _, err = run(*ASK, "--takes", "3", "--keep-others", *words)
    assert (status, err) == (0, "")
    assert script.read_bytes() == before
    assert sorted(path.name for path in outs[0].parent.iterdir()) == sorted(p.name for p in outs)
    assert "Frames: 41" in outs[1].read_text()
    rig = opened(outs[0])
    assert [take.placement for take in rig.motiongpt.takes.entries] == ["NLA", "LIST", "LIST"]
    assert bpy.context.scene.frame_end == 120


def test_exports_hold_the_motion(run, tmp_path):
    glb, fbx, bvh = (tmp_path / f"walk{end}" for end in (".glb", ".fbx", ".bvh"))
    assert run(*ASK, "--takes", "1", "--out", glb, "--out", fbx, "--out", bvh)[0] == 0
    bpy.context.scene.frame_set(30)
    there = bpy.data.objects["smpl"].pose.bones["pelvis"].head.copy()
    for path, load in (
        (glb, lambda: bpy.ops.import_scene.gltf(filepath=str(glb))),
        (fbx, lambda: compat.import_fbx(str(fbx))),
        (bvh, lambda: bpy.ops.import_anim.bvh(filepath=str(bvh))),
    ):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.scene.render.fps = 20
        load()
        [rig] = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
        away = []
        for frame in (1, 30):
            bpy.context.scene.frame_set(frame)
            away.append((rig.matrix_world @ rig.pose.bones["pelvis"].matrix).translation.copy())
        assert (away[1] - away[0]).length > 0.5, path.name  # the walk goes on
        assert there.length > 0.5


WRONG = {
    "no armature 'Rig'": (1, ("--armature", "Rig")),
    "'start:x' is no mark: write a role and a frame": (2, ("--mark", "start:x")),
    "'begin:1' is no mark": (2, ("--mark", "begin:1")),
    "Frame 500 of 'smpl' cannot be marked": (1, ("--mark", "key:500")),
    "5 takes cannot be made": (1, ("--takes", "5")),
    "argument --takes: invalid int value: 'four'": (2, ("--takes", "four")),
    "walk.txt is no output": (2, ("--out", "walk.txt")),
    "There is no model pack in": (1, ("--pack", "nowhere")),
    "unrecognized arguments: --speed": (2, ("--speed", "3")),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_is_wrong_is_one_sentence_and_saves_nothing(run, script, sentence):
    status, words = WRONG[sentence]
    before = script.read_bytes()
    asked = [word for word in ASK if word != "--fake"] if "--pack" in words else ASK
    with preferences.instead(fake="--pack" not in words):
        got, out, err = run(*asked, *words)
    assert got == status, err
    assert err.startswith("motiongpt: ") and err.count("\n") == 1
    assert sentence in err
    assert script.read_bytes() == before and "Written" not in out


def test_what_must_be_named_is_named(run):
    status, _, err = run("--prompt", "a person walks")
    assert status == 2 and "--armature" in err
    status, out, _ = run("--help")
    assert status == 0 and "--mark ROLE:FRAME" in out


def test_without_a_file_an_output_is_needed(run):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    status, _, err = run(*ASK)
    assert status == 2 and "No file is open: name it first" in err


def test_a_folder_that_is_read_only_is_told_before_the_work(run, tmp_path):
    (tmp_path / "file").write_text("")
    status, out, err = run(*ASK, "--out", tmp_path / "file" / "walk.bvh")
    assert status == 2 and "Nothing can be written to" in err and "Starting" not in out


def test_blender_knows_the_command_while_the_addon_is_on(shot, monkeypatch):
    known = []
    monkeypatch.setattr(
        bpy.utils, "register_cli_command", lambda name, call: known.append(name) or name
    )
    monkeypatch.setattr(bpy.utils, "unregister_cli_command", known.remove)
    registration.register()
    assert known == ["motiongpt"]
    registration.unregister()
    assert not known


def outside(*words, **environment):
    """The command in a process of its own, with Blender as a module."""
    return subprocess.run(
        [sys.executable, "-m", "motiongpt_blender", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "MOTIONGPT_PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_process_of_its_own_from_file_to_file(shot, tmp_path):
    done = outside(shot, *ASK, "--takes", "2", "--bake", "--out", tmp_path / "baked.blend")
    assert done.returncode == 0, done.stderr
    assert "MotionGPT: smpl, 100%, Writing the keys" in done.stdout
    assert opened(tmp_path / "baked.blend").animation_data.action is not None


def test_a_process_of_its_own_tells_what_is_missing(shot, tmp_path):
    done = outside(tmp_path / "gone.blend", *ASK)
    assert done.returncode == 2 and "There is no file" in done.stderr
    nobody = {"MOTIONGPT_PYTHON": str(tmp_path / "python"), "HOME": str(tmp_path)}
    words = [word for word in ASK if word != "--fake"]
    done = outside(shot, *words, XDG_DATA_HOME=str(tmp_path), **nobody)
    assert done.returncode == 1
    assert "motiongpt: The model is not set up: " in done.stderr
    assert "Traceback" not in done.stderr
