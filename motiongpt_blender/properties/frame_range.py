"""Where in time a take goes, as the animator chose it. Kept in the scene."""

from __future__ import annotations

import bpy

from ..core.timeline.frame_range import FrameRangeMode
from ..core.translation import CONTEXT
from ..generate.take_request import Timing

MODES = (
    (FrameRangeMode.FREE.value, "Free", "From the start pose, or from the current frame"),
    (
        FrameRangeMode.BETWEEN.value,
        "Between Keyframes",
        "From the keyframe before the current frame to the one after it. Other animation stays",
    ),
    (
        FrameRangeMode.RANGE.value,
        "Frame Range",
        "Over the frames below. The animation outside stays, and the take joins it smoothly",
    ),
    (
        FrameRangeMode.CONTINUE.value,
        "After the Last Frame",
        "Continues where the character's animation ends",
    ),
)


class MotionGPTFrameRange(bpy.types.PropertyGroup):
    """Frame range of a take, and whether it loops."""

    mode: bpy.props.EnumProperty(
        name="Frames",
        translation_context=CONTEXT,
        description="Which frames the take is written to",
        items=MODES,
        default=FrameRangeMode.FREE.value,
    )
    start: bpy.props.IntProperty(
        name="From", translation_context=CONTEXT, description="First frame of the range", default=1
    )
    end: bpy.props.IntProperty(
        name="To", translation_context=CONTEXT, description="Last frame of the range", default=73
    )
    loop: bpy.props.BoolProperty(
        name="Loop",
        description="The take ends as it begins, so that it can be repeated",
    )
    cyclic: bpy.props.BoolProperty(
        name="Repeat",
        translation_context=CONTEXT,
        description="Add Cycles modifiers to the curves of a loop, so that it repeats without end",
    )

    def timing(self) -> Timing:
        """What is chosen, as the use-case takes it."""
        return Timing(FrameRangeMode(self.mode), self.start, self.end, self.loop, self.cyclic)

    def set_timing(self, timing: Timing) -> None:
        """Choose what a take was made with."""
        self.mode = timing.mode.value
        self.start, self.end = round(timing.start), round(timing.end)
        self.loop, self.cyclic = timing.loop, timing.cyclic
