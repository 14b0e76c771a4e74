"""A library override of a character: its poses, takes, blocks and bones are kept in its file."""

import pytest

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip, Origin
from motiongpt_blender.core.rig.rig_options import REACH, RigOptions
from motiongpt_blender.properties import armature
from motiongpt_blender.scene.kept import owner_of
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.clips import clip
from tests.support.takes import generate, show

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

KNEE = (0.8, 0.6, 0.0, 0.0)


def saved(path):
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return the_override()


def the_override():
    obj = next(o for o in bpy.data.objects if o.override_library is not None)
    bpy.context.scene.motiongpt.armature = obj
    return obj


@pytest.fixture(params=["nothing marked", "a pose marked"])
def override(request, addon, smpl_rig, tmp_path):
    """The character of another file, overridden in this one."""
    if request.param == "a pose marked":
        show(30)
        bpy.ops.motiongpt.add_pose(role="END")
        smpl_rig.motiongpt.retargeting.reach = 0.7
    bpy.data.libraries.write(str(tmp_path / "library.blend"), {smpl_rig})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["smpl"]
    bpy.context.scene.collection.objects.link(wanted.objects[0])
    made = wanted.objects[0].override_create(remap_local_usages=True)
    made.override_library.is_system_override = False
    return the_override()


def poses(obj):
    return [(p.frame, p.role) for p in armature.of(obj).poses]


def of_library(obj):
    return [(p.frame, p.role) for p in obj.override_library.reference.motiongpt.poses]


def test_marks_come_back_with_the_file_and_are_met(override, addon, tmp_path):
    before = of_library(override)
    bone = override.pose.bones["l_knee"]
    for frame, role in ((1, "START"), (20, "KEY"), (11, "KEY")):
        show(frame)
        bone.rotation_quaternion = KNEE
        assert bpy.ops.motiongpt.add_pose(role=role) == {"FINISHED"}
    override = saved(tmp_path / "shot.blend")
    marks = [(1, "START"), (11, "KEY"), (20, "KEY"), *before]
    assert poses(override) == marks and of_library(override) == before
    assert armature.of(override).retargeting.reach == pytest.approx(0.7 if before else REACH)
    generate(addon)
    assert [key.frame for key in addon.report.keys] == [frame for frame, _ in marks]
    show(11)
    shown = override.pose.bones["l_knee"].rotation_quaternion
    assert tuple(shown) == pytest.approx(KNEE, abs=1e-3)
    armature.of(override).active = len(marks) - 1
    assert bpy.ops.motiongpt.remove_pose() == {"FINISHED"}
    assert poses(saved(tmp_path / "shot.blend")) == marks[:-1]


def test_takes_blocks_and_bones_come_back_with_the_file(override, addon, tmp_path):
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    bpy.ops.motiongpt.add_block()
    bpy.ops.motiongpt.find_bones()
    rows = armature.of(override).bone_map.rows
    next(row for row in rows if row.part == "hand_l").bone = ""
    assert [owner_of(row) for row in rows] == [override] * len(rows)
    override = saved(tmp_path / "shot.blend")
    kept = armature.of(override)
    assert len(kept.takes.entries) > 1 and kept.takes.shown_take.on_rig
    assert len(kept.sequence.blocks) == 1 and kept.takes.entries[0].obj == override
    assert "hand_l" not in {control.part.value for control in describe(override).controls}
    assert bpy.ops.motiongpt.discard_takes() == {"FINISHED"}
    assert not kept.takes.entries and not bpy.data.actions


def test_terms_and_root_motion_come_back_with_the_file(override, tmp_path):
    """Blender saves no custom property of an override."""
    walk = MotionClip(clip("walk")[:31], MODEL_FPS, origin=Origin("walks", "CC BY-NC 4.0", ("Me",)))
    report = apply_clip(override, walk, (), 1, "walk", RigOptions(in_place=True))
    show(31)
    ahead = tuple(override["motiongpt_root_motion"])
    override = saved(tmp_path / "shot.blend")
    show(31)
    assert abs(ahead[1]) > 0.5 and tuple(override["motiongpt_root_motion"]) == pytest.approx(ahead)
    assert override["motiongpt_licence"] == "CC BY-NC 4.0"
    assert remove_take(report.action_name)
    assert not {"motiongpt_licence", "motiongpt_root_motion"} & set(override.keys())


def test_options_can_be_changed_in_the_file(override, tmp_path):
    assert armature.is_librarys(override)
    before = armature.of(override).retargeting.reach
    assert bpy.ops.motiongpt.own_options() == {"FINISHED"}
    assert not armature.is_librarys(override)
    assert armature.of(override).retargeting.reach == before
    armature.of(override).retargeting.in_place = True
    assert armature.of(saved(tmp_path / "shot.blend")).retargeting.in_place
