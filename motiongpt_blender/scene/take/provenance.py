"""Where an action comes from: pack, licence, credits, prompt and seed as custom properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ...core.body.motion import MotionClip, Origin
from ...core.packs.manifest import is_non_commercial

PACK: Final = "motiongpt_pack"
LICENCE: Final = "motiongpt_licence"
CREDITS: Final = "motiongpt_credits"
PROMPT: Final = "motiongpt_prompt"
SEED: Final = "motiongpt_seed"


def record_provenance(action: Any, clip: MotionClip) -> None:
    """Note on a new action what made it."""
    action[PROMPT], action[SEED] = clip.prompt, clip.seed
    if clip.origin.pack:
        action[PACK], action[LICENCE] = clip.origin.pack, clip.origin.licence
        action[CREDITS] = "\n".join(clip.origin.credits)


def origin_of(obj: Any) -> Origin:
    """The origin of what an object plays; of several packs one that forbids commercial use."""
    found = [o for action in _actions(obj) if (o := _noted(action)).pack]
    return min(found, key=lambda o: not is_non_commercial(o.licence), default=Origin())


def _actions(obj: Any) -> Iterator[Any]:
    """The active action and those of the NLA tracks that are heard."""
    data = obj.animation_data
    if data is None:
        return
    if data.action is not None:
        yield data.action
    for track in data.nla_tracks:
        if not track.mute:
            yield from (s.action for s in track.strips if s.action is not None)


def _noted(action: Any) -> Origin:
    if PACK not in action:
        return Origin()
    credits = str(action.get(CREDITS, ""))
    return Origin(str(action[PACK]), str(action.get(LICENCE, "")), tuple(credits.splitlines()))
