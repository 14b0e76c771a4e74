"""The figure that grows while the model writes: where it stands, and what ends it."""

from contextlib import nullcontext
from unittest.mock import MagicMock

import numpy as np
import pytest

from motiongpt_blender import wire
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.overlays.sketch import earlier_bodies, newest_body
from tests.support.clips import clip
from tests.support.takes import show

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture
def made(monkeypatch):
    """Draws into nothing: a list that grows by each batch that is put on the graphics card."""
    from motiongpt_blender.ui.viewport import sketch

    out = []
    monkeypatch.setattr(sketch, "batches", lambda *a, **k: out.append((a, k)) or MagicMock())
    monkeypatch.setattr(sketch, "before_scene", lambda **_: nullcontext())
    monkeypatch.setattr(sketch, "placed", lambda matrix: nullcontext())
    sketch.forget()
    yield out
    sketch.forget()


@pytest.fixture
def slow(addon, smpl_rig, monkeypatch):
    """A take that the fake model works on for a minute; it is dropped at the end."""
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "slow")
    smpl_rig.location, smpl_rig.rotation_euler = (1.0, 2.0, 0.5), (0.0, 0.0, 0.7)
    bpy.context.view_layer.update()
    show(7)
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    (take,) = addon.controller.under_way
    yield take
    addon.controller.drop_all()


def tell(take, name, joints):
    """As the model's process tells of a motion so far."""
    MotionClip(joints.astype(np.float32), 20.0).save(take.folder / name)
    take.job.sketch = name


def draw(obj, made):
    """How many batches a redraw makes."""
    from motiongpt_blender.ui.viewport import sketch

    before = len(made)
    sketch.draw_sketch(obj, figures=True, ways=True)
    return len(made) - before


def test_the_figure_grows_and_is_made_anew_only_then(slow, smpl_rig, made):
    walk = clip("walk")
    assert draw(smpl_rig, made) == 0  # nothing is written yet
    tell(slow, "sketch_001.npz", walk[:8])
    assert draw(smpl_rig, made) == 3
    show(30)
    assert draw(smpl_rig, made) == 0
    tell(slow, "sketch_002.npz", walk[:40])
    assert draw(smpl_rig, made) == 3
    ways = [kinds["lines"] for _, kinds in made if "lines" in kinds][::2]
    short, long = (np.ptp(way.positions, axis=0).max() for way in ways)
    assert long > 1.5 * short


def test_the_figure_begins_where_the_character_stands(slow, smpl_rig, made):
    from motiongpt_blender.operators.character import ArmatureCharacter
    from motiongpt_blender.scene.pose.capture import capture_joints
    from motiongpt_blender.scene.rig.description import describe
    from motiongpt_blender.scene.take.sketch import sketched_joints

    rig, walk = describe(smpl_rig), clip("walk")[:30].astype(np.float32)
    joints = sketched_joints(rig, MotionClip(walk, 20.0), (), 7, capture_joints(smpl_rig, rig))
    bones = smpl_rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    hips = 0.5 * (np.array(bones["l_hip"].head) + np.array(bones["r_hip"].head))
    begun = 0.5 * (joints[0, Joint.L_HIP] + joints[0, Joint.R_HIP])
    assert np.linalg.norm((begun - hips)[:2]) < 0.02 * rig.leg
    foot = joints[:, [Joint.L_FOOT, Joint.R_FOOT], 2].min()
    assert abs(foot - np.array(bones["l_foot"].head)[2]) < 0.1 * rig.leg
    # The take that is written from the whole clip goes the same way.
    assert ArmatureCharacter.find(slow.character) is not None
    way = joints[-1, Joint.PELVIS] - joints[0, Joint.PELVIS]
    assert np.linalg.norm(way[:2]) == pytest.approx(
        rig.scale * np.linalg.norm((walk[-1] - walk[0])[Joint.PELVIS, ::2]), rel=1e-3
    )


@pytest.mark.parametrize("damage", ["gone", "cut short", "../sketch.npz", "folder"])
def test_a_motion_that_cannot_be_read_draws_nothing(slow, smpl_rig, made, damage):
    tell(slow, "sketch_001.npz", clip("walk")[:8])
    path = slow.folder / "sketch_001.npz"
    if damage == "gone":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.rename(slow.folder.parent / "sketch.npz")
        slow.job.sketch = damage
    assert draw(smpl_rig, made) == 0
    (slow.folder.parent / "sketch.npz").unlink(missing_ok=True)


def test_a_cancelled_take_leaves_no_figure(slow, addon, smpl_rig, made):
    tell(slow, "sketch_001.npz", clip("walk")[:8])
    assert draw(smpl_rig, made) == 3
    addon.controller.cancel(slow)
    addon.wait(20)
    assert draw(smpl_rig, made) == 0


def test_the_fake_model_tells_of_a_file_that_can_be_read(addon, smpl_rig):
    from motiongpt_blender.scene.take.sketch import load_sketch

    seen = []
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    (take,) = addon.controller.under_way
    whole, frames = addon.controller.blender.redraw, take.prepared.frames

    def look():
        whole()
        if take.job.sketch and not take.clips:
            seen.append(load_sketch(take.folder, take.job.sketch))

    addon.controller.blender.redraw = look
    addon.wait(60)
    assert take.job.sketch == wire.SKETCH_FILE.format(3)
    assert all(one is None or len(one) < frames for one in seen)


def test_bodies_are_half_a_second_apart_and_the_newest_is_strongest():
    joints = clip("walk")[:45].astype(np.float64)
    lines = earlier_bodies(joints, 20.0)
    assert len(lines.positions) == 2 * 21 * 5  # at frames 44, 34, 24, 14 and 4
    opacity = lines.colours[:, 3]
    assert (opacity[: -2 * 21] < 0.5 * opacity[-1]).all()
    assert np.allclose(lines.positions[-2 * 21 :].max(0), joints[-1].max(0), atol=1e-5)
    body = newest_body(joints, 0.8).positions
    assert np.abs(body.mean(0) - joints[-1].mean(0)).max() < 0.3
    assert len(earlier_bodies(joints[:1], 20.0).positions) == 2 * 21
