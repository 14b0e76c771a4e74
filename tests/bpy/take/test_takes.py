"""The takes of a character: shown, flipped, kept and discarded; nothing is lost meanwhile."""

from types import SimpleNamespace

import numpy as np
import pytest

from motiongpt_blender.compat import session_id
from motiongpt_blender.scene.take import apply
from tests.support.session import asked
from tests.support.takes import JUMP, WALK, blocks, generate, hand_keyed, make, scene_of, seen, show

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

FRAMES = (-5, 1, 15, 25, 60)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the scene of ``review`` lies, and all before its takes, once a test has made it."""
    return SimpleNamespace(path=str(tmp_path_factory.mktemp("takes") / "review.blend"), before=None)


@pytest.fixture
def review(addon, smpl_rig, kept):
    """Four takes beside an animation keyed by hand, the first on show; and all before them."""
    if kept.before is None:
        kept.before = take_four(addon, smpl_rig)
        bpy.ops.wm.save_as_mainfile(filepath=kept.path, copy=True)
    bpy.ops.wm.open_mainfile(filepath=kept.path)
    return addon, kept.before


@pytest.fixture
def rig(review):
    """The armature of ``review``."""
    return bpy.data.objects["smpl"]


def take_four(session, rig):
    """Generate between frames keyed by hand; returns what was there before."""
    hand_keyed(rig)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 10, 30
    show(20)
    before = scene_of(rig), looks(rig)
    bpy.context.scene.motiongpt.takes = 4
    generate(session)
    return before


def looks(rig):
    return np.array([seen(rig, frame) for frame in FRAMES])


def assert_as_before(rig, before):
    was, looked = before
    assert scene_of(rig) == was
    assert np.abs(looks(rig) - looked).max() < 1e-6
    assert not rig.animation_data.use_tweak_mode


def test_several_takes_arrive_and_the_first_is_on_show(addon, smpl_rig):
    take_four(addon, smpl_rig)
    takes = smpl_rig.motiongpt.takes
    assert [(take.shown, take.kept) for take in takes.entries] == [
        (True, False), (False, False), (False, False), (False, False),
    ]  # fmt: skip
    assert len({take.batch for take in takes.entries}) == 1
    assert takes.chosen == 0 and "choose one" in addon.message
    data = smpl_rig.animation_data
    assert data.use_tweak_mode and data.action == takes.entries[0].action  # its keys are in sight
    assert [take.on_rig for take in takes.entries] == [True, False, False, False]


@pytest.mark.sweep
def test_takes_of_one_request_read_the_pose_at_the_start_once(addon, smpl_rig, monkeypatch):
    read = []
    real = apply.standing_pose
    monkeypatch.setattr(apply, "standing_pose", lambda *args: read.append(1) or real(*args))
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    assert len(read) == 1
    assert len(smpl_rig.motiongpt.takes.entries) == 4


def test_choosing_another_take_flips_in_place(review, rig):
    takes, seen_of = rig.motiongpt.takes, []
    for index in (0, 1, 2, 3, 0):
        takes.active = index
        assert [take.shown for take in takes.entries] == [k == index for k in range(4)]
        assert rig.animation_data.action == takes.entries[index].action
        seen_of.append(looks(rig))
    assert np.abs(seen_of[4] - seen_of[0]).max() < 1e-6
    for k in range(4):
        outside = [0, 1, 4]  # frames beside the take: the animation there stays
        assert np.abs(seen_of[k] - seen_of[0])[outside].max() < 1e-5
        assert k == 0 or np.abs(seen_of[k] - seen_of[0]).max() > 0.01


def test_discard_is_exactly_as_before(review, rig):
    _, before = review
    rig.motiongpt.takes.active = 2
    assert bpy.ops.motiongpt.discard_takes() == {"FINISHED"}
    assert len(rig.motiongpt.takes.entries) == 0
    assert_as_before(rig, before)


def test_keep_leaves_one_and_its_removal_is_exactly_as_before(review, rig):
    _, before = review
    takes = rig.motiongpt.takes
    takes.active = 2
    chosen, shown = takes.chosen_take.action, looks(rig)
    assert bpy.ops.motiongpt.keep_take() == {"FINISHED"}
    (take,) = takes.entries
    assert take.action == chosen and take.kept and take.on_rig and not take.shown
    assert takes.chosen == 0
    assert not rig.animation_data.use_tweak_mode
    assert np.abs(looks(rig) - shown).max() < 1e-6
    assert not bpy.ops.motiongpt.keep_take.poll() and not bpy.ops.motiongpt.discard_takes.poll()
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    assert_as_before(rig, before)


@pytest.mark.sweep
def test_keep_all_puts_one_on_the_rig_and_the_others_in_the_list(review, rig):
    takes = rig.motiongpt.takes
    takes.active = 1
    assert bpy.ops.motiongpt.keep_all_takes() == {"FINISHED"}
    assert [take.kept for take in takes.entries] == [True] * 4
    assert [take.on_rig for take in takes.entries] == [False, True, False, False]
    assert not rig.animation_data.use_tweak_mode
    kept = looks(rig)
    takes.active = 3  # a kept one of the list can be looked at, above the one that is on the rig
    assert takes.shown_take == takes.entries[3] and takes.entries[1].on_rig
    assert np.abs(looks(rig) - kept).max() > 0.01
    takes.active = 1
    assert takes.shown_take is None
    assert np.abs(looks(rig) - kept).max() < 1e-6


def test_a_file_saved_in_the_middle_opens_in_the_middle(review, rig, tmp_path):
    _, (_, looked) = review
    takes = rig.motiongpt.takes
    takes.active = 2
    takes.chosen_take.favourite, shown = True, looks(rig)
    path = str(tmp_path / "middle.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    rig = bpy.data.objects["smpl"]
    takes = rig.motiongpt.takes
    assert len(takes.entries) == 4 and takes.shown_take == takes.entries[2]
    assert takes.entries[2].favourite and takes.entries[2].report.frame_end == 30
    assert np.abs(looks(rig) - shown).max() < 1e-5
    takes.active = 0
    assert np.abs(looks(rig) - shown).max() > 0.01
    assert bpy.ops.motiongpt.discard_takes() == {"FINISHED"}
    assert np.abs(looks(rig) - looked).max() < 1e-5
    assert not rig.animation_data.nla_tracks


@pytest.mark.sweep
def test_generate_in_the_middle_loses_nothing_and_starts_from_before(review, rig, addon):
    _, before = review
    takes = rig.motiongpt.takes
    takes.active = 3
    first = looks(rig)
    asked().seed = 3
    generate(addon)
    assert len(takes.entries) == 8 and takes.shown_take == takes.entries[4]
    # the fourth of seed 0 is the first of seed 3: it joins the same animation, not a take
    assert np.abs(looks(rig) - first).max() < 1e-5
    assert bpy.ops.motiongpt.discard_takes() == {"FINISHED"}
    assert len(takes.entries) == 4
    takes.active = 0
    assert bpy.ops.motiongpt.discard_takes() == {"FINISHED"}
    assert_as_before(rig, before)


@pytest.mark.sweep
def test_a_refused_request_leaves_the_take_on_show(review, rig):
    takes = rig.motiongpt.takes
    takes.active = 1
    shown = looks(rig)
    asked().prompt = ""
    with pytest.raises(RuntimeError, match="empty"):
        bpy.ops.motiongpt.generate()
    assert takes.shown_take == takes.entries[1]
    assert np.abs(looks(rig) - shown).max() < 1e-6


@pytest.mark.sweep
def test_a_pose_can_be_marked_while_a_take_is_on_show(review, rig):
    show(20)
    assert bpy.ops.motiongpt.add_pose(role="KEY") == {"FINISHED"}
    assert rig.animation_data.use_tweak_mode


@pytest.mark.sweep
def test_use_again_brings_back_prompt_settings_and_marked_poses(addon, smpl_rig):
    scene, group = bpy.context.scene, smpl_rig.motiongpt
    panel = scene.motiongpt
    show(5)
    bpy.ops.motiongpt.add_pose(role="START")
    joints = group.poses[0].joints
    request = group.request
    request.prompt, request.seed, panel.guidance, panel.candidates = "jumps", 5, 2.0, 8
    request.seconds = 1.5
    generate(addon)
    group.poses.clear()
    request.prompt, request.seed, panel.guidance, panel.candidates = "walks", 0, 1.0, 16
    request.seconds = 3.0
    show(90)
    assert bpy.ops.motiongpt.use_take_again() == {"FINISHED"}
    assert (request.prompt, request.seed) == ("jumps", 5)
    assert (panel.guidance, panel.candidates) == (2.0, 8)
    assert request.seconds == 1.5 and scene.frame_current == 5
    assert [(pose.frame, pose.role) for pose in group.poses] == [(5, "START")]
    assert group.poses[0].joints == joints
    assert bpy.ops.motiongpt.vary_take() == {"FINISHED"}
    addon.wait()
    assert [take.seed for take in group.takes.entries] == [5, 6]


@pytest.mark.sweep
def test_takes_have_names_of_their_own_in_any_script(review, rig):
    take = rig.motiongpt.takes.entries[1]
    take.name = "歩く ✓"
    assert take.action.name == "歩く ✓"
    rig.motiongpt.takes.active = 1
    assert rig.animation_data.nla_tracks[-1].name == "歩く ✓"


@pytest.mark.sweep
def test_the_list_is_searched_by_name_prompt_and_favourites(review, rig):
    from motiongpt_blender.ui.takes import MOTIONGPT_UL_takes

    takes = rig.motiongpt.takes
    takes.entries[1].name, takes.entries[2].favourite = "Best of all", True

    def found(text, only_favourites=False):
        ui = SimpleNamespace(
            filter_name=text, only_favourites=only_favourites, bitflag_filter_item=1 << 30
        )
        flags, order = MOTIONGPT_UL_takes.filter_items(ui, None, takes, "entries")
        assert order == []
        return [k for k, flag in enumerate(flags) if flag]

    assert found("best") == [1]
    assert found("WALKS") == found("walks") and found("person walks") == [0, 1, 2, 3]
    assert found("", only_favourites=True) == [2]
    assert found("nothing of that") == []


@pytest.mark.sweep
def test_the_pieces_of_a_sequence_are_takes_that_are_kept(addon, smpl_rig):
    blocks(smpl_rig, (WALK, 1, 31), (JUMP, 31, 61))
    bpy.context.scene.motiongpt.takes = 4
    make(addon)
    takes = smpl_rig.motiongpt.takes.entries
    assert [(take.prompt, take.kept, take.on_rig) for take in takes] == [
        (WALK, True, True), (JUMP, True, True),
    ]  # fmt: skip
    assert not smpl_rig.animation_data.use_tweak_mode


def test_takes_that_no_list_has_are_listed_when_a_file_opens(addon, smpl_rig, tmp_path):
    """As in files of older versions, whose records know less."""
    import json

    from motiongpt_blender.scene.take.record import TAKE_KEY

    hand_keyed(smpl_rig)
    before = looks(smpl_rig)
    generate(addon)
    action = smpl_rig.motiongpt.takes.chosen_take.action
    record = json.loads(action[TAKE_KEY])
    del record["curve_bones"]
    action[TAKE_KEY] = json.dumps(record)
    smpl_rig.motiongpt.takes.entries.clear()
    path = str(tmp_path / "old.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    rig = bpy.data.objects["smpl"]
    bpy.context.scene.motiongpt.armature = rig
    (take,) = rig.motiongpt.takes.entries
    assert (take.prompt, take.kept, take.on_rig) == (WALK, True, True)
    assert take.report is None
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    assert np.abs(looks(rig) - before).max() < 1e-5


@pytest.mark.sweep
def test_the_line_above_generate_says_what_will_be_made(addon, smpl_rig):
    from motiongpt_blender.ui.readiness import readiness_text

    panel = bpy.context.scene.motiongpt
    panel.takes, asked().seconds = 4, 4.0
    show(7)
    assert readiness_text(bpy.context, smpl_rig) == "4.0 s from frame 7, 4 takes"
    for frame, role in ((1, "START"), (21, "KEY"), (61, "END")):
        show(frame)
        bpy.ops.motiongpt.add_pose(role=role)
    panel.takes = 1
    assert readiness_text(bpy.context, smpl_rig) == "3.0 s from frame 1, 3 poses, 1 take"
    panel.frame_range.mode = "CONTINUE"
    assert readiness_text(bpy.context, smpl_rig).startswith("4.0 s after the last frame")


@pytest.mark.sweep
def test_esc_cancels_and_every_other_key_goes_on(addon, smpl_rig, monkeypatch):
    from motiongpt_blender.operators.generation import Requesting
    from motiongpt_blender.operators.takes import MOTIONGPT_OT_vary_take

    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "slow")
    bpy.ops.motiongpt.generate()
    assert issubclass(MOTIONGPT_OT_vary_take, Requesting)
    listener = SimpleNamespace(_armatures={session_id(smpl_rig)})

    def press(key):
        event = SimpleNamespace(type=key, value="PRESS")
        return Requesting.modal(listener, bpy.context, event)

    assert press("A") == {"PASS_THROUGH"} and addon.job is not None
    assert press("ESC") == {"RUNNING_MODAL"}
    addon.wait()
    assert "Cancelled" in addon.message and not smpl_rig.motiongpt.takes.entries
    assert press("ESC") == {"FINISHED", "PASS_THROUGH"}


@pytest.mark.parametrize("choose", ["keep_take", "discard_takes", "remove_take", "use_take_again"])
def test_the_panel_does_not_go_on_to_ask_for_a_choice_that_was_made(addon, smpl_rig, choose):
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    assert "choose one" in addon.message
    assert getattr(bpy.ops.motiongpt, choose)() == {"FINISHED"}
    assert addon.message == ""
