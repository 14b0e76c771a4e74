"""From the animator's frames to the model's, and the requests that are refused."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.timeline.plan import PlanError, plan

START, KEY, END = PoseRole.START, PoseRole.KEY, PoseRole.END
WALK = "a person walks"


def planned(marked=(), *, prompt=WALK, current=1, seconds=4.0, fps=24.0, longest=196):
    return plan(prompt, marked, current, seconds, fps, 20.0, longest)


def test_no_pose_begins_at_the_current_frame():
    p = planned(current=10)
    assert (p.start_frame, p.end_frame, p.frames, p.pose_frames) == (10, 106, 81, ())
    assert p.prompt == WALK


def test_start_and_end_pose_decide_the_range():
    p = planned([(97, END), (1, START), (49, KEY)], current=500, seconds=1.0)
    assert (p.start_frame, p.end_frame, p.frames) == (1, 97, 81)
    assert p.pose_frames == (0, 40, 80)


def test_an_end_pose_alone_is_where_the_motion_ends():
    p = planned([(96, END)], seconds=2.0)
    assert (p.start_frame, p.end_frame, p.pose_frames) == (48, 96, (40,))


def test_a_key_pose_before_the_current_frame_is_the_beginning():
    p = planned([(5, KEY)], current=20)
    assert (p.start_frame, p.pose_frames) == (5, (0,))


def test_negative_frames_and_odd_rates():
    p = planned([(-30, START), (12, END)], fps=29.97)
    assert (p.start_frame, p.end_frame) == (-30, 12)
    assert (p.frames - 1) / 20 >= 42 / 29.97


@pytest.mark.parametrize(
    ("marked", "options", "says"),
    [
        ([], {"prompt": ""}, "The prompt is empty"),
        ([], {"prompt": "x" * 5000}, "5000 characters"),
        ([], {"prompt": "иди"}, "English only"),
        ([], {"prompt": "a\x07b"}, "control character"),
        ([(1, START), (9, START)], {}, "2 start poses (frames 1, 9)"),
        ([(1, START), (90, END), (80, END)], {}, "2 end poses (frames 80, 90)"),
        ([(1, START), (1, KEY)], {}, "Two poses are marked at frame 1"),
        ([(50, START), (10, END)], {}, "The end pose (frame 10) lies before"),
        ([(10, START), (5, KEY)], {}, "key pose at frame 5 lies outside"),
        ([(10, START), (500, KEY)], {}, "(frames 10 to 106)"),
        ([(10, START), (12, END)], {}, "0.08 s, the shortest is 0.4 s"),
        ([(0, START), (1000, END)], {}, "makes 9.8 s at most"),
        ([], {"seconds": 60.0}, "last 60.0 s"),
        ([], {"current": 1_048_500}, "last frame is 1048574"),
        ([(1, START), (30, KEY), (31, KEY)], {"fps": 60.0}, "closer in time than one frame"),
        ([], {"seconds": 0.0}, "above zero"),
        ([], {"seconds": math.nan}, "above zero"),
        ([], {"fps": math.inf}, "above zero"),
    ],
)
def test_impossible_wishes_get_one_sentence(marked, options, says):
    with pytest.raises(PlanError) as caught:
        planned(marked, **options)
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 200


@given(
    st.lists(st.tuples(st.integers(-300, 300), st.sampled_from(PoseRole)), max_size=5),
    st.integers(-300, 300),
    st.floats(0.01, 20),
    st.floats(1, 240),
)
def test_every_plan_is_whole(marked, current, seconds, fps):
    try:
        p = planned(marked, current=current, seconds=seconds, fps=fps)
    except PlanError:
        return
    assert len(p.pose_frames) == len(marked)
    assert all(a < b for a, b in pairwise(p.pose_frames))
    assert all(0 <= frame < p.frames <= 196 for frame in p.pose_frames)
    assert (p.frames - 1) / 20 >= (p.end_frame - p.start_frame) / fps - 1e-5
    for (frame, _), model in zip(sorted(marked, key=lambda m: m[0]), p.pose_frames, strict=True):
        assert abs((frame - p.start_frame) / fps - model / 20) <= 0.5 / 20 + 1e-9


def test_prompts_in_other_scripts_are_planned_where_the_pack_reads_them():
    read = plan(" 一个人走路 ", (), 1, 4.0, 24.0, 20.0, 196, any_script=True)
    assert read.prompt == "一个人走路" and read.frames == planned().frames
    with pytest.raises(PlanError, match="control character"):
        plan("一\x07", (), 1, 4.0, 24.0, 20.0, 196, any_script=True)
