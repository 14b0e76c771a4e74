"""Several characters: each has its own request; requests of several wait, and none is lost."""

import pytest

from motiongpt_blender.generate.state import Phase
from motiongpt_blender.operators import session
from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

NAMES = ("Anna", "Ben", "Carl")


@pytest.fixture
def three(addon, smpl_rig, make_smpl_rig):
    """Three characters, all selected, and no armature chosen in the panel."""
    characters = [smpl_rig, make_smpl_rig(), make_smpl_rig(scale=0.7)]
    for obj, name in zip(characters, NAMES, strict=True):
        obj.name = name
        obj.select_set(True)
    bpy.context.scene.motiongpt.armature = None
    return characters


def activate(obj):
    bpy.context.view_layer.objects.active = obj


def takes_of(characters):
    return [[(t.prompt, t.seed) for t in obj.motiongpt.takes.entries] for obj in characters]


def under_way():
    return [take.character.name for take in session.controller().under_way]


def test_prompt_and_seed_belong_to_a_character(addon, three):
    anna, ben, _ = three
    for obj, prompt, seed in ((anna, "a person jumps", 3), (ben, "a person waves", 8)):
        activate(obj)
        asked().prompt, asked().seed = prompt, seed
    activate(anna)
    assert (asked().prompt, asked().seed) == ("a person jumps", 3)
    bpy.ops.motiongpt.generate()
    activate(ben)  # while Anna's is under way
    assert session.why_busy(anna) and not session.why_busy(ben)
    bpy.ops.motiongpt.generate()
    assert under_way() == ["Anna", "Ben"]
    assert not bpy.ops.motiongpt.generate.poll()
    addon.wait()
    assert takes_of(three) == [[("a person jumps", 3)], [("a person waves", 8)], []]
    assert all(obj.animation_data.nla_tracks for obj in (anna, ben))


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ("OWN", [("a person walks forward", 0), ("a person jumps", 0), ("a person jumps", 1)]),
        ("SHARED", [("a person jumps", 0), ("a person jumps", 1), ("a person jumps", 2)]),
    ],
)
def test_generate_for_selected(addon, three, prompts, expected):
    for obj in three[1:]:
        obj.motiongpt.request.prompt = "a person jumps"
    activate(three[1])
    assert bpy.ops.motiongpt.generate_selected(prompts=prompts) == {"FINISHED"}
    assert under_way() == list(NAMES)
    addon.wait()
    assert takes_of(three) == [[made] for made in expected]
    assert [(r.prompt, r.seed) for r in (obj.motiongpt.request for obj in three)] == expected


def test_a_character_that_is_refused_keeps_no_other_from_its_take(addon, three):
    three[1].motiongpt.request.prompt = " "
    assert bpy.ops.motiongpt.generate_selected() == {"FINISHED"}
    assert under_way() == ["Anna", "Carl"]
    addon.wait()
    assert [len(takes) for takes in takes_of(three)] == [1, 0, 1]
    activate(three[1])
    assert addon.failed and "empty" in addon.message


def test_one_or_all_are_cancelled(addon, three, monkeypatch):
    bpy.ops.motiongpt.generate_selected()
    _, ben, _ = session.controller().under_way
    assert bpy.ops.motiongpt.cancel(job=ben.job.request.job) == {"FINISHED"}
    addon.wait()
    assert [len(takes) for takes in takes_of(three)] == [1, 0, 1]
    bpy.ops.motiongpt.generate_selected()
    assert bpy.ops.motiongpt.cancel_all() == {"FINISHED"}
    addon.wait()
    assert [len(takes) for takes in takes_of(three)] == [1, 0, 1]
    assert under_way() == [] and not bpy.ops.motiongpt.cancel_all.poll()


def test_the_motion_of_a_deleted_character_comes_with_the_undo(addon, three):
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.motiongpt.generate_selected()
    bpy.ops.object.select_all(action="DESELECT")
    three[0].select_set(True)
    bpy.ops.object.delete()
    bpy.ops.ed.undo_push(message="Delete")
    addon.wait()
    (held,) = session.controller().under_way
    assert held.phase is Phase.HELD and held.character.name == "Anna"
    others = [bpy.data.objects[name] for name in NAMES[1:]]
    assert [len(takes) for takes in takes_of(others)] == [1, 1]
    while "Anna" not in bpy.context.scene.objects:
        assert bpy.ops.ed.undo() == {"FINISHED"}
    assert under_way() == []
    assert len(bpy.data.objects["Anna"].motiongpt.takes.entries) == 1


def test_the_panel_lists_what_is_under_way(addon, three):
    from motiongpt_blender.ui.queue import queue_text

    assert queue_text(bpy.context) == ""
    bpy.ops.motiongpt.generate_selected()
    activate(three[0])
    assert queue_text(bpy.context) == "Under way: Ben, Carl"
    addon.wait()
    assert queue_text(bpy.context) == ""


def test_what_an_older_version_kept_in_the_scene_goes_to_its_characters(addon, tmp_path):
    """Where the prompt, length and seed were the scene's."""
    scene = bpy.context.scene
    scene.motiongpt.takes = 2
    getter = getattr(scene, "bl_system_properties_get", None)
    stored = (scene if getter is None else getter())["motiongpt"]
    stored["prompt"], stored["seconds"], stored["seed"] = "someone bows", 5.5, 41
    stored["auto_length"] = False
    for name in ("older", "newer"):
        data = bpy.data.armatures.new(name)
        scene.collection.objects.link(bpy.data.objects.new(name, data))
    bpy.data.objects["newer"].motiongpt.request.prompt = "she waves"
    path = str(tmp_path / "older.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    older, newer = (bpy.data.objects[name].motiongpt.request for name in ("older", "newer"))
    assert (older.prompt, older.seconds, older.seed) == ("someone bows", 5.5, 41)
    assert not older.auto_length
    assert (newer.prompt, newer.seed) == ("she waves", 41)
