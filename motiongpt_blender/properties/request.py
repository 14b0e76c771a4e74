"""What the animator asks for of one character: prompt, length, seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import bpy

from ..wire import LIMITS, Sampling

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import PropertyOverrideFlagItems

#: The one place of the defaults.
DEFAULTS: Final = Sampling()
#: Length of a motion where nothing else says it, seconds.
SECONDS: Final = 3.0
#: So that a library override may have other values than its library; saved with its file.
OVERRIDABLE: Final[set[PropertyOverrideFlagItems]] = {"LIBRARY_OVERRIDABLE"}


def _set_length(request: MotionGPTRequest, _context: bpy.types.Context) -> None:
    """A length that was entered counts."""
    request.auto_length = False


class MotionGPTRequest(bpy.types.PropertyGroup):
    """Prompt, length and seed of a character's next takes."""

    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the character does, in plain English: 'a person walks forward'",
        default="a person walks forward",
        options={"TEXTEDIT_UPDATE"},
        override=OVERRIDABLE,
    )
    seconds: bpy.props.FloatProperty(
        name="Length",
        description="Length of the motion. A marked end pose sets it instead",
        update=_set_length,
        default=SECONDS,
        min=0.4,
        max=60.0,
        soft_max=9.7,
        step=10,
        precision=1,
        subtype="TIME_ABSOLUTE",
        override=OVERRIDABLE,
    )
    auto_length: bpy.props.BoolProperty(
        name="Auto Length",
        description="Use the length that suits the prompt, as the model pack has learnt it",
        default=True,
        override=OVERRIDABLE,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="The same seed gives the same motion, another seed a different one",
        default=DEFAULTS.seed,
        min=int(LIMITS["seed"].low),
        max=int(LIMITS["seed"].high),
        override=OVERRIDABLE,
    )

    def copy_from(self, other: MotionGPTRequest) -> None:
        """Ask for what another character is asked for."""
        self.prompt, self.seconds, self.seed = other.prompt, other.seconds, other.seed
        self.auto_length = other.auto_length  # last: a length that was set counts

    def take_over(self, older: Mapping[str, Any]) -> None:
        """Ask for what an older version kept in the scene; what was set here stays."""
        for name in ("prompt", "seconds", "seed", "auto_length"):  # a length that was set counts
            if name in older and not self.is_property_set(name):
                setattr(self, name, older[name])
