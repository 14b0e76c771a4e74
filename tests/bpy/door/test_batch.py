"""A list of shots to files: what fails keeps none of the others, what is finished is skipped."""

import json
import shutil

import bpy
import pytest

from motiongpt_blender.command_line import command

HEAD = "file,armature,prompt,marks,seconds,seed,output"


@pytest.fixture
def batch(script, tmp_path, capsys):
    """``batch(row, row, ...)``: exit status, lines and complaints of a list with these rows."""
    shutil.copy(script, tmp_path / "other.blend")

    def run(*rows, options=(), head=HEAD):
        (tmp_path / "shots.csv").write_text("\n".join((head, *rows)), "utf-8")
        capsys.readouterr()
        words = ["batch", tmp_path / "shots.csv", "--out", tmp_path / "out", "--fake", *options]
        status = command.main([str(word) for word in words])
        out, err = capsys.readouterr()
        lines = [line for line in out.splitlines() if line.startswith("[") or " made, " in line]
        return status, lines, err.splitlines()

    return run


GOOD = (
    "shot.blend,smpl,a person walks,,1,1,walk.bvh",
    "other.blend,smpl,a person jumps,start:1,1.5,2,jump.blend",
)


def test_every_shot_has_its_file(batch, tmp_path):
    status, lines, err = batch(*GOOD)
    assert (status, err) == (0, [])
    assert lines[-1] == "2 made, 0 finished before, 0 failed"
    assert lines[0].startswith("[1/2] line 2 (walk.bvh): done in")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {"walk.bvh", "jump.blend", "shots.done.jsonl"}
    assert "Frames: 21" in (out / "walk.bvh").read_text()
    bpy.ops.wm.open_mainfile(filepath=str(out / "jump.blend"))
    rig = bpy.data.objects["smpl"]
    assert rig.animation_data.action.name.startswith("a person jumps")
    assert tuple(rig.animation_data.action.frame_range) == (1.0, 31.0)


def test_a_failure_is_a_sentence_and_keeps_none_of_the_others(batch, tmp_path):
    (tmp_path / "broken.blend").write_bytes(b"BLENDER?")
    rows = (
        "gone.blend,smpl,a person walks,,1,1,a.bvh",
        "shot.blend,Rig,a person walks,,1,1,b.bvh",
        "shot.blend,smpl,a person walks,key:900,1,1,c.bvh",
        "shot.blend,smpl,a person walks,,1,one,d.bvh",
        "broken.blend,smpl,a person walks,,1,1,e.bvh",
        "shot.blend,smpl,a person walks,,1,1,twice.bvh",
        "shot.blend,smpl,a person runs,,1,1,twice.bvh",
        *GOOD,
    )
    status, lines, err = batch(*rows)
    assert status == 1
    assert lines[-1] == "2 made, 0 finished before, 7 failed"
    told = [line for line in err if line.startswith("[")]
    for line, sentence in zip(
        told,
        (
            "There is no file", "There is no armature 'Rig' in shot.blend: it has 'smpl'.",
            "Frame 900 of 'smpl' cannot be marked", "The column seed holds 'one'",
            "broken.blend cannot be opened", "Another row writes twice.bvh too",
            "Another row writes twice.bvh too",
        ),
        strict=True,
    ):  # fmt: skip
        assert sentence in line
    assert not (tmp_path / "out" / "twice.bvh").exists()


def test_finished_shots_are_skipped_changed_ones_are_not(batch, tmp_path):
    done = tmp_path / "out" / "shots.done.jsonl"
    assert batch(GOOD[0])[0] == 0
    status, lines, _ = batch(*GOOD)
    assert (status, lines[-1]) == (0, "1 made, 1 finished before, 0 failed")
    with done.open("a") as file:
        file.write('{"shot": "cut of')
    assert batch(*GOOD)[1][-1] == "0 made, 2 finished before, 0 failed"
    changed = GOOD[0].replace(",1,1,", ",1,5,")
    assert batch(changed, GOOD[1])[1][-1] == "1 made, 1 finished before, 0 failed"
    assert batch(*GOOD)[1][-1] == "1 made, 1 finished before, 0 failed"  # changed back
    assert batch(changed, GOOD[1])[1][-1] == "1 made, 1 finished before, 0 failed"
    (tmp_path / "out" / "jump.blend").unlink()
    assert batch(changed, GOOD[1])[1][-1] == "1 made, 1 finished before, 0 failed"
    assert batch(*GOOD, options=["--again"])[1][-1] == "2 made, 0 finished before, 0 failed"
    assert json.loads(done.read_text().splitlines()[0])["output"] == "walk.bvh"


def test_an_output_that_cannot_be_finished_replaces_nothing(batch, tmp_path):
    assert batch(GOOD[1])[0] == 0
    before = (tmp_path / "out" / "jump.blend").read_bytes()

    (tmp_path / "out" / "jump.part.blend").mkdir()  # in the way of what is being written
    status, _, err = batch(GOOD[1], options=["--again"])
    assert status == 1
    assert "jump.blend cannot be written (" in err[-1]
    assert err[-1].endswith("make room, or name another place.")
    assert (tmp_path / "out" / "jump.blend").read_bytes() == before


def test_two_characters_of_one_file_may_go_into_it(batch, tmp_path, script):
    other = bpy.data.objects["smpl"].copy()
    other.name = "other"
    bpy.context.collection.objects.link(other)
    bpy.ops.wm.save_mainfile()
    rows = [f"shot.blend,{name},a person walks,,1,1,{script}" for name in ("smpl", "other")]
    status, _, err = batch(*rows)
    assert (status, err) == (0, [])
    bpy.ops.wm.open_mainfile(filepath=str(script))
    for name in ("smpl", "other"):
        assert bpy.data.objects[name].animation_data.action is not None


def test_a_list_or_folder_that_cannot_be_used_makes_nothing(batch, tmp_path):
    status, lines, err = batch("shot.blend,smpl,walk", head="file,armature,prompt")
    assert (status, lines) == (2, [])
    assert err == [err[0]] and "shots.csv lacks the column output" in err[0]
    (tmp_path / "out").write_text("")
    status, lines, err = batch(*GOOD)
    assert (status, lines) == (2, []) and "Nothing can be written to" in err[0]
