"""The way of a take: where it begins and ends, how long it may be, and what is refused."""

import numpy as np
import pytest

from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.timeline.frame_range import Fit
from motiongpt_blender.core.timeline.plan import PlanError
from motiongpt_blender.core.ways.way import Way, Waypoint
from motiongpt_blender.generate import job
from motiongpt_blender.generate.adapters import SceneTime
from motiongpt_blender.generate.request import prepare
from motiongpt_blender.generate.take_request import TakeRequest
from motiongpt_blender.wire import Sampling
from tests.support.fake_character import FakeCharacter, marked_pose

NOW = SceneTime(10.0, 24.0)
LINE = Way((Waypoint(0, 0), Waypoint(0, 3)), drawn=True)


def prepared(way, prompt="a person walks", seconds=3.0, **changes):
    character = FakeCharacter()
    character.its_way = way
    values = {"marked": (), "follows_way": True, **changes}
    request = TakeRequest(prompt, seconds, Sampling(), **values)
    return prepare(character, request, NOW, 196), character


def test_a_curve_is_sent_and_ends_with_the_take():
    take, character = prepared(LINE)
    assert character.asked_way == (None, 10.0, 24.0)
    assert take.way.points[0] == LINE.points[0] and take.way.drawn
    assert take.way.points[-1].seconds == pytest.approx(3.0)
    assert take.fit.on_way
    assert job.request_message(take, "folder").way == take.way


def test_waypoints_begin_where_the_character_stands():
    take, _ = prepared(Way((Waypoint(2, 9), Waypoint(2, 12))))
    here = take.way.points[0]  # the fake stands as far ahead as the frame is late
    assert (here.x, here.z) == pytest.approx((0.0, 10.0), abs=0.05) and len(take.way.points) == 3


def test_a_start_pose_says_where_that_is():
    start = marked_pose(10, PoseRole.START, 1.0)
    take, _ = prepared(Way((Waypoint(0, 2), Waypoint(0, 4))), marked=(start,))
    assert take.way.points[0].z == pytest.approx(1.0, abs=0.05)


def test_a_first_waypoint_of_its_own_time_is_the_start():
    way = Way((Waypoint(0, 2, None, 0.0), Waypoint(0, 4)))
    assert prepared(way)[0].way.points[0] == way.points[0]


def test_a_way_may_take_longer_than_the_model_makes_at_once():
    long = Way((Waypoint(0, 0), Waypoint(0, 20)), drawn=True)
    assert prepared(long, seconds=20.0)[0].frames == 401
    with pytest.raises(PlanError, match="at most"):
        prepared(None, seconds=20.0)


def test_a_request_that_follows_none_has_none():
    take, character = prepared(LINE, follows_way=False)
    assert take.way is None and character.asked_way is None and not take.fit.on_way


def test_what_cannot_be_followed_is_refused():
    with pytest.raises(PlanError, match="one point"):
        prepared(Way(LINE.points[:1], drawn=True))
    with pytest.raises(PlanError, match="A loop stays where it is"):
        prepared(LINE, fit=Fit(loop=True))


def test_a_pose_off_the_way_and_a_speed_without_a_gait_are_told():
    away = marked_pose(40, PoseRole.KEY, 8.0)
    take, _ = prepared(LINE, seconds=1.5, marked=(away,))
    assert any("The pose at frame 40 is" in note for note in take.notes)
    fast, _ = prepared(Way((Waypoint(0, 0), Waypoint(0, 12)), drawn=True))
    assert any("4.0 m/s" in note for note in fast.notes)
    assert np.isfinite(fast.way.metres)
