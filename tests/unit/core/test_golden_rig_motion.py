"""Rig motions stay as they were recorded: solved, pinned, corrected, bent.

The solver and the correction are chains of formulas; a wrong sign in one of them can leave
every property that other tests name intact. The recorded numbers lie beside this file.
``python -m tests.unit.core.test_golden_rig_motion`` records them anew after a wanted change.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import DIRECTIONS
from motiongpt_blender.core.body.rotations import from_log, multiply, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.pose_constraints.correction import meet_pose_slices, meet_poses
from motiongpt_blender.core.pose_constraints.reports import body_distance
from motiongpt_blender.core.pose_constraints.residuals import residual_curve
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose, pose_at
from motiongpt_blender.core.pose_constraints.root_path import Waypoint, bend_path_slices
from motiongpt_blender.core.pose_constraints.smoothness import smoothness_slices
from motiongpt_blender.core.retargeting.hip_height import height_correction, position_correction
from motiongpt_blender.core.retargeting.inverse import inverse_directions
from motiongpt_blender.core.retargeting.part_rotations import Limb, limb_rotations
from motiongpt_blender.core.retargeting.solver import solve, solve_slices
from motiongpt_blender.core.retargeting.two_bone_ik import solve_leg_ik, solve_limb
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.core.rig.twist_bones import TwistBone
from tests.support.clips import clip
from tests.support.numeric_rig import a_rig

FILE = Path(__file__).with_name("golden_rig_motion.json")
#: The most by which a recorded number may differ: they are rounded to eight digits.
TOLERANCE = 1e-7

CASES = {}


def case(function):
    """Register a function that returns arrays by name."""
    CASES[function.__name__] = function
    return function


def channels(motion, *frames):
    """A motion's channels at some frames."""
    at = list(frames)
    return {"root": motion.locations[at], **{n: q[at] for n, q in motion.rotations.items()}}


# --- retargeting ------------------------------------------------------------------------


@case
def solved_walk():
    """A small rig whose thighs are short, at another frame rate."""
    rig = a_rig(2, scale=0.011, thigh=0.9)
    return channels(solve(rig, clip("walk")[20:70], fps=30.0), 0, 20, 49)


@case
def pinned_turn():
    rig, options = a_rig(1), RigOptions(pin_feet=True, pin_hands=True)
    return channels(solve(rig, clip("turn")[30:70], options=options), 0, 17, 39)


@case
def solved_leap():
    return channels(solve(a_rig(3, scale=3.3), clip("leap")), 25, 40, 72)


@case
def solved_wave_with_twist_bones():
    rig = a_rig(1)
    rests = {c.name: c.rest for c in rig.controls}
    twists = tuple(
        TwistBone(f"{control}.{k}", control, rests[control], position, in_chain)
        for control in ("upper_arm_l", "upper_arm_r", "thigh_r")
        for k, (position, in_chain) in enumerate([(0.3, True), (0.6, False), (0.7, True)])
    )
    rig = replace(rig, twists=twists, extras={t.name: t.rest for t in twists})
    return channels(solve(rig, clip("wave")[60:100]), 0, 20, 39)


@case
def solved_kick_of_a_rig_without_collars():
    rig = a_rig(4)
    controls = tuple(
        replace(c, parent="chest" if c.part.base == "upper_arm" else c.parent)
        for c in rig.controls
        if c.part.base != "collar"
    )
    rig = replace(rig, controls=controls[::-1])  # their order does not count here
    return channels(solve(rig, clip("kick")[40:90]), 0, 18, 49)


@case
def solved_tumble():
    """A body that rolls over: feet on end, upside down, and back."""
    joints = clip("leap")[:40]
    angle = np.linspace(0.3, 5.0, len(joints))[:, None] * [1.0, 0.1, 0.2]
    tumbling = rotate(from_log(angle)[:, None], joints - joints[:, :1]) + [0.0, 0.95, 0.0]
    return channels(solve(a_rig(5), tumbling), 3, 11, 20, 39)


@case
def solved_single_pose():
    return channels(solve(a_rig(1), clip("kick")[50:51]), 0)


@case
def solved_tip_toes():
    """A body that stands still with its heels raised, its toes on the floor."""
    joints = clip("wave")[:1].repeat(30, axis=0)
    heels = np.array([0.0, 0.09, 0.05]) * np.linspace(0, 1, 30)[:, None]
    for side in "LR":
        joints[:, Joint[f"{side}_ANKLE"]] += heels
        joints[:, Joint[f"{side}_KNEE"]] += 1.5 * heels
    return channels(solve(a_rig(6), joints), 5, 15, 29)


