"""Lists of shots: what is refused as a whole, and what when a row's turn comes."""

from pathlib import Path

import pytest

from motiongpt_blender.core.panel_words import for_the_terminal
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.shots import Mark, ShotError, read_shots

HEAD = "file,armature,prompt,output"
ROW = "a.blend,rig,a person walks,walk.bvh"


@pytest.fixture
def shots(tmp_path):
    """``shots(text)``: the rows of a list with this text, or these bytes."""

    def read(text):
        path = tmp_path / "shots.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_shots(path)

    return read


def test_a_row_with_all_columns(shots):
    [row] = shots(
        f"{HEAD},marks,seconds,seed,takes,keep\n{ROW},start:1; key:24.5 end:73,2.5,7,3,NLA\n"
    )
    shot = row.shot(Path("/files"), Path("/out"))
    assert (shot.file, shot.output) == (Path("/files/a.blend"), Path("/out/walk.bvh"))
    assert shot.marks == (
        Mark(1, PoseRole.START), Mark(24.5, PoseRole.KEY), Mark(73, PoseRole.END)
    )  # fmt: skip
    assert (shot.seconds, shot.seed, shot.takes, shot.keep) == (2.5, 7, 3, "nla")
    assert row.title == "line 2 (walk.bvh)"


def test_what_a_row_may_leave_out(shots):
    [row] = shots(f"{HEAD},marks\n{ROW},\n")
    shot = row.shot(Path(), Path())
    assert (shot.marks, shot.seconds, shot.seed, shot.takes) == (None, None, 0, 1)
    assert shot.keep == "action" and not shot.in_place
    [row] = shots(f"{HEAD},marks\n{ROW},none\n")
    assert row.shot(Path(), Path()).marks == ()


def test_lists_as_spreadsheets_write_them(shots):
    semicolons = f"\ufeff{HEAD}\r\n\r\n{ROW}\r\n".replace(",", ";")
    [row] = shots(semicolons)
    assert row.number == 3 and row.values["prompt"] == "a person walks"
    [row] = shots(f'{HEAD}\na.blend,rig,"a person walks, then jumps",walk.bvh')
    assert row.values["prompt"] == "a person walks, then jumps"


def test_rows_that_ask_for_something_else_are_told_apart(shots):
    rows = shots(f"{HEAD},seed\n{ROW},1\n{ROW},2\n{ROW},1\n")
    assert rows[0].fingerprint == rows[2].fingerprint != rows[1].fingerprint


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,armature,prompt\na,b,c\n", "shots.csv lacks the column output: its first line"),
        ("", "lacks the column file, armature, prompt, output"),
        (f"{HEAD},mood\n{ROW},sad\n", "columns that are not known (mood)"),
        (f"{HEAD},file\n{ROW},a\n", "one of them twice"),
        (f"{HEAD}\n\n", "shots.csv has no shots"),
        (f"{HEAD}\n{ROW}".encode("utf-16"), "shots.csv is not UTF-8 (byte 1)"),
        (f"{HEAD}\na,b,gehen \xfc,c".encode("latin-1"), "save it as CSV UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used(shots, text, sentence):
    with pytest.raises(ShotError) as caught:
        shots(text)
    assert sentence in str(caught.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(ShotError, match=r"gone.csv cannot be read \(No such file"):
        read_shots(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompt": ""}, "The column prompt is empty"),
        ({"output": "walk.txt"}, "walk.txt is no output: let its name end in .blend, .bvh"),
        ({"seconds": "long"}, "The column seconds holds 'long': write a number"),
        ({"seed": "1.5"}, "The column seed holds '1.5': write a whole number"),
        ({"marks": "start:one"}, "'start:one' is no mark"),
        ({"marks": "start:nan"}, "'start:nan' is no mark"),
        ({"marks": "start:"}, "'start:' is no mark"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_when_its_turn_comes(shots, changes, sentence):
    values = {
        "file": "a.blend", "armature": "rig", "prompt": "walks", "output": "a.bvh", **changes
    }  # fmt: skip
    [row] = shots(f"{','.join(values)}\n{','.join(values.values())}\n")
    with pytest.raises(ShotError) as caught:
        row.shot(Path(), Path())
    assert sentence in str(caught.value)


def test_sentences_of_the_panel_name_no_button_in_a_terminal():
    said = for_the_terminal("It ended (exit code 1): press Generate to start it again.")
    assert said == "It ended (exit code 1): run the same command again."
    assert "MOTIONGPT_PYTHON" in for_the_terminal(
        "The model is not set up: press Set Up in the panel, or name a Python in the add-on's "
        "preferences."
    )
    assert for_the_terminal("") == "The model's process was stopped: run the same command again."
