"""The takes of a character, kept on the armature object: saved and undone like its other data.

A take owns its action. It is on the rig, or only in the list; at most one is on show: on the
rig for a look, with its keys in the timeline, and off again when another one is chosen.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import bpy

from .. import compat
from ..core.timeline.frame_range import Fit
from ..generate.take_request import PreparedTake
from ..scene.action.nla_tracks import play_instead, playing_strip
from ..scene.action.shown_keys import select_unselected, unselect
from ..scene.action.tweak_mode import enter_tweak_mode, leave_tweak_mode
from ..scene.kept import owner_of
from ..scene.take.layer import add_layer
from ..scene.take.merge import merge_take, own_keys_in_the_way, unmerge_take
from ..scene.take.placing import place_take
from ..scene.take.provenance import PACK_KEY, provenance_of
from ..scene.take.record import TakeRecord
from ..scene.take.remove_take import remove_take
from ..scene.take.report import ApplyReport, TakeIds
from .frame_range import MotionGPTFrameRange
from .marked_pose import MotionGPTPose
from .placement import DESTINATIONS, PLACEMENTS, Placement


def _rename(take: MotionGPTTake, _context: bpy.types.Context) -> None:
    """The action bears the take's name."""
    if take.action is not None and take.name and take.action.name != take.name:
        take.action.name = take.name


