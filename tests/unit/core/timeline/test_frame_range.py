"""Frame ranges and sequences in frames: what is chosen, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose
from motiongpt_blender.core.timeline.frame_range import (
    Fit,
    FrameRange,
    FrameRangeError,
    FrameRangeMode,
    Join,
    find_frame_range,
    frame_text,
)
from motiongpt_blender.core.timeline.plan import PlanError, plan
from motiongpt_blender.core.timeline.sequences import Block, SequenceError, pieces_of

WALK = "a person walks"
POSES = (RigPose({}, (0.0, 0.0, 0.0)),) * 2


def window(mode, current=50.0, chosen=(10, 40), keyed=(1.0, 40.0, 80.0)):
    return find_frame_range(FrameRangeMode(mode), current, chosen, keyed)


def test_each_way_to_choose():
    assert window("FREE") is None
    assert window("RANGE") == FrameRange(10, 40)
    assert window("BETWEEN") == FrameRange(40.0, 80.0)
    assert window("BETWEEN", 40.0) == FrameRange(40.0, 80.0)
    assert window("BETWEEN", 20.5) == FrameRange(1.0, 40.0)
    assert window("CONTINUE") == FrameRange(80.0, None)


@pytest.mark.parametrize(
    ("mode", "options", "says"),
    [
        ("RANGE", {"chosen": (40, 10)}, "ends at frame 10, before it starts at frame 40"),
        ("RANGE", {"chosen": (40, 40)}, "the one frame 40"),
        ("BETWEEN", {"keyed": ()}, "no keyframes to go between"),
        ("BETWEEN", {"current": 80.0}, "no keyframe after frame 80"),
        ("BETWEEN", {"current": 0.5}, "no keyframe at or before frame 0.5"),
        ("CONTINUE", {"keyed": ()}, "no animation to continue"),
    ],
)
def test_windows_that_cannot_be(mode, options, says):
    with pytest.raises(FrameRangeError) as caught:
        window(mode, **options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def planned(marked, window, seconds=2.0, current=1.0):
    return plan(WALK, marked, current, seconds, 24.0, 20.0, 196, window)


def test_a_window_is_planned_as_it_is():
    p = planned([], FrameRange(10, 58))
    assert (p.start_frame, p.end_frame, p.frames) == (10, 58, 41)
    p = planned([(10, PoseRole.START), (30, PoseRole.KEY)], FrameRange(10.0), seconds=1.0)
    assert (p.start_frame, p.end_frame) == (10, 34)
    assert planned([(90, PoseRole.END)], FrameRange(42.0)).end_frame == 90


@pytest.mark.parametrize(
    ("marked", "chosen", "says"),
    [
        ([(5, PoseRole.START)], FrameRange(10, 58), "start pose at frame 5 lies outside"),
        ([(60, PoseRole.END)], FrameRange(10, 58), "end pose at frame 60 lies outside"),
        ([(5, PoseRole.END)], FrameRange(10), "end pose at frame 5 lies outside"),
        ([(20, PoseRole.KEY)], FrameRange(10.5, 58.5), "not a whole number of frames"),
        ([], FrameRange(10, 12), "the shortest is 0.4 s"),
        ([], FrameRange(10, 1000), "the model makes 9.8 s at most"),
    ],
)
def test_plans_that_do_not_fit_their_window(marked, chosen, says):
    with pytest.raises(PlanError, match=says):
        planned(marked, chosen)


def test_a_start_between_two_frames():
    p = planned([], None, current=10.5)
    assert (p.start_frame, p.end_frame) == (10.5, 58.5)
    p = planned([(20, PoseRole.KEY)], None, current=10.5)  # the pose keeps its whole frame
    assert p.start_frame == 10
    p = planned([(20.25, PoseRole.KEY)], None, current=10.5)
    assert p.start_frame == 10.25
    assert frame_text(p.start_frame) == "10.25"


def test_a_fit_knows_its_seams():
    fit = Fit(joins=(Join(10.0, POSES), Join(40.0, POSES), Join(25.0, POSES)))
    assert [s.frame for s in fit.blend_frames(10.0, 31)] == [0, 30]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(20, 4000), st.integers(0, 50)), min_size=1, max_size=6),
    st.sampled_from([12.0, 23.976, 24.0, 60.0, 120.0]),
)
def test_pieces_cover_their_blocks_and_are_never_too_long(spans, fps):
    blocks, at = [], 1
    for length, gap in spans:
        blocks.append(Block(WALK, at, at + round(length * fps / 24) + round(fps), 7))
        at = blocks[-1].end + gap
    pieces = pieces_of(blocks, range(len(blocks)), fps, 20.0, 196)
    for piece in pieces:
        assert (piece.end - piece.start) / fps <= 9.75
        assert (piece.end - piece.start) / fps >= 0.4
    for index, block in enumerate(blocks):
        own = [p for p in pieces if p.block == index]
        assert (own[0].start, own[-1].end) == (block.start, block.end)
        assert [p.end for p in own[:-1]] == [p.start for p in own[1:]]
        assert [p.seed for p in own] == list(range(7, 7 + len(own)))
        assert [p.last for p in own] == [False] * (len(own) - 1) + [True]


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        ([], "sequence is empty"),
        ([Block("", 1, 40)], "Block 1: The prompt is empty"),
        ([Block(WALK, 1, 40), Block("walk\x07", 40, 80)], "Block 2: The prompt has an invisible"),
        ([Block(WALK, 40, 1)], "Block 1 (frames 40 to 1) ends before it starts"),
        ([Block(WALK, 40, 40)], "lasts 0.00 s, the shortest is 0.4 s"),
        ([Block(WALK, 40, 45)], "lasts 0.21 s, the shortest is 0.4 s"),
        ([Block(WALK, 1, 60), Block(WALK, 50, 90)], "Block 2 starts at frame 50, before block 1"),
        ([Block(WALK, 50, 90), Block(WALK, 1, 60)], "Block 1 starts at frame 50, before block 2"),
    ],
)
def test_sequences_that_cannot_be(blocks, says):
    with pytest.raises(SequenceError) as caught:
        pieces_of(blocks, range(len(blocks)), 24.0, 20.0, 196)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_blocks_in_other_scripts_are_taken_where_the_pack_reads_them():
    blocks = [Block("前に歩く", 1, 41), Block("wave", 41, 81)]
    (first, _) = pieces_of(blocks, (0, 1), 24.0, 20.0, 196, any_script=True)
    assert first.prompt == "前に歩く"
    with pytest.raises(SequenceError, match="Block 1: The prompt has the letter '前'"):
        pieces_of(blocks, (0, 1), 24.0, 20.0, 196)
