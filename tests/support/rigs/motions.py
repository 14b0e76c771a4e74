"""Motions made of numbers that tests put on rigs."""

import numpy as np

from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, NEUTRAL, build
from motiongpt_blender.core.body.rotations import from_log, normalise, rotate
from motiongpt_blender.core.body.skeleton import PARENTS, Joint

#: Frames a second of these motions.
FPS = 20


def walk(seconds=1.6):
    """A walk made of swinging limbs, (T, 22, 3) metres: knees bend back, elbows forward."""
    time = np.arange(int(seconds * FPS)) / FPS
    joints = np.empty((len(time), 22, 3))
    for k, t in enumerate(time):
        phase = 2 * np.pi * t
        bends = {}
        for side, sign in (("L", 1), ("R", -1)):
            swing = sign * np.sin(phase)
            knee = 0.2 + 0.5 * max(0.0, sign * np.cos(phase))
            down = -1.2 if side == "L" else 1.2
            bends[f"{side}_KNEE"] = (-0.45 * swing, 0, 0)
            bends[f"{side}_ANKLE"] = (knee - 0.45 * swing, 0, 0)
            bends[f"{side}_FOOT"] = (knee - 0.45 * swing, 0, 0)
            bends[f"{side}_ELBOW"] = (0.35 * swing, 0, down)
            bends[f"{side}_WRIST"] = (0.35 * swing - 0.5, 0, down)
        pose = np.zeros((22, 3))
        pose[0] = NEUTRAL[0] + [0, 0, 1.1 * t]
        for j in range(1, 22):
            bone = NEUTRAL[j] - NEUTRAL[PARENTS[j]]
            x, _, z = bends.get(Joint(j).name, (0, 0, 0))
            bone = rotate(from_log(np.array([0.0, 0.0, z])), bone)
            pose[j] = pose[PARENTS[j]] + rotate(from_log(np.array([x, 0.0, 0.0])), bone)
        joints[k] = pose - [0, pose[[7, 8, 10, 11], 1].min(), 0]
    return joints.astype(np.float32)


def exercise(count=40):
    """Walking a curve while both arms go from the hips to over the head, (T, 22, 3) metres."""
    time = np.arange(count) / FPS
    directions = np.repeat(DIRECTIONS[None], count, 0)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        swing = 0.5 * sign * np.sin(2 * np.pi * time)
        bent = 0.25 + 0.5 * np.clip(-sign * np.cos(2 * np.pi * time), 0, 1)
        for joint, pitch in (("KNEE", -swing), ("ANKLE", bent - swing), ("FOOT", bent - swing)):
            bone = Joint[f"{side}_{joint}"]
            directions[:, bone] = rotate(from_log(pitch[:, None] * [1, 0, 0]), directions[:, bone])
        lift = sign * np.linspace(-1.3, 1.4, count)
        raise_arm = from_log(lift[:, None] * [0, 0, 1.0])
        bend = from_log((0.2 + 0.8 * np.sin(time) ** 2)[:, None] * [0, -sign, 0])
        out = np.array([sign, 0.0, 0.0])
        directions[:, Joint[f"{side}_ELBOW"]] = rotate(raise_arm, np.tile(out, (count, 1)))
        lower = rotate(bend, np.tile(out, (count, 1)))
        directions[:, Joint[f"{side}_WRIST"]] = rotate(raise_arm, lower)
    joints = build(normalise(directions), np.zeros((count, 3)))
    joints[..., 1] -= joints[:, [Joint.L_FOOT, Joint.R_FOOT], 1].min(1)[:, None]
    joints[..., 2] += time[:, None]
    return joints.astype(np.float32)