@case
def limbs_to_targets():
    rng = np.random.default_rng(1)
    start, target, *chain = 0.6 * rng.normal(size=(5, 4, 3))
    motion = tuple(
        v / np.linalg.norm(v, axis=-1, keepdims=True) for v in rng.normal(size=(2, 4, 3))
    )
    upper, lower = solve_limb(start, target, (0.45, 0.38), motion)
    hip, knee, ankle = chain
    knee = hip + 0.45 * motion[0]
    ankle = knee + 0.38 * (0.8 * motion[0] + 0.6 * np.cross(motion[0], [0.0, 0.6, 0.8]))
    thigh, shin, end = solve_leg_ik((hip, knee, ankle), motion[1], start, target)
    return {"upper": upper, "lower": lower, "thigh": thigh, "shin": shin, "end": end}


@case
def straight_limbs_to_targets():
    along = np.array([[0.0, -1.0, 0.0], [0.96, 0.28, 0.0], [1.0, 0.0, 0.0]])
    upper, lower = solve_limb(np.zeros((3, 3)), 0.7 * along, (0.45, 0.38), (along, along))
    return {"upper": upper, "lower": lower}


@case
def an_arm_whose_elbow_goes_round():
    """The plane of the elbow passes through the one opposite to the neutral pose's."""
    angle = np.radians(np.linspace(80, 235, 24))[:, None]
    across, up, forward = np.eye(3)
    upper = np.tile(across, (24, 1))
    lower = 0.6 * upper + 0.8 * (np.cos(angle) * forward + np.sin(angle) * up)
    rest = (across, np.array([0.96, 0.0, 0.28]))
    carrier = from_log(0.2 * np.stack([0 * angle, angle, angle], axis=-1)[:, 0])
    motion = (upper, lower)
    own, forearm = limb_rotations(carrier, rest, motion, Limb.arm("L"), 20.0)
    left = {"upper arm": own[::3], "forearm": forearm[::3]}
    own, forearm = limb_rotations(carrier, rest, motion, Limb.arm("L"), 60.0)
    return left | {"upper arm at 60": own[::3], "forearm at 60": forearm[::3]}


@case
def hips_over_feet():
    rng = np.random.default_rng(2)
    wanted = 0.04 * np.cumsum(rng.normal(size=(9, 4, 3)), axis=0)
    predicted = wanted + 0.03 * rng.normal(size=wanted.shape)
    return {
        "height": height_correction(predicted[..., 1], np.abs(wanted[..., 1]), 0.8, 30.0),
        "position": position_correction(predicted, wanted, 0.8, 30.0),
    }


@case
def slices():
    """How often each computation gives others their turn."""
    rig, joints = a_rig(1), clip("walk")[:60]
    pinned = RigOptions(pin_feet=True, pin_hands=True)
    motion = solve(rig, joints)
    poses = {f: marked(motion, f) for f in (10, 30, 50)}
    met, reports = meet_poses(motion, poses)
    steps = {
        "solve": solve_slices(rig, joints),
        "pinned": solve_slices(rig, joints, options=pinned),
        "meet": meet_pose_slices(motion, poses),
        "smoothness": smoothness_slices(reports, rig, motion, met, 0.8),
    }
    return {name: sum(1 for _ in generator) for name, generator in steps.items()}


@case
def directions_of_a_pose():
    chest = from_log(np.array([0.2, -0.6, 0.1]))
    bends = {
        Part.COLLAR_L: [0.1, 0.2, 0.3],
        Part.COLLAR_R: [0.0, 0.1, -0.2],
        Part.HEAD: [0.3, 0.4, 0.1],
    }
    rotations = {part: multiply(chest, from_log(np.array(v))) for part, v in bends.items()}
    bones = {
        Part.COLLAR_L: DIRECTIONS[Joint.L_SHOULDER],
        Part.COLLAR_R: DIRECTIONS[Joint.R_SHOULDER],
        Part.NECK: DIRECTIONS[Joint.HEAD],
    }
    return {"directions": inverse_directions(DIRECTIONS, {Part.CHEST: chest, **rotations}, bones)}


# --- marked poses -----------------------------------------------------------------------


def marked(motion, frame, *, turned=0.0, shifted=(0.0, 0.0, 0.0), bend=0.3):
    """A motion's pose at a frame, every control rotated a little and the root moved."""
    pose = pose_at(motion, frame)
    away = {
        name: from_log(bend * np.sin(np.arange(3) + k)) for k, name in enumerate(pose.rotations)
    }
    rotations = {n: tuple(multiply(np.array(q), away[n])) for n, q in pose.rotations.items()}
    location = tuple(np.array(pose.root_location) + shifted)
    return replace(pose, rotations=rotations, root_location=location)