class MotionGPTTake(bpy.types.PropertyGroup):
    """One take: its action, what was asked for, and how it was made."""

    name: bpy.props.StringProperty(
        name="Name", description="Name of the take and its action", update=_rename
    )
    action: bpy.props.PointerProperty(type=bpy.types.Action)
    #: The action as it was before it was reshaped; None: it was not.
    original: bpy.props.PointerProperty(type=bpy.types.Action)
    favourite: bpy.props.BoolProperty(name="Favourite", description="Mark this take as a favourite")
    kept: bpy.props.BoolProperty(options={"HIDDEN"})
    placement: bpy.props.EnumProperty(
        items=PLACEMENTS, default=Placement.LIST.value, options={"HIDDEN"}
    )
    #: Shared by the takes of one request.
    batch: bpy.props.StringProperty(options={"HIDDEN"})
    #: When it was made, UTC, ISO 8601.
    made: bpy.props.StringProperty(options={"HIDDEN"})
    report_json: bpy.props.StringProperty(options={"HIDDEN"})
    #: What plays it where that is not its own action: the active action, or the layer's.
    played: bpy.props.PointerProperty(type=bpy.types.Action)
    #: The active action before the take's keys came into it; None: it was made for them.
    played_before: bpy.props.PointerProperty(type=bpy.types.Action)
    #: How many bones are selected so that its keys show, while it is on show.
    selected_bones: bpy.props.IntProperty(options={"HIDDEN"})
    # What was asked for.
    prompt: bpy.props.StringProperty(options={"HIDDEN"})
    seconds: bpy.props.FloatProperty(options={"HIDDEN"})
    seed: bpy.props.IntProperty(options={"HIDDEN"})
    candidates: bpy.props.IntProperty(options={"HIDDEN"})
    guidance: bpy.props.FloatProperty(options={"HIDDEN"})
    frame_range: bpy.props.PointerProperty(type=MotionGPTFrameRange)
    poses: bpy.props.CollectionProperty(type=MotionGPTPose)
    # How it fits into the animation that was there.
    alone: bpy.props.BoolProperty(options={"HIDDEN"}, default=True)
    holds: bpy.props.BoolProperty(options={"HIDDEN"}, default=True)
    track: bpy.props.StringProperty(options={"HIDDEN"})

    @property
    def obj(self) -> bpy.types.Object:
        """The armature object whose take it is."""
        return owner_of(self)

    @property
    def report(self) -> ApplyReport | None:
        """What was written; None for a take of an older version."""
        return ApplyReport.from_json(self.report_json)

    @property
    def pack(self) -> str:
        """Name of the model pack that made it, or ""."""
        return str(self.action.get(PACK_KEY, "")) if self.action is not None else ""

    @property
    def fit(self) -> Fit:
        """How it fits into the animation that was there."""
        return Fit(
            alone=self.alone,
            holds=self.holds,
            loop=self.frame_range.loop,
            cyclic=self.frame_range.cyclic,
            track=self.track,
        )

    @property
    def on_rig(self) -> bool:
        """Whether the rig plays it: an NLA strip has its action."""
        data, playing = self.obj.animation_data, self.played or self.action
        if self.action is None or data is None:
            return False
        if self.placement == Placement.ACTION.value:
            return data.action == playing
        return playing_strip(data, playing) is not None

    @property
    def of_library(self) -> bool:
        """Whether it came with a linked file and is no take of this one."""
        return self.action is not None and self.action.library is not None

    @property
    def shown(self) -> bool:
        """Whether it is on show, in this file."""
        return self.placement == Placement.SHOWN.value and not self.of_library

    def fill_in(self, report: ApplyReport, take: PreparedTake, batch: str) -> None:
        """Store what was written and what was asked for."""
        request = take.request
        self.action = bpy.data.actions[report.action_name]
        self.name, self.batch = report.action_name, batch
        self.made = datetime.now(UTC).isoformat(timespec="seconds")
        notes = (*take.notes, *report.checks, *report.notes)
        self.report_json = replace(report, notes=notes).to_json()
        self.prompt, self.seconds = request.prompt, request.seconds
        sampling = request.sampling
        self.seed, self.candidates = sampling.seed, sampling.candidates
        self.guidance = sampling.guidance
        self.frame_range.set_timing(request.timing)
        for marked in request.marked:
            self.poses.add().store(marked)
        self.alone, self.holds, self.track = take.fit.alone, take.fit.holds, take.fit.track

    def fill_in_kept(self, strip: bpy.types.NlaStrip) -> None:
        """Store what is known of a take that is on the rig already."""
        action = strip.action
        assert action is not None
        self.action, self.name = action, action.name
        self.prompt, self.seed = provenance_of(action)
        self.holds = strip.extrapolation == "HOLD_FORWARD"
        self.kept, self.placement = True, Placement.NLA.value

    def place(self) -> None:
        """Put it on the rig."""
        start = float(self.action.frame_range[0])
        place_take(self.obj, self.action, start, self.name, self.fit)

    def keep_original(self) -> bool:
        """Keep the action as it is, before it is reshaped; whether it was not kept before."""
        if self.original is not None:
            return False
        self.original = self.action.copy()
        self.original.name, self.original.use_fake_user = f"{self.name} (original)", False
        return True

    def forget_original(self) -> None:
        """The action was not reshaped after all."""
        original, self.original = self.original, None
        if original is not None and original.users == 0:
            bpy.data.actions.remove(original)

    def reset(self) -> None:
        """Play the action again as it was before it was reshaped, to the last key."""
        reshaped, original, shown = self.action, self.original, self.shown
        self.hide_keys()
        data = self.obj.animation_data
        found = playing_strip(data, reshaped) if data is not None else None
        if found is not None:
            play_instead(found[1], original, compat.only_slot(original))
        self.action, self.original, name = original, None, reshaped.name
        if reshaped.users == 0:
            bpy.data.actions.remove(reshaped)
        original.name = name
        if shown:
            self.show_keys()

    def place_at(self, destination: Placement) -> None:
        """Put it on the rig for good, wherever it was before."""
        if destination is Placement.NLA:
            if self.placement in (Placement.ACTION.value, Placement.LAYER.value):
                self.take_off()
            if not self.on_rig:
                self.place()
        else:
            if self.on_rig:
                self.take_off()
            data = self.obj.animation_data
            if destination is Placement.LAYER:
                self.played = add_layer(self.obj, self.action, self.name)
            else:
                if data is not None and data.action is not None:
                    self.played_before = data.action.copy()
                    self.played_before.use_fake_user = False
                self.played = merge_take(self.obj, self.action, self.name)
        self.kept, self.placement = True, destination.value

    def keys_in_the_way(self) -> int:
        """How many frames of it have keys of the animator's in the active action."""
        if self.placement == Placement.ACTION.value or self.action is None:
            return 0
        return own_keys_in_the_way(self.obj, self.action)

    def place_again(self) -> None:
        """Show what was changed in its action, where that is not what plays."""
        if self.played is not None:
            self.place_at(Placement(self.placement))

    def take_off(self) -> None:
        """Take it off the rig; what was there before it comes back. It stays in the list."""
        self.hide_keys()
        played, before = self.played, self.played_before
        self.played = self.played_before = None
        if self.placement == Placement.ACTION.value and played is not None:
            unmerge_take(self.obj, self.action, played, before)
        elif (playing := played or self.action) is not None:
            ids = TakeIds(compat.session_id(self.obj), compat.session_id(playing))
            remove_take(playing.name, ids)
        self.placement = Placement.LIST.value

    def show_keys(self) -> None:
        """Show its keys in timeline and dope sheet."""
        data = self.obj.animation_data
        if data is not None and (found := playing_strip(data, self.action)) is not None:
            enter_tweak_mode(data, *found)
            self.selected_bones = select_unselected(self.obj, self.action)

    def hide_keys(self) -> None:
        """Show its keys no more; bones that were selected for it are not any more."""
        leave_tweak_mode(self.obj)
        count, self.selected_bones = self.selected_bones, 0
        unselect(self.obj, self.action, count)


def _chosen(takes: MotionGPTTakes) -> int:
    return takes.chosen


