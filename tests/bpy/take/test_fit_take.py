"""*Fit*: a kept take bent through a pose that was set by hand; exact, feet planted, and undone."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import angle_between, from_matrix
from motiongpt_blender.core.feet.foot_contacts import FootContacts
from motiongpt_blender.core.reshape.planting import contacts_of, ground_along
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.read_take import read_take
from tests.support.kept_takes import keep_clip, now, shown, slide, span, toes, turn
from tests.support.takes import generate, hand_keyed

FRAME = 40


def assert_same(matrices, others, metres, degrees=0.03):
    """World matrices (..., 4, 4) that differ by no more."""
    away = np.linalg.norm(matrices[..., :3, 3] - others[..., :3, 3], axis=-1)
    assert away.max() < metres
    sizes = [np.linalg.norm(m[..., :3, :3], axis=-2, keepdims=True) for m in (matrices, others)]
    turns = [
        from_matrix(m[..., :3, :3] / s) for m, s in zip((matrices, others), sizes, strict=True)
    ]
    assert np.degrees(angle_between(*turns).max()) < degrees


def standing(obj, take):
    """(T, 2) whether each toe stands in the take."""
    rig = describe(obj)
    motion = read_take(obj, rig, take.action).motion
    contacts: FootContacts = contacts_of(rig, motion, ground_along(rig, motion))
    return np.stack([contacts.mask(s, len(motion)) for s in "LR"], 1) > 0


def fit(obj, frame=FRAME, crouch=0.0):
    """Pose an arm and the head at a frame, the hips lower, and press Fit; what was posed."""
    bpy.context.scene.frame_set(frame)
    turn(obj, "upper_arm_l", 40)
    turn(obj, "head", 25, (0, 1, 0))
    posed = now(obj)
    assert bpy.ops.motiongpt.fit_take() == {"FINISHED"}
    return posed


@pytest.mark.sweep
@pytest.mark.parametrize("fps", [24, 30])
@pytest.mark.parametrize("scale", [1.05, 0.02, 60.0])
def test_the_pose_is_met_and_the_take_stays_beyond_the_reach(registered, make_smpl_rig, fps, scale):
    bpy.context.scene.render.fps = fps
    obj = make_smpl_rig(scale)
    take = keep_clip(obj)
    first, last = span(take)
    frames = range(first, last + 1)
    before, stands = shown(obj, frames), standing(obj, take)
    assert stands.mean() > 0.4
    posed = fit(obj, 50)
    after = shown(obj, frames)
    assert_same(after[50 - first], posed, 1e-4 * scale)
    far = np.abs(np.arange(len(after)) - (50 - first)) >= 0.8 * fps
    assert far.sum() > 20
    assert_same(after[far], before[far], 1e-5 * scale, 0.01)
    near = np.linalg.norm(after[..., :3, 3] - before[..., :3, 3], axis=-1).max(1)
    assert near[50 - first - 5] > 0.03 * scale
    assert slide(toes(obj, describe(obj), frames), stands, fps) < 0.04


def test_reach_says_how_far_the_pose_acts(registered, smpl_rig):
    keep_clip(smpl_rig)
    frames = range(30, 71)
    before, away, larger = shown(smpl_rig, frames), {}, {}
    head = list(smpl_rig.pose.bones.keys()).index("head")
    for reach in (0.3, 1.2):
        smpl_rig.motiongpt.retargeting.reach = reach
        bpy.context.scene.frame_set(50)
        smpl_rig.pose.bones["head"].scale = 1.5, 1.5, 1.5  # what the model knows nothing of
        turn(smpl_rig, "upper_arm_l", 40)
        assert bpy.ops.motiongpt.fit_take() == {"FINISHED"}
        after = shown(smpl_rig, frames)
        away[reach] = np.linalg.norm(after[..., :3, 3] - before[..., :3, 3], axis=-1).max(1)
        larger[reach] = np.linalg.norm(after[:, head, :3, 0], axis=-1)
        assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    for k in (8, 32):  # half a second before and after, of 24 frames a second
        assert away[0.3][k] < 1e-4 and larger[0.3][k] == pytest.approx(1.0, abs=1e-3)
        assert away[1.2][k] > 0.05 and larger[1.2][k] > 1.1
    assert away[0.3][20] == pytest.approx(away[1.2][20], rel=0.01)


def test_the_ends_of_a_take_that_joins_animation_stay(addon, smpl_rig):
    hand_keyed(smpl_rig)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 10, 40
    bpy.context.scene.motiongpt.takes = 1
    generate(addon)
    before = shown(smpl_rig, range(8, 43))
    fit(smpl_rig, 36)  # so near the end that its reach goes beyond it
    moved = np.abs(shown(smpl_rig, range(8, 43)) - before)[..., :3, 3].max((1, 2))
    assert moved[36 - 8] > 0.1 and moved[33 - 8] > 0.03
    assert moved[[0, 1, 2, 32, 33, 34]].max() < 1e-4


@pytest.mark.sweep
@pytest.mark.parametrize(
    "options",
    [
        {"root": "BONE"}, {"root": "OBJECT"}, {"in_place": True}, {"keys": "SPARSE"},
        {"ik_controls": True}, {"lock_feet": False},
    ],
    ids=lambda options: "-".join(map(str, next(iter(options.items())))),
)  # fmt: skip
def test_every_way_to_write_a_take_can_be_fitted(registered, rigify_rig, options):
    take = keep_clip(rigify_rig, frames=54, **options)
    first, last = span(take)
    frames = range(first, last + 1)
    before = shown(rigify_rig, frames)
    bpy.context.scene.frame_set(30)
    if "ik_controls" in options:
        rigify_rig.pose.bones["hand_ik.L"].location.z += 0.1
        bpy.context.view_layer.update()
    else:
        turn(rigify_rig, "upper_arm_l", 40)
    rigify_rig.pose.bones["f_index.01.L"].rotation_euler.x = 0.7
    bpy.context.view_layer.update()
    posed = now(rigify_rig)
    assert np.abs(posed - before[29]).max() > 0.05
    assert bpy.ops.motiongpt.fit_take() == {"FINISHED"}
    after = shown(rigify_rig, frames)
    deforming = [k for k, b in enumerate(rigify_rig.data.bones) if b.use_deform]
    # Rigify's IK stretches the limbs, which FK controls do not: Fit says so.
    most = 0.008 if "ik_controls" in options else 2e-4
    assert_same(after[29][deforming], posed[deforming], most, 3.0 if most > 1e-3 else 0.05)
    far = np.abs(np.arange(len(after)) - 29) > 17
    # Few keys are found anew, within their limits.
    spread = {"keys": 0.012, "ik_controls": 0.001}.get(next(iter(options)), 2e-5)
    assert_same(after[far][:, deforming], before[far][:, deforming], spread, 2.5)


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["kick", "turn"])
def test_hips_may_be_moved_and_the_feet_stand(registered, rigify_rig, name):
    take = keep_clip(rigify_rig, name, frames=70)
    first, last = span(take)
    frames, rig = range(first, last + 1), describe(rigify_rig)
    stands = standing(rigify_rig, take)
    bpy.context.scene.frame_set(35)
    root = rigify_rig.pose.bones[rig.root]
    root.location = root.location + root.bone.matrix_local.to_3x3().inverted() @ type(
        root.location
    )((0.04, 0.0, 0.0))
    bpy.context.view_layer.update()
    posed = now(rigify_rig)
    assert bpy.ops.motiongpt.fit_take() == {"FINISHED"}
    assert_same(shown(rigify_rig, [35])[0], posed, 2e-4, 0.05)
    assert slide(toes(rigify_rig, rig, frames), stands, 20) < 0.05


def test_reset_brings_every_key_back(registered, smpl_rig):
    take = keep_clip(smpl_rig)

    def keys():
        from motiongpt_blender.compat import all_curves

        return [
            (c.data_path, c.array_index, [(tuple(k.co), k.type, k.interpolation)
                                          for k in c.keyframe_points])
            for c in all_curves(take.action)
        ]  # fmt: skip

    before, name, seen = keys(), take.action.name, shown(smpl_rig, range(1, 81))
    assert not bpy.ops.motiongpt.reset_take.poll()
    fit(smpl_rig)
    fit(smpl_rig, 20)
    assert keys() != before
    assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    assert keys() == before and take.action.name == name and take.on_rig
    assert np.array_equal(shown(smpl_rig, range(1, 81)), seen)
    assert [a.name for a in bpy.data.actions] == [name]
    assert take.original is None


def test_undo_brings_the_take_back_and_redo_the_fit(registered, smpl_rig):
    keep_clip(smpl_rig)
    bpy.context.view_layer.objects.active = smpl_rig
    bpy.ops.ed.undo_push(message="kept")
    name = smpl_rig.name
    before = shown(smpl_rig, range(20, 60))
    fit(smpl_rig)
    bpy.ops.ed.undo_push(message="fitted")
    fitted = shown(smpl_rig, range(20, 60))
    bpy.ops.ed.undo()
    rig = bpy.data.objects[name]
    assert np.abs(shown(rig, range(20, 60)) - before).max() < 1e-6
    assert rig.motiongpt.takes.chosen_take.original is None
    bpy.ops.ed.redo()
    rig = bpy.data.objects[name]
    assert np.abs(shown(rig, range(20, 60)) - fitted).max() < 1e-6


def test_a_key_that_auto_keying_set_in_the_take_is_taken_up(registered, smpl_rig):
    """In tweak mode a pose is keyed at once; the take is bent to it all the same."""
    take = keep_clip(smpl_rig)
    take.show_keys()
    bpy.context.scene.frame_set(FRAME)
    before = shown(smpl_rig, range(1, 81))
    bpy.context.scene.frame_set(FRAME)
    turn(smpl_rig, "upper_arm_l", 50)
    bone = smpl_rig.pose.bones["l_shoulder"]
    path = "rotation_quaternion" if bone.rotation_mode == "QUATERNION" else "rotation_euler"
    bone.keyframe_insert(path)
    posed = now(smpl_rig)
    assert bpy.ops.motiongpt.fit_take() == {"FINISHED"}
    after = shown(smpl_rig, range(1, 81))
    assert_same(after[FRAME - 1], posed, 1e-4)
    away = np.linalg.norm(after[..., :3, 3] - before[..., :3, 3], axis=-1).max(1)
    assert 0.3 * away[FRAME - 1] < away[FRAME - 7] < 0.95 * away[FRAME - 1]


def test_the_animators_key_is_told_from_the_generated_ones(registered, smpl_rig):
    take = keep_clip(smpl_rig)
    fit(smpl_rig)
    curve = next(c for c in _curves(take) if "l_shoulder" in c.data_path)
    types = {round(k.co[0]): k.type for k in curve.keyframe_points}
    assert types[FRAME] == "KEYFRAME" and types[FRAME - 1] == "GENERATED"


def test_why_a_take_cannot_be_fitted(registered, smpl_rig):
    take = keep_clip(smpl_rig)
    bpy.context.scene.frame_set(300)
    with pytest.raises(RuntimeError, match="plays from 1 to 80"):
        bpy.ops.motiongpt.fit_take()
    assert take.original is None and len(bpy.data.actions) == 1
    bpy.context.scene.frame_set(FRAME)
    smpl_rig.animation_data.action = bpy.data.actions.new("mine")
    assert not bpy.ops.motiongpt.fit_take.poll()
    smpl_rig.animation_data.action = None
    smpl_rig.motiongpt.takes.remove(0)
    assert not bpy.ops.motiongpt.fit_take.poll()


def test_a_moved_strip_is_fitted_where_it_plays(registered, smpl_rig):
    take = keep_clip(smpl_rig)
    strip = smpl_rig.animation_data.nla_tracks[0].strips[0]
    strip.frame_start += 15
    first, last = span(take)
    before = shown(smpl_rig, range(first + 15, last + 16))
    posed = fit(smpl_rig, 60)
    after = shown(smpl_rig, range(first + 15, last + 16))
    assert_same(after[60 - 16], posed, 1e-4)
    assert_same(after[:25], before[:25], 1e-5, 0.01)


def _curves(take):
    from motiongpt_blender.compat import all_curves

    return list(all_curves(take.action))
