"""Compositions of two clips: one after the other, or the upper body of one on the other's legs.

A small data set has each action alone. Joined clips teach a model "walks forward, then bows" and
"runs while waving": the second clip continues where the first one ends and is blended from its
last pose, or its upper body replaces that of the first clip. Captions are joined with the clips.
Pairs that are held out for measuring are never joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from motiongpt_blender.core.body.motion import heading, local_pose, place_at_origin
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.smoothing import smoothstep
from motiongpt_blender.core.mirroring import mirror_sentence

from .examples import Array, Example
from .sentences import has_plain_subject, then_caption, verbs_of, while_caption

#: Frames of the blend from the first clip's last pose into the second clip.
LEAD: Final = 12
#: Largest mean joint distance at the seam, metres: about a step of a walk.
SEAM: Final = 0.2
#: Limits of a motion in place: metres of travel, radians of turning, metres up and down.
IN_PLACE: Final = (0.35, 0.6, 0.12)
#: Smallest travel of a clip that gets another upper body, metres.
TRAVEL: Final = 0.8
#: Draws for each joined clip; most pairs do not fit.
TRIES: Final = 60

_UPPER: Final = [j.value for j in Joint if j.name.split("_")[-1] not in
                 ("PELVIS", "HIP", "KNEE", "ANKLE", "FOOT")]  # fmt: skip
_ARMS: Final = re.compile(r"\b(hands?|arms?|fists?|punch\w*|wav\w+)\b")
#: Words about the lower body, which would not be true of other legs.
_STANDS: Final = re.compile(r"\b(stand\w*|wait\w*|still|place|foot|feet|legs?|idle|bend\w*)\b")
#: Words about arms in a caption of the legs, which would not be true of another upper body.
_BUSY: Final = re.compile(
    r"\b(hands?|arms?|danc\w*|ballet|karate|kata|martial|cartwheel\w*|box|ball|basketball"
    r"|dribbl\w*|crawl\w*|swing\w*)\b"
)

Pair = tuple[str, str]


@dataclass(frozen=True)
class HeldOutPairs:
    """Contents that are never joined, nor their mirror images.

    Attributes:
        then: (first, second) by content, as "walk" and "bow".
        together: (legs, upper body).
    """

    then: frozenset[Pair] = frozenset()
    together: frozenset[Pair] = frozenset()

    @classmethod
    def of(cls, prompts: Sequence[dict[str, Any]]) -> HeldOutPairs:
        """From the tables of a list of compositions; see ``recipes/prompts``."""

        def pairs(how: str) -> frozenset[Pair]:
            named = [tuple(p["parts"]) for p in prompts if p["how"] == how]
            return frozenset(p for a, b in named for p in ((a, b), (_mirror(a), _mirror(b))))

        return cls(pairs("then"), pairs("while"))

    def allows(self, kind: str, first: Example, second: Example) -> bool:
        """Whether two clips may be joined: ``then`` or ``together``."""
        pairs = self.then if kind == "then" else self.together
        return not any(_shows(first, a) and _shows(second, b) for a, b in pairs)


def _mirror(content: str) -> str:
    return mirror_sentence(content.replace("-", " ")).replace(" ", "-")


def _shows(example: Example, content: str) -> bool:
    """Whether a clip's label names a content; in doubt it does."""
    label = (example.label or "").lower()
    return label.split(", ")[0] == content or content in re.split(r"[^a-z]+", label)


def join_examples(
    examples: Sequence[Example],
    *,
    then: int,
    together: int,
    longest: int,
    seed: int,
    held_out_pairs: HeldOutPairs | None = None,
) -> list[Example]:
    """Join pairs of clips, as many of each kind as fitting pairs are found.

    Args:
        examples: clips to take from; their split is kept, so give those of one split.
        then: number of clips of one after the other.
        together: number of clips of an upper body on other legs.
        longest: most frames of a new clip.
        seed: of the draw.
        held_out_pairs: what is never joined.
    """
    rng = np.random.default_rng(seed)
    never = held_out_pairs or HeldOutPairs()
    joined = _draw(
        examples, examples, then, rng, lambda a, b: concatenate_clips(a, b, longest, never)
    )
    lexicon = verbs_of(c for e in examples for c in e.captions)
    legs = [e for e in examples if _travels(e.joints) and not _BUSY.search(" ".join(e.captions))]
    bodies = [e for e in examples if _stays(e.joints) and _moves_arms(e)]
    joined += _draw(
        legs, bodies, together, rng, lambda a, b: overlay_upper_body(a, b, lexicon, never)
    )
    return joined


