"""Mirror and Style: another take beside a kept one, which stays as it is."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.motion import local_pose
from motiongpt_blender.core.body.skeleton import MIRRORED, Joint
from motiongpt_blender.scene.pose.recording import ActionRange, capture_motion
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.scene_time import scene_fps
from tests.support.kept_takes import keep_clip, shown, span
from tests.support.takes import generate, show


def motion(obj, first, last):
    return capture_motion(
        obj, describe(obj), ActionRange("", first, last), scene_fps(), lambda _: None
    )


@pytest.mark.parametrize("scale", [0.02, 1.05])
def test_a_mirrored_take_is_beside_the_take(registered, make_smpl_rig, scale):
    bpy.context.scene.render.fps = 24
    rig = make_smpl_rig(scale)
    take = keep_clip(rig, frames=50)
    take.prompt = "turns left with the right arm up"
    first, last = span(take)
    before = motion(rig, first, last)
    keys = shown(rig, range(first, last + 1))
    assert bpy.ops.motiongpt.mirror_take() == {"FINISHED"}
    takes = rig.motiongpt.takes
    other = takes.chosen_take
    assert len(takes.entries) == 2 and other.kept
    assert other.prompt == "turns right with the left arm up"
    assert span(other) == (first, last)
    after = motion(rig, first, last)
    want = before[:, MIRRORED] * [-1, 1, 1]
    arms = [Joint.L_ELBOW, Joint.R_ELBOW, Joint.L_WRIST, Joint.R_WRIST, Joint.HEAD]
    apart = np.linalg.norm(local_pose(after) - local_pose(want), axis=-1)
    assert apart[:, arms].mean() < 0.03
    assert np.linalg.norm(after[-1, 0] - want[-1, 0]) < 0.05 < abs(want[-1, 0, 0])
    unlike = np.linalg.norm(local_pose(before) - local_pose(want), axis=-1)
    assert unlike[:, arms].mean() > 0.1
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    np.testing.assert_array_equal(shown(rig, range(first, last + 1)), keys)


def test_a_take_with_more_energy_swings_its_arms_and_keeps_its_feet(registered, make_smpl_rig):
    rig = make_smpl_rig(1.05)
    take = keep_clip(rig, frames=60)
    first, last = span(take)
    before = motion(rig, first, last)
    assert bpy.ops.motiongpt.take_style(energy=1.6) == {"FINISHED"}
    assert rig.motiongpt.takes.chosen_take.prompt == take.name
    after = motion(rig, first, last)
    swing = [
        np.linalg.norm(own - own.mean(0), axis=-1).mean()
        for own in (local_pose(joints)[:, Joint.R_WRIST] for joints in (before, after))
    ]
    assert swing[1] > 1.2 * swing[0]
    feet = [Joint.L_ANKLE, Joint.R_ANKLE]
    assert np.linalg.norm(after[:, feet] - before[:, feet], axis=-1).mean() < 0.03


def test_a_style_as_a_layer_fades_with_its_influence(registered, make_smpl_rig):
    rig = make_smpl_rig(1.05)
    first, last = span(keep_clip(rig, frames=40))
    before = motion(rig, first, last)
    style = {"hunch": np.radians(30), "arms": np.radians(20), "as_layer": True}
    assert bpy.ops.motiongpt.take_style(**style) == {"FINISHED"}
    assert rig.motiongpt.takes.chosen_take.placement == "LAYER"
    leans = [_lean(before), _lean(motion(rig, first, last))]
    strip = next(
        t.strips[0] for t in rig.animation_data.nla_tracks if t.strips[0].blend_type == "COMBINE"
    )
    strip.use_animated_influence = True
    key = strip.fcurves.find("influence").keyframe_points.insert(first, 0.5)
    leans.insert(1, _lean(motion(rig, first, last)))
    assert leans[2] - leans[0] > 12
    assert leans[1] - leans[0] == pytest.approx(0.5 * (leans[2] - leans[0]), abs=2)
    key.co.y = 0.0
    np.testing.assert_allclose(motion(rig, first, last), before, atol=1e-3)


def _lean(joints):
    back = local_pose(joints)[:, Joint.NECK]
    return float(np.degrees(np.arctan2(back[:, 2], back[:, 1])).mean())


def test_a_take_in_review_is_kept_first(addon, smpl_rig):
    bpy.context.scene.motiongpt.takes = 2
    show(1)
    generate(addon)
    for name in ("mirror_take", "take_style"):
        operator = getattr(bpy.ops.motiongpt, name)
        assert not operator.poll()
        with pytest.raises(RuntimeError, match="Keep the take first"):
            operator()
