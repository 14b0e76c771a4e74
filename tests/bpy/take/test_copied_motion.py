"""Copy Motion: what another armature plays, as a take of this character."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip, Origin
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.pose.capture import capture_joints
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from motiongpt_blender.scene.take.provenance import LICENCE_KEY, origin_of
from tests.support.clips import as_generated, clip
from tests.support.kept_takes import shown, span
from tests.support.measure.copied_motion import pair
from tests.support.rigs.families import build_family, build_of
from tests.support.rigs.measures import play

CLIP = as_generated(clip("walk")[:40]).astype(np.float32)


@pytest.fixture
def two(registered, empty_scene, make_smpl_rig):
    """A small character, chosen in the panel, and a large one that walks from frame 11 on."""
    bpy.context.scene.render.fps = 30
    source = build_family(build_of("mixamo"))
    origin = Origin("a pack", "No commercial use", ("somebody",))
    take = MotionClip(CLIP, MODEL_FPS, origin=origin)
    apply_clip(source, take, (), 11, "the walk", RigOptions(lock_feet=False))
    obj = make_smpl_rig(0.02)
    bpy.context.scene.motiongpt.armature = obj
    return obj, source


def copy(source, **options):
    return bpy.ops.motiongpt.copy_motion(source=source.name, **options)


@pytest.mark.parametrize("families", [("mixamo", "cmu"), ("daz_genesis9", "makehuman")])
def test_limbs_go_there_and_back(registered, families):
    """Planted legs bend a little; as it is, a copy has the source's directions to 0.1 degrees."""
    planted, there, back = pair(*families, CLIP)
    assert there.limbs.max() < 0.1 and back.limbs.max() < 0.1
    assert there.place < 0.5
    assert planted.limbs.max() < 15 and planted.place < 2
    assert planted.slide[0] < 0.3 * planted.slide[1] and planted.slide[1] > 5


def test_a_copy_is_a_kept_take_in_its_sources_frames(two):
    obj, source = two
    before = shown(source, range(11, 60, 7))
    bpy.context.scene.frame_set(23)
    assert copy(source) == {"FINISHED"}
    assert bpy.context.scene.frame_current == 23
    take = obj.motiongpt.takes.chosen_take
    assert take.kept and take.name.startswith("the walk")
    assert span(take) == (11, 11 + round((len(CLIP) - 1) * 1.5))
    assert np.array_equal(shown(source, range(11, 60, 7)), before)
    way, own = (_way(one) for one in (source, obj))
    assert np.linalg.norm(way[-1]) > 0.5  # legs; it walks away
    assert np.allclose(own, way, atol=0.05)
    assert origin_of(obj).licence == "No commercial use"
    assert obj[LICENCE_KEY] == "No commercial use"
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    assert not obj.animation_data or not obj.animation_data.nla_tracks


def _way(obj):
    """Where the hips are (T, 2) from frame to frame, in legs, from where they begin."""
    rig = describe(obj)
    hips = play(obj, rig, 11, 50, []).heads[Part.PELVIS] / rig.leg
    return (hips - hips[0])[:, [0, 2]]


def test_a_copy_begins_at_the_current_frame_where_that_is_asked(two):
    obj, source = two
    bpy.context.scene.frame_set(101)
    assert copy(source, at_current=True) == {"FINISHED"}
    assert span(obj.motiongpt.takes.chosen_take)[0] == 101


def test_marked_poses_in_its_frames_are_met(two):
    obj, source = two
    bpy.context.view_layer.objects.active = obj
    head = obj.pose.bones["head"]
    head.rotation_mode = "XYZ"
    for frame in (31, 400):
        bpy.context.scene.frame_set(frame)
        head.rotation_euler = (0.4, 0.1, frame / 1000)
        bpy.context.view_layer.update()
        assert bpy.ops.motiongpt.add_pose(role="KEY") == {"FINISHED"}
    assert copy(source) == {"FINISHED"}
    bpy.context.scene.frame_set(31)
    marked = obj.motiongpt.poses[0].load()
    assert np.allclose(capture_joints(obj, describe(obj)), marked.joints, atol=1e-3)
    assert span(obj.motiongpt.takes.chosen_take)[1] < 400


def test_what_cannot_be_copied_is_told(two):
    obj, source = two
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("lamp", None))
    for name in ("lamp", obj.name, "nobody"):
        with pytest.raises(RuntimeError, match=f"'{name}' is no other armature"):
            bpy.ops.motiongpt.copy_motion(source=name)
    still = bpy.data.objects.new("still", bpy.data.armatures.new("still"))
    bpy.context.scene.collection.objects.link(still)
    with pytest.raises(RuntimeError, match="'still' has no animation to copy"):
        copy(still)
    source.animation_data.nla_tracks[0].strips[0].frame_end += 30 * 400
    with pytest.raises(RuntimeError, match=r"'the walk' lasts 40[0-9] s, and a take at most 300"):
        copy(source)
    assert not obj.motiongpt.takes.entries
    assert obj.animation_data is None
    bpy.data.objects.remove(source)
    assert not bpy.ops.motiongpt.copy_motion.poll()


def test_a_way_of_the_source_object_is_the_copys(two):
    """Some importers put the root's way on the object."""
    obj, source = two
    source.keyframe_insert("location", frame=11)
    source.location.x += 3 * describe(source).leg * source.scale.x
    source.keyframe_insert("location", frame=60)
    source.location.x = 0
    assert copy(source) == {"FINISHED"}
    sideways = _way(obj)[-1] - _way(source)[-1]  # in the object's own space it does not travel
    assert np.linalg.norm(sideways) == pytest.approx(3, abs=0.15)
