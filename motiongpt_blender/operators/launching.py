"""How the model's process is started, by the preferences."""

from __future__ import annotations

import bpy

from .. import preferences
from ..backend.process import Launch
from ..generate.job import make_launch


def chosen_launch(context: bpy.types.Context) -> Launch:
    """How the preferences say that the model's process is started; raises GenerateError."""
    chosen = preferences.settings(context)
    return make_launch(chosen.python, chosen.pack, chosen.device, fake=chosen.fake)
