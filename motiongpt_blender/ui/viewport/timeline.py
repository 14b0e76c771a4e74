"""The signs of marked poses in the timeline and the dope sheet."""

from __future__ import annotations

import bpy
import gpu

from ...core.overlays.signs import RULER, SIZE, sign_lines, sign_triangles
from ...operators.timeline import signs_in
from ...properties import armature
from .drawing import batches, ui_scale


def draw_signs(region: bpy.types.Region, obj: bpy.types.Object) -> None:
    """Draw the marked poses of an armature in a region of the dope sheet."""
    scale = ui_scale()
    signs = [
        sign
        for sign in signs_in(region, armature.of(obj), scale)
        if -SIZE * scale <= sign.x <= region.width + SIZE * scale
    ]
    if not signs:
        return
    lines = sign_lines(signs, scale, region.height - RULER * scale)
    gpu.state.blend_set("ALPHA")
    batches(sign_triangles(signs, scale), [lines], width=1.2).draw()
    gpu.state.blend_set("NONE")
