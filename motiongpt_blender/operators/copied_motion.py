"""Copy Motion: what another armature plays becomes a take of this character."""

from __future__ import annotations

import bpy

from ..core.body.motion import MotionClip, MotionError
from ..core.body.slices import run_to_end
from ..core.pose_constraints.rig_pose import PoseError
from ..core.translation import tr
from ..generate.adapters import SceneTime
from ..generate.copied_motion import prepare_copy
from ..scene.errors import RigError, WriteError
from ..scene.pose.recording import capture_motion, copyable_action, current_action
from ..scene.rig.description import describe
from ..scene.scene_time import scene_fps
from ..scene.take.provenance import origin_of
from . import session
from .character import ArmatureCharacter
from .targets import OperatorResult, has_target, required_target


def sources(context: bpy.types.Context, obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The other armatures of the scene that play something, by their names."""
    others = (o for o in context.scene.objects if o.type == "ARMATURE" and o != obj)
    return sorted((o for o in others if current_action(o) is not None), key=lambda o: o.name)


class MOTIONGPT_OT_copy_motion(bpy.types.Operator):
    """Make a take of what another armature plays, whatever its skeleton: an action, imported motion capture, a take. Marked poses in its frames are met"""  # noqa: E501

    bl_idname = "motiongpt.copy_motion"
    bl_label = "MotionGPT: Copy Motion"
    bl_options = {"REGISTER", "UNDO"}

    source: bpy.props.StringProperty(
        name="From", description="Armature whose animation is copied", options={"SKIP_SAVE"}
    )
    at_current: bpy.props.BoolProperty(
        name="At Current Frame",
        description="Begin at the current frame, not where the animation begins",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A character that is free, and another armature that plays something."""
        if not has_target(cls, context):
            return False
        obj = required_target(context)
        reason = session.why_busy(obj)
        if not reason and not sources(context, obj):
            reason = tr("No other armature of this scene plays an action")
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Read the source frame by frame, and write the take."""
        try:
            message = self._copy(context)
        except (RigError, PoseError, WriteError, MotionError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, message)
        return {"FINISHED"}

    def _copy(self, context: bpy.types.Context) -> str:
        obj, manager = required_target(context), context.window_manager
        source = context.scene.objects.get(self.source)
        if source is None or source.type != "ARMATURE" or source == obj:
            raise RigError(
                tr("'{name}' is no other armature of this scene: choose one.", name=self.source)
            )
        action, character = copyable_action(source), ArmatureCharacter.of(obj, context.scene)
        start = float(context.scene.frame_current) if self.at_current else action.start
        time = SceneTime(start, scene_fps())
        end = start + action.end - action.start
        take = prepare_copy(character, action.name, start, end, time)
        manager.progress_begin(0, 100)
        try:
            joints = capture_motion(
                source, describe(source), action, time.fps,
                lambda share: manager.progress_update(100 * share),
            )  # fmt: skip
        finally:
            manager.progress_end()
        clip = MotionClip(joints, time.fps, prompt=action.name, origin=origin_of(source))
        (report,) = run_to_end(character.write((clip,), take))
        return tr(
            "'{name}' of '{source}' is on a new NLA track",
            name=report.action_name,
            source=source.name,
        )
