"""Sequences: blocks that join, one made again, and what is refused."""

import gc
import sys

import numpy as np
import pytest

from tests.support.matrix import sweep
from tests.support.session import asked
from tests.support.takes import (
    JUMP,
    TURN,
    WALK,
    assert_smooth,
    blocks,
    generate,
    make,
    seen,
    show,
    spans,
    wait,
)

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def test_blocks_are_added_moved_and_removed(addon, smpl_rig):
    group = smpl_rig.motiongpt.sequence
    asked().seconds = 2.0
    show(5)
    for prompt in (WALK, JUMP, TURN):
        asked().prompt = prompt
        bpy.ops.motiongpt.add_block()
    assert [(b.prompt, b.start, b.end) for b in group.blocks] == [
        (WALK, 5, 45), (JUMP, 45, 85), (TURN, 85, 125),
    ]  # fmt: skip
    group.blocks[2].end = 105
    bpy.ops.motiongpt.move_block(up=True)
    assert [(b.prompt, b.start, b.end) for b in group.blocks] == [
        (WALK, 5, 45), (TURN, 45, 65), (JUMP, 65, 105),
    ]  # fmt: skip
    assert group.active == 1
    assert bpy.ops.motiongpt.move_block(up=False) == {"FINISHED"}
    assert bpy.ops.motiongpt.move_block(up=False) == {"CANCELLED"}
    group.active = 0
    bpy.ops.motiongpt.remove_block()
    assert [b.prompt for b in group.blocks] == [JUMP, TURN]


def test_blocks_join_without_seams_and_one_is_made_again(addon, smpl_rig):
    group = blocks(smpl_rig, (WALK, 1, 41), (JUMP, 41, 71), (TURN, 71, 111))
    make(addon)
    assert spans(smpl_rig) == [(WALK, 1, 41), (JUMP, 41, 71), (TURN, 71, 111)]
    assert addon.message.startswith("3 blocks made")
    for frame in (41, 71):
        assert_smooth(smpl_rig, frame, most=1.0)
    frames = (1, 20, 41, 71, 90, 111)
    before, middle = [seen(smpl_rig, f) for f in frames], seen(smpl_rig, 56)
    first = {a.name for a in bpy.data.actions}
    group.active, group.blocks[1].seed = 1, 99
    assert bpy.ops.motiongpt.generate_block() == {"FINISHED"}
    wait(addon)
    assert not addon.failed, addon.message
    for frame, matrices in zip(frames, before, strict=True):
        assert np.abs(seen(smpl_rig, frame) - matrices).max() < 2e-4, frame
    assert np.abs(seen(smpl_rig, 56) - middle).max() > 0.02
    for frame in (41, 71):
        assert_smooth(smpl_rig, frame, most=1.0)
    # what was there before is kept, on a muted track
    assert first < {a.name for a in bpy.data.actions}
    kept = [t for t in smpl_rig.animation_data.nla_tracks if "(before)" in t.name]
    assert [(t.mute, len(t.strips)) for t in kept] == [(True, 1)]


@pytest.mark.sweep
@pytest.mark.parametrize("root", ["OBJECT", "HIPS"])
@pytest.mark.parametrize("in_place", [False, True])
def test_blocks_join_whatever_travels(addon, smpl_rig, root, in_place):
    chosen = smpl_rig.motiongpt.retargeting
    chosen.root, chosen.in_place = root, in_place
    smpl_rig.rotation_euler.z = 0.5
    group = blocks(smpl_rig, (WALK, 1, 31), (TURN, 31, 61), (WALK, 61, 91))
    make(addon)
    show(47)
    frames = (1, 20, 31, 61, 75, 91)
    before = [seen(smpl_rig, f) for f in frames]
    hips = np.linalg.norm(before[-1][0, :2, 3] - before[0][0, :2, 3])
    assert hips < 0.3 if in_place else hips > 1.0
    for frame in (31, 61):
        assert_smooth(smpl_rig, frame, most=1.0)
    group.active, group.blocks[1].seed = 1, 5
    assert bpy.ops.motiongpt.generate_block() == {"FINISHED"}
    wait(addon)
    assert not addon.failed, addon.message
    for frame, matrices in zip(frames, before, strict=True):
        assert np.abs(seen(smpl_rig, frame) - matrices).max() < 5e-4, frame
    assert_first_is_made_again(addon, smpl_rig, frames[2:], before[2:])