def _draw(
    firsts: Sequence[Example],
    seconds: Sequence[Example],
    count: int,
    rng: np.random.Generator,
    make: Callable[[Example, Example], Example | None],
) -> list[Example]:
    """Random pairs until there are enough; every label is equally likely."""
    if not firsts or not seconds:
        return []
    by_label = [_by_label(firsts), _by_label(seconds)]
    clips: list[Example] = []
    known: set[str] = set()  # one clip for each pair of labels
    with tqdm(total=count, desc="joining", unit="clip", leave=False) as bar:
        for _ in range(TRIES * count):
            if len(clips) >= count:
                break
            one, other = (_pick(groups, rng) for groups in by_label)
            joined = make(one, other) if one.id != other.id else None
            if joined is not None and joined.label not in known:
                known.add(joined.label)
                clips.append(joined)
                bar.update()
    return clips


def _by_label(examples: Sequence[Example]) -> list[list[Example]]:
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.label or example.captions[0], []).append(example)
    return list(groups.values())


def _pick(groups: Sequence[Sequence[Example]], rng: np.random.Generator) -> Example:
    group = groups[int(rng.integers(len(groups)))]
    return group[int(rng.integers(len(group)))]


def concatenate_clips(
    first: Example, second: Example, longest: int, held_out_pairs: HeldOutPairs
) -> Example | None:
    """The first clip, then the second; None where they do not fit."""
    if len(first.joints) + len(second.joints) > longest or not held_out_pairs.allows(
        "then", first, second
    ):
        return None
    tails = [c for c in second.captions if has_plain_subject(c)]
    moved = _onto_end(first.joints, second.joints)
    if not tails or moved is None:
        return None
    captions = tuple(
        then_caption(head, tails[k % len(tails)]) for k, head in enumerate(first.captions)
    )
    return replace(
        first,
        id=f"{first.id}+{second.id}",
        joints=np.concatenate([first.joints, moved]).astype(np.float32),
        captions=captions,
        label=f"{first.label}, then {second.label}",
        vectors=None,
        tokens=(),
    )


def overlay_upper_body(
    legs: Example, body: Example, verbs: frozenset[str], held_out_pairs: HeldOutPairs
) -> Example | None:
    """The legs of one clip under the upper body of another; None where they do not fit."""
    count = min(len(legs.joints), len(body.joints))
    if count < 0.6 * len(body.joints) or not held_out_pairs.allows("while", legs, body):
        return None
    tails = [c for c in body.captions if _ARMS.search(c) and not _STANDS.search(c)]
    joined_captions = [while_caption(head, tail, verbs) for head in legs.captions for tail in tails]
    captions = tuple(dict.fromkeys(c for c in joined_captions if c))
    if not captions:
        return None
    joints = with_upper_body(legs.joints[:count], body.joints[:count])
    return replace(
        legs,
        id=f"{legs.id}&{body.id}",
        joints=joints,
        captions=captions[:6],
        label=f"{legs.label} while {body.label}",
        vectors=None,
        tokens=(),
    )


def with_upper_body(legs: Array, body: Array) -> Array:
    """Joints (T, 22, 3) of ``legs`` with everything above the pelvis from ``body`` (T, 22, 3)."""
    joints = legs.copy()
    upper = local_pose(body)[:, _UPPER]
    joints[:, _UPPER] = rotate(about_y(heading(legs))[:, None], upper) + legs[:, :1]
    return joints


def _onto_end(first: Array, second: Array) -> Array | None:
    """The second motion placed at the end of the first one and blended from its last pose."""
    end = 2 * first[-1] - first[-2]
    placed = place_at_origin(second)
    placed = rotate(about_y(heading(end)), placed) + end[0] * np.array([1.0, 0.0, 1.0])
    gap = end - placed[0]
    if np.linalg.norm(gap, axis=-1).mean() > SEAM:
        return None
    # Every joint keeps the first motion's position and speed, and fades to the second motion's.
    speed = (first[-1] - first[-2]) - (placed[1] - placed[0])
    frames = np.arange(len(placed))
    fade = smoothstep(1 - frames / LEAD)
    return (placed + fade[:, None, None] * (gap + frames[:, None, None] * speed)).astype(np.float32)


def _travels(joints: Array) -> bool:
    return float(np.linalg.norm((joints[-1, 0] - joints[0, 0])[[0, 2]])) > TRAVEL


def _stays(joints: Array) -> bool:
    travel, turning, bob = IN_PLACE
    away = np.linalg.norm((joints[:, 0] - joints[0, 0])[:, [0, 2]], axis=-1).max()
    turned = np.abs(np.unwrap(heading(joints)) - heading(joints[:1])).max()
    return bool(away < travel and turned < turning and np.ptp(joints[:, 0, 1]) < bob)


def _moves_arms(example: Example) -> bool:
    wrists: NDArray[Any] = example.joints[:, [Joint.L_WRIST, Joint.R_WRIST]]
    local = wrists - example.joints[:, :1]
    return float(np.ptp(local, axis=0).max()) > 0.25 and any(
        _ARMS.search(c) for c in example.captions
    )
