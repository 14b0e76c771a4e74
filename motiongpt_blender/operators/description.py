"""Describe: what the character does, in a sentence, as a name or as the prompt."""

from __future__ import annotations

import bpy

from .. import paths, preferences
from ..backend.process import LaunchError
from ..compat import session_id
from ..core.body.motion import MODEL_FPS, MotionClip
from ..core.translation import tr
from ..generate.job import GenerateError
from ..generate.take_request import take_name
from ..properties import armature
from ..properties.scene import target
from ..scene.access import block_of
from ..scene.errors import RigError
from ..scene.pose.recording import capture_clip, played_action
from ..scene.rig.description import describe
from ..scene.rig.usability import check_usable
from . import session, waiting
from .character import ArmatureCharacter
from .launching import chosen_launch
from .targets import NO_ARMATURE, OperatorResult, required_target

#: The skill that a pack needs.
SKILL = "caption"


class MOTIONGPT_OT_describe(bpy.types.Operator):
    """Ask the model what the character does: its active action, or the take that it plays"""

    bl_idname = "motiongpt.describe"
    bl_label = "MotionGPT: Describe"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An action, a pack with the skill, and nothing that is described already."""
        reason = why_not_described(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Read the action frame by frame and send it; a timer takes in the sentence."""
        obj, manager = required_target(context), context.window_manager
        action = played_action(obj)
        assert action is not None
        key, action_id = ArmatureCharacter.of(obj, context.scene).key, session_id(action)
        manager.progress_begin(0, 100)
        try:
            check_usable(obj)
            joints = capture_clip(obj, describe(obj), lambda s: manager.progress_update(100 * s))
            launch = chosen_launch(context)
            session.current().describer.start(
                MotionClip(joints, MODEL_FPS),
                launch,
                lambda sentence, why: session.take_in_description(key, action_id, sentence, why),
            )
        except (RigError, GenerateError, LaunchError) as error:
            return session.refuse(self, obj, error)
        finally:
            manager.progress_end()
        return self._finish(obj)

    def _finish(self, obj: bpy.types.Object) -> OperatorResult:
        """Where no timer runs, wait for the sentence and report it."""
        if not waiting.no_timers_run():
            return {"FINISHED"}
        waiting.wait_for_description()
        state = session.state_of(obj)
        if state.failed:
            self.report({"ERROR"}, state.message)
            return {"CANCELLED"}
        self.report({"INFO"}, state.description)
        return {"FINISHED"}


class MOTIONGPT_OT_cancel_description(bpy.types.Operator):
    """Ask for no description any more"""

    bl_idname = "motiongpt.cancel_description"
    bl_label = "Cancel Describing"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Cancel the job."""
        session.current().describer.cancel()
        return {"FINISHED"}


class MOTIONGPT_OT_name_by_description(bpy.types.Operator):
    """Give the action that was described, and its take, the sentence as a name"""

    bl_idname = "motiongpt.name_by_description"
    bl_label = "Use Description as Name"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An action must have been described that is still there."""
        obj = target(context)
        found = obj is not None and _described(obj) is not None
        if not found:
            cls.poll_message_set(tr("Describe an action first"))
        return found

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Rename the take, whose action follows, or the action."""
        obj = required_target(context)
        action = _described(obj)
        assert action is not None
        name = take_name(session.state_of(obj).description)
        takes = armature.editable_of(obj).takes.entries
        take = next((take for take in takes if take.action == action), None)
        if take is not None:
            take.name = name
        else:
            action.name = name
        return {"FINISHED"}


def why_not_described(context: bpy.types.Context) -> str:
    """Why the character cannot be described now, or ""."""
    obj = target(context)
    if obj is None:
        return tr(NO_ARMATURE)
    if played_action(obj) is None:
        return tr("The character has no action to describe")
    chosen = preferences.settings(context)
    info = paths.pack_info(chosen.pack)
    if not chosen.fake and (info is None or SKILL not in info.skills):
        return tr(
            "The chosen model pack cannot describe motions: choose one with the skill caption"
        )
    if session.current().describer.job is not None:
        return tr("A motion is being described: wait or cancel it")
    return ""


def _described(obj: bpy.types.Object) -> bpy.types.Action | None:
    """The action that an armature's description is about, while it is there."""
    state = session.state_of(obj)
    return block_of(bpy.data.actions, state.described) if state.description else None
