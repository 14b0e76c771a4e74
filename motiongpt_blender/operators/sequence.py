"""Prompt blocks on the timeline: the list, and making all of them or one again.

A sequence is made piece by piece, each a request and a take of its own on one NLA track;
the next one is sent when the last is written, so that it can go on from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import bpy

from ..core.body.motion import MODEL_FPS
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import Fit, FrameRange
from ..core.timeline.sequences import Block, Piece, SequenceError, pieces_of
from ..generate.request import TakeRequest, poses_between
from ..generate.state import SESSION, Run
from ..preferences import settings
from ..properties.scene import target
from ..properties.sequence import active_block
from ..scene.action.nla import has_strips, tracks_above
from ..scene.rig.description import RigError, check_not_override, check_usable
from ..scene.scene_time import scene_fps
from . import generation
from .poses import NO_ARMATURE

#: The NLA track that the blocks of an armature are on.
TRACK: Final = "MotionGPT Sequence"
#: What a sequence may be refused with, one sentence each.
REFUSED: Final = (*generation.REFUSED, SequenceError)


class _OnSequence:
    @classmethod
    def poll(cls: Any, context: Any) -> bool:
        """An armature is needed."""
        if target(context) is None:
            cls.poll_message_set(NO_ARMATURE)
            return False
        return True


class _OnBlock:
    @classmethod
    def poll(cls: Any, context: Any) -> bool:
        """A block has to be chosen."""
        obj = target(context)
        if obj is None or active_block(obj.motiongpt.sequence) is None:
            cls.poll_message_set("Add a prompt block first" if obj else NO_ARMATURE)
            return False
        return True


class MOTIONGPT_OT_add_block(_OnSequence, bpy.types.Operator):
    """Add a prompt block after the last one, or at the current frame"""

    bl_idname = "motiongpt.add_block"
    bl_label = "Add Block"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Append one with the prompt, length and seed of the panel."""
        panel, group = context.scene.motiongpt, target(context).motiongpt.sequence
        try:
            check_not_override(target(context))
        except RigError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        ends = [block.end for block in group.blocks]
        block = group.blocks.add()
        block.prompt, block.seed = panel.prompt, panel.seed
        block.start = max(ends) if ends else context.scene.frame_current
        block.end = block.start + max(round(panel.seconds * scene_fps()), 1)
        group.active = len(group.blocks) - 1
        return {"FINISHED"}


class MOTIONGPT_OT_remove_block(_OnBlock, bpy.types.Operator):
    """Take the block out of the list; the animation that was made stays"""

    bl_idname = "motiongpt.remove_block"
    bl_label = "Remove Block"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Remove the active one."""
        group = target(context).motiongpt.sequence
        group.blocks.remove(group.active)
        group.active = max(0, min(group.active, len(group.blocks) - 1))
        return {"FINISHED"}


class MOTIONGPT_OT_move_block(_OnBlock, bpy.types.Operator):
    """Swap the block with the one before or after it; each keeps its length"""

    bl_idname = "motiongpt.move_block"
    bl_label = "Move Block"
    bl_options = {"REGISTER", "UNDO"}

    up: bpy.props.BoolProperty(name="Earlier")

    def execute(self, context: Any) -> set[str]:
        """Swap two neighbours in the list and in time."""
        group = target(context).motiongpt.sequence
        here, there = group.active, group.active + (-1 if self.up else 1)
        if not 0 <= there < len(group.blocks):
            return {"CANCELLED"}
        first, second = group.blocks[min(here, there)], group.blocks[max(here, there)]
        start, end, gap = first.start, second.end, second.start - first.end
        first.start, first.end = end - (first.end - first.start), end
        second.start, second.end = start, first.start - gap
        group.blocks.move(here, there)
        group.active = there
        return {"FINISHED"}


class MOTIONGPT_OT_generate_sequence(_OnSequence, bpy.types.Operator):
    """Make all blocks, one after another, each going on from the one before"""

    bl_idname = "motiongpt.generate_sequence"
    bl_label = "Generate All"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Nothing may be under way."""
        if (reason := generation.why_not(context)) != "":
            cls.poll_message_set(reason)
        return reason == ""

    def execute(self, context: Any) -> set[str]:
        """Send the first piece; the others follow by themselves."""
        count = len(target(context).motiongpt.sequence.blocks)
        return _begin(self, context, range(count))


