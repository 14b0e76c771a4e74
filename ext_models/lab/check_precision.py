"""How far the checks of prompts can be trusted, by real clips and their own captions.

A check is right when the clips whose caption demands it meet it and when others do not. A caption
does not tell everything: who waves, raises a hand too. Clips whose captions entail a check are no
counterexamples, and for what most clips do silently only clips of a contradiction are. The
thresholds of ``ext_models.prompt_checks`` were chosen by this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ext_models.datasets.examples import Example
from ext_models.evaluation.tables import Row, Table
from ext_models.prompt_checks.checks import Demand, PromptCheck, Side
from ext_models.prompt_checks.grammar import implied_checks, read_checks
from ext_models.prompt_checks.measuring import measure

#: Demands that come with others: who runs moves along, so that such a clip is no counterexample.
ENTAILING: Final = {
    Demand.TRAVEL: frozenset(
        {Demand.RUN, Demand.CIRCLE, Demand.STEPS, Demand.MARCH, Demand.FAST, Demand.SLOW}
    ),
    Demand.FAST: frozenset({Demand.RUN}),
    Demand.JUMP: frozenset({Demand.HOP, Demand.JACKS}),
    Demand.HOP: frozenset({Demand.JUMP, Demand.JACKS}),
    Demand.RAISE: frozenset({Demand.WAVE, Demand.JACKS}),
    Demand.LOWER: frozenset({Demand.RAISE, Demand.WAVE, Demand.THROW}),
    Demand.CROUCH: frozenset({Demand.SIT, Demand.KNEEL, Demand.LIE, Demand.CRAWL, Demand.GET_UP}),
    Demand.FALL: frozenset({Demand.LIE}),
    Demand.REACH_DOWN: frozenset({Demand.PICK_UP, Demand.CRAWL, Demand.LIE}),
}
_ON_THE_WAY: Final = frozenset(
    {Demand.TRAVEL, Demand.RUN, Demand.CIRCLE, Demand.MARCH, Demand.CRAWL}
)
_AT_REST: Final = frozenset({Demand.STILL, Demand.STAND, Demand.IN_PLACE})
#: Demands that most clips meet without saying so, and those that contradict them: only clips that
#: demand one of these are counterexamples.
CONTRADICTING: Final = {
    Demand.TRAVEL: _AT_REST | {Demand.TURN, Demand.RAISE, Demand.WAVE},
    Demand.STEPS: _AT_REST | {Demand.WAVE, Demand.RAISE},
    Demand.SLOW: frozenset({Demand.RUN, Demand.FAST}),
    Demand.IN_PLACE: _ON_THE_WAY,
    Demand.STAND: _ON_THE_WAY,
    Demand.UPRIGHT: frozenset({Demand.SIT, Demand.KNEEL, Demand.LIE, Demand.CRAWL}),
    Demand.STILL: _ON_THE_WAY | {Demand.JUMP, Demand.KICK, Demand.PUNCH, Demand.THROW},
}
#: How often a clip that does not demand a check is looked for.
TRIES: Final = 60


def precision_table(examples: Sequence[Example], most: int, seed: int) -> Table:
    """Of each kind of check, how many clips that demand it and how many others meet it.

    Args:
        examples: captioned clips of 22 joints.
        most: clips of each kind, at most.
        seed: of the clips and of the caption that each is asked by.
    """
    rng = np.random.default_rng(seed)
    own: dict[str, list[bool]] = {}
    others: dict[str, list[bool]] = {}
    for number in rng.permutation(len(examples)):
        example = examples[number]
        caption = _caption(example, rng)
        checks, implied = read_checks(caption), implied_checks(caption)
        wanted = [c for c in (*checks, *implied) if len(own.get(kind_of(c), ())) < most]
        if not wanted:
            continue
        met = {
            result.check: result.met
            for some in (checks, implied)
            for result in measure(some, example.joints, example.fps)
        }
        for check in wanted:
            own.setdefault(kind_of(check), []).append(met[check])
            other = _other(examples, example, check, rng)
            if other is not None:
                (result,) = measure((replace(check, part=0),), other.joints, other.fps)
                others.setdefault(kind_of(check), []).append(result.met)
    return Table(
        "checks of real clips",
        tuple(
            Row(
                kind,
                {
                    "clips": float(len(own[kind])),
                    "met where the caption demands it": float(np.mean(own[kind])),
                    "met by other clips": float(np.mean(others.get(kind, [0.0]))),
                },
            )
            for kind in sorted(own)
        ),
    )


def kind_of(check: PromptCheck) -> str:
    """The row of a check: without side, size and count, of which a row has all."""
    plain = replace(check, part=0, side=None, degrees=None, times=None)
    if check.demand is Demand.STEPS:
        return "takes N steps"
    if check.demand is Demand.TRAVEL and check.side and not check.direction:
        return "moves to a side"
    name = str(plain)
    if check.demand in (Demand.RAISE, Demand.LOWER) and check.side is Side.BOTH:
        name = str(replace(plain, side=Side.BOTH))
    if check.demand is Demand.TURN:
        name += " to a side" if check.side else ""
        name += " by N degrees" if check.degrees else ""
    elif check.side and check.demand not in (Demand.RAISE, Demand.LOWER, Demand.TRAVEL):
        name += ", side named"
    return name + (", N times" if check.times else "")


def _caption(example: Example, rng: np.random.Generator) -> str:
    return example.captions[int(rng.integers(len(example.captions)))]


def _other(
    examples: Sequence[Example], example: Example, check: PromptCheck, rng: np.random.Generator
) -> Example | None:
    """A clip of another label that nothing in its captions says to meet a check."""
    silent = CONTRADICTING.get(check.demand) if _is_plain(check) else None
    for _ in range(TRIES):
        other = examples[int(rng.integers(len(examples)))]
        if other.label == example.label:
            continue
        asked = [c for caption in other.captions for c in read_checks(caption)]
        if silent is not None and not any(c.demand in silent for c in asked):
            continue
        if not any(_entails(c, check) for c in asked):
            return other
    return None


def _is_plain(check: PromptCheck) -> bool:
    return check.direction is None and check.side is None


def _entails(other: PromptCheck, check: PromptCheck) -> bool:
    """Whether a body that meets one check may well meet the second."""
    if other.demand in ENTAILING.get(check.demand, frozenset()):
        return True
    pairs = [
        (getattr(other, name), getattr(check, name))
        for name in ("direction", "side", "limb", "degrees", "times")
    ]
    return other.demand is check.demand and all(
        None in pair or pair[0] == pair[1] for pair in pairs
    )
