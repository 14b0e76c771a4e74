"""A sequence: prompt blocks on the timeline, kept on the armature object they move."""

from __future__ import annotations

import bpy

from ..core.timeline.sequences import Block
from ..wire import LIMITS, Sampling


class MotionGPTBlock(bpy.types.PropertyGroup):
    """One prompt with its frames."""

    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the character does in these frames, in plain English",
        default="a person walks forward",
        options={"TEXTEDIT_UPDATE"},
    )
    start: bpy.props.IntProperty(name="From", description="First frame. Blocks that touch share it")
    end: bpy.props.IntProperty(name="To", description="Last frame")
    seed: bpy.props.IntProperty(
        name="Seed",
        description="The same seed gives the same motion, another seed a different one",
        default=Sampling().seed,
        min=int(LIMITS["seed"].low),
        max=int(LIMITS["seed"].high),
    )

    def block(self) -> Block:
        """The block as the use-case takes it."""
        return Block(self.prompt, self.start, self.end, self.seed)


class MotionGPTSequence(bpy.types.PropertyGroup):
    """All blocks of one armature."""

    blocks: bpy.props.CollectionProperty(type=MotionGPTBlock)
    active: bpy.props.IntProperty(name="Active block")

    def plan(self) -> list[Block]:
        """All blocks, in the order of the list."""
        return [block.block() for block in self.blocks]

    @property
    def active_block(self) -> MotionGPTBlock | None:
        """The chosen block, or None."""
        return self.blocks[self.active] if 0 <= self.active < len(self.blocks) else None
