"""Where the add-on's properties of an armature are: on its object, or in a scene.

Blender saves no list of a library override: what belongs to one is kept in a scene of the file.
"""

from __future__ import annotations

import re
from typing import Any, Final

import bpy

#: Name of the property that the add-on gives to objects and to scenes.
PROPERTY: Final = "motiongpt"
#: Path of what a scene keeps for an override.
_ENTRY: Final = re.compile(rf"{PROPERTY}\.overrides\[(\d+)\]")


def kept_of(obj: bpy.types.Object) -> Any:
    """The add-on's properties of an armature object; None while the add-on is disabled.

    Those of a library override are its library's, until a scene keeps some for it.
    """
    own = getattr(obj, PROPERTY, None)
    if own is None or obj.override_library is None:
        return own
    entries = (e for scene in bpy.data.scenes for e in getattr(scene, PROPERTY).overrides)
    return next((entry.kept for entry in entries if entry.armature == obj), own)


def owner_of(group: bpy.types.PropertyGroup) -> bpy.types.Object:
    """The armature object that a property group of the add-on belongs to."""
    block = group.id_data
    if isinstance(block, bpy.types.Object):
        return block
    found = _ENTRY.match(group.path_from_id())
    assert found is not None, "only overrides are kept in a scene"
    return getattr(block, PROPERTY).overrides[int(found[1])].armature
