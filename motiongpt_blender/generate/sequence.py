"""A sequence: prompt blocks made piece by piece, each a request and a take of its own.

All pieces go on one NLA track. The next one is sent when the last is written, so that it can
continue from it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..backend.process import Launch
from ..core.body.motion import MODEL_FPS
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import Fit, FrameRange
from ..core.timeline.sequences import Block, Piece, SequenceError, pieces_of
from ..core.translation import tr
from ..scene.errors import RigError
from ..wire import Sampling
from .adapters import Character
from .controller import REFUSED, Controller
from .job import any_script, max_frames
from .request import poses_between
from .state import SequenceRun
from .take_request import TakeRequest

#: The NLA track that the blocks of a character are on.
TRACK: Final = "MotionGPT Sequence"
#: What a sequence may be refused with; each message is one sentence.
SEQUENCE_REFUSED: Final = (*REFUSED, SequenceError)

_log = logging.getLogger(__name__)


def start_sequence(
    controller: Controller,
    character: Character,
    blocks: Sequence[Block],
    chosen: Sequence[int],
    launch: Launch,
    sampling: Sampling,
) -> SequenceRun:
    """Make the chosen blocks: send the first piece, the others follow by themselves.

    Args:
        controller: makes the takes.
        character: who moves.
        blocks: the whole sequence.
        chosen: indices of the blocks to make.
        launch: how the model's process is started.
        sampling: how the model samples; each block has its own seed.

    Raises:
        SequenceError, or what ``Controller.start`` raises: nothing is under way then.
    """
    fps = controller.blender.time().fps
    pieces = pieces_of(
        blocks,
        chosen,
        fps,
        MODEL_FPS,
        max_frames(launch.pack),
        any_script=any_script(launch.pack),
    )
    _check_poses(character, blocks)
    whole = len(chosen) == len(blocks)
    run = SequenceRun(character.key, tuple(pieces), whole, launch, sampling)
    _send(controller, character, run)
    return run


def hidden_note(character: Character) -> str:
    """A sentence about NLA tracks that hide the sequence, or ""."""
    names, frame = character.tracks_above(TRACK)
    if not names:
        return ""
    listed = ", ".join(f"'{name}'" for name in names)
    return tr(
        "From frame {frame:g} on it is hidden by {listed} above it: mute that in "
        "the NLA editor, or move it below.",
        frame=frame,
        listed=listed,
    )


def _check_poses(character: Character, blocks: Sequence[Block]) -> None:
    """Raise SequenceError for a marked pose that lies in no block: no piece would meet it."""
    for pose in character.marked_poses():
        if not any(block.start <= pose.frame <= block.end for block in blocks):
            raise SequenceError(
                tr(
                    "The pose marked at frame {frame:g} lies in no block of the sequence: "
                    "move a block over it, or remove the pose.",
                    frame=pose.frame,
                )
            )


def _send(controller: Controller, character: Character, run: SequenceRun) -> None:
    """Send the piece whose turn it is."""
    request = _request(character, run, run.piece)
    controller.start(
        character, request, run.launch, lambda written: _next(controller, run, written=written)
    )
    controller.state(run.character.armature).sequence = run


def _request(character: Character, run: SequenceRun, piece: Piece) -> TakeRequest:
    """The request of a piece: it joins the piece before it, and after it what stays."""
    first_of_new = run.whole and run.done == 0
    last_of_some = not run.whole and run.done == len(run.pieces) - 1
    joined: set[PoseRole] = set()
    if not first_of_new and character.has_strips(TRACK, -math.inf, piece.start):
        joined.add(PoseRole.START)
    if last_of_some and character.has_strips(TRACK, piece.end, math.inf):
        joined.add(PoseRole.END)
    return TakeRequest(
        prompt=piece.prompt,
        seconds=1.0,
        sampling=replace(run.sampling, seed=piece.seed),
        marked=poses_between(character.marked_poses(), piece.start, piece.end),
        frame_range=FrameRange(piece.start, piece.end),
        joined=frozenset(joined),
        fit=Fit(track=TRACK),
    )


def _next(controller: Controller, run: SequenceRun, *, written: bool) -> None:
    """After a piece: send the next one, or tell how the sequence ended."""
    state = controller.state(run.character.armature)
    if state.sequence is not run:
        return
    state.sequence = None
    if not written:
        shown = controller.shown(run.character.armature)
        message = tr("Block {number}: {message}", number=run.piece.block + 1, message=shown.message)
        controller.tell(run.character, message, failed=shown.failed)
        return
    run.done += 1
    try:
        _continue(controller, run)
    except SEQUENCE_REFUSED as error:
        controller.tell(run.character, str(error), failed=True)
    except Exception as error:  # Blender drops a timer that raises, and says nothing
        _log.error("The sequence of '%s' was stopped", run.character.name, exc_info=error)
        reason = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
        controller.tell(
            run.character,
            tr(
                "The sequence was stopped ({reason}): the console has the details; press "
                "Generate All to try again.",
                reason=reason,
            ),
            failed=True,
        )


def _continue(controller: Controller, run: SequenceRun) -> None:
    """Send the next piece; after the last one say what was made."""
    character = controller.blender.find(run.character)
    if run.done == len(run.pieces):
        count = len({piece.block for piece in run.pieces})
        blocks = tr("1 block") if count == 1 else tr("{count} blocks", count=count)
        note = hidden_note(character) if character is not None else ""
        message = tr(
            "{blocks} made, on the NLA track '{track}'. {note}",
            blocks=blocks,
            track=TRACK,
            note=note,
        )
        controller.tell(run.character, message.strip())
        return
    if character is None:
        raise RigError(
            tr("The armature '{name}' is gone: the sequence was stopped.", name=run.character.name)
        )
    with controller.blender.in_scene(run.character):
        _send(controller, character, run)
