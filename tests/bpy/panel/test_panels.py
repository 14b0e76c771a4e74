"""What the panels say, drawn on a layout that only listens."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from motiongpt_blender.core.feet.foot_locking import FootLockReport
from tests.support.session import asked
from tests.support.takes import generate

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def drawn(panel):
    """Every call that a panel makes while it draws itself, as text."""
    listener, context = MagicMock(), MagicMock(wraps=bpy.context)
    context.scene, context.preferences = bpy.context.scene, bpy.context.preferences
    context.region.width = 400
    if hasattr(panel, "draw_for"):
        listener.draw_for = lambda *rest: panel.draw_for(listener, *rest)
    panel.draw(listener, context)
    return str(listener.mock_calls)


@pytest.fixture
def take(addon, smpl_rig, monkeypatch):
    """The report of a take with its feet locked; letters are ten pixels wide."""
    from motiongpt_blender.ui import base

    monkeypatch.setattr(base, "blf", MagicMock(dimensions=lambda _, text: (10 * len(text), 10)))
    asked().seconds = 1.0
    smpl_rig.motiongpt.retargeting.lock_feet = True
    return generate(addon)


def test_last_take_tells_of_its_feet(addon, take):
    from motiongpt_blender.ui.takes import MOTIONGPT_PT_report, feet_text

    assert take.foot_lock is not None
    assert feet_text(take.foot_lock).split()[0] in drawn(MOTIONGPT_PT_report)
    printed = feet_text(FootLockReport(moved_cm=6.4, lowered_cm=1.2, slid_cm=2.0))
    assert printed == "Feet locked: moved 6 cm at most, hips 1 cm lower; 2 cm out of reach"
    assert "No foot" in feet_text(FootLockReport())
    addon.report = replace(take, foot_lock=None)
    assert "CON_FLOOR" not in drawn(MOTIONGPT_PT_report)


def test_a_take_whose_action_was_deleted_is_told_of_and_can_be_used_again(addon, smpl_rig, take):
    from motiongpt_blender.ui.takes import MOTIONGPT_PT_report, take_icon

    entry = addon.takes.chosen_take
    assert take_icon(entry) == "CHECKMARK"
    smpl_rig.animation_data_clear()
    bpy.data.actions.remove(bpy.data.actions[take.action_name])
    assert entry.action is None and take_icon(entry) == "ERROR"
    assert entry.prompt in drawn(MOTIONGPT_PT_report)
    asked().prompt = "another"
    assert bpy.ops.motiongpt.use_take_again() == {"FINISHED"}
    assert asked().prompt == entry.prompt
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}


def test_a_failure_after_an_undone_take_is_told(addon, smpl_rig, take):
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main

    smpl_rig.animation_data_clear()
    bpy.data.actions.remove(bpy.data.actions[take.action_name])
    addon.tell("The prompt is empty.", failed=True)
    assert "The prompt is empty" in drawn(MOTIONGPT_PT_main)


def test_a_redraw_looks_for_no_python(addon, smpl_rig, take, monkeypatch):
    from motiongpt_blender import preferences
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main

    monkeypatch.setattr(preferences, "find_python", MagicMock(side_effect=AssertionError))
    assert "motiongpt.generate" in drawn(MOTIONGPT_PT_main)


def test_while_keys_are_written_the_panel_says_so(addon, smpl_rig, monkeypatch):
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main

    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    take = addon.controller.pending
    take.clips = ("a clip",)
    printed = drawn(MOTIONGPT_PT_main)
    take.clips = ()
    assert "Writing the keys" in printed and "motiongpt.generate" not in printed


def test_takes_belong_to_the_character_they_were_made_for(
    addon, smpl_rig, make_smpl_rig, monkeypatch
):
    """Another character's panel shows neither the take nor its message; a new name is found."""
    from motiongpt_blender.ui import base
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main
    from motiongpt_blender.ui.takes import MOTIONGPT_PT_report

    other, scene = make_smpl_rig(), bpy.context.scene
    monkeypatch.setattr(base, "blf", MagicMock(dimensions=lambda _, text: (10 * len(text), 10)))
    bpy.ops.motiongpt.generate()
    smpl_rig.name = "renamed"
    scene.motiongpt.armature = other
    assert bpy.ops.motiongpt.generate.poll()  # its request would wait
    assert "Under way: smpl" in drawn(MOTIONGPT_PT_main)
    addon.wait()
    assert addon.report is None and addon.message == ""
    assert not MOTIONGPT_PT_report.poll(bpy.context)
    assert not bpy.ops.motiongpt.remove_take.poll()
    scene.motiongpt.armature = smpl_rig
    assert not addon.failed and "new NLA track" in addon.message
    assert addon.report.track_name in smpl_rig.animation_data.nla_tracks
    assert other.animation_data is None
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}


