"""Ways that are refused, each with one sentence; gaits and their speeds."""

import json

import pytest

from motiongpt_blender import wire
from motiongpt_blender.core.ways import gaits
from motiongpt_blender.core.ways.path import path_of
from motiongpt_blender.core.ways.way import Way, WayError, Waypoint, check_way

GOOD = Way((Waypoint(0, 0), Waypoint(1, 2, 1.5, 3.0), Waypoint(0, 4)))
BAD = {
    "The curve has one point": Way((Waypoint(0, 0),), drawn=True),
    "two waypoints or more": Way((Waypoint(0, 0),)),
    "The way is 0.00 m long": Way((Waypoint(1, 1), Waypoint(1, 1)), drawn=True),
    "and 200 m are followed": Way((Waypoint(0, 0), Waypoint(0, 500)), drawn=True),
    "waypoints 2 and 3 are at the same place": Way(
        (Waypoint(0, 0), Waypoint(0, 2), Waypoint(0, 2.01), Waypoint(0, 4))
    ),
    "waypoint 3 is due at 1.00 s, and the one before it, 2, at 2.00 s": Way(
        (Waypoint(0, 0), Waypoint(0, 1, None, 2.0), Waypoint(0, 2, None, 1.0))
    ),
    "waypoint 2 is due at 9.00 s, outside the motion": Way(
        (Waypoint(0, 0), Waypoint(0, 1, None, 9.0))
    ),
    "From waypoint 1 to 2 it is 20.0 m in 1.0 s": Way((Waypoint(0, 0), Waypoint(0, 20, None, 1.0))),
    "not at a finite place": Way((Waypoint(0, 0), Waypoint(0, float("nan"))), drawn=True),
    "has 5000 points": Way(tuple(Waypoint(0, 0.01 * k) for k in range(5000)), drawn=True),
}


@pytest.mark.parametrize("text", BAD)
def test_a_way_that_nobody_can_follow_is_refused_in_one_sentence(text):
    with pytest.raises(WayError, match=text) as caught:
        check_way(BAD[text], 8.0)
    assert str(caught.value).count(". ") == 0 and str(caught.value).endswith(".")


def test_a_good_way_passes():
    check_way(GOOD, 8.0)


def test_a_way_comes_back_from_a_line_of_json():
    assert Way.from_dict(json.loads(json.dumps(GOOD.to_dict()))) == GOOD
    message = wire.Generate("a", "walk", 80, "/x", way=GOOD)
    assert wire.decode(wire.encode(message)) == message
    assert wire.decode(wire.encode(wire.Generate("a", "walk", 80, "/x"))).way is None


@pytest.mark.parametrize(
    "values",
    [
        {"points": 3},
        {"points": ["x"]},
        {"points": [{"x": 1}]},
        {"points": [{"x": 1, "z": "2"}]},
        {"points": [{"x": 1, "z": 2, "y": 0}]},
        {"points": [], "drawn": 1},
        {"points": [], "colour": 1},
    ],
)
def test_other_values_are_refused(values):
    with pytest.raises(WayError):
        Way.from_dict(values)


def test_a_way_over_the_wire_has_numbers():
    line = wire.encode(wire.Generate("a", "walk", 80, "/x", way=GOOD)).replace("1.5", '"1.5"')
    with pytest.raises(wire.WireError, match=r"way\.points\.facing"):
        wire.decode(line)


def test_bends_take_longer_for_who_is_fast():
    corner = Way((Waypoint(0, 0), Waypoint(0, 2), Waypoint(2, 2)), drawn=True)
    slow, fast = (path_of(corner, speed) for speed in (0.5, 3.0))
    assert slow.metres == pytest.approx(4, abs=0.1)
    assert 4 < slow.effort < 4.5 < fast.effort < 7


def test_waypoints_lie_on_their_rounded_way():
    path = path_of(GOOD, 1.0)
    for point, at in zip(GOOD.points, path.at, strict=True):
        assert abs(path.place(at) - (point.x, point.z)).max() < 1e-3


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a person walks", "walking"),
        ("somebody runs fast", "running"),
        ("sneaks along the wall", "sneaking"),
        ("walks backwards", "walking backwards"),
        ("crawls on all fours", "crawling"),
        ("a happy person", "walking"),
    ],
)
def test_the_gait_of_a_prompt(prompt, name):
    assert gaits.gait_of(prompt).name == name


def test_a_speed_that_no_gait_has_is_said():
    note = gaits.speed_note("a person walks", 20.0, 4.0)
    assert "20.0 m in 4.0 s is 5.0 m/s" in note and "walking" in note
    assert gaits.speed_note("a person walks", 20.0, 18.0) == ""
    assert gaits.speed_note("a person runs", 20.0, 5.0) == ""


def test_other_actions_take_time_of_their_own():
    alone, two = (gaits.natural_seconds(p, 4.0) for p in ("walks", "walks, then sits down"))
    assert two == pytest.approx(alone + gaits.OTHER_ACTION)
