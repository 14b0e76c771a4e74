"""``python -m tests.support.measure.pose_takes``: takes between two poses, measured on rigs.

A pack generates walks to a placed pose and arrivals at unusual ones. Each is put on every rig
and finished as the add-on does it, its first and last pose marked. Prints how evenly the rig
walks, how early it arrives, and how exactly it meets the marks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.body.rotations import Array, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.finish_motion import finish_motion_slices
from motiongpt_blender.core.pose_constraints.rig_pose import pose_at
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from motiongpt_blender.core.rig.rig_description import RigDescription, RigMotion
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.core.timeline.frame_range import Fit
from motiongpt_blender.demo.command import exit_now, run_command
from tests.support.measure.rigs import makers

#: Cases of ``measure-poses`` that are put on rigs, by their beginnings.
CASES: Final = ("1.5 m in 3 s, stand", "3 m in 4 s, turned", "kneel: a person walks", "T-pose: a")
#: Joints of arms and legs; the others follow the hips and shoulders.
_LIMBS: Final = tuple(j for j in Joint if j.name[1] == "_" and not j.name.endswith("COLLAR"))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.pose_takes", description=__doc__
    )
    parser.add_argument("--pack", default="starter", help="name or folder of a pack")
    parser.add_argument("--rigs", type=Path, nargs="*", default=[], help="folders of rig files")
    parser.add_argument("--only", nargs="+", help="names of some rigs")
    arguments = parser.parse_args(argv)
    return run_command("pose takes", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from ext_models import packs
    from ext_models.generation.pipeline import MotionPipeline, silent
    from ext_models.lab.pose_timing import PoseRow, cases_of, table
    from motiongpt_blender.wire import Sampling

    pipeline = MotionPipeline.from_pack(packs.named(arguments.pack), "cpu")
    cases = [c for c in cases_of(None, Sampling(), MODEL_FPS) if c.name.startswith(CASES)]
    takes = [(case, pipeline.generate(case.request, *silent()).clips[0].joints) for case in cases]
    rows: list[PoseRow] = []
    with tempfile.TemporaryDirectory(prefix="motiongpt-takes-") as folder:
        for name, make in makers(arguments.rigs, Path(folder)):
            if arguments.only and name not in arguments.only:
                continue
            rig = _described(make)
            for case, joints in takes:
                marks = np.stack([pose.joints for pose in case.request.poses])
                shown, off = take_on(rig, joints, marks)
                rows.append(
                    PoseRow.of(f"{name}, {case.name}", case.kind, shown, MODEL_FPS, 100 * off)
                )
                print(table(rows[-1:]).splitlines()[2], flush=True)
    print(table(rows))
    return 0


def _described(make: Any) -> RigDescription:
    import bpy

    from motiongpt_blender.scene.rig.description import describe

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return describe(make())


def take_on(rig: RigDescription, joints: Array, marks: Array) -> tuple[Array, float]:
    """A motion on a rig, finished; and how far it is from its marks there.

    Args:
        rig: of the character.
        joints: (T, 22, 3) metres.
        marks: (2, 22, 3) the poses of the first and the last frame.

    Returns:
        Joints (T, 22, 3) of the rig, in metres of the model, and metres of the worst joint.
    """
    last = len(joints) - 1
    marked = solve(rig, marks, MODEL_FPS)
    poses = {0: pose_at(marked, 0), last: pose_at(marked, 1)}
    finished = run_to_end(
        finish_motion_slices(
            rig, solve(rig, joints, MODEL_FPS), poses, find_foot_contacts(joints, MODEL_FPS), 1.0,
            Fit(), RigOptions(lock_feet=True),
        )
    )  # fmt: skip
    shown = _joints(rig, finished.motion)
    off = np.linalg.norm(shown[[0, last]] - _joints(rig, marked), axis=-1).max()
    return shown, float(off)


def _joints(rig: RigDescription, motion: RigMotion) -> Array:
    """Joints (T, 22, 3) of a motion on a rig, in metres of the model."""
    posed = forward_kinematics(rig, motion)
    joints = np.empty((len(motion), len(Joint), 3))
    joints[:] = (motion.root_head + rotate(motion.root_rest, motion.locations))[:, None]
    for joint in _LIMBS:
        joints[:, joint] = joint_position(rig, posed, joint)
    return joints / rig.scale


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