def test_generate_is_dead_on_an_armature_that_cannot_work(addon, smpl_rig, monkeypatch):
    from motiongpt_blender.ui import base, panels, readiness

    lit = []
    monkeypatch.setattr(panels, "_draw_button", lambda *_, ready: lit.append(ready))
    monkeypatch.setattr(base, "blf", MagicMock(dimensions=lambda _, text: (10 * len(text), 10)))
    assert readiness.obstacle(smpl_rig) == "" and "'ERROR'" not in drawn(panels.MOTIONGPT_PT_main)
    lone = bpy.data.objects.new("lone", bpy.data.armatures.new("lone"))
    bpy.context.collection.objects.link(lone)
    for obj, says in ((lone, "it has no bones"), (smpl_rig, "in its rest")):
        bpy.context.scene.motiongpt.armature = obj
        smpl_rig.data.pose_position = "REST"
        assert says in readiness.obstacle(obj) and "'ERROR'" in drawn(panels.MOTIONGPT_PT_main)
    assert lit == [True, False, False]


def test_the_menu_under_pose_and_object_has_operators_that_there_are(addon, smpl_rig):
    from motiongpt_blender.ui.menus import GROUPS, MOTIONGPT_MT_main

    printed = drawn(MOTIONGPT_MT_main)
    for name, text in (pair for group in GROUPS for pair in group):
        assert text in printed
        assert hasattr(bpy.types, f"MOTIONGPT_OT_{name.split('.')[1]}"), name
    for menu in (bpy.types.VIEW3D_MT_pose, bpy.types.VIEW3D_MT_object):
        bar = MagicMock()
        ours = [f for f in menu._dyn_ui_initialize() if "motiongpt" in f.__module__]
        ours[0](bar, bpy.context)
        assert "MOTIONGPT_MT_main" in str(bar.mock_calls)


def test_every_part_of_a_pose_has_its_button(addon, smpl_rig):
    from motiongpt_blender.properties.marked_pose import PARTS
    from motiongpt_blender.ui.poses import PARTS_BY_ROW

    assert [p.value for row in PARTS_BY_ROW for p in row] == [value for value, *_ in PARTS]


def test_buttons_that_mark_stay_where_they_are(addon, smpl_rig):
    """A pose that comes pushes no button away: the next click would bind another part."""
    from motiongpt_blender.ui.poses import MOTIONGPT_PT_poses

    def draw():
        listener, panel = MagicMock(), MagicMock()
        MOTIONGPT_PT_poses.draw_for(panel, bpy.context, listener, smpl_rig)
        return str(listener.mock_calls)

    before = draw()
    assert before.index("motiongpt.add_pose") < before.index("template_list")
    bpy.ops.motiongpt.add_pose(role="START")
    after = draw()
    upto = before.index("template_list")
    assert after[:upto] == before[:upto]


def test_last_take_names_what_fk_cannot_show(addon, take):
    from motiongpt_blender.core.pose_constraints.fk_mismatch import FKMismatch
    from motiongpt_blender.core.pose_constraints.reports import PoseReport
    from motiongpt_blender.core.rig.bone_maps import Part
    from motiongpt_blender.ui.takes import MOTIONGPT_PT_report, missed_text

    met = PoseReport(1.0, 5.0, 2.0)
    addon.report = replace(take, keys=(met,))
    printed = drawn(MOTIONGPT_PT_report)
    assert "meets them exactly" in printed
    assert missed_text(met) == ""
    short = replace(
        met, frame=12.0, fk_mismatch=FKMismatch("DEF-palm.01.R", 1.827, 111.28, Part("hand_r"))
    )
    addon.report = replace(take, keys=(met, short))
    printed = drawn(MOTIONGPT_PT_report)
    assert "meets them exactly" not in printed
    assert missed_text(short) == (
        "Frame 12: FK controls cannot reach the right hand exactly; 'DEF-palm.01.R' "
        "remains 111.3 mm and 1.83° away"
    )
    assert "111.3 mm" in printed


