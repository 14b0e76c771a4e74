"""A take's keys in an action of the animator's: put in, counted before, and taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import bpy
import numpy as np

from ... import compat
from ..access import current_scene, keyframe_enum
from ..action.action_writer import Channel, new_curve
from ..action.keys import SAME_FRAME, Keys
from ..action.nla_restore import drop_empty_animation_data
from ..action.nla_tracks import playing_strip
from ..action.played_curves import audible_actions
from ..scene_time import preserving_transforms
from .placing import record_before
from .provenance import show_terms
from .record import ROOT_MOTION_KEY, TAKE_KEY, TakeRecord, add_root_motion_property

#: Values that differ by no more are the same.
_SAME_VALUE: Final = 1e-4


def own_keys_in_the_way(obj: bpy.types.Object, take: bpy.types.Action) -> int:
    """How many frames of a take have keys of the animator's in the active action.

    Keys at the take's first and last frame that the take meets are in no way. While the take
    plays, the action counts that is active without it.
    """
    generated = keyframe_enum("type", "GENERATED")
    target, slot = _active_without(obj, take)
    if target is None:
        return 0
    known = _curves(target, slot)
    first, last = take.curve_frame_range
    found: set[float] = set()
    for curve in compat.all_curves(take):
        own = Keys.of(known.get((curve.data_path, curve.array_index))).within(first, last)
        for (frame, value), kind in zip(own.fields["co"], own.fields["type"], strict=True):
            edge = min(abs(frame - first), abs(frame - last)) < SAME_FRAME
            met = edge and abs(curve.evaluate(float(frame)) - value) < _SAME_VALUE
            if kind != generated and not met:
                found.add(round(float(frame), 2))
    return len(found)


def _active_without(
    obj: bpy.types.Object, take: bpy.types.Action
) -> tuple[bpy.types.Action | None, compat.Slot]:
    """The action that is active, or will be once a take that plays is taken off."""
    data, record = obj.animation_data, TakeRecord.load(take)
    if data is None:
        return None, None
    if record is not None and playing_strip(data, take) is not None:
        track = data.nla_tracks.get(record.stashed_track)
        if track is None or not len(track.strips):
            return None, None
        return track.strips[0].action, compat.strip_slot(track.strips[0])
    return data.action, compat.active_slot(data)


def merge_take(obj: bpy.types.Object, take: bpy.types.Action, name: str) -> bpy.types.Action:
    """Put a take's keys into the active action, in place of those that lie between its ends.

    Args:
        obj: the armature object; the take does not play on it.
        take: the take's action. It keeps how the armature was before.
        name: of the action that is made where none is active.

    Returns:
        The active action.
    """
    record_before(obj, take).save(take)
    if any(ROOT_MOTION_KEY in curve.data_path for curve in compat.all_curves(take)):
        add_root_motion_property(obj)
    had_tracks = any(True for _ in audible_actions(obj))
    data = obj.animation_data or obj.animation_data_create()
    assert data is not None
    new = data.action is None
    if new:
        action, slot = compat.new_action(name, obj)
        compat.assign_action(data, action, slot)
        if had_tracks:  # what plays there plays on beside the take
            data.action_extrapolation = "NOTHING"
    target, slot = data.action, compat.ensure_slot(data, obj)
    assert target is not None
    known = _curves(target, slot)
    turned = _turned_quaternions(known, take)
    for curve in compat.all_curves(take):
        key = curve.data_path, curve.array_index
        old = known.get(key)
        around = None if new and len(curve.keyframe_points) > 1 else _value_now(obj, curve)
        own = Keys.of(curve)
        if key[0] in turned:
            own = own.negative()
        keys = _merged(Keys.of(old), own, take, around)
        if old is None:
            group = curve.group.name if curve.group is not None else ""
            old = new_curve(target, slot, Channel(*key, group, np.zeros(0)))
        keys.write(old)
    for label in list(take.keys()):  # prompt, licence and credits
        if label not in target and label != TAKE_KEY:
            target[label] = take[label]
    show_terms(obj)
    _show_again(obj)
    return target


def unmerge_take(
    obj: bpy.types.Object,
    take: bpy.types.Action,
    target: bpy.types.Action,
    before: bpy.types.Action | None,
) -> None:
    """Take a take's keys out of an action again; what lay there before comes back.

    Args:
        obj: the armature object.
        take: the take's action.
        target: the action with its keys.
        before: a copy of that action before; None: it was made for the take.
    """
    data = obj.animation_data
    slot = compat.only_slot_of(target, obj)
    first, last = take.curve_frame_range
    then = {(c.data_path, c.array_index): c for c in compat.all_curves(before)} if before else {}
    known = _curves(target, slot)
    keyed = [(c.data_path, c.array_index) for c in compat.all_curves(take)]
    for key in keyed:
        if (curve := known.get(key)) is None:
            continue
        keys = _restored(Keys.of(curve), Keys.of(then.get(key)), first - 1, last + 1)
        if len(keys.frames):
            keys.write(curve)
        else:
            compat.curves(target, slot).remove(curve)
    for name in list(take.keys()):
        if name in target and (before is None or name not in before):
            del target[name]
    if before is None and data is not None and data.action == target:
        data.action_extrapolation = "HOLD"
        if not any(True for _ in compat.all_curves(target)):
            data.action = None
    (TakeRecord.load(take) or TakeRecord()).restore(obj, keyed)
    TakeRecord.forget(take)
    show_terms(obj)
    drop_empty_animation_data(obj)
    for action in (target, before):
        if action is not None and action.users == 0:
            bpy.data.actions.remove(action)
    _show_again(obj)


def _turned_quaternions(
    known: dict[tuple[str, int], bpy.types.FCurve], take: bpy.types.Action
) -> set[str]:
    """Paths of quaternions that begin with the other sign than the animator's: the same rotation.

    Between two frames Blender would interpolate from one sign to the other.
    """
    first, products = float(take.curve_frame_range[0]), dict[str, float]()
    for curve in compat.all_curves(take):
        old = known.get((curve.data_path, curve.array_index))
        if curve.data_path.endswith("rotation_quaternion") and old is not None:
            product = curve.evaluate(first) * old.evaluate(first)
            products[curve.data_path] = products.get(curve.data_path, 0.0) + product
    return {path for path, product in products.items() if product < 0}


def _restored(keys: Keys, then: Keys, first: float, last: float) -> Keys:
    """Keys with those from before between two frames, and the handles that led there.

    What the animator did since beside these frames stays.
    """
    out = keys.beside(first, last).joined(then.within(first, last))
    for side in (then.at(then.frames < first), then.at(then.frames > last)):
        if not len(side.frames):
            continue
        near = side.at(np.array([-1 if side.frames[-1] < first else 0]))
        place, value = near.fields["co"][0]
        same = out.value_at(float(place))
        if same is not None and abs(same - value) < _SAME_VALUE:
            out = out.beside(float(place), float(place)).joined(near)
    return out


def _merged(old: Keys, keys: Keys, take: bpy.types.Action, around: float | None) -> Keys:
    """The keys of a curve with those of a take between the take's ends.

    Beside the take the curve keeps its shape.

    Args:
        old: keys of the curve.
        keys: keys of the take.
        take: the take's action.
        around: what the property shows beside the take where the curve has no keys; None: what
            the take's ends show.
    """
    first, last = (float(frame) for frame in take.curve_frame_range)
    keys = keys.at(np.arange(len(keys.frames)))
    if len(keys.frames) == 1:  # it holds: up to the end
        keys.fields["interpolation"][0] = keyframe_enum("interpolation", "CONSTANT")
    cut = old
    for edge, beside, chosen in ((first, first - 1, 0), (last, last + 1, -1)):
        value = old.value_at(edge)
        if value is not None and abs(value - keys.fields["co"][chosen, 1]) < _SAME_VALUE:
            cut = cut.cut(edge)
            if len(keys.frames) > 1:
                _keep_own_side(keys, cut.within(edge, edge), chosen)
        else:
            cut = cut.cut(beside)
    out = cut.beside(first, last).joined(keys)
    if len(old.frames) or around is None:
        return out
    return out.joined(_holding(keys, first - 1, around)).joined(_holding(keys, last + 1, around))


def _keep_own_side(keys: Keys, own: Keys, chosen: int) -> None:
    """Leave the animator's key at an end of a take as it is, on the side that is not the take's."""
    kept = ["co", "type"]
    if chosen == 0:
        kept += ["handle_left", "handle_left_type"]
    else:
        kept += ["handle_right", "handle_right_type", "interpolation", "easing"]
    for name in kept:
        keys.fields[name][chosen] = own.fields[name][0]


def _holding(keys: Keys, frame: float, value: float) -> Keys:
    """One key at a frame that holds a value up to the next one."""
    one = keys.at(np.array([0]))
    for name, away in (("co", 0.0), ("handle_left", -1 / 3), ("handle_right", 1 / 3)):
        one.fields[name][0] = frame + away, value
    constant = keyframe_enum("interpolation", "CONSTANT")
    assert constant is not None
    one.fields["interpolation"][0] = constant
    return one


def _value_now(obj: bpy.types.Object, curve: bpy.types.FCurve) -> float | None:
    """The present value of a curve's property; None where it is gone."""
    try:
        now: Any = obj.path_resolve(curve.data_path)
    except ValueError:
        return None
    return float(now[curve.array_index] if hasattr(now, "__len__") else now)


def _curves(action: bpy.types.Action, slot: compat.Slot) -> dict[tuple[str, int], bpy.types.FCurve]:
    return {(c.data_path, c.array_index): c for c in compat.slot_curves(action, slot)}


def _show_again(obj: bpy.types.Object) -> None:
    """Evaluate the current frame anew; unkeyed changes of other objects stay."""
    scene = current_scene()
    with preserving_transforms(_others(obj)):
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def _others(obj: bpy.types.Object) -> Iterator[bpy.types.Object]:
    return (o for o in current_scene().objects if o != obj)
