"""MotionGPT for scripts: ask for takes, look at them, keep one. No window is needed.

Every function works on the open file and waits until it is done; an armature is named, or handed
over. What cannot be done raises one sentence. The command line, the batch and the server for
agents stand on this module; it stands on the functions of the panel's buttons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import bpy

from . import preferences
from .core.body.motion import Origin
from .core.packs.manifest import MANIFEST
from .core.panel_words import for_the_terminal
from .core.pose_constraints.marked_pose import PoseRole
from .core.shots import Mark
from .core.timeline.frame_range import FrameRangeMode, frame_text
from .generate.controller import REFUSED
from .generate.take_request import MOST_TAKES, Timing
from .operators import generation, session, waiting
from .operators import takes as take_operators
from .operators.poses import store_mark
from .operators.waiting import Progress, print_progress
from .properties import armature as armatures_kept
from .properties.placement import Placement
from .properties.request import DEFAULTS, SECONDS
from .properties.takes import MotionGPTTake, MotionGPTTakes
from .scene.action.played_curves import keyed_frames
from .scene.errors import RigError, WriteError
from .scene.export import export_motion, save_blend
from .scene.rig.usability import check_usable
from .scene.scene_time import preserving_frame, set_frame
from .scene.take.provenance import origin_of_action
from .wire import Sampling

if TYPE_CHECKING:
    #: An armature object or its name.
    Armature: TypeAlias = "bpy.types.Object | str"

__all__ = [
    "DESTINATIONS",
    "APIError",
    "Mark",
    "Take",
    "armatures",
    "discard",
    "export",
    "generate",
    "keep",
    "mark",
    "save",
    "takes",
    "using",
]

#: Where a take can be kept, with the words for it.
DESTINATIONS: Final = {
    "nla": Placement.NLA,
    "action": Placement.ACTION,
    "layer": Placement.LAYER,
}


class APIError(RuntimeError):
    """Something cannot be done; the message is one sentence: what, where, what to do."""


@dataclass(frozen=True)
class Take:
    """One take of an armature, as it was when it was asked for.

    Attributes:
        armature: name of the armature object.
        index: its place in the armature's list of takes.
        name: its name, and that of its action.
        prompt: what it was made from.
        seed: with which it was made.
        frame_start: its first frame in the scene.
        frame_end: its last frame in the scene.
        kept: whether it is kept.
        placement: where it is: "list", "shown", "nla", "action" or "layer".
        pack: the model pack that made it.
        notes: what there is to know of it, one sentence each; the measured demands too.
    """

    armature: str
    index: int
    name: str
    prompt: str
    seed: int
    frame_start: float
    frame_end: float
    kept: bool
    placement: str
    pack: str
    notes: tuple[str, ...] = ()


def armatures() -> tuple[str, ...]:
    """Names of the armatures in the scene."""
    return tuple(obj.name for obj in bpy.context.scene.objects if obj.type == "ARMATURE")


def generate(
    armature: Armature,
    prompt: str,
    *,
    seconds: float | None = None,
    marks: Sequence[Mark] | None = None,
    takes: int = MOST_TAKES,
    seed: int = DEFAULTS.seed,
    candidates: int = DEFAULTS.candidates,
    guidance: float = DEFAULTS.guidance,
    frames: tuple[int, int] | None = None,
    loop: bool = False,
    progress: Progress = print_progress,
) -> tuple[Take, ...]:
    """Make takes of a prompt, and wait for them.

    Args:
        armature: the armature object, or its name.
        prompt: what the character does, in English.
        seconds: length where no marked pose and no frame range decides it; None: what suits the
            prompt.
        marks: frames whose pose the takes meet. None: the poses that are marked in the file; an
            empty list: none.
        takes: how many different ones. A single one is kept at once; of several the best is shown.
        seed: the same one gives the same takes.
        candidates: how many motions are generated to choose from.
        guidance: how strongly the marked poses guide the model.
        frames: first and last frame of the takes, in place of the frame in view.
        loop: whether they end as they begin.
        progress: told of the progress.

    Returns:
        The new takes, best first.

    Raises:
        APIError: nothing was changed then but marks.
    """
    obj = _armature(armature)
    sampling = Sampling(seed=seed, candidates=candidates, guidance=guidance)
    _check(sampling, takes, seconds)
    if reason := session.why_busy(obj):
        raise APIError(f"{reason}.")
    if marks is not None:
        _replace_marks(obj, marks)
    first, last = frames or (1, 1)
    mode = FrameRangeMode.FREE if frames is None else FrameRangeMode.RANGE
    if seconds is None:
        seconds = generation.suggested_length(bpy.context, obj, prompt) or SECONDS
    asked = generation.Asked(prompt, seconds, sampling, Timing(mode, first, last, loop), takes)
    before = len(_takes_of(obj).entries)
    try:
        generation.send(bpy.context, obj, asked)
    except REFUSED as error:
        raise APIError(_sentence(error)) from None
    [state] = waiting.wait([obj], progress)
    made = tuple(_take(take, k) for k, take in enumerate(_takes_of(obj).entries))[before:]
    if state.failed or not made:
        raise APIError(_sentence(state.message or "The request was stopped: try again."))
    return made


def takes(armature: Armature) -> tuple[Take, ...]:
    """All takes of an armature, in the order in which they were made."""
    entries = _takes_of(_armature(armature)).entries
    return tuple(_take(take, index) for index, take in enumerate(entries))


def keep(
    armature: Armature,
    take: Take | str | None = None,
    destination: str = "nla",
    *,
    others: bool = False,
    replace_keys: bool = False,
) -> Take:
    """Keep a take on the armature; the others of its request that are not kept go.

    Args:
        armature: the armature object, or its name.
        take: the take, or its name; None: the one that is chosen, which after ``generate`` is the
            best.
        destination: "nla": an NLA track of its own; "action": its keys in the active action;
            "layer": an NLA track that adds to the animation below.
        others: whether the other takes of its request stay in the list.
        replace_keys: whether "action" may replace keys of yours.

    Raises:
        APIError: nothing was changed then.
    """
    obj = _armature(armature)
    index = _index_of(obj, take)
    group = armatures_kept.editable_of(obj).takes
    place = _destination(destination)
    entry = group.entries[index]
    reason = take_operators.why_not_kept(entry, place.value) or session.why_busy(obj)
    if not reason and not replace_keys:
        reason = take_operators.why_keys_in_the_way(entry, place.value)
    if reason:
        raise APIError(f"{_sentence(reason).rstrip('.')}.")
    name = entry.name
    own, group.destination = group.destination, place.value
    try:
        group.chosen = index
        if others:
            group.keep_all(index)
        else:
            group.keep(index)
    except RigError as error:
        raise APIError(_sentence(error)) from None
    finally:
        group.destination = own
    return next(one for one in takes(obj) if one.name == name)


def save(path: Path | str | None = None) -> Path:
    """Save the open file; with a path as a copy there, while the open one stays the open one.

    Raises:
        APIError: when it cannot be written.
    """
    try:
        return save_blend(Path(path).resolve() if path is not None else None)
    except WriteError as error:
        raise APIError(str(error)) from None


def export(armature: Armature, path: Path | str, take: Take | str | None = None) -> Path:
    """Export an armature over the frames of a take, as it plays in the scene.

    Args:
        armature: the armature object, or its name.
        path: the file; its suffix, .bvh, .fbx or .glb, says the format.
        take: the take, or its name; None: the one that is chosen.

    Raises:
        APIError: when it cannot be written.
    """
    obj = _armature(armature)
    index = _index_of(obj, take)
    shown, action = (
        _take(_takes_of(obj).entries[index], index),
        _takes_of(obj).entries[index].action,
    )
    origin = origin_of_action(action) if action is not None else Origin()
    try:
        return export_motion(obj, Path(path).resolve(), shown.frame_start, shown.frame_end, origin)
    except WriteError as error:
        raise APIError(str(error)) from None


def discard(armature: Armature) -> None:
    """Remove the takes of the last request that are not kept; the rig is as before them."""
    group = armatures_kept.editable_of(_armature(armature)).takes
    open_ones = [index for index, take in enumerate(group.entries) if not take.kept]
    if open_ones:
        group.discard(open_ones[-1])


def mark(armature: Armature, frame: float, role: str = "key") -> str:
    """Mark the pose that an armature shows at a frame.

    Args:
        armature: the armature object, or its name.
        frame: of the scene. It lies in the scene's range, or between keys of the armature.
        role: "start", "key" or "end".

    Returns:
        What there is to know of the pose, or "".

    Raises:
        APIError: no pose was marked then.
    """
    obj = _armature(armature)
    try:
        return _mark(obj, Mark(frame, PoseRole(role.upper())))
    except ValueError:
        raise APIError(f"There is no role '{role}': a pose is start, key or end.") from None


@contextmanager
def using(
    pack: Path | None = None, device: str | None = None, *, fake: bool = False
) -> Iterator[None]:
    """Within it, another model pack or device than the preferences' is used.

    Args:
        pack: folder of a model pack.
        device: "auto", "cpu", "cuda" or "mps".
        fake: a drawn walk in place of a model, for tests.

    Raises:
        APIError: where there is no such pack.
    """
    if pack is not None and not fake and not (pack / MANIFEST).is_file():
        raise APIError(f"There is no model pack in {pack}: name the folder of one.")
    with preferences.instead(pack=pack, device=device, fake=fake or None):
        yield


def _armature(named: Armature) -> bpy.types.Object:
    """The armature object of the scene that is meant."""
    if isinstance(named, bpy.types.Object):
        found = named if named.name in bpy.context.scene.objects else None
        name = named.name
    else:
        found, name = bpy.context.scene.objects.get(named), named
    if found is None:
        raise APIError(f"There is no armature '{name}' in {_file()}: it has {_known()}.")
    try:
        check_usable(found)
    except RigError as error:
        if found.type == "ARMATURE":
            raise APIError(_sentence(error)) from None
        raise APIError(f"'{name}' in {_file()} is no armature: it has {_known()}.") from None
    return found


def _known() -> str:
    """The armatures that there are, in words."""
    names = armatures()
    return ", ".join(f"'{name}'" for name in names) if names else "no armature"


def _file() -> str:
    """The open file, in words."""
    return Path(bpy.data.filepath).name or "the scene"


def _sentence(words: object) -> str:
    """A sentence of the panel, for who has none."""
    return for_the_terminal(" ".join(str(words).split()))


def _check(sampling: Sampling, takes: int, seconds: float | None) -> None:
    """Raise APIError where a number is out of its range."""
    if reason := sampling.out_of_range():
        raise APIError(reason)
    if not 1 <= takes <= MOST_TAKES:
        raise APIError(f"{takes} takes cannot be made at a time: choose 1 to {MOST_TAKES}.")
    if seconds is not None and not 0 < seconds < float("inf"):
        raise APIError(f"A motion of {seconds:g} s cannot be made: choose a length above 0.")


def _replace_marks(obj: bpy.types.Object, marks: Sequence[Mark]) -> None:
    """Let these be the marked poses of an armature; all are checked before one is marked."""
    for one in marks:
        _check_frame(obj, one)
    armatures_kept.editable_of(obj).poses.clear()
    for one in marks:
        _mark(obj, one)


def _mark(obj: bpy.types.Object, wanted: Mark) -> str:
    _check_frame(obj, wanted)
    try:
        with preserving_frame(obj):
            set_frame(wanted.frame)
            return store_mark(obj, wanted.frame, wanted.role)[1]
    except RigError as error:
        raise APIError(_sentence(error)) from None


def _check_frame(obj: bpy.types.Object, wanted: Mark) -> None:
    """Raise APIError for a frame that neither the scene nor the animation has."""
    scene = bpy.context.scene
    keyed = keyed_frames(obj)
    first = min((scene.frame_start, *keyed[:1]))
    last = max((scene.frame_end, *keyed[-1:]))
    if not first <= wanted.frame <= last:
        raise APIError(
            f"Frame {frame_text(wanted.frame)} of '{obj.name}' cannot be marked: {_file()} has the "
            f"frames {frame_text(first)} to {frame_text(last)}."
        )


def _takes_of(obj: bpy.types.Object) -> MotionGPTTakes:
    return armatures_kept.of(obj).takes


def _index_of(obj: bpy.types.Object, take: Take | str | None) -> int:
    """Place of a take in the list, found by its name."""
    group = _takes_of(obj)
    if take is None:
        if group.chosen_take is None:
            raise APIError(f"'{obj.name}' has no take: generate one first.")
        return group.chosen
    name = take if isinstance(take, str) else take.name
    names = [entry.name for entry in group.entries]
    if name not in names:
        known = ", ".join(f"'{one}'" for one in names) or "none"
        raise APIError(f"'{obj.name}' has no take '{name}': it has {known}.")
    return names.index(name)


def _destination(name: str) -> Placement:
    if name not in DESTINATIONS:
        raise APIError(f"A take cannot be kept in '{name}': choose {', '.join(DESTINATIONS)}.")
    return DESTINATIONS[name]


def _take(entry: MotionGPTTake, index: int) -> Take:
    first, last = entry.action.frame_range if entry.action is not None else (0.0, 0.0)
    report = entry.report
    return Take(
        armature=entry.obj.name,
        index=index,
        name=entry.name,
        prompt=entry.prompt,
        seed=entry.seed,
        frame_start=float(first),
        frame_end=float(last),
        kept=entry.kept,
        placement=entry.placement.lower(),
        pack=entry.pack,
        notes=report.notes if report is not None else (),
    )
