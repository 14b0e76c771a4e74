"""Add Sample Character: something to animate at once, alone or with poses and takes to try."""

from __future__ import annotations

from typing import Final

import bpy
from mathutils import Vector

from ..core.bounded_files import FileError
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.translation import tr
from ..generate.controller import NOT_WRITTEN, REFUSED, made_text
from ..generate.job import MAX_FRAMES
from ..generate.request import prepare, take_request
from ..generate.take_request import PreparedTake, Timing
from ..properties import armature
from ..properties import scene as scene_properties
from ..scene.access import pose_bones
from ..scene.pose.mark_pose import mark_pose
from ..scene.pose.strike import strike
from ..scene.rig.description import describe
from ..scene.sample.character import add_sample_character
from ..scene.sample.sample_takes import SampleTakes, read_sample_takes
from ..scene.scene_time import scene_fps
from ..scene.take.report import ApplyReport
from . import session
from .character import ArmatureCharacter
from .targets import OperatorResult

#: The middle of the way of the takes from where the character stands, and metres to look from.
WAY_CENTRE: Final = (0.0, -2.3, 0.9)
WAY_DISTANCE: Final = 9.0


class MOTIONGPT_OT_add_sample_character(bpy.types.Operator):
    """Add a rigged mannequin to try prompts and poses on"""

    bl_idname = "motiongpt.add_sample_character"
    bl_label = "Add Sample Character"
    bl_options = {"REGISTER", "UNDO"}

    with_takes: bpy.props.BoolProperty(
        name="With Poses and Takes",
        description="With three marked poses, a prompt and three takes that pass through the poses",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(
        cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties
    ) -> str:
        """Tooltip with or without takes."""
        if properties.with_takes:
            return tr(
                "Add a rigged mannequin with three marked poses, a prompt and three takes of it, "
                "to see what the panel is for. No model is needed"
            )
        return tr("Add a rigged mannequin to try prompts and poses on")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """In object mode alone, as for everything that is added."""
        if context.mode != "OBJECT":
            cls.poll_message_set(tr("Switch to object mode first"))
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Add it and look at it."""
        result = self.execute(context)
        if context.area is not None and context.area.type == "VIEW_3D":
            if self.with_takes:
                _look_at_way(context)
            else:
                window = next((r for r in context.area.regions if r.type == "WINDOW"), None)
                with context.temp_override(region=window):
                    bpy.ops.view3d.view_selected()
        return result

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Add it; what keeps the takes from being written leaves the character."""
        rig = add_sample_character(context)
        if self.with_takes:
            try:
                _add_takes(context, rig, read_sample_takes())
            except (*REFUSED, *NOT_WRITTEN, FileError, OSError) as error:
                self.report({"WARNING"}, str(error))
        return {"FINISHED"}


def _look_at_way(context: bpy.types.Context) -> None:
    """Show where the takes lead, unless the view is a camera's."""
    space, rig = context.space_data, context.view_layer.objects.active
    view = space.region_3d if isinstance(space, bpy.types.SpaceView3D) else None
    if view is not None and rig is not None and view.view_perspective != "CAMERA":
        view.view_location = rig.location + Vector(WAY_CENTRE)
        view.view_distance = WAY_DISTANCE


def _add_takes(context: bpy.types.Context, rig: bpy.types.Object, sample: SampleTakes) -> None:
    """Mark the poses from the current frame on, and put the takes on the character."""
    kept = armature.editable_of(rig)
    kept.request.prompt, kept.request.seed = sample.prompt, sample.clips[0].seed
    mark_poses(rig, sample, context.scene.frame_current)
    character = ArmatureCharacter.of(rig, context.scene)
    reports = _write(context, character, sample)
    session.controller().tell(character.key, f"{made_text(reports)}.")


def _write(
    context: bpy.types.Context, character: ArmatureCharacter, sample: SampleTakes
) -> tuple[ApplyReport, ...]:
    """Write the takes at once, with a cursor that tells to wait."""
    writing = character.write(sample.clips, prepared_take(context, character, sample))
    if context.window is not None:
        context.window.cursor_modal_set("WAIT")
    try:
        while True:
            next(writing)
    except StopIteration as end:
        return end.value
    finally:
        if context.window is not None:
            context.window.cursor_modal_restore()


def mark_poses(rig: bpy.types.Object, sample: SampleTakes, first: int) -> None:
    """Mark the poses of the takes from a frame on; the rig stays as it is."""
    described, last = describe(rig), len(sample.shares) - 1
    entries = armature.editable_of(rig).poses
    for k, (share, joints) in enumerate(zip(sample.shares, sample.joints, strict=True)):
        strike(rig, described, joints)
        role = {0: PoseRole.START, last: PoseRole.END}.get(k, PoseRole.KEY)
        frame = first + round(share * sample.seconds * scene_fps())
        entries.add().store(mark_pose(rig, described, frame, role))
    for bone in pose_bones(rig):
        bone.matrix_basis.identity()


def prepared_take(
    context: bpy.types.Context, character: ArmatureCharacter, sample: SampleTakes
) -> PreparedTake:
    """What would have been sent to the model for these takes."""
    time = session.controller().blender.time()
    request = take_request(
        character,
        sample.prompt,
        sample.seconds,
        scene_properties.of(context.scene).sampling(sample.clips[0].seed),
        Timing(),
        time.frame,
        len(sample.clips),
    )
    return prepare(character, request, time, MAX_FRAMES)