def meet(scale, poses_of, reach):
    """Channels and reports of a walk that meets some poses."""
    rig = a_rig(1, scale=scale)
    motion = solve(rig, clip("walk")[:100])
    poses = poses_of(motion)
    met, reports = meet_poses(motion, poses, reach)
    reports = run_to_end(smoothness_slices(reports, rig, motion, met, reach))
    numbers = [
        (r.frame, r.body_degrees, r.position_cm, r.dragged_cm, r.moved_cm, r.jerk) for r in reports
    ]
    return {"reports": np.array(numbers), **channels(met, 5, 30, 38, 62, 95)}


@case
def met_whole_poses():
    return meet(
        0.55,
        lambda m: {
            0: marked(m, 2, bend=0.1),
            40: marked(m, 45, shifted=(0.2, 0.1, -0.15)),
            99: marked(m, 70, shifted=(0.1, 0.0, 0.4), bend=-0.2),
        },
        0.8,
    )


@case
def met_parts_of_poses():
    """An arm on the way, then a whole pose, then a head without the root."""

    def poses(motion):
        arm, whole, head = (marked(motion, f, bend=0.5) for f in (20, 44, 60))
        some = {n: q for n, q in arm.rotations.items() if n.endswith("arm_l")}
        return {
            24: replace(arm, rotations=some, root_constrained=False),
            44: whole,
            58: RigPose({"head": head.rotations["head"]}, (0.0, 0.0, 0.0), root_constrained=False),
        }

    return meet(2.2, poses, 0.5)


def a_curve(metres, count):
    """Positions (T, 3) along an arc, at uneven speed and height."""
    share = np.linspace(0, 1, count) ** 1.2
    return np.stack(
        [0.3 * metres * np.sin(2 * share), 1 + 0.05 * np.cos(9 * share), metres * share], axis=-1
    )


@case
def bent_paths():
    """Short and long paths, at once and slowly, to ends ahead, aside and behind."""
    out = {}
    for metres, count, end, yaw in (
        (4.0, 81, (1.5, 0.0, 3.0), 0.4),
        (4.0, 81, (-2.0, 0.0, -3.0), 2.5),
        (4.0, 61, (0.5, 0.0, 9.0), -0.3),
        (4.0, 81, (-1.0, 0.0, 4.0), 0.9),
        (5.0, 81, (3.0, 0.0, 3.5), 1.2),
        (3.0, 61, (0.2, 0.0, 2.2), 0.0),
        (3.0, 81, (0.1, 0.0, 0.3), 0.0),
        (0.6, 61, (0.4, 0.0, 0.5), 0.2),
        (2.0, 35, (-0.8, 0.0, 1.2), -0.5),
    ):
        scale = 2.0
        positions = scale * a_curve(metres, count)
        points = (
            Waypoint(5, 0.2, scale * np.array([0.3, 0.0, 0.2])),
            Waypoint(count - 6, yaw, scale * np.array(end)),
        )
        path = run_to_end(bend_path_slices(positions, points, 20.0, scale))
        at = [0, count // 4, count // 2, count - 9, count - 1]
        key = f"{metres} m to {end[0]}, {end[2]}"
        out |= {key: path.positions[at], f"{key} yaw": path.yaw[at], f"{key} drag": path.dragged}
    return out


@case
def residual_curves():
    rng = np.random.default_rng(3)
    frames = [4, 11, 16, 40, 57]
    return {
        f"reach {reach}": residual_curve(frames, rng.normal(size=(5, 2)), 64, reach)[1::7]
        for reach in (5.5, 12.0, 30.0)
    }


@case
def distances_of_poses():
    one, other = clip("walk")[30], clip("leap")[30]
    arms = np.array([("ELBOW" in j.name) or ("WRIST" in j.name) for j in Joint])
    return {
        "centimetres": np.array([
            body_distance(one, other), body_distance(one, other, arms), body_distance(one, one),
        ])
    }  # fmt: skip


@pytest.fixture(scope="module")
def golden():
    return json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_recorded_numbers_come_out_again(name, golden):
    found, recorded = CASES[name](), golden[name]
    assert found.keys() == recorded.keys()
    wrong = [
        key
        for key, values in found.items()
        if not np.allclose(values, recorded[key], rtol=TOLERANCE, atol=TOLERANCE)
    ]
    assert not wrong


def record():
    """Write the numbers of today's code."""
    data = {
        name: {key: np.round(values, 8).tolist() for key, values in function().items()}
        for name, function in CASES.items()
    }
    rows = [
        f" {json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in entry.items())
        + "\n }"
        for name, entry in data.items()
    ]
    FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    record()
