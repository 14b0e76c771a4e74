"""Clips that pass exactly through poses, and clips as BVH files."""

import itertools

import numpy as np
import pytest

from ext_models.__main__ import main
from ext_models.datasets.bvh_reader import joints_of, read_bvh
from ext_models.evaluation.metrics import jerk, local_pose
from ext_models.generation.pose_correction import REACH, meet_poses
from ext_models.generation.request import PoseCondition
from ext_models.motion import representations
from ext_models.motion.bvh_writer import write_bvh
from motiongpt_blender.core.body.motion import MotionClip, Origin, heading
from motiongpt_blender.core.body.rotations import about_y, rotate
from tests.support import clips as recorded
from tests.support import tiny_pack
from tests.support.motion_folders import walker


@pytest.fixture(scope="module")
def clips():
    return [joints.astype(np.float32) for joints in recorded.clips().values()]


def moved(pose, angle, shift):
    turn = np.broadcast_to(about_y(np.array(angle)), (len(pose), 4))
    return (rotate(turn, pose) + np.array(shift)).astype(np.float32)


def test_every_pose_is_met(clips):
    for joints, other in itertools.pairwise(clips):
        frames = sorted({0, len(joints) // 2, len(joints) - 1})
        poses = [PoseCondition(f, other[min(f, len(other) - 1)]) for f in frames]
        met = meet_poses(joints, poses)
        for pose in poses:
            np.testing.assert_allclose(
                local_pose(met[pose.frame]), local_pose(pose.joints), atol=1e-4
            )
            # Where it does not say where it stands, the motion's own place stays.
            np.testing.assert_allclose(
                met[pose.frame, 0, [0, 2]], joints[pose.frame, 0, [0, 2]], atol=1e-5
            )


def test_placed_poses_stand_where_they_should(clips):
    joints = clips[0]
    last = len(joints) - 1
    start = moved(joints[0], 2.0, (3.0, 0.0, -1.0))
    end = moved(joints[last], 2.5, (3.5, 0.0, 0.5))
    poses = [PoseCondition(0, start, placed=True), PoseCondition(last, end, placed=True)]
    met = meet_poses(joints, poses)

    def gap(a, b):
        side = rotate(about_y(-heading(a)), b[0] - a[0])
        return np.array([*side, np.cos(heading(b) - heading(a))])

    np.testing.assert_allclose(gap(met[0], met[last]), gap(start, end), atol=1e-4)


def test_the_correction_is_smooth_and_fades(clips):
    joints = max(clips, key=len)
    middle = len(joints) // 2
    rng = np.random.default_rng(0)
    pose = joints[middle] + rng.normal(0, 0.03, (22, 3)).astype(np.float32)
    met = meet_poses(joints, [PoseCondition(middle, pose)])
    np.testing.assert_allclose(met[: middle - REACH], joints[: middle - REACH], atol=1e-5)
    np.testing.assert_allclose(met[middle + REACH :], joints[middle + REACH :], atol=1e-5)
    assert jerk(met).mean() < 1.5 * jerk(joints).mean()


def test_without_poses_nothing_changes():
    joints = walker(20)
    assert meet_poses(joints, []) is joints


def test_bvh_holds_the_clip(clips, tmp_path):
    for joints in clips:
        path = tmp_path / "clip.bvh"
        write_bvh(MotionClip(joints), path)
        recording = read_bvh(path, 20.0)
        named = joints_of(recording)
        back = np.stack([recording.points[:, named[j]] for j in sorted(named)], axis=1) / 100
        assert back.shape == joints.shape
        # Hips and shoulders of the data are not quite rigid; a skeleton's are.
        assert np.linalg.norm(back - joints, axis=-1).mean() < 0.02


def test_the_licence_lies_beside_a_bvh(tmp_path):
    origin = Origin("styles", "CC BY-NC 4.0", ("Somebody", "Sömebody else"))
    path = tmp_path / "walk.v2.bvh"
    write_bvh(MotionClip(walker(20), origin=origin), path)
    message = (tmp_path / "walk.v2.licence.txt").read_text(encoding="utf-8")
    for words in (path.name, "Model pack: styles", "Licence: CC BY-NC 4.0", *origin.credits):
        assert words in message
    assert len(read_bvh(path, 20.0).points) == 20
    write_bvh(MotionClip(walker(20)), tmp_path / "own.bvh")
    assert not (tmp_path / "own.licence.txt").exists()


def test_generate_writes_bvh_and_meets_its_poses(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    pose = walker(4)[2]
    np.save(tmp_path / "pose.npy", pose)
    ask = ["generate", "--prompt", "a person walks", "--seconds", "1.5", "--pack", str(pack)]
    ask += ["--pose", f"end:{tmp_path / 'pose.npy'}", "--device", "cpu"]
    assert main([*ask, "--out", str(tmp_path / "a.npz")]) == 0
    # Without guidance nothing eases the motion into its pose either.
    unguided = [*ask, "--guidance", "0", "--raw"]
    assert main([*unguided, "--out", str(tmp_path / "raw.npz")]) == 0
    assert main([*ask, "--out", str(tmp_path / "a.bvh")]) == 0
    met, raw = (MotionClip.load(tmp_path / n).joints for n in ("a.npz", "raw.npz"))
    np.testing.assert_allclose(local_pose(met[-1]), local_pose(pose), atol=1e-4)
    assert np.abs(local_pose(raw[-1]) - local_pose(pose)).max() > 0.01
    assert len(read_bvh(tmp_path / "a.bvh", 20.0).points) == 30
    assert main([*ask, "--out", str(tmp_path / "a.fbx")]) != 0
    assert ".npz or .bvh" in capsys.readouterr().err
    assert representations.HUMANML3D.fps == 20