def test_a_closed_timing_panel_says_what_is_chosen(addon):
    from motiongpt_blender.ui.frame_range import MOTIONGPT_PT_frame_range

    place = bpy.context.scene.motiongpt.frame_range
    for mode, loop, says in (
        ("FREE", False, ""), ("FREE", True, "Loop"), ("BETWEEN", True, "Between Keyframes"),
        ("CONTINUE", False, "After the Last Frame"),
    ):  # fmt: skip
        place.mode, place.loop = mode, loop
        header = MagicMock()
        MOTIONGPT_PT_frame_range.draw_header_preset(header, bpy.context)
        drawn = str(header.layout.label.mock_calls)
        assert (says in drawn) if says else drawn == "[]", (mode, loop)


def test_the_prompt_of_the_chosen_block_has_a_field_of_its_own(addon, smpl_rig):
    from motiongpt_blender.ui.sequence import MOTIONGPT_PT_sequence

    bpy.ops.motiongpt.add_block()
    listener, block = MagicMock(), smpl_rig.motiongpt.sequence.blocks[0]
    MOTIONGPT_PT_sequence._block(MagicMock(), listener, block)
    assert "'prompt'" in str(listener.prop.mock_calls)


def test_preferences_tell_of_a_python_that_is_not_there(addon, monkeypatch):
    from motiongpt_blender import preferences

    chosen = replace(preferences.settings(bpy.context), python=Path("nowhere") / "python")
    monkeypatch.setattr(preferences, "settings", lambda _: chosen)
    page = MagicMock()
    preferences.MotionGPTPreferences.draw(page, bpy.context)
    assert "There is no Python at" in str(page.mock_calls)
    assert "Uses" not in str(page.mock_calls)


def test_a_pack_that_does_not_fit_the_memory_is_told_and_cannot_be_chosen(addon, monkeypatch):
    from motiongpt_blender import paths
    from motiongpt_blender.core.packs.memory_need import MemoryNeed
    from motiongpt_blender.ui import base, setup
    from motiongpt_blender.ui.packs import MOTIONGPT_MT_packs
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main

    monkeypatch.setattr(base, "blf", MagicMock(dimensions=lambda _, text: (len(text), 10)))
    monkeypatch.setattr(setup, "is_set_up", lambda _: True)
    for need, fits in ((MemoryNeed(4.2e9, 3.0e9), False), (MemoryNeed(1.0e9, 3.0e9), True)):
        monkeypatch.setattr(paths, "memory_need", lambda _, need=need: need)
        assert ("Needs about 4.2 GB" in drawn(MOTIONGPT_PT_main)) is not fits
        menu = MagicMock()
        MOTIONGPT_MT_packs.draw(menu, bpy.context)
        assert menu.layout.row.return_value.enabled is fits
        assert ("close other programs" in str(menu.mock_calls)) is not fits
    monkeypatch.setattr(paths, "memory_need", lambda _: MemoryNeed(4.2e9, 3.0e9))
    generate(addon)
    assert "Needs about" not in drawn(MOTIONGPT_PT_main), "it is loaded already"


def test_icons_are_pictures_of_numbers_which_blender_need_not_read_before_it_draws(registered):
    from motiongpt_blender import paths
    from motiongpt_blender.ui import icons

    names = {path.stem for path in paths.ICONS.glob("*.png")}
    assert {"start", "key", "end", "generate", "motiongpt"} <= names
    pictures = icons._previews
    for name in names:
        pixels = np.array(pictures[name].icon_pixels[:]).astype(np.uint32)
        assert pixels.size == np.prod(pictures[name].icon_size) > 0
        assert 0.1 < (pixels >> 24 > 0).mean() < 0.95  # neither empty nor a full square
    looks = {tuple(pictures[name].icon_pixels[:]) for name in names}
    assert len(looks) == len(names)
    assert icons.icon("none of that name") == 0