class MOTIONGPT_OT_generate_block(_OnBlock, bpy.types.Operator):
    """Make this block again; it joins the blocks beside it"""

    bl_idname = "motiongpt.generate_block"
    bl_label = "Generate Block"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A block, and nothing under way."""
        if (reason := generation.why_not(context)) != "":
            cls.poll_message_set(reason)
            return False
        return super().poll(context)

    def execute(self, context: Any) -> set[str]:
        """Send its first piece."""
        return _begin(self, context, [target(context).motiongpt.sequence.active])


def _begin(operator: Any, context: Any, chosen: Sequence[int]) -> set[str]:
    try:
        obj = target(context)
        check_usable(obj)
        blocks = obj.motiongpt.sequence.plan()
        longest = generation.max_frames(settings(context).pack)
        pieces = pieces_of(blocks, chosen, scene_fps(), MODEL_FPS, longest)
        _check_poses(obj, blocks)
        run = Run(context.scene.name, obj.name, pieces, len(chosen) == len(blocks))
        _send(context, obj, run)
    except REFUSED as error:
        SESSION.run = None
        SESSION.tell(str(error), failed=True)
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    return {"FINISHED"}


def _check_poses(obj: Any, blocks: Sequence[Block]) -> None:
    """A marked pose that belongs to no block would be missed in silence."""
    for pose in obj.motiongpt.poses:
        if not any(block.start <= pose.at <= block.end for block in blocks):
            raise SequenceError(
                f"The pose marked at frame {pose.at:g} lies in no block of the sequence: move a "
                "block over it, or remove the pose."
            )


def _send(context: Any, obj: Any, run: Run) -> None:
    """Send the piece whose turn it is."""
    piece = run.pieces[run.done]
    SESSION.run = run
    generation.send(context, obj, _wish(obj, run, piece), lambda ok: _next(run, written=ok))
    SESSION.run = run


def _wish(obj: Any, run: Run, piece: Piece) -> TakeRequest:
    """A piece joins what is made before it, and after it what stays."""
    new = run.whole and run.done == 0
    stays = not run.whole and run.done == len(run.pieces) - 1
    joined: set[PoseRole] = set()
    if not new and has_strips(obj, TRACK, -math.inf, piece.start):
        joined.add(PoseRole.START)
    if stays and has_strips(obj, TRACK, piece.end, math.inf):
        joined.add(PoseRole.END)
    poses = [pose.load() for pose in obj.motiongpt.poses]
    return TakeRequest(
        prompt=piece.prompt,
        seconds=1.0,
        seed=piece.seed,
        marked=poses_between(poses, piece.start, piece.end),
        frame_range=FrameRange(piece.start, piece.end),
        joined=frozenset(joined),
        fit=Fit(track=TRACK),
    )


def hidden_note(armature: str) -> str:
    """A sentence about takes that lie over the sequence, with a space before it, or ""."""
    obj = bpy.data.objects.get(armature)
    names, frame = tracks_above(obj, TRACK) if obj is not None else ([], 0.0)
    if not names:
        return ""
    listed = ", ".join(f"'{name}'" for name in names)
    return (
        f" From frame {frame:g} on it is hidden by {listed} above it: mute that in the NLA editor, "
        "or move it below."
    )


def _next(run: Run, *, written: bool) -> None:
    """After a piece: the next one, or the end. Runs from a timer."""
    if SESSION.run is not run:
        return
    count = len(run.pieces)
    if not written:
        SESSION.run = None
        where = f"Block {run.pieces[run.done].block + 1}"
        SESSION.tell(f"{where}: {SESSION.message}", failed=SESSION.failed)
        return
    run.done += 1
    if run.done == count:
        SESSION.run = None
        blocks = len({piece.block for piece in run.pieces})
        made = "1 block" if blocks == 1 else f"{blocks} blocks"
        SESSION.tell(f"{made} made, on the NLA track '{TRACK}'.{hidden_note(run.armature)}")
        return
    scene = bpy.data.scenes.get(run.scene)
    obj = scene.objects.get(run.armature) if scene else None
    try:
        if obj is None:
            raise RigError(f"The armature '{run.armature}' is gone: the sequence was stopped.")
        with generation.in_scene(run.scene):
            _send(bpy.context, obj, run)
    except REFUSED as error:
        SESSION.run = None
        SESSION.tell(str(error), failed=True)
