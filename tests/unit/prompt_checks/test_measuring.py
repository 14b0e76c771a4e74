"""What real and made motions do about checks."""

import numpy as np
import pytest

from ext_models.datasets.mirroring import mirror_joints
from ext_models.prompt_checks.grammar import read_checks
from ext_models.prompt_checks.measuring import measure
from motiongpt_blender.core.body.motion import MotionError
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.core.mirroring import mirror_sentence
from tests.support.clips import FPS, clip

SIDED = (
    "walks to the left",
    "turns left",
    "waves the right hand",
    "kicks with the right leg",
    "raises the left hand",
)


def results(sentence, joints, fps=FPS):
    return measure(read_checks(sentence), joints, fps)


def result(sentence, joints, fps=FPS):
    (found,) = results(sentence, joints, fps)
    return found


def turned(joints, degrees):
    """A motion that turns about its own way, evenly, by so many degrees to the left."""
    angles = np.radians(np.linspace(0, degrees, len(joints)))
    place = joints[:, :1] * [1, 0, 1]
    steps = np.diff(place, axis=0, prepend=place[:1])
    q = about_y(angles)[:, None]
    travels = np.cumsum(rotate(q, steps), axis=0)
    body = rotate(np.broadcast_to(q, (*joints.shape[:2], 4)), joints - place)
    return body + travels


def standing(seconds=3.0):
    """A pose of the walk, held."""
    pose = clip("walk")[:1]
    return np.repeat(pose - pose[:, :1] * [1, 0, 1], round(seconds * FPS), axis=0)


def test_a_real_walk_goes_forward_and_not_back():
    ahead, back = result("walk forward", clip("walk")), result("walk backward", clip("walk"))
    assert ahead.met and ahead.value > 2
    assert not back.met and back.score < 0.1
    assert back.sentence.startswith("moves backward: no, ")


def test_a_walk_shown_backward_goes_back():
    found = result("walk backward", clip("walk")[::-1])
    assert found.met
    assert found.value == pytest.approx(result("walk forward", clip("walk")).value, rel=0.05)


@pytest.mark.parametrize("degrees", [-90, 90])
def test_a_turn_has_its_side_and_size(degrees):
    side, other = ("left", "right") if degrees > 0 else ("right", "left")
    straight = result("turn left", clip("walk")).value
    joints = turned(clip("walk"), degrees)
    found = result(f"turn {side}", joints)
    assert found.met
    assert found.value == pytest.approx(abs(degrees + straight), abs=3)
    wrong = result(f"turn {other}", joints)
    assert not wrong.met and wrong.value == pytest.approx(-found.value)
    assert wrong.sentence == f"turns {other}: no, {found.value:.0f} degrees to the {side}"


def test_the_size_of_a_turn_counts():
    joints = turned(clip("walk"), 180)
    assert result("turn left by 180 degrees", joints).met
    assert result("turn around", joints).met
    assert not result("turn left by 90 degrees", joints).met
    assert not result("turn right by 180 degrees", joints).met


def test_a_circle_needs_a_way():
    whole = turned(clip("walk"), 330)
    assert result("goes in a circle to the left", whole).met
    assert not result("goes in a circle to the right", whole).met
    assert not result("goes in a circle", turned(standing(), 330)).met


@pytest.mark.parametrize("sentence", SIDED)
@pytest.mark.parametrize("name", ["walk", "turn", "leap", "kick", "wave"])
def test_a_mirrored_clip_answers_the_mirrored_sentence(sentence, name):
    found = result(sentence, clip(name))
    mirrored = result(mirror_sentence(sentence), mirror_joints(clip(name)))
    assert mirrored.score == pytest.approx(found.score, abs=1e-6)
    assert mirrored.value == pytest.approx(found.value, abs=1e-6)


def test_real_clips_meet_what_they_show():
    assert result("jump", clip("leap")).met
    assert result("kick", clip("kick")).met
    assert result("wave", clip("wave")).met
    assert not result("jump", clip("walk")).met
    assert not result("kick", clip("walk")).met
    for never in ("sit down", "lie down", "kneel", "crawl", "bow"):
        assert not result(never, clip("walk")).met


