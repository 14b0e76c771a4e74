"""A rig that is described by numbers alone, without Blender."""

import numpy as np

from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.rotations import IDENTITY, from_log, normalise
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_description import Control, RigDescription, RigMotion

FPS = 20.0

#: Part, joint where it begins, part that carries it, share of the way of a chain.
_PARTS = (
    ("pelvis", "PELVIS", None, 1.0), ("spine", "SPINE1", "pelvis", 1 / 3),
    ("spine.2", "SPINE2", "spine", 2 / 3), ("chest", "SPINE3", "spine.2", 1.0),
    ("neck", "NECK", "chest", 1.0), ("head", "HEAD", "neck", 1.0),
    *((f"{part}_{s.lower()}", f"{s}_{joint}", carrier.format(s.lower()), 1.0)
      for s in "LR" for part, joint, carrier in (
          ("collar", "COLLAR", "chest"), ("upper_arm", "SHOULDER", "collar_{}"),
          ("forearm", "ELBOW", "upper_arm_{}"), ("hand", "WRIST", "forearm_{}"),
          ("thigh", "HIP", "pelvis"), ("shin", "KNEE", "thigh_{}"),
          ("foot", "ANKLE", "shin_{}"), ("toe", "FOOT", "foot_{}"))),
)  # fmt: skip


def a_rig(seed=0, scale=1.1, thigh=1.05, hips=1.0, foot=1.0, leg=1.0):
    """A rig of other proportions than the model's, each bone with a rest turn of its own.

    ``thigh``, ``hips``, ``foot`` and ``leg`` are lengths over the model's.
    """
    rng = np.random.default_rng(seed)
    lengths = np.ones((22, 1))
    lengths[[Joint.L_KNEE, Joint.R_KNEE]] = thigh
    lengths[[Joint.L_ANKLE, Joint.R_ANKLE]] = 2 - thigh
    lengths[[Joint.L_KNEE, Joint.R_KNEE, Joint.L_ANKLE, Joint.R_ANKLE]] *= leg
    lengths[[Joint.L_HIP, Joint.R_HIP]] = hips
    lengths[[Joint.L_FOOT, Joint.R_FOOT]] = foot
    points = build(DIRECTIONS, np.zeros(3))
    offsets = points - points[np.maximum(PARENTS, 0)]
    rest = np.zeros((22, 3))
    for joint in range(1, 22):
        rest[joint] = rest[PARENTS[joint]] + scale * lengths[joint] * offsets[joint]
    rest[:, 1] -= rest[Joint.L_FOOT, 1] - 0.02 / 1.1 * scale
    controls = tuple(
        Control(
            name=name,
            part=Part(name.split(".")[0]),
            body=name,
            parent=carrier,
            rest=normalise(rng.normal(size=4)) if seed else IDENTITY,
            share=share,
            head=rest[Joint[joint]],
        )
        for name, joint, carrier, share in _PARTS
    )
    limbs = ("HIP", "KNEE", "ANKLE", "FOOT", "SHOULDER", "ELBOW", "WRIST")
    return RigDescription(
        label="numbers",
        controls=controls,
        root="pelvis",
        root_head=rest[Joint.PELVIS],
        points={Joint[f"{s}_{j}"]: rest[Joint[f"{s}_{j}"]] for s in "LR" for j in limbs},
        floor=0.0,
        axes=IDENTITY,
        extras={},
    )


def a_motion(count=101, seed=0):
    """A body that walks 3 metres while its arm sways; the root's bone has a rest turn."""
    time = np.arange(count) / FPS
    sway = np.zeros((count, 3))
    sway[:, 1] = 0.5 * np.sin(2 * time)
    lean = np.zeros((count, 3))
    lean[:, 0] = 0.1 * np.sin(3 * time)
    rest = normalise(np.array([0.7, 0.1, -0.6, 0.2]))
    locations = np.zeros((count, 3))
    locations[:, 0] = np.linspace(0, 3, count)
    return RigMotion(
        rotations={"hips": from_log(lean), "arm": from_log(sway)},
        root="hips",
        locations=locations,
        fps=FPS,
        root_rest=rest,
        root_head=np.array([0.0, 1.0, 0.0]),
    )
