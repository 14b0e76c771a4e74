"""The demo from its command to its files, with the fake model; and its one-sentence endings."""

import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.demo import film
from tests.support.measure import prompts

image = pytest.importorskip("PIL.Image", reason="Pillow is not installed here")
pictures = pytest.importorskip("motiongpt_blender.demo.pictures")

pytestmark = pytest.mark.sweep

ROOT = Path(__file__).resolve().parents[3]


def run(*options, module="motiongpt_blender.demo", **variables):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, options)],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_the_whole_way_with_the_fake_model(tmp_path):
    done = run("--fake", "--pictures", "none", "--seconds", "2", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "fake (drawn, no model)" in done.stdout
    lines = [line for line in done.stdout.splitlines() if " pose  " in line]
    assert [line.split()[0] for line in lines[-3:]] == ["start", "key", "end"]
    assert all("0.0000 deg, 0.0000 cm" in line for line in lines[-3:])
    assert len(MotionClip.load(tmp_path / "clip.npz")) == 41
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "demo.blend"))
    rig = bpy.data.objects["Character"]
    assert len(rig.data.bones) > 700
    assert [len(track.strips) for track in rig.animation_data.nla_tracks] == [1]
    assert bpy.context.scene.camera is not None
    ghosts = [o.name for o in bpy.data.objects if o.name.endswith(" Pose")]
    assert sorted(ghosts) == ["End Pose", "Key Pose", "Start Pose"]


def test_the_panel_shows_what_the_take_was_made_from(registered, tmp_path):
    options = ("--prompt", "a person waves", "--seconds", "2", "--seed", "7")
    assert run("--fake", "--pictures", "none", *options, "--out", tmp_path).returncode == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "demo.blend"))
    rig = bpy.data.objects["Character"]
    kept = rig.motiongpt
    assert (kept.request.prompt, kept.request.seed) == ("a person waves", 7)
    roles = [(pose.role, pose.at) for pose in kept.poses]
    assert [role for role, _ in roles] == ["START", "KEY", "END"]
    assert roles[0][1] == 1 and roles[2][1] == 49
    (take,) = kept.takes.entries
    assert take.kept and take.on_rig and (take.prompt, take.seed) == ("a person waves", 7)
    for index, (_, frame) in enumerate(roles):
        bpy.context.scene.frame_set(round(frame))
        met = rig.pose.bones["hand_fk.R"].matrix.copy()
        bpy.context.scene.motiongpt.armature, kept.active = rig, index
        assert bpy.ops.motiongpt.show_pose() == {"FINISHED"}
        bpy.context.view_layer.update()
        assert (rig.pose.bones["hand_fk.R"].matrix.translation - met.translation).length < 1e-3


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        (["--prompt", " "], {}, "prompt is empty"),
        (["--prompt", "w" * 5000], {}, "5000 characters"),
        (["--pack", "no-such-pack"], {}, "no model pack"),
        (["--fake", "--seconds", "nan"], {}, "above zero"),
        (["--fake", "--seconds", "60"], {}, "at most"),
        (["--fake", "--seed", "-3"], {}, "seed"),
        (["--fake", "--out", __file__], {}, "--out"),
    ],
    ids=["empty", "long", "pack", "nan", "minute", "seed", "out"],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, options, variables, words):
    out = [] if "--out" in options else ["--out", tmp_path / "out"]
    fake = [] if "--fake" in options or "--pack" in options else ["--fake"]
    done = run(*options, *fake, *out, **variables)
    assert_one_sentence(done, words)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("mode", "words"),
    [("die-at-start", "start"), ("crash", "middle"), ("garbage", "no message"), ("fail", "failed")],
)
def test_a_model_that_dies_leaves_one_sentence(tmp_path, mode, words):
    options = ("--fake", "--only", "walk", "--out", tmp_path)
    done = run(*options, module="tests.support.measure.prompts", MOTIONGPT_FAKE_MODE=mode)
    assert_one_sentence(done, words)
    assert not list(tmp_path.iterdir())


def assert_one_sentence(done, words):
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert words in done.stderr


def test_film_takes_fewer_frames_on_a_slow_machine():
    frames, must = range(1, 98), [1, 41, 97]
    fast, slow = (film.film_frames(frames, must, seconds) for seconds in (0.5, 30.0))
    assert len(slow) < len(fast)
    for chosen in (fast, slow):
        assert chosen == sorted(set(chosen)) and set(must) <= set(chosen)


def test_sheet_shows_the_marked_frames():
    chosen = film.sheet_frames(range(1, 98, 2), [1, 41, 97], 10)
    assert len(chosen) == 10 and {1, 41, 97} <= set(chosen)
    assert film.sheet_frames([5, 6], [5], 10) == [5, 6]


def test_lively_frames_are_more_where_more_happens():
    joints = np.zeros((40, 22, 3))
    joints[20:30, 5, 1] = np.arange(10)  # still, then quick, then still
    joints[30:, 5, 1] = 9
    chosen = film.lively_frames(joints, 1, 1.2, 9)
    assert chosen[0] == 1 and chosen[-1] == 1 + round(39 * 1.2)
    assert sum(24 <= frame <= 37 for frame in chosen) >= 4


@pytest.fixture
def shots(tmp_path):
    out = []
    for k, role in enumerate((PoseRole.START, None, PoseRole.KEY, None, PoseRole.END)):
        path = tmp_path / f"{k}.png"
        image.new("RGB", (160, 200), (60 + 20 * k, 90, 120)).save(path)
        out.append(pictures.Shot(path, 0.5 * k, role, "met exactly" if role else ""))
    return out


def test_contact_sheet_frames_the_marked_poses(shots):
    sheet = pictures.contact_sheet(shots, "a person walks", "2 s", columns=3, cell=160)
    colours = {colour for _, colour in sheet.getcolors(1 << 20)}
    assert set(pictures.COLOURS.values()) <= colours
    assert sheet.height > 2 * 200


def test_moving_picture_keeps_time(shots, tmp_path):
    marks = {s.seconds: s.role for s in shots if s.role}
    path = tmp_path / "demo.gif"
    pictures.moving_picture(path, shots, "a person walks " * 8, marks, hold=0.0)
    with image.open(path) as gif:
        assert gif.n_frames == 5
        total = 0
        for k in range(5):
            gif.seek(k)
            total += gif.info["duration"]
    assert total == pytest.approx(2500, abs=20)


def test_training_clips_are_counted_by_their_captions(tmp_path):
    (tmp_path / "clips.jsonl").write_text(
        '{"id": "a", "split": "train", "pack": "clean"}\n'
        '{"id": "b", "split": "test", "pack": "clean"}\n'
        '{"id": "c", "split": "train", "pack": "nc"}\n'
    )
    same = '["a person walks forward."]'
    (tmp_path / "captions.json").write_text(f'{{"a": {same}, "b": {same}, "c": {same}}}')
    counts = prompts.count_clips(tmp_path)
    assert counts["walk"] == 1 and counts["punch"] == 0
