"""The bone lines of a rig, and their text in a file."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.figure import Figure, figure_of
from tests.support.numeric_rig import a_rig

RIG = a_rig(seed=1)
HEADS = {c.body: c.head + [1.0, 0, 0] for c in RIG.controls}
TAILS = {c.body: HEADS[c.body] + [0, 0, 0.125] for c in RIG.controls}
FIGURE = figure_of(RIG, HEADS, TAILS)


def line(part):
    """The lines (N, 2, 3) that a part moves."""
    return FIGURE.lines[[k for k, own in enumerate(FIGURE.parts) if own is part]]


def test_each_part_reaches_to_what_it_carries():
    heads = {c.part: HEADS[c.body] for c in RIG.controls if c.name in ("pelvis", "chest", c.part)}
    assert np.allclose(line(Part.FOREARM_L), [[heads[Part.FOREARM_L], heads[Part.HAND_L]]])
    begins, ends = np.swapaxes(line(Part.PELVIS), 0, 1)
    assert np.allclose(begins, heads[Part.PELVIS])
    assert len(ends) == 3  # the spine and both legs
    for thigh in (Part.THIGH_L, Part.THIGH_R):
        assert np.isclose(np.abs(ends - heads[thigh]).sum(-1), 0).any()


@pytest.mark.parametrize("part", [Part.HEAD, Part.HAND_L, Part.HAND_R, Part.TOE_L, Part.TOE_R])
def test_what_carries_nothing_is_as_long_as_its_bone(part):
    ((begin, end),) = line(part)
    assert np.allclose(end - begin, [0, 0, 0.125])


def test_a_detached_foot_hangs_on_what_carries_it():
    detached = [
        replace(c, parent=None, carrier="shin_l") if c.part is Part.FOOT_L else c
        for c in RIG.controls
    ]
    again = figure_of(replace(RIG, controls=tuple(detached)), HEADS, TAILS)
    assert again.parts == FIGURE.parts and np.allclose(again.lines, FIGURE.lines)


def test_text_and_back():
    again = Figure.from_json(FIGURE.to_json())
    assert again.parts == FIGURE.parts
    assert np.abs(again.lines - FIGURE.lines).max() <= 0.5e-5 + 1e-12


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "7", "null", "[[]]", '[["pelvis", [1, 2]]]', '[["wing", [1, 2, 3, 4, 5, 6]]]',
     '[["pelvis", [1, 2, 3, 4, 5, NaN]]]', '[["pelvis", [1, 2, 3, 4, 5, "x"]]]', "[" * 100_000,
     '[["pelvis", [1, 2, 3, 4, 5, 6]], ["chest", [1]]]',
     f'[["pelvis", [{"9" * 400}, 0, 0, 0, 0, 0]]]'],
)  # fmt: skip
def test_any_other_text_is_no_figure(text):
    assert Figure.from_json(text) is None


def test_a_moved_figure():
    matrix = np.array([[0, -1, 0, 3], [1, 0, 0, 4], [0, 0, 1, 5], [0, 0, 0, 1.0]])
    moved = FIGURE.moved(matrix).lines
    x, y, z = np.moveaxis(FIGURE.lines, -1, 0)
    assert np.allclose(moved, np.stack([3 - y, 4 + x, 5 + z], axis=-1))
