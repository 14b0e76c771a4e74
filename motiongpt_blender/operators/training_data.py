"""Animation of this file as training data: a clip with its caption."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.body.motion import MODEL_FPS, MotionClip, MotionError
from ..core.packs.clip_folder import ClipFolderError, add_clip, clip_name
from ..core.timeline.prompts import PromptError, clean_prompt
from ..core.translation import tr
from ..properties import armature
from ..scene.errors import RigError
from ..scene.pose.recording import capture_clip, exportable_action
from ..scene.rig.description import describe
from ..scene.take.provenance import origin_of
from .targets import OperatorResult, has_target, required_target


class MOTIONGPT_OT_export_clip(bpy.types.Operator):
    """Save the armature's action to a folder of clips, with the prompt as its caption"""

    bl_idname = "motiongpt.export_clip"
    bl_label = "Export Clip for Training"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.npz", options={"HIDDEN"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the file, named after the action."""
        try:
            stretch = exportable_action(required_target(context))
            clean_prompt(armature.of(required_target(context)).request.prompt)
        except (RigError, PromptError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        name = f"{clip_name(stretch.name)}.npz"
        folder = Path(self.filepath or bpy.data.filepath or Path.home()).parent
        self.filepath = str(folder / name)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Read the action frame by frame and write the clip."""
        if not self.filepath:
            self.report({"ERROR"}, tr("No file is named: choose a .npz in the folder of clips."))
            return {"CANCELLED"}
        path = Path(bpy.path.abspath(self.filepath))
        path = path.with_name(f"{path.name}.npz") if path.suffix != ".npz" else path
        manager = context.window_manager
        manager.progress_begin(0, 100)
        try:
            caption = clean_prompt(armature.of(required_target(context)).request.prompt)
            obj = required_target(context)
            joints = capture_clip(obj, describe(obj), lambda s: manager.progress_update(100 * s))
            origin = origin_of(obj)
            add_clip(path, MotionClip(joints, MODEL_FPS, prompt=caption, origin=origin), caption)
        except (RigError, PromptError, MotionError, ClipFolderError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            manager.progress_end()
        seconds = (len(joints) - 1) / MODEL_FPS
        self.report({"INFO"}, f"{path.name}: {seconds:.1f} s, '{caption}'")
        return {"FINISHED"}
