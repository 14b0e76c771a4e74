"""What recorded actions do about the demands of a sentence: direction, order, count, side."""

import numpy as np
import pytest

from ext_models.datasets.mirroring import mirror_joints
from ext_models.prompt_checks.grammar import read_checks
from ext_models.prompt_checks.measuring import measure
from motiongpt_blender.core.body.motion import resample
from motiongpt_blender.core.body.rotations import about_axis, about_y, rotate
from motiongpt_blender.core.mirroring import mirror_sentence
from tests.support.clips import ACTIONS, FPS, NAMES, clip

#: Each action, the sentence that asks for it, and which other clips show it as well.
SHOWN = [
    ("sit", "sit down on a chair", ()),
    ("kneel", "kneel down", ()),
    ("lie_front", "lie down on your front", ()),
    ("lie_back", "lies down on their back", ()),
    ("crouch", "crouch", ("sit", "kneel", "lie_back", "lie_front", "crawl", "jump", "leap")),
    ("crouch", "squats down and gets up", ("sit", "jump", "leap")),
    ("crawl", "crawl on hands and knees", ()),
    ("jump", "jump", ("leap",)),
    ("hop", "hop on the right foot", ()),
    ("march", "marches", ()),
    ("bow", "take a bow", ("leap", "throw")),
    ("raise", "raise the left hand", ("throw",)),
    ("throw", "throw", ("jump", "leap", "wave")),
    ("wave", "wave the right hand", ()),
    ("kick", "kick with the right leg", ("jump",)),
]
IDS = [f"{name}: {sentence}" for name, sentence, _ in SHOWN]
#: The ways into a posture, which backward are the ways out of it.
WAYS = ("sit", "kneel", "lie_front", "lie_back")


def results(sentence, joints, fps=FPS):
    return measure(read_checks(sentence), joints, fps)


def met(sentence, joints, fps=FPS):
    return all(result.met for result in results(sentence, joints, fps))


@pytest.mark.parametrize(("name", "sentence", "others"), SHOWN, ids=IDS)
def test_an_action_meets_its_sentence_and_no_other_clip_does(name, sentence, others):
    assert met(sentence, clip(name))
    found = {other for other in (*NAMES, *ACTIONS) if met(sentence, clip(other))}
    assert found - {name} <= set(others)


@pytest.mark.parametrize(("name", "sentence", "_"), SHOWN, ids=IDS)
def test_a_mirrored_action_meets_the_mirrored_sentence(name, sentence, _):
    scores = [result.score for result in results(sentence, clip(name))]
    mirrored = results(mirror_sentence(sentence), mirror_joints(clip(name)))
    assert [result.score for result in mirrored] == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("fps", [12.5, 30, 47.952])
@pytest.mark.parametrize(("name", "sentence", "_"), SHOWN, ids=IDS)
def test_the_frame_rate_does_not_matter(name, sentence, _, fps):
    assert met(sentence, resample(clip(name), FPS, fps), fps)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_into_a_posture_backward_is_the_way_out(name):
    sentence = next(asked for shown, asked, _ in SHOWN if shown == name)
    back = clip(name)[::-1]
    assert not met(sentence, back)
    assert met("gets up", back)
    assert not met("gets up", clip(name))


@pytest.mark.parametrize(
    ("name", "sentence"), [("sit", "sits"), ("kneel", "kneels"), ("lie_back", "lies on the back")]
)
def test_a_posture_needs_no_way(name, sentence):
    held = np.repeat(clip(name)[-1:], 30, axis=0)
    assert met(sentence, held)
    assert met(sentence, clip(name))
    assert not met(sentence, clip("walk"))
    assert not met(f"{sentence.split()[0]} down", held)


def test_the_back_is_not_the_front():
    assert met("lies down", clip("lie_back")) and met("lies down", clip("lie_front"))
    assert not met("lies down on the front", clip("lie_back"))
    assert not met("lies down on the back", clip("lie_front"))


def test_what_is_low_is_not_every_low_posture():
    for sentence, wrong in (
        ("kneel down", "lie_front"),
        ("kneel down", "crawl"),
        ("sit down", "crouch"),
        ("sit down", "kneel"),
        ("lie down", "crawl"),
        ("crawl", "kneel"),
        ("march", "crouch"),
    ):
        assert not met(sentence, clip(wrong)), (sentence, wrong)


def bent_over(joints, degrees):
    """The same legs; everything above the pelvis bends forward."""
    joints = joints.copy()
    upper = [j for j in range(22) if j not in (0, 1, 2, 4, 5, 7, 8, 10, 11)]
    q = about_axis(np.array([1.0, 0, 0]), np.radians(degrees))
    q = np.broadcast_to(q, (*joints[:, upper].shape[:2], 4))
    joints[:, upper] = joints[:, :1] + rotate(q, joints[:, upper] - joints[:, :1])
    return joints


def test_a_bent_over_walk_is_no_crawl():
    bent = bent_over(clip("walk"), 80.0)
    assert results("bow", bent)[0].value > 60
    assert not met("crawl", bent)
    assert not met("march", bent_over(clip("march"), 40.0))


