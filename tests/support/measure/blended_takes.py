"""How far feet slide in blends of two takes of one prompt, with and without their steps aligned.

    python -m tests.support.measure.blended_takes

The four takes that the pack ``starter`` offers for each of three prompts, each pair of them blended
half and half on a rig of the model's proportions. The slide is the mean speed of the toe that
supports the body, before feet are planted again, and how far planting has to move it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest
from ext_models.motion.floor_metrics import support_foot_speed
from motiongpt_blender.core.body.rotations import Array, slerp
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.reshape import retime
from motiongpt_blender.core.reshape.planting import contacts_of, ground_along
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from motiongpt_blender.core.rig.rig_description import RigDescription, RigMotion
from motiongpt_blender.demo.command import exit_now, run_command
from tests.support.numeric_rig import a_rig

PACK = Path("ext_models/model_packs/starter")
PROMPTS = ("a person walks forward", "a person runs forward", "a person walks in a circle")
FRAMES = 100
FPS = 20.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=PACK)
    pack = parser.parse_args(argv).pack
    return run_command("blended takes", lambda: _run(pack))


def _run(pack: Path) -> int:
    pipeline = MotionPipeline.from_pack(pack, "cpu")
    rig = a_rig()
    rows: list[tuple[float, ...]] = []
    for prompt in PROMPTS:
        found = pipeline.generate(GenerationRequest(prompt, FRAMES), *silent()).alternatives
        takes = [_finished(rig, clip.joints.astype(np.float64)) for clip in found]
        for a, b in combinations(range(len(takes)), 2):
            rows.append(_compared(rig, takes[a], takes[b]))
            print(f"{prompt}, takes {a + 1} and {b + 1}: " + _told(rows[-1]))
    print(f"mean of {len(rows)}: " + _told(np.mean(rows, axis=0)))
    print(f"less slide in {sum(row[2] < row[1] for row in rows)} of {len(rows)}")
    return 0


def _told(row: Sequence[float]) -> str:
    own, plain, aligned, moved, less = (100 * value for value in row)
    return (
        f"takes {own:.1f} cm/s, blend {plain:.1f}, in step {aligned:.1f}; planting moves toes "
        f"{moved:.1f} cm, in step {less:.1f}"
    )


def _finished(rig: RigDescription, joints: Array) -> RigMotion:
    return lock_feet(rig, solve(rig, joints, FPS), find_foot_contacts(joints, FPS))[0]


def _compared(rig: RigDescription, one: RigMotion, other: RigMotion) -> tuple[float, ...]:
    plain = _blended(one, other)
    aligned = _blended(*run_to_end(retime.in_step_slices(rig, one, other, 0.5)))
    own = [_slide(rig, motion) for motion in (one, other)]
    slides = [_slide(rig, motion) for motion in (plain, aligned)]
    return (float(np.mean(own)), *slides, *(_moved(rig, motion) for motion in (plain, aligned)))


def _blended(one: RigMotion, other: RigMotion) -> RigMotion:
    half = np.full(len(one), 0.5)
    rotations = {name: slerp(q, other.rotations[name], half) for name, q in one.rotations.items()}
    locations = 0.5 * (one.locations + other.locations)
    return replace(one, rotations=rotations, locations=locations)


def _joints(rig: RigDescription, motion: RigMotion) -> Array:
    """Joints (T, 22, 3) in metres of the model; of these only the toes are filled in."""
    posed = forward_kinematics(rig, motion)
    joints = np.zeros((len(motion), len(Joint), 3))
    for joint in (Joint.L_FOOT, Joint.R_FOOT):
        joints[:, joint] = joint_position(rig, posed, joint)
    joints[..., 1] -= float(rig.points[Joint.L_FOOT][1])
    return joints / rig.scale


def _slide(rig: RigDescription, motion: RigMotion) -> float:
    return support_foot_speed(_joints(rig, motion), FPS) or 0.0


def _moved(rig: RigDescription, motion: RigMotion) -> float:
    """Mean distance by which planting moves a toe that it plants."""
    ground = ground_along(rig, motion)
    contacts = contacts_of(rig, motion, ground)
    planted, _ = lock_feet(rig, motion, contacts, (), ground)
    toes = [Joint.L_FOOT, Joint.R_FOOT]
    away = np.linalg.norm((_joints(rig, planted) - _joints(rig, motion))[:, toes], axis=-1)
    stands = np.stack([contacts.mask(side, len(motion)) for side in "LR"], axis=1) > 0
    return float(away[stands].mean()) if stands.any() else 0.0


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
