"""Choosing, installing and removing model packs, from the preferences."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import paths
from ..core.packs.archives import SUFFIX, remove
from ..core.packs.install_task import InstallStoppedError, InstallTask
from ..core.packs.manifest import PackError, read_info, user_packs
from ..core.translation import tr
from ..preferences import entry, settings
from .targets import OperatorResult

#: Seconds between two looks at an installation.
INTERVAL = 0.1


class MOTIONGPT_OT_choose_pack(bpy.types.Operator):
    """Use this model pack"""

    bl_idname = "motiongpt.choose_pack"
    bl_label = "Choose Pack"
    bl_options = {"INTERNAL"}

    folder: bpy.props.StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write its folder into the preferences; "" is the default pack."""
        if not self.folder:
            choose(context, "")
            return {"FINISHED"}
        try:
            read_info(Path(self.folder))
        except PackError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        choose(context, self.folder)
        return {"FINISHED"}


class MOTIONGPT_OT_install_pack(bpy.types.Operator):
    """Install a model pack from a .motionpack or .zip. It is checked before anything is unpacked"""

    bl_idname = "motiongpt.install_pack"
    bl_label = "Install Pack..."
    bl_options = {"INTERNAL"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX};*.zip", options={"HIDDEN"})
    replace: bpy.props.BoolProperty(
        name="Replace",
        description="Replace an installed pack of the same name",
        default=False,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the file, unless one was dropped."""
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Install, and choose what was installed; Blender stays usable, a script waits."""
        if not self.filepath:
            self.report({"ERROR"}, tr("No file is named: choose a pack's .motionpack or .zip."))
            return {"CANCELLED"}
        source = Path(bpy.path.abspath(self.filepath))
        shipped = [folder.name for folder in paths.shipped_packs()]
        self._task = InstallTask(source, user_packs(), replace=self.replace, shipped=shipped)
        if bpy.app.background or not self.options.is_invoke:
            return self._outcome(context)
        manager = context.window_manager
        self._timer = manager.event_timer_add(INTERVAL, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Show the progress."""
        if event.type == "ESC":
            self._task.stop()
        elif not self._task.done:
            text = tr(
                "Installing the pack: {fraction:.0%} (Esc: stop)", fraction=self._task.fraction
            )
            context.workspace.status_text_set(text)
            return {"PASS_THROUGH"}
        context.workspace.status_text_set(None)
        context.window_manager.event_timer_remove(self._timer)
        return self._outcome(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Called when Blender ends during an installation."""
        self._task.stop()

    def _outcome(self, context: bpy.types.Context) -> OperatorResult:
        """Report how the installation ended."""
        try:
            folder = self._task.outcome()
            info = read_info(folder)
        except InstallStoppedError:
            self.report({"INFO"}, tr("The installation was stopped: nothing was installed."))
            return {"CANCELLED"}
        except PackError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        choose(context, str(folder))
        self.report(
            {"INFO"},
            tr(
                "'{title}' is installed; licence: {licence}",
                title=info.title_and_version,
                licence=info.licence,
            ),
        )
        return {"FINISHED"}


class MOTIONGPT_OT_remove_pack(bpy.types.Operator):
    """Remove the chosen pack from this computer. Only installed packs can be removed"""

    bl_idname = "motiongpt.remove_pack"
    bl_label = "Remove Pack"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An installed pack must be chosen."""
        chosen = settings(context).pack
        installed = chosen.parent == user_packs() and chosen.is_dir()
        if not installed:
            cls.poll_message_set(tr("Choose an installed pack: those of the add-on stay"))
        return installed

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove it; the default pack is used again."""
        name = settings(context).pack.name
        try:
            remove(name, user_packs())
        except PackError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        choose(context, "")
        self.report({"INFO"}, tr("The pack '{name}' is removed.", name=name))
        return {"FINISHED"}


def choose(context: bpy.types.Context, folder: str) -> None:
    """Put a pack's folder into the preferences; bpy as a module has none."""
    if (chosen := entry(context)) is not None:
        chosen.pack = folder
        context.preferences.is_dirty = True