def test_on_all_fours_needs_no_way():
    down = np.repeat(clip("crawl")[-1:], 40, axis=0)
    assert met("on all fours", down)
    assert not met("crawl", down)


def test_who_stays_bent_does_not_bow():
    bow = clip("bow")
    deepest = int(np.argmax([bent[12, 2] - bent[0, 2] for bent in bow]))
    assert not met("bow", bow[deepest:])
    assert not met("bow", bow[: deepest + 1])
    assert met("bow", np.concatenate([bow, bow]))


def again(joints, times):
    return np.concatenate([joints] * times)


@pytest.mark.parametrize(("asked", "made"), [("twice", 2), ("three times", 3), ("twice", 3)])
def test_jumps_are_counted(asked, made):
    found = results(f"jump {asked}", again(clip("jump"), made))[0]
    assert found.value == made
    assert found.met == ({"twice": 2, "three times": 3}[asked] == made)


def test_a_body_that_is_held_up_does_not_jump():
    """It leaves the floor, but it does not fall as bodies do."""
    held = clip("walk")[:60].copy()
    held[20:40, :, 1] += 0.3 * np.minimum(1, np.r_[np.arange(10), np.arange(10)[::-1]] / 3)[:, None]
    assert not met("jump", held)


def test_a_run_is_no_hop_and_no_jump():
    steps = clip("leap")[:25]
    assert not met("jump", steps)


def test_the_other_foot_does_not_hop():
    assert not met("hop on the left foot", clip("hop"))
    assert met("hops", clip("hop"))


def jacks(times, arms=True, legs=True):
    """A standing body whose arms and legs open and close."""
    pose = clip("raise")[:1]
    joints = np.repeat(pose - pose[:, :1] * [1, 0, 1], times * 20, axis=0)
    opened = np.sin(np.pi * np.arange(len(joints)) / 20)[:, None] ** 2
    across = joints[:, 16] - joints[:, 17]
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    for sign, ankle, wrist, shoulder in ((1, 7, 20, 16), (-1, 8, 21, 17)):
        if legs:
            joints[:, ankle] += sign * 0.3 * opened * across
        if arms:
            joints[:, wrist] += opened * (joints[:, shoulder] + [0, 0.4, 0] - joints[:, wrist])
    return joints


def test_jumping_jacks_open_arms_and_legs_again_and_again():
    assert results("three jumping jacks", jacks(3))[0].value == 3
    assert met("jumping jacks", jacks(3))
    assert not met("jumping jacks", jacks(1))
    assert not met("jumping jacks", jacks(3, arms=False))
    assert not met("jumping jacks", jacks(3, legs=False))
    assert not met("jumping jacks", again(clip("jump"), 3))


def test_what_is_picked_up_comes_up():
    reach = clip("crouch")
    lowest = int(reach[:, [20, 21], 1].min(axis=1).argmin())
    sentence = "picks up a box from the floor"
    down, up = (results(sentence, part)[0].score for part in (reach[: lowest + 1], reach))
    assert up > 2 * down


def test_both_hands_are_up_at_once():
    one = clip("raise")
    other = mirror_joints(one)
    assert not met("raise both hands", np.concatenate([one, other]))
    both = one.copy()
    both[:, [17, 19, 21]] = other[:, [17, 19, 21]]
    assert met("raise both hands", both)


def test_a_hand_that_is_up_all_the_time_is_not_raised():
    up = clip("raise")
    top = int(up[:, 20, 1].argmax())
    assert not met("raise the left hand", np.repeat(up[top : top + 1], 40, axis=0))


def test_who_stands_is_upright():
    still = np.repeat(clip("walk")[:1], 40, axis=0)
    crouching = np.repeat(clip("crouch")[35:36], 40, axis=0)
    assert met("just standing there", still)
    assert not met("just standing there", crouching)
    assert met("stays in place", crouching)


def test_a_stop_needs_a_way():
    still = np.repeat(clip("walk")[:1], 40, axis=0)
    assert not met("stops", still)


def test_a_turn_around_is_no_pirouette():
    turn = clip("turn")
    place = turn[:, :1] * [1, 0, 1]

    def turned(degrees):
        q = about_y(np.radians(np.linspace(0, degrees, len(turn))))[:, None]
        return rotate(np.broadcast_to(q, (*turn.shape[:2], 4)), turn - place)

    assert met("turn around", turned(-90))
    assert not met("turn around", turned(-330))


@pytest.mark.parametrize("name", [*NAMES, *ACTIONS])
def test_who_ends_low_does_not_stay_upright(name):
    low = {"sit", "kneel", "lie_front", "lie_back", "crawl"}
    assert met("stays upright", clip(name)) == (name not in low)


def test_a_low_end_is_enough_and_a_dip_is_not():
    stays = np.repeat(clip("walk")[:1], 60, axis=0)
    sat = np.repeat(clip("sit")[-1:], 60, axis=0)
    assert not met("stays upright", np.concatenate([stays, sat[:8]]))
    assert met("stays upright", np.concatenate([stays, sat[:8], stays]))
    assert not met("stays upright", np.concatenate([stays, sat, stays]))
