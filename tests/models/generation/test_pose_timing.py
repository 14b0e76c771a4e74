"""Paths are walked evenly, and poses are reached as early as they are far."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.generation.arrival import LATE, ease_into_poses
from ext_models.generation.pose_cost import PROGRESS, progress_cost
from ext_models.generation.request import PoseCondition
from ext_models.generation.retiming import (
    STRETCH,
    joint_speeds,
    slowed_down,
    spread_over_path,
)
from ext_models.generation.schedule import (
    PULL,
    Segment,
    approach_frames,
    pull_frames,
    standing_frames,
)
from ext_models.generation.targets import GuidanceTargets, PoseTarget
from ext_models.lab.pose_cases import HAND_MADE, STANDING, STRIDING, TURNED
from ext_models.lab.pose_timing import arrival, distances, walk_timing
from motiongpt_blender.core.body.skeleton import CHAINS, PARENTS, Joint
from tests.support import clips as recorded

FPS = 20.0


@pytest.fixture(scope="module")
def walk():
    """Two seconds in the middle of an even walk."""
    return recorded.clips()["walk"][30:70].astype(np.float32)


@pytest.fixture(scope="module")
def late(walk):
    """Stands for a second and a half, then walks."""
    return np.concatenate([walk[:1].repeat(30, axis=0), walk[:31]])


def placed(frame, joints):
    return PoseCondition(frame, joints, placed=True)


def ends(joints):
    return [placed(0, joints[0]), placed(len(joints) - 1, joints[-1])]


def bone_lengths(joints):
    return np.linalg.norm(joints[:, 1:] - joints[:, PARENTS[1:]], axis=-1)


# -- retiming ----------------------------------------------------------------------------


def test_a_late_walk_is_spread_over_its_time(late):
    even = spread_over_path(late, ends(late), FPS)
    before, after = (walk_timing(joints, FPS) for joints in (late, even))
    assert before.half < 0.05 and before.standstill > 1.2
    assert 0.3 < after.half < 0.6 and after.standstill < 0.6 and after.peak < 1.6
    np.testing.assert_allclose(even[[0, -1]], late[[0, -1]], atol=1e-5)
    np.testing.assert_allclose(bone_lengths(even), bone_lengths(late)[:1].repeat(61, 0), atol=2e-3)


def test_a_rush_at_the_beginning_is_spread_too(late):
    early = late[::-1].copy()
    half = walk_timing(spread_over_path(early, ends(early), FPS), FPS).half
    assert walk_timing(early, FPS).half > 0.95 and half < 0.7


def test_a_frame_is_stretched_within_limits(late):
    """A step that fills three seconds would be slow motion."""
    leap = np.concatenate([late[:1].repeat(60, axis=0), late[30:42]])
    slow = spread_over_path(leap, ends(leap), FPS)
    fastest = [np.linalg.norm(np.diff(m[:, 0], axis=0), axis=-1).max() for m in (leap, slow)]
    assert fastest[0] / STRETCH[1] * 0.9 < fastest[1] < fastest[0] / 1.5


def test_an_even_walk_stays_as_it_is(walk):
    even = spread_over_path(walk, ends(walk), FPS)
    assert np.linalg.norm(even - walk, axis=-1).max() < 0.05


def test_what_is_done_on_the_spot_keeps_its_speed(walk):
    """Arms that wave before the walk are not played faster, as standing is."""
    time = np.arange(30) / FPS
    waving = walk[:1].repeat(30, axis=0)
    for chain in CHAINS[3:]:
        waving[:, list(chain[2:]), 1] += 0.3 * np.sin(2 * np.pi * time)[:, None]
    both = np.concatenate([waving, walk[:31]])
    shown = spread_over_path(both, ends(both), FPS)
    lowered = [
        np.flatnonzero(motion[:, Joint.L_WRIST, 1] < both[0, Joint.L_WRIST, 1] - 0.1)[0]
        for motion in (both, shown)
    ]
    assert lowered[0] == 12 and 10 <= lowered[1] <= 12


def test_marked_frames_stay_where_they_are(late):
    poses = [placed(0, late[0]), placed(45, late[45]), placed(60, late[60])]
    even = spread_over_path(late, poses, FPS)
    np.testing.assert_allclose(even[[0, 45, 60]], late[[0, 45, 60]], atol=1e-5)
    assert np.abs(even[30] - late[30]).max() > 0.05


def test_without_a_path_nothing_is_retimed(late):
    standing = late[:30]
    assert spread_over_path(standing, ends(standing), FPS) is standing
    unplaced = [replace(pose, placed=False) for pose in ends(late)]
    assert spread_over_path(late, unplaced, FPS) is late


def test_a_rush_takes_longer_between_its_frames():
    """What is slow beside it is played faster, so that both ends stay where they are."""
    moved = np.zeros((41, 22, 3), np.float32) + STANDING
    moved[..., 2] += np.interp(np.arange(41), [0, 18, 22, 40], [0, 0.2, 1.4, 1.6])[:, None]
    slow = slowed_down(moved, 0, 40, 2.0, FPS)
    before, after = (joint_speeds(motion, FPS).max() for motion in (moved, slow))
    assert before > 5 and 1.8 < after < 2.4
    np.testing.assert_allclose(slow[[0, 40]], moved[[0, 40]], atol=1e-5)
    later = slowed_down(moved, 10, 30, 2.0, FPS)
    assert joint_speeds(later, FPS).max() < 2.5
    np.testing.assert_array_equal(
        later[[*range(11), *range(30, 41)]], moved[[*range(11), *range(30, 41)]]
    )


def test_a_rush_with_too_little_time_gets_even():
    moved = np.zeros((11, 22, 3), np.float32) + STANDING
    moved[..., 2] += np.interp(np.arange(11), [0, 7, 10], [0, 0.2, 3.0])[:, None]
    slow = joint_speeds(slowed_down(moved, 0, 10, 2.0, FPS), FPS)
    assert slow.max() < 1.5 * slow.mean() and np.isclose(slow.mean(), 6.0, atol=0.6)


def test_what_is_slow_enough_is_not_retimed(late):
    assert slowed_down(late, 0, 60, 1.2 * float(joint_speeds(late, FPS).max()), FPS) is late


# -- arrival -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def standing():
    return STANDING[None].repeat(61, axis=0)


@pytest.mark.parametrize("name", HAND_MADE)
def test_an_unusual_pose_is_reached_in_time(standing, name):
    pose = HAND_MADE[name].joints
    eased = ease_into_poses(standing, [placed(0, STANDING), placed(60, pose)])
    found = arrival(eased, FPS)
    assert found.lead >= 0.6 and found.fastest < 3 and found.sunk < 0.01
    assert distances(eased, pose)[-1] < 0.03
    np.testing.assert_allclose(eased[:20], standing[:20], atol=1e-4)


@pytest.mark.parametrize("name", HAND_MADE)
def test_an_unusual_pose_is_left_in_time(standing, name):
    pose = HAND_MADE[name].joints
    eased = ease_into_poses(standing, [placed(0, pose), placed(60, STANDING)])
    assert arrival(eased[::-1], FPS).lead >= 0.6
    np.testing.assert_allclose(eased[-15:], standing[-15:], atol=1e-4)


def test_the_lowest_joint_stays_on_the_floor(standing):
    """Legs that bend neither lift the body into the air nor sink it."""
    eased = ease_into_poses(standing, [placed(0, STANDING), placed(60, HAND_MADE["kneel"].joints)])
    assert np.abs(eased[..., 1].min(-1)).max() < 0.01


def test_a_pose_that_the_motion_passes_is_left_to_it(walk):
    np.testing.assert_array_equal(ease_into_poses(walk, ends(walk)), walk)
    almost = walk[-1] + np.random.default_rng(0).normal(0, 0.02, (22, 3)).astype(np.float32)
    np.testing.assert_array_equal(ease_into_poses(walk, [placed(39, almost)]), walk)


def test_an_arm_is_raised_by_itself(walk):
    """The legs of a walk go on."""
    pose = walk[-1].copy()
    arm = [Joint.L_ELBOW, Joint.L_WRIST]
    pose[arm] = pose[Joint.L_SHOULDER] + np.array([[0, 0.26, 0], [0, 0.52, 0]])
    eased = ease_into_poses(walk, [placed(0, walk[0]), placed(39, pose)])
    legs = [*CHAINS[0], *CHAINS[1]]
    np.testing.assert_allclose(eased[:, legs], walk[:, legs], atol=1e-4)
    up = eased[:, Joint.L_WRIST, 1] - eased[:, Joint.L_SHOULDER, 1]
    assert up[39 - LATE] > 0.5 * (up[-1] + up[0]) and up[5] < -0.3


def test_legs_stop_for_an_unusual_pose_that_stands(walk):
    """Arms that arrive on a body that still strides are not the pose."""
    eased = ease_into_poses(walk, [placed(0, walk[0]), placed(39, HAND_MADE["T-pose"].joints)])
    assert arrival(eased, FPS).lead >= 0.6


LYING = STANDING[:, [0, 2, 1]] * np.array([1, 1, -1], np.float32)


def into(pose, at, frames=4, count=61):
    """Stands, and gets into a pose within some frames."""
    share = np.clip((np.arange(count) - at) / frames, 0, 1)[:, None, None]
    return (STANDING + share * (pose - STANDING)).astype(np.float32)


def test_who_falls_into_a_pose_is_slowed_down():
    """A body that lies down within a fifth of a second, though in time."""
    fallen = into(LYING, 42)
    eased = ease_into_poses(fallen, [placed(0, STANDING), placed(60, LYING)])
    before, after = arrival(fallen, FPS), arrival(eased, FPS)
    assert before.lead > 0.6 and before.fastest > 6
    assert after.lead > 0.6 and after.fastest < 3


def test_a_late_pose_gets_a_longer_window():
    """Turning a body that is late anyway by half leaves it late."""
    late = into(HAND_MADE["kneel"].joints, 56)
    eased = ease_into_poses(late, [placed(0, STANDING), placed(60, HAND_MADE["kneel"].joints)])
    assert arrival(late, FPS).lead < 0.2 and arrival(eased, FPS).lead >= 0.65


def test_arms_that_swing_on_the_spot_do_not_pass_a_pose(standing):
    """Near the pose now and then is not in time, unless the body walks by."""
    pose = HAND_MADE["hands on hips"].joints
    arms = [joint for chain in CHAINS[3:] for joint in chain[2:]]
    swinging = standing.copy()
    share = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(61) / 40)
    swinging[:, arms] += share[:, None, None] * (pose - STANDING)[arms]
    assert arrival(np.concatenate([swinging[:60], pose[None]]), FPS).lead < 0.6
    eased = ease_into_poses(swinging, [placed(0, STANDING), placed(60, pose)])
    assert arrival(eased, FPS).lead >= 0.6


def test_bones_get_the_length_of_the_poses(standing):
    """Decoded ones are up to a third too short, and the correction would spread that."""
    pose = HAND_MADE["kneel"].joints
    eased = ease_into_poses(0.75 * standing, [placed(0, 0.75 * STANDING), placed(60, pose)])
    np.testing.assert_allclose(bone_lengths(eased)[60], bone_lengths(pose[None])[0], atol=1e-3)
    np.testing.assert_allclose(
        bone_lengths(eased)[:20], 0.75 * bone_lengths(standing)[:20], atol=1e-3
    )
    assert distances(eased, pose)[-1] < 0.001


def test_nobody_slides_into_place_on_the_knees(standing):
    sliding = standing.copy()
    sliding[..., 2] += 0.5 * np.clip((np.arange(61) - 55) / 5, 0, 1)[:, None]
    pose = HAND_MADE["kneel"].joints + np.array([0, 0, 0.5], np.float32)
    eased = ease_into_poses(sliding, [placed(0, STANDING), placed(60, pose)])
    path = eased[:, 0, 2] - eased[0, 0, 2]
    assert path[60] == pytest.approx(0.5, abs=0.01) and path[55] > 0.45 and path[46] > 0.2


def test_joints_that_do_not_count_stay(standing):
    bound = np.zeros(22, bool)
    bound[list(CHAINS[4][1:])] = True
    pose = replace(placed(60, HAND_MADE["T-pose"].joints), bound=bound)
    eased = ease_into_poses(standing, [pose])
    others = ~bound
    np.testing.assert_allclose(eased[:, others], standing[:, others], atol=1e-4)
    assert np.linalg.norm(eased[60, Joint.L_WRIST] - standing[60, Joint.L_WRIST]) > 0.5


def test_a_pose_too_near_in_time_is_left_to_the_correction(standing):
    poses = [placed(50, STANDING), placed(60, HAND_MADE["T-pose"].joints)]
    np.testing.assert_array_equal(ease_into_poses(standing, poses), standing)


# -- schedule ----------------------------------------------------------------------------


def test_the_farther_a_pose_the_earlier_it_pulls():
    pulls = [pull_frames(pose, STANDING) for pose in (STANDING, HAND_MADE["kneel"].joints, LYING)]
    assert pulls[0] == PULL[0] < PULL[1] <= pulls[1] < pulls[2] <= PULL[2]
    assert approach_frames(0.0) == PULL[0] and approach_frames(9.0) == PULL[2]


def test_a_stride_pulls_late():
    """A walk passes it by itself."""
    assert pull_frames(STRIDING, STANDING) == PULL[0]


def test_a_body_stands_at_its_place_before_it_goes_down():
    def end_of(joints):
        standing = standing_frames(joints, STANDING)
        pose = PoseTarget(60, joints, (0.0, 2.0, 0.0), standing=standing)
        return GuidanceTargets((PoseTarget(0, STANDING), pose)).walked[0].end

    assert end_of(STANDING) == 60
    assert 50 <= end_of(HAND_MADE["kneel"].joints) < 55 and 40 < end_of(LYING) < 50


@pytest.mark.parametrize("pose", [TURNED, HAND_MADE["T-pose"].joints, STRIDING])
def test_a_body_raises_its_arms_and_strides_on_the_way(pose):
    assert standing_frames(pose, STANDING) == 0


def test_progress_is_even():
    segment = Segment(10, 50, (0.0, 0.0, 0.0), (1.0, 2.0, 0.5))
    assert np.allclose(
        [segment.due(frame) for frame in (0, 30, 60)], [[0, 0], [0.5, 1.0], [1.0, 2.0]]
    )
    assert np.allclose(segment.direction, np.array([1.0, 2.0]) / np.sqrt(5)) and segment.is_walked
    assert not Segment(0, 50, (0.0, 0.0, 0.0), (0.0, 0.2, 0.0)).is_walked


def test_who_is_late_on_a_path_pays_for_it():
    """Half a unit for ``PROGRESS`` along the path, less beside it; more where little is allowed."""
    segment = Segment(0, 40, (0.0, 0.0, 0.0), (0.0, 2.0, 0.0))
    origin = torch.tensor([[[3.0, 1.0, torch.pi / 2]]])  # its ahead is +x
    then = torch.tensor([[[4.0, 1.0, 0.0], [4.0 - PROGRESS[0], 1.0, 0.0], [4.0, 2.0, 0.0]]])
    cost = progress_cost(origin, then, [segment], 20, torch.tensor([[0.5]]))
    assert torch.allclose(cost, torch.tensor([[0.0, 0.5, 0.5 / PROGRESS[1] ** 2]]), atol=1e-4)
    near = progress_cost(origin, then, [segment], 20, torch.tensor([[0.05]]))
    assert torch.allclose(near[0, 1], torch.tensor(2.0), atol=1e-4)
