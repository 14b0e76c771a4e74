"""Where in time a take goes, as the animator chose it; kept in the scene."""

from __future__ import annotations

import bpy

from ..core.timeline.frame_range import FrameRangeMode

MODES = (
    (FrameRangeMode.FREE.value, "Free", "From the start pose, or from the current frame, on"),
    (
        FrameRangeMode.BETWEEN.value,
        "Between Keyframes",
        "From the keyframe before the current frame to the one after it; all else stays",
    ),
    (
        FrameRangeMode.RANGE.value,
        "Frame Range",
        "Over the frames below; the animation outside stays, and the take joins it smoothly",
    ),
    (
        FrameRangeMode.CONTINUE.value,
        "After the Last Frame",
        "Goes on from where the character's animation ends",
    ),
)


class MotionGPTFrameRange(bpy.types.PropertyGroup):
    """Place of a take in time."""

    mode: bpy.props.EnumProperty(
        name="Where",
        description="Where in time the take goes",
        items=MODES,
        default=FrameRangeMode.FREE.value,
    )
    start: bpy.props.IntProperty(name="From", description="First frame of the range", default=1)
    end: bpy.props.IntProperty(name="To", description="Last frame of the range", default=73)
    loop: bpy.props.BoolProperty(
        name="Loop",
        description="The take ends as it begins, so that it can be played round and round",
    )
    cyclic: bpy.props.BoolProperty(
        name="Repeat",
        description="Give the curves of a loop Cycles modifiers, so that they go on for ever",
    )
