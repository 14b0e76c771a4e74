"""Fetching the pretrained model that the chosen pack builds on, from the panel."""

from __future__ import annotations

import bpy

from .. import paths
from ..backend.child_task import ChildTask, fetch_base
from ..core.packs.fetched_bases import NamedBase, fetched, remove_folders
from ..core.packs.manifest import PackError
from ..core.translation import tr
from ..preferences import chosen_pack, settings
from . import session
from .child_task import can_begin, is_running, pip_needs_no_network, run
from .targets import OperatorResult


class MOTIONGPT_OT_fetch_base(bpy.types.Operator):
    """Download the pretrained language model that the chosen pack builds on, once"""

    bl_idname = "motiongpt.fetch_base"
    bl_label = "Fetch Model"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A model must be missing, and Blender must be allowed to use the network."""
        if paths.missing_base(chosen_pack(context)) is None:
            cls.poll_message_set(tr("The chosen pack lacks no model"))
            return False
        if settings(context).python is None:
            cls.poll_message_set(tr("Press Set Up first"))
            return False
        return can_begin(cls)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Start the download; a script waits for its end."""
        return fetch_missing(self, context)


class MOTIONGPT_OT_remove_base(bpy.types.Operator):
    """Remove this pretrained model from this computer. Packs that build on it fetch it again"""

    bl_idname = "motiongpt.remove_base"
    bl_label = "Remove Model"
    bl_options = {"INTERNAL"}

    base_id: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while something is downloaded."""
        if is_running():
            cls.poll_message_set(tr("A download is under way"))
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """End the model's process, which may use it, and delete its folders."""
        found = [base for base in fetched() if base.id == self.base_id]
        if not found:
            self.report({"ERROR"}, tr("There is no model '{base}' here.", base=self.base_id))
            return {"CANCELLED"}
        session.current().pump.close()
        try:
            remove_folders(base.folder for base in found)
        except PackError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        freed = sum(base.bytes for base in found) / 1e6
        self.report(
            {"INFO"},
            tr(
                "'{base}' is removed: {megabytes:.0f} MB are free again.",
                base=self.base_id,
                megabytes=freed,
            ),
        )
        return {"FINISHED"}


def fetch_missing(
    operator: bpy.types.Operator, context: bpy.types.Context, fetched: NamedBase | None = None
) -> OperatorResult:
    """Fetch what the chosen pack lacks, then what its planner lacks.

    Args:
        operator: says why it cannot begin.
        context: Blender's.
        fetched: not fetched again, should it still be missing.
    """
    base = paths.missing_base(chosen_pack(context))
    if base is None or base == fetched:
        return {"CANCELLED"}
    try:
        task = start(context, base)
    except OSError as error:
        operator.report(
            {"ERROR"}, tr("The model's Python cannot be started: {reason}", reason=error.strerror)
        )
        return {"CANCELLED"}
    return run(operator, context, task, lambda now, _: _next(operator, now, base))


def _next(operator: bpy.types.Operator, context: bpy.types.Context, fetched: NamedBase) -> None:
    fetch_missing(operator, context, fetched)


def start(context: bpy.types.Context, base: NamedBase) -> ChildTask:
    """Begin to fetch a base with the model's Python, which there must be."""
    python = settings(context).python
    assert python is not None
    offline = not bpy.app.online_access and pip_needs_no_network()
    return fetch_base(python, paths.ROOT, base.id, base.revision, offline=offline)
