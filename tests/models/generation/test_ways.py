"""What a way asks of the model, and the options that name one."""

import argparse

import numpy as np
import pytest

from ext_models.commands.way_options import add_way, read_way, way_seconds
from ext_models.errors import PipelineError
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.generation.timed_actions import TimedAction, in_pieces, request_of, split_note
from ext_models.generation.way_guidance import EVERY, WayPlan, without_places
from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.ways.way import Way, Waypoint

STRIDE = 4
LINE = Way((Waypoint(0, 0), Waypoint(0, 8)), drawn=True)


def plan_of(prompt, frames, way=LINE, actions=None):
    request = GenerationRequest(prompt, frames, way=way)
    actions = actions or (TimedAction(prompt, 0, -(-frames // STRIDE)),)
    return WayPlan.of(request, actions, STRIDE)


def test_places_lead_evenly_to_the_end_of_the_way():
    places = plan_of("a person walks", 161).places(0, 161, 0)
    assert [place.frame for place in places] == [EVERY, 2 * EVERY, 3 * EVERY, 4 * EVERY, 160]
    assert places[-1].place == pytest.approx((0.0, 8.0, 0.0), abs=0.05)
    assert places[1].place[1] == pytest.approx(8 * 2 * EVERY / 160, abs=0.05)
    assert not any(place.has_body for place in places)


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("a person walks backwards", (0, -8)),
        ("a person steps sideways to the left", (8, 0)),
        ("a person steps sideways to the right", (-8, 0)),
    ],
)
def test_places_lie_where_the_prompt_goes(prompt, place):
    assert plan_of(prompt, 161).places(0, 161, 0)[-1].place[:2] == pytest.approx(place, abs=0.05)


def test_an_action_that_goes_nowhere_has_no_share_of_the_way():
    actions = (TimedAction("a person walks", 0, 20), TimedAction("waves", 20, 20))
    plan = plan_of("a person walks, then waves", 160, actions=actions)
    assert plan.due[79] == pytest.approx(8.0, abs=0.2)
    assert plan.due[-1] - plan.due[80] < 0.01


def test_a_time_is_due_then():
    way = Way((Waypoint(0, 0), Waypoint(0, 2, None, 5.0), Waypoint(0, 8)))
    assert plan_of("a person walks", 161, way).due[100] == pytest.approx(2.0, abs=0.05)


def test_a_long_action_is_made_in_pieces():
    pieces = in_pieces([TimedAction("walks", 0, 100), TimedAction("waves", 100, 20)], 44)
    assert [(p.prompt, p.first, p.end, p.goes_on) for p in pieces] == [
        ("walks", 0, 33, False), ("walks", 33, 67, True), ("walks", 67, 100, True),
        ("waves", 100, 120, False),
    ]  # fmt: skip
    request = request_of(GenerationRequest("x", 480, way=LINE), pieces[:3], STRIDE)
    assert request.prompt == "walks" and request.frames == 400 and request.way is None
    assert split_note(pieces, 0.2).startswith("Made as 2 actions: 0.0 to 20.0 s 'walks'")


def test_marked_poses_lose_their_places_on_a_way_alone():
    pose = PoseCondition(3, NEUTRAL.astype(np.float32), placed=True)
    free, led = (GenerationRequest("walks", 40, (pose,), way=way) for way in (None, LINE))
    assert without_places(free).poses[0].placed and not without_places(led).poses[0].placed


def options(*words):
    parser = argparse.ArgumentParser()
    add_way(parser)
    return read_way(parser.parse_args(words))


def test_waypoints_of_a_command_line():
    way = options("--waypoint", "0,0", "--waypoint", "1,2,90@3", "--waypoint=-1,4")
    assert not way.drawn and way.points[2] == Waypoint(-1, 4)
    assert way.points[1] == Waypoint(1, 2, pytest.approx(np.pi / 2), 3)
    assert way_seconds(way, "a person walks") == pytest.approx(4.9, abs=0.8)


def test_a_line_of_a_file(tmp_path):
    line = np.array([[0, 0], [0, 3.15]])
    np.save(tmp_path / "line.npy", line)
    np.savetxt(tmp_path / "line.csv", line, delimiter=",")
    for name in ("line.npy", "line.csv"):
        way = options("--path", str(tmp_path / name))
        assert way.drawn and way.metres == pytest.approx(3.15)
        assert way_seconds(way, "a person walks") == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--waypoint", "0,0"], "two waypoints or more"),
        (["--waypoint", "0"], "write LEFT,AHEAD"),
        (["--waypoint", "0,0,1,2"], "write LEFT,AHEAD"),
        (["--waypoint", "0,0@x"], "write LEFT,AHEAD"),
        (["--path", "there_is_none.npy"], "not a readable"),
        (["--path", "a.npy", "--waypoint", "0,0"], "not both"),
    ],
)
def test_options_that_cannot_be_used(words, text):
    with pytest.raises(PipelineError, match=text):
        options(*words)