def _choose(takes: MotionGPTTakes, index: int) -> None:
    """The animator chooses a take: it is shown, unless the rig plays it already."""
    takes.chosen = index
    if takes.chosen_take is not None:
        takes.show(index)


class MotionGPTTakes(bpy.types.PropertyGroup):
    """All takes of one armature, in the order in which they were made."""

    entries: bpy.props.CollectionProperty(type=MotionGPTTake)
    destination: bpy.props.EnumProperty(
        name="Keep In",
        description="Where Keep puts a take",
        items=DESTINATIONS,
        default=Placement.NLA.value,
    )
    #: Index of the chosen take; a change of ``active`` shows the take too.
    chosen: bpy.props.IntProperty(options={"HIDDEN"})
    active: bpy.props.IntProperty(
        name="Take",
        description="Click a take, or press the up and down keys over the list, to see it on the "
        "character",
        get=_chosen,
        set=_choose,
    )

    @property
    def chosen_take(self) -> MotionGPTTake | None:
        """The chosen take, or None."""
        return self.entries[self.chosen] if 0 <= self.chosen < len(self.entries) else None

    @property
    def index_shown(self) -> int | None:
        """Index of the take on show, or None."""
        return next((k for k, take in enumerate(self.entries) if take.shown), None)

    @property
    def shown_take(self) -> MotionGPTTake | None:
        """The take on show, or None."""
        return None if self.index_shown is None else self.entries[self.index_shown]

    def receive(self, reports: Sequence[ApplyReport], take: PreparedTake) -> None:
        """Add what was written for one request, the first on the rig already.

        A single take that was asked for is kept; of several the first is shown.
        """
        batch, first = uuid.uuid4().hex, len(self.entries)
        for report in reports:
            self.entries.add().fill_in(report, take, batch)
        self.chosen, placed = first, self.entries[first]
        if take.request.takes == 1:
            placed.kept, placed.placement = True, Placement.NLA.value
        else:
            placed.placement = Placement.SHOWN.value
            placed.show_keys()

    def adopt(self, strips: Iterable[bpy.types.NlaStrip]) -> None:
        """List the takes that play on strips."""
        for strip in strips:
            self.entries.add().fill_in_kept(strip)

    def unlisted(self, obj: bpy.types.Object) -> list[bpy.types.NlaStrip]:
        """The strips of an armature object with takes of this file that no list has."""
        listed = {take.action for take in self.entries}
        data = obj.animation_data
        return [
            strip
            for track in (data.nla_tracks if data is not None else ())
            for strip in track.strips
            if strip.action is not None
            and strip.action.library is None
            and strip.action not in listed
            and TakeRecord.load(strip.action) is not None
        ]

    def show(self, index: int) -> None:
        """Show a take in place of the one on show; what the rig plays already needs no show."""
        take = self.entries[index]
        if take.shown and take.on_rig:
            return
        self.hide()
        if take.action is None or take.on_rig:
            return
        leave_tweak_mode(take.obj)
        take.place()
        take.placement = Placement.SHOWN.value
        take.show_keys()

    def hide(self) -> None:
        """Take the take on show off the rig, if there is one."""
        if (take := self.shown_take) is not None:
            take.take_off()

    def keep(self, index: int) -> None:
        """Leave a take on the rig. The others of its batch go, unless they are kept."""
        if self.index_shown not in (None, index):
            self.hide()
        take = self.entries[index]
        take.hide_keys()
        take.place_at(Placement(self.destination))
        self._remove_undecided(take.batch)

    def keep_all(self, index: int) -> None:
        """Keep all takes of a batch: the one on show on the rig, the others in the list."""
        for take in self._batch(index):
            take.kept = True
        self.keep(index)

    def discard(self, index: int) -> None:
        """Remove the takes of a batch that are not kept; the rig is as before them."""
        self._remove_undecided(self.entries[index].batch)

    def remove(self, index: int) -> None:
        """Remove one take from rig and list; what was there before it comes back."""
        take = self.entries[index]
        actions = [a for a in (take.action, take.original) if a is not None]
        if take.on_rig:
            take.take_off()
        self.entries.remove(index)
        for action in actions:
            if action.users == 0:
                bpy.data.actions.remove(action)
        if index < self.chosen or self.chosen >= len(self.entries):
            self.chosen = max(self.chosen - 1, 0)

    def _batch(self, index: int) -> list[MotionGPTTake]:
        """All takes that came with one of them."""
        batch = self.entries[index].batch
        return [take for take in self.entries if take.batch == batch]

    def _remove_undecided(self, batch: str) -> None:
        """Remove the takes of a batch that are not kept."""
        for index in reversed(range(len(self.entries))):
            take = self.entries[index]
            if take.batch == batch and not take.kept:
                self.remove(index)
