"""Takes of which something is gone or unknown, and very many of them."""

import json
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import numpy as np
import pytest

from motiongpt_blender.operators.session import BlenderAdapter
from motiongpt_blender.operators.takes import TakeOperator
from motiongpt_blender.scene.take.record import TAKE_KEY
from tests.support.kept_takes import keep_clip, shown
from tests.support.takes import generate

MANY = 10_000
#: Milliseconds of the thread itself that the list of very many takes may take at each redraw: two
#: alone; a look into each take would take hundreds.
REDRAW = 25.0
BUTTONS = [
    "keep_take", "keep_all_takes", "discard_takes", "remove_take", "use_take_again", "fit_take",
    "take_speed", "take_root", "reset_take", "take_as_asset",
]  # fmt: skip


@pytest.fixture
def review(addon, smpl_rig):
    """Four takes, the first on show."""
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    return smpl_rig.motiongpt.takes


def press(name):
    """Press a button as the panel has it: not at all where it is greyed out; what it says."""
    operator = getattr(bpy.ops.motiongpt, name)
    if not operator.poll():
        return "disabled"
    try:
        return operator()
    except RuntimeError as error:
        assert "Traceback" not in str(error), error
        return str(error)


def test_an_action_may_be_deleted_where_no_undo_step_was_pushed(addon, smpl_rig, monkeypatch):
    """A script's way; Blender used to end at its next update."""
    monkeypatch.setattr(BlenderAdapter, "push_undo", lambda self, message: None)
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    bpy.data.actions.remove(smpl_rig.motiongpt.takes.entries[0].action)
    bpy.context.view_layer.update()
    assert smpl_rig.motiongpt.takes.chosen_take.action is None


@pytest.mark.parametrize("name", BUTTONS)
def test_every_button_of_a_take_whose_action_is_gone(review, smpl_rig, name):
    bpy.data.actions.remove(review.entries[0].action)
    assert review.chosen_take.action is None and not review.chosen_take.on_rig
    done = press(name)
    expected = {"use_take_again", "remove_take", "discard_takes"}
    assert (done == {"FINISHED"}) == (name in expected), done
    if name == "discard_takes":
        assert not review.entries
    review.entries.add().name = "for the list"
    for index in range(len(review.entries)):
        review.active = index
    assert all(take.action is not None or not take.on_rig for take in review.entries)


def test_the_others_are_shown_after_the_action_on_show_is_gone(review, smpl_rig):
    rest = np.array(smpl_rig.pose.bones["l_knee"].matrix_basis)
    bpy.data.actions.remove(review.entries[0].action)
    review.active = 1
    assert review.index_shown == 1 and review.entries[1].on_rig
    assert bpy.ops.motiongpt.discard_takes() == {"FINISHED"}
    assert not review.entries and not bpy.data.actions
    assert np.abs(np.array(smpl_rig.pose.bones["l_knee"].matrix_basis) - rest).max() < 1e-6


def test_a_kept_take_whose_action_is_gone_becomes_no_asset(review):
    bpy.data.actions.remove(review.entries[0].action)
    review.entries[0].kept = True
    assert press("take_as_asset") == "disabled"


@pytest.mark.parametrize("name", BUTTONS)
def test_every_button_of_a_take_whose_bones_are_gone(registered, make_smpl_rig, name):
    rig = make_smpl_rig()
    take = keep_clip(rig, frames=30)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in list(rig.data.edit_bones):
        if bone.name != "pelvis":
            rig.data.edit_bones.remove(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    done = press(name)
    if name in ("fit_take", "take_speed", "take_root"):
        assert "'smpl' cannot be driven" in done
        assert take.original is None and len(bpy.data.actions) == 1
    if name == "remove_take":
        assert done == {"FINISHED"} and not rig.motiongpt.takes.entries


def test_takes_of_an_armature_that_is_deleted_go_with_it(review, smpl_rig):
    actions = {take.action.name for take in review.entries}
    bpy.data.objects.remove(smpl_rig)
    assert TakeOperator.why_not(bpy.context) != ""
    assert all(press(name) == "disabled" for name in BUTTONS)
    assert all(bpy.data.actions[name].users == 0 for name in actions)


@pytest.mark.parametrize("report", ['{"keys": []}', '{"of_tomorrow": 1}', "[1]", "{", "null"])
def test_a_report_of_a_newer_version_or_a_damaged_one_is_none(review, report):
    text = json.loads(review.entries[0].report_json)
    review.entries[0].report_json = report
    assert review.entries[0].report is None
    review.entries[0].report_json = json.dumps({**text, "of_tomorrow": 1})
    assert review.entries[0].report is None  # the panel has no report, and all else works
    assert press("keep_take") == {"FINISHED"}


@pytest.mark.parametrize("record", ["more", "{", "[]", '{"switches": 3}', "null"])
def test_a_record_of_a_newer_version_or_a_damaged_one_ends_nothing(
    registered, make_smpl_rig, record
):
    rig = make_smpl_rig()
    take = keep_clip(rig, frames=30)
    text = take.action[TAKE_KEY]
    newer = json.dumps({**json.loads(text), "of_tomorrow": {"a": 1}})
    take.action[TAKE_KEY] = newer if record == "more" else record
    looks = shown(rig, (1, 15))
    assert press("take_root") == {"FINISHED"} or record != "more"
    assert np.abs(shown(rig, (1, 15)) - looks).max() < 1e-3
    assert press("remove_take") == {"FINISHED"}
    assert not rig.motiongpt.takes.entries
    assert rig.animation_data is None or not rig.animation_data.nla_tracks


def test_a_place_of_a_newer_version_is_one_in_the_list(review):
    take = review.entries[1]
    take["placement"] = 77  # an item that this version does not have
    assert not take.shown and not take.on_rig
    review.active = 1
    assert review.index_shown == 1


def test_very_many_takes(registered, make_smpl_rig, tmp_path):
    from motiongpt_blender.ui import takes as panel

    rig = make_smpl_rig()
    keep_clip(rig, frames=20)
    group = rig.motiongpt.takes
    for number in range(MANY):
        take = group.entries.add()
        take.name, take.prompt = f"走る {number}", "a person walks forward and turns around"
        take.batch, take.kept = f"{number // 4}", True
    group.chosen = MANY // 2
    listed = SimpleNamespace(filter_name="", only_favourites=False, bitflag_filter_item=1 << 30)
    layout = MagicMock()

    def redraw():
        began = time.thread_time()
        panel.MOTIONGPT_UL_takes.filter_items(listed, None, group, "entries")
        panel._draw_pictures(layout, group)
        return 1000 * (time.thread_time() - began)

    assert min(redraw() for _ in range(5)) < REDRAW
    shown_now = [call.kwargs["text"] for call in layout.mock_calls if "text" in call.kwargs]
    assert str(MANY // 2 + 1) in shown_now
    listed.filter_name = "走る 77"
    found, _ = panel.MOTIONGPT_UL_takes.filter_items(listed, None, group, "entries")
    assert sum(map(bool, found)) == 111
    path = str(tmp_path / "many.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    began = time.thread_time()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert time.thread_time() - began < 5.0
    entries = bpy.data.objects["smpl"].motiongpt.takes.entries
    assert len(entries) == MANY + 1 and entries[78].name == "走る 77"
