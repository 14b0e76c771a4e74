"""Documentation: the manual that came with the add-on, in the web browser."""

from __future__ import annotations

import bpy

from .. import paths
from ..core.markdown_page import page
from ..core.packs.manifest import data_folder
from ..core.translation import tr
from .targets import OperatorResult

#: The manual as a page, in the user's folder.
PAGE = "manual.html"


class MOTIONGPT_OT_documentation(bpy.types.Operator):
    """Open the manual, which came with the add-on, in the web browser. Nothing is downloaded"""

    bl_idname = "motiongpt.documentation"
    bl_label = "Documentation"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write the page, as an update of the add-on may have changed it, and open it."""
        target = data_folder() / PAGE
        try:
            text = page(paths.MANUAL.read_text("utf-8"), paths.MANUAL.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        except OSError as error:
            self.report(
                {"ERROR"},
                tr(
                    "The manual cannot be opened ({error}): read {manual} instead.",
                    error=error.strerror or error,
                    manual=paths.MANUAL,
                ),
            )
            return {"CANCELLED"}
        bpy.ops.wm.url_open(url=target.as_uri())
        return {"FINISHED"}
