"""The signs of marked poses in the timeline and the dope sheet."""

from __future__ import annotations

from typing import Final

import bpy
import gpu

from ...core.overlays.cache import LastValue
from ...core.overlays.signs import RULER, SIZE, sign_lines, sign_triangles
from ...operators.timeline import signs_in
from ...properties import armature
from .drawing import Batches, batches, ui_scale

_WIDTH: Final = 1.2

_kept: LastValue[Batches] = LastValue()


def draw_signs(region: bpy.types.Region, obj: bpy.types.Object) -> None:
    """Draw the marked poses of an armature in a region of the dope sheet."""
    scale, margin = ui_scale(), SIZE * ui_scale()
    signs = tuple(
        sign
        for sign in signs_in(region, armature.of(obj), scale)
        if -margin <= sign.x <= region.width + margin
    )
    if not signs:
        return
    top = region.height - RULER * scale
    drawn = _kept.get(
        (signs, scale, top),
        lambda: batches(sign_triangles(signs, scale), sign_lines(signs, scale, top), _WIDTH),
    )
    gpu.state.blend_set("ALPHA")
    drawn.draw()
    gpu.state.blend_set("NONE")


def forget() -> None:
    """Free what is kept on the graphics card."""
    _kept.forget()
