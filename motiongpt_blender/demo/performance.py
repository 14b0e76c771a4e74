"""From marked poses to a filmed take: what the demo and the ten prompts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.body.motion import MotionClip
from ..core.body.rotations import Array, angle_between
from ..core.pose_constraints.marked_pose import MarkedPose
from ..core.rig.rig_description import RigDescription
from ..scene.pose.capture import capture_joints, capture_pose
from ..scene.pose.mark_pose import mark_pose
from ..scene.pose.strike import strike
from ..scene.rig.description import describe
from ..scene.take.apply import ApplyReport, apply_clip
from . import stage
from .character import floor_path, make_rigify_human
from .figure import add_figure, add_ghost
from .roles import NAMES, linear
from .stances import FIRST, Cue


@dataclass(frozen=True)
class Met:
    """How near the written motion comes to a marked pose, read off the evaluated rig.

    Attributes:
        degrees: the largest angle of any control.
        place_cm: distance of the root.
        joints_cm: the largest distance of any of the 22 joints.
    """

    degrees: float
    position_cm: float
    joints_cm: float


class Performance:
    """A character on its stage."""

    def __init__(self, look: stage.Look, fps: int) -> None:
        """Make the character, its figure and the stage; everything before it is gone."""
        self.look = look
        self.rig_object = make_rigify_human()
        scene = bpy.context.scene
        scene.render.fps, scene.render.fps_base = fps, 1.0
        self.rig: RigDescription = describe(self.rig_object)
        self.figure = add_figure(self.rig_object)
        self.camera = stage.set_stage(look)
        self.ghosts: list[Any] = []

    @property
    def fps(self) -> float:
        """Frames a second of the scene."""
        render = bpy.context.scene.render
        return float(render.fps / render.fps_base)

    def mark(self, cues: Sequence[Cue], seconds: float) -> tuple[MarkedPose, ...]:
        """Pose the rig for each cue and mark it; a ghost of the figure stays behind."""
        marked: list[MarkedPose] = []
        for cue in cues:
            frame = FIRST + round(cue.share * seconds * self.fps)
            bpy.context.scene.frame_set(frame)
            strike(self.rig_object, self.rig, cue.joints)
            marked.append(mark_pose(self.rig_object, self.rig, frame, cue.role))
            self.ghosts.append(add_ghost(self.figure, NAMES[cue.role].title(), linear(cue.role)))
        return tuple(marked)

    def stand(self, joints: Array) -> None:
        """Stand like these joints (22, 3) where the motion is to begin."""
        bpy.context.scene.frame_set(FIRST)
        strike(self.rig_object, self.rig, joints)

    def apply(self, clip: MotionClip, marked: Sequence[MarkedPose], name: str) -> ApplyReport:
        """Write the clip to the rig as a new take."""
        report = apply_clip(self.rig_object, clip, marked, FIRST, name)
        scene = bpy.context.scene
        scene.frame_start, scene.frame_end = round(report.frame_start), round(report.frame_end)
        return report

    def follow(self, report: ApplyReport) -> None:
        """Let the camera go along with the take."""
        frames = range(round(report.frame_start), round(report.frame_end) + 1)
        path = floor_path(self.rig_object, self.rig, frames)
        stage.follow(self.camera, path, frames, self.fps, self.look)

    def measure(self, pose: MarkedPose) -> Met:
        """Compare the evaluated rig with a marked pose at its frame."""
        bpy.context.scene.frame_set(pose.frame)
        now = capture_pose(self.rig_object, self.rig)
        joints = capture_joints(self.rig_object, self.rig)
        angles = [
            float(angle_between(np.array(now.rotations[name]), np.array(turn)))
            for name, turn in pose.pose.rotations.items()
        ]
        place = np.subtract(now.root_location, pose.pose.root_location)
        away = np.linalg.norm(joints - pose.joints, axis=-1)
        return Met(
            degrees=float(np.degrees(max(angles))),
            position_cm=100 * float(np.linalg.norm(place)) / self.rig.scale,
            joints_cm=100 * float(away.max()),
        )