def assert_first_is_made_again(session, rig, frames, before):
    """The first block made again ends where the second one begins, and that stays."""
    group = rig.motiongpt.sequence
    group.active, group.blocks[0].seed = 0, 8
    assert bpy.ops.motiongpt.generate_block() == {"FINISHED"}
    wait(session)
    assert not session.failed, session.message
    end = group.blocks[0].end
    for frame, matrices in zip(frames, before, strict=True):
        assert np.abs(seen(rig, frame) - matrices).max() < 5e-4, frame
    step = np.abs(seen(rig, end) - seen(rig, end - 1)).max()
    assert step < 0.2, "the block leaps into the next one"


@pytest.mark.sweep
def test_marked_poses_belong_to_the_block_that_they_lie_in(addon, smpl_rig):
    blocks(smpl_rig, (WALK, 1, 41), (JUMP, 41, 81))
    show(60)
    smpl_rig.pose.bones["l_shoulder"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    bpy.ops.motiongpt.add_pose(role="KEY")
    marked = seen(smpl_rig, 60)
    smpl_rig.pose.bones["l_shoulder"].rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    make(addon)
    assert np.abs(seen(smpl_rig, 60) - marked).max() < 1e-4
    assert_smooth(smpl_rig, 41, most=1.0)
    show(150)
    bpy.ops.motiongpt.add_pose(role="KEY")
    with pytest.raises(RuntimeError, match="frame 150 lies in no block"):
        bpy.ops.motiongpt.generate_sequence()


@pytest.mark.sweep
def test_a_minute_is_made_in_pieces_of_what_the_model_can(addon, smpl_rig, monkeypatch):
    blocks(smpl_rig, (WALK, 1, 1201))
    asked = []
    start = addon.controller.start

    def counted(*args):
        job = start(*args)
        asked.append(job.request.frames)
        return job

    monkeypatch.setattr(addon.controller, "start", counted)
    make(addon)
    assert len(asked) == 7
    assert max(asked) <= 196
    assert spans(smpl_rig)[0][1] == 1
    assert spans(smpl_rig)[-1][2] == 1201
    ends = [end for *_, end in spans(smpl_rig)][:-1]
    assert ends == [start for _, start, _ in spans(smpl_rig)][1:]
    for frame in ends[:3]:  # the fake's knees have corners
        assert_smooth(smpl_rig, frame, most=1.0)


def test_a_gap_is_held_and_the_next_block_starts_from_it(addon, smpl_rig):
    blocks(smpl_rig, (WALK, 1, 31), (JUMP, 51, 81))
    make(addon)
    held = seen(smpl_rig, 31)
    assert np.abs(seen(smpl_rig, 40) - held).max() < 1e-5
    assert np.abs(seen(smpl_rig, 51) - held).max() < 1e-4
    assert_smooth(smpl_rig, 51, most=1.0)


@pytest.mark.sweep
def test_cancel_stops_the_sequence_and_keeps_what_is_made(addon, smpl_rig):
    blocks(smpl_rig, (WALK, 1, 31), (JUMP, 31, 61))
    bpy.ops.motiongpt.generate_sequence()
    while addon.run.done == 0:
        addon.tick()
    assert not bpy.ops.motiongpt.generate_block.poll()
    bpy.ops.motiongpt.cancel()
    wait(addon)
    assert "Block 2: Cancelled" in addon.message
    assert spans(smpl_rig) == [(WALK, 1, 31)]
    assert addon.run is None
    assert bpy.ops.motiongpt.generate_sequence.poll()


@pytest.mark.parametrize(
    ("rows", "says"),
    sweep(
        [
            ((), "sequence is empty"),
            (((WALK, 1, 41), ("", 41, 81)), "Block 2: The prompt is empty"),
            (((WALK, 41, 1),), "ends before it starts"),
            (((WALK, 41, 41),), "shortest is 0.4 s"),
            (((WALK, 1, 60), (JUMP, 50, 90)), "before block 1 ends"),
        ]
    ),
)
def test_sequences_that_are_refused_change_nothing(addon, smpl_rig, rows, says):
    blocks(smpl_rig, *rows)
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.motiongpt.generate_sequence()
    assert addon.failed
    assert addon.run is None
    assert not bpy.data.actions


@pytest.fixture
def carried_rig(smpl_rig):
    """The armature with a bone below it that carries the hips."""
    bpy.context.view_layer.objects.active = smpl_rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = smpl_rig.data.edit_bones
    root = bones.new("root")
    root.head, root.tail, root.roll = (0.0, 0.0, 0.0), (0.0, 0.3, 0.0), 0.4
    bones["pelvis"].parent = root
    bpy.ops.object.mode_set(mode="OBJECT")
    smpl_rig.pose.bones["root"].rotation_mode = "QUATERNION"
    return smpl_rig


@pytest.mark.sweep
@pytest.mark.parametrize("in_place", [False, True])
def test_blocks_join_where_a_root_bone_travels(addon, carried_rig, in_place):
    chosen = carried_rig.motiongpt.retargeting
    chosen.root, chosen.in_place = "BONE", in_place
    group = blocks(carried_rig, (WALK, 1, 21), (TURN, 21, 41), (WALK, 41, 61))
    make(addon)
    frames = (1, 12, 21, 41, 61)
    before = [seen(carried_rig, f) for f in frames]
    root = [b.name for b in carried_rig.pose.bones].index("root")
    travelled = np.linalg.norm(before[-1][root, :2, 3] - before[0][root, :2, 3])
    assert travelled < 0.3 if in_place else travelled > 0.8
    group.active, group.blocks[1].seed = 1, 5
    assert bpy.ops.motiongpt.generate_block() == {"FINISHED"}
    wait(addon)
    assert not addon.failed, addon.message
    for frame, matrices in zip(frames, before, strict=True):
        assert np.abs(seen(carried_rig, frame) - matrices).max() < 5e-4, frame
    assert_first_is_made_again(addon, carried_rig, frames[2:], before[2:])


def test_a_take_that_lies_over_the_sequence_is_told(addon, smpl_rig):
    from motiongpt_blender.generate.sequence import hidden_note
    from motiongpt_blender.operators.character import ArmatureCharacter

    character = ArmatureCharacter.of(smpl_rig, bpy.context.scene)
    blocks(smpl_rig, (WALK, 1, 31))
    make(addon)
    assert hidden_note(character) == ""
    asked().seconds = 1.0
    show(20)
    report = generate(addon)
    printed = f"From frame 20 on it is hidden by '{report.track_name}' above it"
    assert printed in hidden_note(character)
    make(addon)
    assert printed in addon.message
    smpl_rig.animation_data.nla_tracks[report.track_name].mute = True
    assert hidden_note(character) == ""


@pytest.mark.parametrize("root", sweep(["OBJECT", "HIPS"]))
def test_an_object_that_is_moved_between_marks(addon, smpl_rig, root):
    """Poses come back where they stood in the scene, though the object stands elsewhere."""
    smpl_rig.motiongpt.retargeting.root = root
    show(1)
    bpy.ops.motiongpt.add_pose(role="START")
    first = seen(smpl_rig, 1)
    smpl_rig.location, smpl_rig.rotation_euler.z = (1.0, -2.0, 0.0), 0.6
    bpy.context.view_layer.update()
    show(41)
    bpy.ops.motiongpt.add_pose(role="END")
    last = seen(smpl_rig, 41)
    assert np.abs(first - last).max() > 1.0
    generate(addon)
    assert np.abs(seen(smpl_rig, 1) - first).max() < 1e-4
    assert np.abs(seen(smpl_rig, 41) - last).max() < 1e-4


@pytest.mark.sweep
def test_a_long_sequence_needs_the_memory_of_a_block(addon, smpl_rig, monkeypatch):
    """What the add-on holds does not grow with the blocks made; keys are Blender's."""
    from motiongpt_blender.generate import sequence

    held: list[int] = []
    following = sequence._next

    def weighed(controller, run, *, written):
        gc.collect()
        held.append(sys.getallocatedblocks())  # every array is one
        following(controller, run, written=written)

    monkeypatch.setattr(sequence, "_next", weighed)
    blocks(smpl_rig, *[(WALK, 1 + 20 * k, 21 + 20 * k) for k in range(8)])
    make(addon)
    assert len(held) == 8
    assert held[-1] - held[2] < 1000
