"""What made a take, and its terms: on the action, on the armature, on bakes and on assets.

Exporters write the custom properties of objects, so the armature bears the terms of its takes
too; a baked action is a new one, and an asset has fields of its own for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy
import numpy as np

from ... import compat
from ...core.body.motion import MotionClip, Origin
from ...core.packs.manifest import is_non_commercial
from ..action.played_curves import audible_actions

#: Custom properties that say what made a take.
PACK_KEY: Final = "motiongpt_pack"
LICENCE_KEY: Final = "motiongpt_licence"
CREDITS_KEY: Final = "motiongpt_credits"
PROMPT_KEY: Final = "motiongpt_prompt"
SEED_KEY: Final = "motiongpt_seed"
CHECKS_KEY: Final = "motiongpt_checks"
_TERMS: Final = (PACK_KEY, LICENCE_KEY, CREDITS_KEY)
#: Tag of an asset with a generated motion.
TAG: Final = "MotionGPT"
#: Share of the curves of a bake that show what a take shows, and how nearly.
_ALIKE: Final = 0.9
_TOLERANCE: Final = 1e-3


def record_provenance(action: bpy.types.Action, clip: MotionClip) -> None:
    """Store prompt, seed, checks and origin of a clip on the action that was made from it."""
    action[PROMPT_KEY], action[SEED_KEY] = clip.prompt, clip.seed
    if clip.checks:
        action[CHECKS_KEY] = "\n".join(clip.checks)
    if clip.origin.pack:
        action[PACK_KEY], action[LICENCE_KEY] = clip.origin.pack, clip.origin.licence
        action[CREDITS_KEY] = "\n".join(clip.origin.credits)


def provenance_of(action: bpy.types.Action) -> tuple[str, int]:
    """Prompt and seed of a take's action; "" and 0 where they are not known."""
    return str(action.get(PROMPT_KEY, "")), int(action.get(SEED_KEY, 0))


def origin_of(obj: bpy.types.Object) -> Origin:
    """The origin of what an object plays; of several, one that forbids commercial use."""
    found = [o for action in audible_actions(obj) if (o := origin_of_action(action)).pack]
    return min(found, key=lambda o: not is_non_commercial(o.licence), default=Origin())


def show_terms(obj: bpy.types.Object) -> None:
    """Let an armature bear the terms of all takes on it, a line each, and no others.

    Beside an action of the animator's own, which may be a bake, the terms before it stay.
    """
    actions = list(_actions_on(obj))
    active = obj.animation_data.action if obj.animation_data is not None else None
    may_be_bake = active is not None and PACK_KEY not in active
    for key in _TERMS:
        before = str(obj.get(key, "")) if may_be_bake else ""
        texts = (before, *(str(action.get(key, "")) for action in actions))
        lines = dict.fromkeys(line for text in texts for line in text.splitlines() if line)
        if lines:
            obj[key] = "\n".join(lines)
        elif key in obj:
            del obj[key]


def carry_terms() -> None:
    """Mark actions that were baked from takes, and fill in the fields of assets; before a save."""
    for obj in bpy.data.objects:
        if PACK_KEY in obj and obj.library is None:
            _mark_bake(obj)
    for block in (*bpy.data.actions, *bpy.data.objects):
        if PACK_KEY in block and block.library is None and block.asset_data is not None:
            _fill_asset(block, block.asset_data)


def mark_as_asset(action: bpy.types.Action) -> None:
    """Make a take's action an asset that bears its prompt, tags, author and licence."""
    action.asset_mark()
    assert action.asset_data is not None
    if PACK_KEY in action:
        _fill_asset(action, action.asset_data)
    else:
        action.asset_data.description = str(action.get(PROMPT_KEY, ""))
        action.asset_data.tags.new(TAG, skip_if_exists=True)


def origin_of_action(action: bpy.types.Action) -> Origin:
    """The origin of what an action holds; an empty one where it is not known."""
    if PACK_KEY not in action:
        return Origin()
    credits = str(action.get(CREDITS_KEY, ""))
    return Origin(
        str(action[PACK_KEY]), str(action.get(LICENCE_KEY, "")), tuple(credits.splitlines())
    )


def _actions_on(obj: bpy.types.Object) -> Iterator[bpy.types.Action]:
    """The active action and those of all strips, muted ones too."""
    data = obj.animation_data
    if data is None:
        return
    if data.action is not None:
        yield data.action
    for track in data.nla_tracks:
        yield from (strip.action for strip in track.strips if strip.action is not None)


def _mark_bake(obj: bpy.types.Object) -> None:
    """Give the active action the terms of a take that it was baked from."""
    active = obj.animation_data.action if obj.animation_data is not None else None
    if active is None or PACK_KEY in active:
        return
    for take in _actions_on(obj):
        if PACK_KEY in take and _shows(active, take):
            for key in _TERMS:
                if key in take:
                    active[key] = take[key]
            return


def _shows(action: bpy.types.Action, take: bpy.types.Action) -> bool:
    """Whether an action has the values of a take's curves, as a bake has them."""
    own = {(c.data_path, c.array_index): c for c in compat.all_curves(action)}
    pairs = [
        (curve, own[curve.data_path, curve.array_index])
        for curve in compat.all_curves(take)
        if (curve.data_path, curve.array_index) in own
    ]
    if not pairs:
        return False
    first, last = take.frame_range
    frames = np.linspace(first, last, 8).round()
    alike = sum(
        all(abs(a.evaluate(f) - b.evaluate(f)) < _TOLERANCE for f in map(float, frames))
        for a, b in pairs
    )
    return alike >= _ALIKE * len(pairs)


def _fill_asset(block: bpy.types.Action | bpy.types.Object, asset: bpy.types.AssetMetaData) -> None:
    """Fill in what the animator left empty."""
    licence, credits = str(block.get(LICENCE_KEY, "")), str(block.get(CREDITS_KEY, ""))
    asset.license = asset.license or "; ".join(licence.splitlines())
    asset.author = asset.author or "; ".join(credits.splitlines())
    asset.description = asset.description or str(block.get(PROMPT_KEY, ""))
    for tag in (TAG, *str(block[PACK_KEY]).splitlines()):
        asset.tags.new(tag, skip_if_exists=True)
