"""Sequences: piece after piece on one NLA track, each joined to what is there."""

import pytest

from motiongpt_blender.backend.jobs import JobState
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.timeline.frame_range import FrameRange
from motiongpt_blender.core.timeline.sequences import Block, SequenceError
from motiongpt_blender.generate.sequence import TRACK, hidden_note, start_sequence
from motiongpt_blender.wire import Sampling
from tests.support.child_processes import fake_launch
from tests.support.fake_character import marked_pose

BLOCKS = (
    Block("walk", 1, 41, seed=5),
    Block("jump", 41, 71, seed=6),
    Block("turn", 71, 111, seed=7),
)
SAMPLING = Sampling(seed=99, candidates=4, guidance=0.3)


def begin(stage, blocks=BLOCKS, chosen=None):
    """Start the chosen blocks, all by default."""
    chosen = range(len(blocks)) if chosen is None else chosen
    return start_sequence(stage.controller, stage.rig, blocks, chosen, fake_launch(), SAMPLING)


def launch_of_reader(folder):
    """A launch of the fake model with a pack that has a sentence reader."""
    head = '"format_version": 2, "name": "p", "title": "P", "licence": "none"'
    (folder / "pack.json").write_text(f'{{{head}, "reader": "universal"}}')
    return fake_launch(pack=folder)


def test_all_blocks_one_after_another(stage):
    run = begin(stage)
    assert stage.state.sequence is run
    assert run.progress == "Generating block 1, part 1 of 3"
    stage.answer()
    assert stage.state.sequence is run and run.piece.block == 1
    stage.answer()
    stage.answer()
    assert stage.state.sequence is None and stage.controller.pending is None
    assert stage.state.message == f"3 blocks made, on the NLA track '{TRACK}'."
    assert not stage.state.failed
    assert stage.rig.strips == [(TRACK, 1, 41), (TRACK, 41, 71), (TRACK, 71, 111)]
    assert [request.frame_range for request in stage.requests] == [
        FrameRange(1, 41), FrameRange(41, 71), FrameRange(71, 111),
    ]  # fmt: skip
    assert [request.prompt for request in stage.requests] == ["walk", "jump", "turn"]
    samplings = [request.sampling for request in stage.requests]
    assert [sampling.seed for sampling in samplings] == [5, 6, 7]
    assert {(s.candidates, s.guidance) for s in samplings} == {(4, 0.3)}
    assert {request.fit.track for request in stage.requests} == {TRACK}


def test_blocks_in_any_script_go_to_a_pack_that_reads_it(stage, tmp_path):
    blocks = (Block("走る", 1, 41), Block("跳ぶ", 41, 81))
    with pytest.raises(SequenceError, match="Block 1: The prompt has the letter '走'"):
        begin(stage, blocks)
    start_sequence(
        stage.controller, stage.rig, blocks, (0, 1), launch_of_reader(tmp_path), SAMPLING
    )
    stage.answer()
    stage.answer()
    assert [request.prompt for request in stage.requests] == ["走る", "跳ぶ"]
    assert not stage.state.failed


def test_each_block_joins_the_one_before_it(stage):
    begin(stage)
    for _ in BLOCKS:
        stage.answer()
    start = frozenset({PoseRole.START})
    assert [request.joined for request in stage.requests] == [frozenset(), start, start]


@pytest.mark.parametrize(
    ("chosen", "joined"),
    [
        ([0], {PoseRole.END}),
        ([1], {PoseRole.START, PoseRole.END}),
        ([2], {PoseRole.START}),
    ],
)
def test_a_block_made_again_joins_both_sides(stage, chosen, joined):
    stage.rig.strips = [(TRACK, block.start, block.end) for block in BLOCKS]
    begin(stage, chosen=chosen)
    assert stage.requests[0].joined == joined
    stage.answer()
    assert stage.state.message.startswith("1 block made")


def test_a_whole_sequence_made_again_joins_nothing_old_at_its_start(stage):
    stage.rig.strips = [(TRACK, -40, 1), (TRACK, 1, 111)]
    begin(stage)
    assert stage.requests[0].joined == frozenset()


def test_a_long_block_is_made_in_pieces_with_a_seed_each(stage):
    begin(stage, (Block("walk", 1, 401, seed=5),))
    for _ in range(3):
        stage.answer()
    assert [request.sampling.seed for request in stage.requests] == [5, 6, 7]
    ranges = [request.frame_range for request in stage.requests]
    assert (ranges[0].start, ranges[-1].end) == (1, 401)
    assert [a.end for a in ranges[:-1]] == [b.start for b in ranges[1:]]
    assert stage.state.message.startswith("1 block made")


def test_marked_poses_go_to_the_piece_that_they_lie_in(stage):
    stage.rig.poses = (marked_pose(20, PoseRole.START), marked_pose(60))
    begin(stage)
    stage.answer()
    poses = [[(p.frame, p.role) for p in request.marked] for request in stage.requests]
    assert poses == [[(20, PoseRole.KEY)], [(60, PoseRole.KEY)]]


def test_a_pose_outside_every_block_is_refused(stage):
    stage.rig.poses = (marked_pose(150),)
    with pytest.raises(SequenceError, match="frame 150 lies in no block"):
        begin(stage)
    assert stage.state.sequence is None and stage.requests == []


def test_a_failure_names_the_block_and_ends_the_sequence(stage):
    begin(stage)
    stage.answer()
    stage.backend.fail("No memory.")
    assert (stage.state.message, stage.state.failed) == ("Block 2: No memory.", True)
    assert stage.state.sequence is None and len(stage.requests) == 2


def test_cancel_keeps_what_is_made(stage):
    begin(stage)
    stage.answer()
    stage.backend.fail(state=JobState.CANCELLED)
    assert stage.state.message == "Block 2: Cancelled: nothing was changed."
    assert not stage.state.failed and stage.rig.strips == [(TRACK, 1, 41)]


def test_a_character_that_goes_ends_the_sequence(stage):
    begin(stage)
    stage.backend.answer()
    del stage.blender.characters[7]
    stage.blender.finish_writing()
    assert stage.controller.notice.failed
    assert "'rig' is gone: the sequence was stopped" in stage.controller.notice.message
    assert stage.controller.pending is None


def test_what_refuses_the_next_piece_is_told(stage):
    begin(stage)
    stage.backend.answer()
    stage.rig.refusal = ZeroDivisionError("by zero")
    stage.blender.finish_writing()
    assert stage.state.failed and "ZeroDivisionError: by zero" in stage.state.message
    assert stage.state.sequence is None and stage.controller.pending is None


def test_a_file_that_is_opened_ends_the_sequence(stage):
    begin(stage)
    stage.controller.drop_all()
    assert stage.state.sequence is None
    stage.backend.fail()  # a late end is ignored
    assert len(stage.requests) == 1


def test_what_hides_the_sequence_is_told(stage):
    assert hidden_note(stage.rig) == ""
    stage.rig.above = (["one", "two"], 20.0)
    assert hidden_note(stage.rig).startswith("From frame 20 on it is hidden by 'one', 'two' above")
    begin(stage, BLOCKS[:1])
    stage.answer()
    assert stage.state.message.endswith(hidden_note(stage.rig))
