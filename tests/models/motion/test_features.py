"""The published features, against vectors of the reference system when they are there."""

import numpy as np
import pytest
import torch

from ext_models.motion import features as f
from ext_models.motion.representations import HUMANML3D, KIT
from motiongpt_blender.core.body import rotations
from motiongpt_blender.core.body.skeleton import MIRRORED, PARENTS

CLIPS = ("012314", "cmu_01_01", "cmu_01_03", "cmu_05_16")


def standing_walk(frames=40, seed=0):
    """A made-up walker: the rest skeleton with swinging limbs, moving forward and turning."""
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(0.1, 0.4, 22)
    offsets = np.array(HUMANML3D.directions, float) * lengths[:, None]
    local = rotations.from_log(
        0.3 * np.sin(np.linspace(0, 6, frames))[:, None, None] * rng.normal(size=(22, 3))
    )
    heading = np.linspace(0, 1.0, frames)
    local[:, 0] = rotations.about_y(heading)
    root = np.stack([np.sin(heading), np.full(frames, 1.0), np.linspace(0, 2, frames)], -1)
    return f.forward_kinematics(local, root, offsets, HUMANML3D)


@pytest.mark.parametrize("clip", CLIPS)
def test_features_meet_the_reference(golden, clip):
    z = np.load(golden / "reference" / "humanml3d_features.npz")
    ours = f.from_joints(z[f"{clip}_joints_in"], offsets=z["uniform_offsets"])
    theirs = z[f"{clip}_features"]
    assert np.abs(ours[:, :-4] - theirs[:, :-4]).max() < 1e-4
    assert (ours[:, -4:] == theirs[:, -4:]).all()
    recovered = f.to_joints(theirs)
    assert np.abs(recovered - z[f"{clip}_joints_recovered"]).max() < 1e-5


def test_round_trip():
    joints = standing_walk()
    back = f.to_joints(f.from_joints(joints, uniform=False))
    again = f.to_joints(f.from_joints(back, uniform=False))
    # one frame is lost each way
    assert np.abs(back[: len(again)] - again).max() < 2e-3


def test_place_and_heading_do_not_matter():
    joints = standing_walk()
    turn = np.broadcast_to(rotations.about_y(np.array(1.1)), (*joints.shape[:-1], 4))
    moved = rotations.rotate(turn, joints) + np.array([3.0, 0.0, -2.0])
    a, b = (f.from_joints(j, uniform=False) for j in (joints, moved))
    assert np.abs(a - b).max() < 2e-3


def test_mirroring_twice_changes_nothing():
    joints = standing_walk()
    mirror = lambda j: (j * np.array([-1, 1, 1]))[:, list(MIRRORED)]  # noqa: E731
    assert np.array_equal(mirror(mirror(joints)), joints)


def test_kit_round_trip_shape():
    rep = KIT
    offsets = np.array(rep.directions, np.float32)
    local = np.zeros((20, rep.joints, 4), np.float32)
    local[..., 0] = 1
    joints = f.forward_kinematics(local, np.zeros((20, 3)), offsets, rep)
    feats = f.from_joints(joints, rep, uniform=False)
    assert feats.shape == (19, 251)
    back = f.to_joints(feats)
    assert np.abs(back - (joints - [0, joints[..., 1].min(), 0])[:19]).max() < 1e-4


@pytest.mark.parametrize(
    ("joints", "word"),
    [
        (np.zeros((5, 21, 3)), "22"),
        (np.zeros((1, 22, 3)), "2 frames"),
        (np.full((5, 22, 3), np.nan), "finite"),
    ],
)
def test_bad_input_says_what_is_wrong(joints, word):
    with pytest.raises(f.MotionError, match=word):
        f.from_joints(joints, uniform=False)


def test_batches_and_tensors_are_taken_too():
    """Each motion of a batch as if it came alone; a tensor gives a tensor."""
    walk = standing_walk(60)
    one, other = walk[:40], walk[20:]
    batch = f.from_joints(np.stack([one, other]), uniform=False)
    assert np.array_equal(batch[1], f.from_joints(other, uniform=False))
    assert f.from_joints(np.stack([[one, other]] * 3)).shape == (3, 2, 39, 263)
    tensor = torch.from_numpy(np.stack([one, other])).requires_grad_()
    made = f.from_joints(tensor, uniform=False)
    assert torch.equal(made, torch.from_numpy(batch))
    assert torch.equal(f.to_joints(made), torch.from_numpy(f.to_joints(batch)))


def test_memory_is_bounded():
    endless = np.broadcast_to(np.float32(0), (10_000_000, 22, 3))
    with pytest.raises(f.MotionError, match="10,000,000 frames"):
        f.from_joints(endless)
    with pytest.raises(f.MotionError, match="10,000,000 frames"):
        f.to_joints(np.broadcast_to(np.float32(0), (10_000_000, 263)))


def test_parents_agree():
    assert HUMANML3D.parents == list(PARENTS)


def test_single_poses_are_the_first_frame_of_the_pose_held_still():
    poses = standing_walk()[::7]
    held = [f.from_joints(np.stack([p, p]), uniform=False, ground=False)[0] for p in poses]
    # All but the first channel: there the quirk of frame 0 shows as a turn; a held pose has none.
    assert np.abs(f.from_poses(poses) - np.stack(held))[:, 1:].max() < 1e-5
    assert (f.from_poses(poses)[:, 0] == 0).all()
