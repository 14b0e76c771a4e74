"""Windows and loops of real clips: the numbers that the pages promise."""

import numpy as np
import pytest

from tests.support.clips import clip

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

pytestmark = pytest.mark.sweep


def test_seams_of_real_clips(empty_scene):
    from tests.support.measure.blending import measure

    names = ("walk", "leap", "kick")
    rows = []
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        rows += measure(one, clip(one), other, clip(other))
    assert max(r.outside for r in rows) < 0.02  # millimetres
    alone, cut, fitted = (
        np.median([getattr(r, w) for r in rows]) for w in ("alone", "cut", "fitted")
    )
    assert fitted < alone < cut
    assert fitted < 0.1 * cut


@pytest.mark.parametrize("name", ["walk", "leap"])
def test_a_real_clip_becomes_a_loop(empty_scene, name):
    """Toes stand beside the seam of a walk and of a leap."""
    from tests.support.measure.blending import loop

    degrees, jump, toes = loop(clip(name))
    assert degrees < 0.01
    assert jump < 0.15
    assert toes < 2.0  # centimetres a second


def test_a_window_on_a_rigify_rig_that_was_posed_with_ik(rigify_rig):
    """Outside, IK legs and unkeyed switches stay; at the seams the body stands where it stood."""
    from ext_models.serving.fake import walk
    from motiongpt_blender.core.body.motion import MotionClip
    from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
    from motiongpt_blender.core.timeline.frame_range import Fit
    from motiongpt_blender.scene.rig.description import describe
    from motiongpt_blender.scene.take.apply import apply_clip
    from motiongpt_blender.scene.take.surroundings import surrounding_poses

    bones = rigify_rig.pose.bones
    bones["upper_arm_parent.L"]["IK_FK"] = 1.0  # chosen, never keyed
    for frame, height, side in ((1, 0.0, 0.0), (15, -0.08, 0.1), (30, -0.15, 0.2), (50, 0.0, 0.3)):
        bones["torso"].location = (side, 0.0, height)
        bones["torso"].keyframe_insert("location", frame=frame)
        bones["upper_arm_fk.L"].rotation_quaternion = (1.0, 0.3 * side, 0.0, side)
        bones["upper_arm_fk.L"].keyframe_insert("rotation_quaternion", frame=frame)
        bones["foot_ik.R"].location = (0.0, side, 0.1 + height)
        bones["foot_ik.R"].keyframe_insert("location", frame=frame)
    body = [b.name for b in bones if b.name.startswith("DEF-") and "." in b.name]

    def seen(frame):
        bpy.context.scene.frame_set(frame)
        posed = rigify_rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
        return np.array([posed.matrix_world @ posed.pose.bones[n].head for n in body])

    frames = (-3, 1, 10, 14, 15, 30, 31, 45, 60)
    before = [seen(f) for f in frames]
    rig = describe(rigify_rig)
    poses, joins = surrounding_poses(rigify_rig, rig, [(15, PoseRole.START), (30, PoseRole.END)])
    assert np.abs(seen(15) - before[4]).max() < 1e-5  # looking changes nothing
    fit = Fit(joins=joins, alone=False, holds=False)
    report = apply_clip(rigify_rig, MotionClip(walk("a", 20, 0)), poses, 15, "walk", fit=fit)
    assert np.abs(seen(22) - before[3]).max() > 0.05
    away = {
        f: 1000 * np.linalg.norm(seen(f) - p, axis=-1) for f, p in zip(frames, before, strict=True)
    }
    assert max(away[f].max() for f in frames if f not in (15, 30)) < 0.02  # millimetres
    # IK stretches the right arm, which turning alone cannot: that is told. It also shortens
    # the legs a little, for which the knees make up, so that the feet are where they were.
    stretched = ("arm.R", "hand.R", "palm", "thumb", "f_", "thigh", "shin")
    for frame, key in zip((15, 30), report.keys, strict=True):
        reached = [d for n, d in zip(body, away[frame], strict=True)
                   if not any(s in n for s in stretched)]  # fmt: skip
        assert len(reached) > 30
        assert max(reached) < 0.3
        assert key.fk_mismatch.bone.endswith(".R")
        assert key.fk_mismatch.millimetres == pytest.approx(away[frame].max(), abs=1.0)
