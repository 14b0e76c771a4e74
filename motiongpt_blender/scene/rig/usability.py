"""Whether an armature can be posed and animated; refusals are one sentence each."""

from __future__ import annotations

from typing import Final

import bpy
import numpy as np

from ...core.translation import tr
from ..access import TRANSFORM_PROPERTIES, armature_of, bone_names, pose_bones
from ..errors import RigError

#: Share by which the scales along two axes may differ.
MAX_SCALE_DIFFERENCE: Final = 0.01


def check_usable(obj: bpy.types.Object | None) -> None:
    """Raise RigError unless ``obj`` is an armature that may be posed and animated."""
    if obj is None or obj.type != "ARMATURE":
        raise RigError(tr("No armature is chosen: choose the character's armature in the panel."))
    if obj.library is not None or not obj.is_editable:
        raise RigError(
            tr(
                "'{name}' is linked from another file and cannot be animated here: "
                "choose Object > Library Override > Make, or Object > Relations > Make "
                "Local.",
                name=obj.name,
            )
        )
    override = obj.override_library
    if override is not None and override.is_system_override:
        raise RigError(
            tr(
                "'{name}' is a library override that is not editable, so it cannot be "
                "animated: right-click it in the Outliner and choose Library Override > "
                "Make > Selected.",
                name=obj.name,
            )
        )
    if obj.mode == "EDIT":
        raise RigError(
            tr("'{name}' is in Edit Mode: press Tab to leave it, then try again.", name=obj.name)
        )
    if armature_of(obj).pose_position == "REST":
        raise RigError(
            tr(
                "'{name}' is shown in its rest position: set Armature > Pose Position "
                "back to Pose Position.",
                name=obj.name,
            )
        )
    if not _is_evaluated(obj):
        raise RigError(
            tr(
                "'{name}' is switched off in the viewports, itself or by its collection, "
                "so its pose cannot be read: switch on the monitor icon or the "
                "collection in the Outliner.",
                name=obj.name,
            )
        )
    bone_names(armature_of(obj))  # refuses those that cannot be read
    _check_numbers(obj)
    _check_scale(obj)


def check_not_tweaked(obj: bpy.types.Object) -> None:
    """Raise RigError while an NLA strip is in tweak mode: no take can be put beside it."""
    if obj.animation_data is not None and obj.animation_data.use_tweak_mode:
        raise RigError(
            tr(
                "An NLA strip of '{name}' is in tweak mode: press Tab in the NLA editor "
                "to leave it, then try again.",
                name=obj.name,
            )
        )


def _is_evaluated(obj: bpy.types.Object) -> bool:
    """Whether Blender keeps the pose up to date; an object that is only hidden is."""
    layer = bpy.context.view_layer
    if layer is None:
        return False
    if layer.objects.get(obj.name) != obj:
        layer.update()  # an object that a script has just added
    if layer.objects.get(obj.name) != obj:
        return False
    return not obj.hide_viewport and not all(c.hide_viewport for c in obj.users_collection)


def _check_numbers(obj: bpy.types.Object) -> None:
    """Raise RigError where a transform of a bone or of the object is not a finite number."""
    bones = pose_bones(obj)
    for prop in TRANSFORM_PROPERTIES:
        own = np.array(getattr(obj, prop), dtype=np.float64)
        values = np.empty(len(own) * len(bones), dtype=np.float32)
        bones.foreach_get(prop, values)
        finite = np.isfinite(values).reshape(len(bones), len(own)).all(-1)
        if finite.all() and np.isfinite(own).all():
            continue
        channel = tr(prop.split("_")[0])
        if finite.all():
            raise RigError(
                tr(
                    "'{name}' has a {channel} that is not a number: clear it in the sidebar under "
                    "Item, and remove keys that hold it.",
                    name=obj.name,
                    channel=channel,
                )
            )
        raise RigError(
            tr(
                "The bone '{bone}' of '{name}' has a {channel} that is not a number: clear it in "
                "the sidebar under Item, and remove keys that hold it.",
                bone=bones[int(np.argmin(finite))].name,
                name=obj.name,
                channel=channel,
            )
        )


def _check_scale(obj: bpy.types.Object) -> None:
    """Raise RigError where the object's scale, its parents' included, would distort the motion."""
    axes = np.array(obj.matrix_world, dtype=np.float64)[:3, :3].T
    sizes = np.linalg.norm(axes, axis=-1)
    if not np.isfinite(sizes).all() or sizes.min() < 1e-9:
        raise RigError(
            tr(
                "'{name}' has a scale of zero: give it a scale in the sidebar under Item.",
                name=obj.name,
            )
        )
    if np.linalg.det(axes) < 0:
        raise RigError(
            tr(
                "'{name}' or a parent has a negative scale, which swaps left and right: "
                "apply it with Object > Apply > Scale.",
                name=obj.name,
            )
        )
    skew = np.abs(axes @ axes.T / np.outer(sizes, sizes) - np.eye(3)).max()
    if sizes.max() > (1 + MAX_SCALE_DIFFERENCE) * sizes.min() or skew > MAX_SCALE_DIFFERENCE:
        axis_scales = ", ".join(f"{size:.4g}" for size in sizes)
        raise RigError(
            tr(
                "'{name}' or a parent is scaled unevenly ({axis_scales}), which distorts "
                "every motion: apply it with Object > Apply > Scale.",
                name=obj.name,
                axis_scales=axis_scales,
            )
        )