def test_speed_scales_with_the_frame_rate():
    speed = {fps: results("walk fast", clip("walk"), fps)[1].value for fps in (10, 20, 40)}
    assert speed[40] == pytest.approx(2 * speed[20], rel=0.1)
    assert speed[10] == pytest.approx(speed[20] / 2, rel=0.1)
    assert results("walk slowly", clip("walk"), 10)[1].met
    assert results("walk fast", clip("walk"), 40)[1].met
    assert not results("walk slowly", clip("walk"), 40)[1].met


def test_a_body_at_rest():
    still = standing()
    assert result("stand still", still).met
    assert not result("walk", still).met
    assert not result("stand still", clip("walk")).met
    assert result("stand still", still).score > 0.9


def test_a_stop_is_at_the_end():
    walk = clip("walk")
    assert not result("stop", walk[:60]).met
    stopped = np.concatenate([walk[:60], np.repeat(walk[59:60], 20, axis=0)])
    assert result("stop", stopped).met


def test_jumps_are_counted():
    joints = standing(4)
    for start in (10, 45):
        joints[start : start + 12, :, 1] += 0.3 * np.sin(np.linspace(0, np.pi, 12))[:, None]
    assert result("jump twice", joints).met
    assert result("jump twice", joints).value == 2
    assert not result("jump five times", joints).met
    assert not result("jump twice", joints[:40]).met
    assert result("jump", joints[:40]).value == pytest.approx(0.3, abs=0.02)


def lifted_hand(side, height=0.4):
    """A standing body whose hand rises over its shoulder for a second."""
    joints = standing(4)
    wrist, shoulder = {"left": (20, 16), "right": (21, 17)}[side]
    rise = np.clip(np.interp(np.arange(len(joints)), [20, 30, 50, 60], [0, 1, 1, 0]), 0, 1)
    goal = joints[:, shoulder] + [0, height, 0.1]
    joints[:, wrist] += rise[:, None] * (goal - joints[:, wrist])
    return joints


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_the_hand_asked_for_is_raised(side, other):
    joints = lifted_hand(side)
    assert result(f"raise the {side} hand", joints).met
    assert result(f"raise the {side} hand", joints).sentence == f"raises the {side} hand: yes"
    assert result(f"raise the {other} hand", joints).sentence == f"raises the {other} hand: no"
    assert not result("raise both hands", joints).met
    assert result("raise a hand", joints).value == pytest.approx(0.4, abs=0.01)


def test_the_order_counts():
    walk, still = clip("walk")[:80], lifted_hand("right")
    then = np.concatenate([walk, still + (walk[-1, 0] - still[0, 0]) * [1, 0, 1]])
    first = np.concatenate([still, walk + (still[-1, 0] - walk[0, 0]) * [1, 0, 1]])
    sentence = "raises the right hand, then walks forward"
    assert all(r.met for r in results(sentence, first))
    assert not all(r.met for r in results(sentence, then))
    assert all(r.met for r in results("walks forward, then raises the right hand", then))


def test_scores_are_smooth_and_ranked():
    scores = [result("turn left", turned(standing(), d)).score for d in range(0, 100, 5)]
    assert np.all(np.diff(scores) >= 0)
    assert np.max(np.diff(scores)) < 0.2
    assert scores[0] < 0.15 and scores[-1] > 0.9


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_the_shortest_motions(frames):
    sentence = "walks forward, turns left, then jumps twice, then waves, then stops"
    found = results(sentence, clip("walk")[:frames])
    assert len(found) == len(read_checks(sentence))
    assert all(np.isfinite(r.score) and 0 <= r.score <= 1 for r in found)


def test_no_checks_no_results():
    assert measure((), clip("walk")) == ()


def test_what_is_no_motion_is_refused():
    broken = clip("walk")
    broken[3, 4, 1] = np.nan
    with pytest.raises(MotionError, match="frame 3"):
        results("walk", broken)
