"""Copy Motion: what another armature plays becomes a take of this character."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import bpy

from ..core.body.motion import MotionClip, MotionError
from ..core.body.rotations import Array
from ..core.body.slices import run_to_end
from ..core.pose_constraints.rig_pose import PoseError
from ..core.translation import tr
from ..generate.adapters import SceneTime
from ..generate.copied_motion import prepare_copy
from ..properties import armature
from ..scene.errors import RigError, WriteError
from ..scene.pose.motion_file import IMPORTERS, imported_armature
from ..scene.pose.recording import (
    ActionRange,
    capture_motion,
    copyable_action,
    current_action,
)
from ..scene.rig.description import describe
from ..scene.scene_time import scene_fps
from ..scene.take.provenance import origin_of
from ..scene.take.report import ApplyReport
from . import session
from .character import ArmatureCharacter
from .targets import OperatorResult, has_target, required_target

#: What a copy may be refused with; each message is one sentence.
REFUSED: Final = (RigError, PoseError, WriteError, MotionError)


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
        obj = required_target(context)
        source = context.scene.objects.get(self.source)
        if source is None or source.type != "ARMATURE" or source == obj:
            text = tr("'{name}' is no other armature of this scene: choose one.", name=self.source)
            self.report({"ERROR"}, text)
            return {"CANCELLED"}
        try:
            action = copyable_action(source)
            report = copy_motion(context, obj, source, action, at_current=self.at_current)
        except REFUSED as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        text = tr(
            "'{name}' of '{source}' is on a new NLA track",
            name=report.action_name,
            source=source.name,
        )
        self.report({"INFO"}, text)
        return {"FINISHED"}


class MOTIONGPT_OT_copy_motion_from_file(bpy.types.Operator):
    """Make a take of the motion in a BVH, FBX or glTF file, whatever its skeleton, from the current frame on. Of several files, each becomes a take in the list. Nothing else of them stays"""  # noqa: E501

    bl_idname = "motiongpt.copy_motion_from_file"
    bl_label = "MotionGPT: Copy Motion from File"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: bpy.props.CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"}
    )
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{ending}" for ending in IMPORTERS), options={"HIDDEN"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A character that is free."""
        if not has_target(cls, context):
            return False
        reason = session.why_busy(required_target(context))
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the files."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Import each file, copy its motion, and remove what was imported."""
        paths = _paths(self.filepath, self.directory, [file.name for file in self.files])
        made: list[str] = []
        for path in paths:
            try:
                made.append(_copy_file(context, path, in_list=len(paths) > 1))
            except REFUSED as error:
                self.report({"ERROR" if len(paths) == 1 else "WARNING"}, str(error))
        if len(paths) > 1:
            text = tr("{made} of {count} files became takes", made=len(made), count=len(paths))
            self.report({"INFO"}, text)
        elif made:
            self.report({"INFO"}, tr("'{name}' is on a new NLA track", name=made[0]))
        return {"FINISHED"} if made else {"CANCELLED"}


def _paths(filepath: str, directory: str, names: Sequence[str]) -> list[Path]:
    """The files that were chosen, each once."""
    folder = Path(bpy.path.abspath(directory)) if directory else None
    chosen = [folder / name for name in names if name] if folder is not None else []
    return list(dict.fromkeys(chosen)) or [Path(bpy.path.abspath(filepath))]


def _copy_file(context: bpy.types.Context, path: Path, *, in_list: bool) -> str:
    """Make a take of a file's motion, on the rig or in the list alone; returns its name."""
    obj = required_target(context)
    with imported_armature(path) as source:
        action = replace(copyable_action(source), name=path.stem)
        report = copy_motion(context, obj, source, action, at_current=True)
    if in_list:
        take = armature.of(obj).takes.chosen_take
        assert take is not None  # it was written just now
        take.take_off()
    return report.action_name


def copy_motion(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    source: bpy.types.Object,
    action: ActionRange,
    *,
    at_current: bool,
    change: Callable[[Array, float], Array] | None = None,
    through_poses: bool = True,
) -> ApplyReport:
    """Make a take of what an armature plays in the frames of an action.

    Args:
        context: of the operator.
        obj: the armature that gets the take.
        source: the armature that plays.
        action: which frames, and what the take is called.
        at_current: the take begins at the current frame, not at the action's.
        change: makes another motion of the joints (T, 22, 3) and their frames a second.
        through_poses: marked poses are met.

    Raises:
        One of ``REFUSED``: nothing was changed.
    """
    character, manager = ArmatureCharacter.of(obj, context.scene), context.window_manager
    start = float(context.scene.frame_current) if at_current else action.start
    time = SceneTime(start, scene_fps())
    end = start + action.end - action.start
    take = prepare_copy(character, action.name, start, end, time, through_poses=through_poses)
    manager.progress_begin(0, 100)
    try:
        joints = capture_motion(
            source, describe(source), action, time.fps,
            lambda share: manager.progress_update(100 * share),
        )  # fmt: skip
    finally:
        manager.progress_end()
    joints = joints if change is None else change(joints, time.fps)
    clip = MotionClip(joints, time.fps, prompt=action.name, origin=origin_of(source))
    (report,) = run_to_end(character.write((clip,), take))
    return report
