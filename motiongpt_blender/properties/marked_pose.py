"""One marked pose, as the armature object or a take keeps it."""

from __future__ import annotations

import json
import math

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.body.skeleton import JOINT_COUNT
from ..core.pose_constraints.body_parts import WHOLE_BODY, BodyPart
from ..core.pose_constraints.fk_mismatch import FKMismatch, find_worst_mismatch, mismatch_note
from ..core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..core.pose_constraints.rest_pose import rest_pose_from_json, rest_pose_to_json
from ..core.pose_constraints.rig_pose import PoseError, RigPose
from ..core.rig.bone_maps import Part
from ..core.rig.figure import Figure
from ..core.timeline.frame_range import frame_text
from ..core.translation import CONTEXT, tr

ROLES = (
    (PoseRole.START.value, "Start", "The motion begins with this pose"),
    (PoseRole.KEY.value, "Key", "The motion passes through this pose"),
    (PoseRole.END.value, "End", "The motion ends with this pose"),
)


PARTS = (
    (BodyPart.UPPER.value, "Upper Body", "Spine, head, arms and hands", 1),
    (BodyPart.LOWER.value, "Lower Body", "Hips with their position, legs and feet", 2),
    (BodyPart.HIPS.value, "Hips", "The hips with their position and heading", 4),
    (BodyPart.ARM_L.value, "Left Arm", "Shoulder, arm and hand", 8),
    (BodyPart.ARM_R.value, "Right Arm", "Shoulder, arm and hand", 16),
    (BodyPart.HAND_L.value, "Left Hand", "Hand and fingers", 32),
    (BodyPart.HAND_R.value, "Right Hand", "Hand and fingers", 64),
)


class MotionGPTPose(bpy.types.PropertyGroup):
    """One marked pose."""

    frame: bpy.props.IntProperty(name="Frame")
    subframe: bpy.props.FloatProperty(name="Subframe", min=0.0, max=1.0)
    role: bpy.props.EnumProperty(
        name="Role", translation_context=CONTEXT, items=ROLES, default=PoseRole.KEY.value
    )
    body_parts: bpy.props.EnumProperty(
        name="Parts",
        description="Parts of this pose that the motion has to meet. The others are free",
        items=PARTS,
        options={"ENUM_FLAG"},
        default={part.value for part in WHOLE_BODY},
    )
    controls: bpy.props.StringProperty(options={"HIDDEN"})
    joints: bpy.props.StringProperty(options={"HIDDEN"})
    object_matrix: bpy.props.StringProperty(options={"HIDDEN"})
    fk_mismatches: bpy.props.StringProperty(options={"HIDDEN"})
    rest: bpy.props.StringProperty(options={"HIDDEN"})
    figure: bpy.props.StringProperty(options={"HIDDEN"})

    @property
    def at(self) -> float:
        """The frame with its subframe."""
        return round(self.frame + self.subframe, 3)

    @property
    def parts(self) -> frozenset[BodyPart]:
        """The parts that constrain the motion."""
        return frozenset(BodyPart(part) for part in self.body_parts)

    @property
    def note(self) -> str:
        """A sentence about what FK controls cannot reach of these parts, or ""."""
        return mismatch_note(find_worst_mismatch(self._missed(), self.parts))

    def store(self, marked: MarkedPose) -> None:
        """Fill in all fields."""
        self.frame = math.floor(marked.frame)
        self.subframe = marked.frame - self.frame
        self.role = marked.role.value
        self.body_parts = {part.value for part in marked.body_parts}
        self.controls = marked.pose.to_json()
        self.joints = json.dumps(np.round(marked.joints.astype(float), 6).tolist())
        self.object_matrix = (
            "" if marked.object_matrix is None else json.dumps(marked.object_matrix.tolist())
        )
        self.fk_mismatches = json.dumps(
            [
                (m.bone, m.degrees, m.millimetres, m.part and m.part.value)
                for m in marked.fk_mismatches
            ]
        )
        self.rest = "" if marked.rest is None else rest_pose_to_json(marked.rest)
        self.figure = "" if marked.figure is None else marked.figure.to_json()

    def load(self) -> MarkedPose:
        """The pose that is stored; raises PoseError when it cannot be read."""
        pose = RigPose.from_json(self.controls)
        try:
            joints = np.array(json.loads(self.joints), dtype=np.float32)
        except (ValueError, TypeError):
            joints = np.empty(0, dtype=np.float32)
        if joints.shape != (JOINT_COUNT, 3):
            raise PoseError(
                tr(
                    "The pose marked at frame {frame} cannot be read: remove it and mark the "
                    "pose again.",
                    frame=frame_text(self.at),
                )
            )
        body_parts = self.parts
        if not body_parts:
            raise PoseError(
                tr(
                    "The pose at frame {frame} constrains no part of the body: choose parts "
                    "under the list, or remove the pose.",
                    frame=frame_text(self.at),
                )
            )
        role, object_matrix = PoseRole(self.role), matrix_from_json(self.object_matrix)
        return MarkedPose(
            self.at,
            role,
            pose,
            joints,
            body_parts,
            object_matrix,
            self._missed(),
            rest_pose_from_json(self.rest),
            Figure.from_json(self.figure),
        )

    def _missed(self) -> tuple[FKMismatch, ...]:
        """What FK controls cannot reach; nothing when that was not stored."""
        try:
            rows = json.loads(self.fk_mismatches)
            return tuple(
                FKMismatch(b, float(d), float(m), Part(p) if p else None) for b, d, m, p in rows
            )
        except (ValueError, TypeError):
            return ()


def matrix_from_json(text: str) -> NDArray[np.float64] | None:
    """A stored matrix (4, 4) of an object; None when it was not stored."""
    try:
        matrix = np.array(json.loads(text), dtype=np.float64)
    except (ValueError, TypeError):
        return None
    return matrix if matrix.shape == (4, 4) and np.isfinite(matrix).all() else None
