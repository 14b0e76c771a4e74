"""An armature object as ``generate`` sees it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..compat import session_id
from ..core.body.motion import MotionClip
from ..core.overlays.take_picture import take_picture_slices
from ..core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..core.rig.rig_description import RigDescription
from ..core.rig.rig_options import RigOptions
from ..core.timeline.frame_range import Join
from ..core.translation import tr
from ..core.ways.way import Way
from ..generate.adapters import CharacterKey
from ..generate.take_request import PreparedTake
from ..properties import armature as properties
from ..scene.access import block_of
from ..scene.action import played_curves
from ..scene.action.nla import has_strips, tracks_above
from ..scene.errors import RigError
from ..scene.pose.object_space import poses_in_object_space
from ..scene.pose.pose_parts import check_bones
from ..scene.pose.rest_pose import carried_over
from ..scene.rig.description import describe
from ..scene.rig.usability import check_not_tweaked, check_usable
from ..scene.take import surroundings
from ..scene.take.apply import (
    WrittenTake,
    drop_action,
    place_written_slices,
    write_take_slices,
)
from ..scene.take.picture import set_picture
from ..scene.take.report import ApplyReport
from .way_reading import way_of


@dataclass(frozen=True)
class ArmatureCharacter:
    """A character in Blender. Looks its object up at each use: an undo moves data-blocks."""

    key: CharacterKey

    @classmethod
    def of(cls, obj: bpy.types.Object, scene: bpy.types.Scene) -> ArmatureCharacter:
        """The character of an armature object in a scene."""
        return cls(CharacterKey(session_id(obj), session_id(scene), obj.name))

    @classmethod
    def find(cls, key: CharacterKey) -> ArmatureCharacter | None:
        """The character again, or None when its armature or scene is gone."""
        return cls(key) if _object_of(key) is not None else None

    @property
    def obj(self) -> bpy.types.Object:
        """The armature object; raises RigError when it is gone."""
        obj = _object_of(self.key)
        if obj is None:
            raise RigError(
                tr("The armature '{name}' is gone: choose another one.", name=self.key.name)
            )
        return obj

    def check_usable(self) -> None:
        """Raise RigError unless the armature may be posed and animated."""
        check_usable(self.obj)
        check_not_tweaked(self.obj)

    def describe(self) -> RigDescription:
        """Its rest pose and controls."""
        return describe(self.obj)

    def options(self) -> RigOptions:
        """How motions are put on it."""
        return properties.of(self.obj).retargeting.options()

    def marked_poses(self) -> tuple[MarkedPose, ...]:
        """Its marked poses."""
        return tuple(pose.load() for pose in properties.of(self.obj).poses)

    def keyed_frames(self, *, generated: bool) -> list[float]:
        """Frames with keys, ascending."""
        return played_curves.keyed_frames(self.obj, generated=generated)

    def check_no_solo(self) -> None:
        """Raise RigError when a soloed NLA track would silence a take."""
        played_curves.check_no_solo(self.obj)

    def object_matrix_at(self, frame: float) -> NDArray[np.float64]:
        """Matrix (4, 4) of the object at a frame."""
        return surroundings.object_matrix_at(self.obj, frame)

    def standing_pose_at(self, rig: RigDescription, frame: float) -> MarkedPose:
        """How it is posed at a frame."""
        return surroundings.standing_pose_at(self.obj, rig, frame)

    def motion_history(self, rig: RigDescription, start: float) -> NDArray[np.float32]:
        """Joint positions (20, 22, 3) of the second before a frame, metres, y up."""
        return surroundings.motion_history(self.obj, rig, start)

    def surrounding_poses(
        self,
        rig: RigDescription,
        ends: Sequence[tuple[float, PoseRole]],
        object_matrix: NDArray[np.float64] | None,
    ) -> tuple[tuple[MarkedPose, ...], tuple[Join, ...]]:
        """The poses at the ends of a take and how the animation moves there."""
        return surroundings.surrounding_poses(self.obj, rig, ends, object_matrix)

    def poses_in_take(
        self,
        rig: RigDescription,
        marked: Sequence[MarkedPose],
        object_matrix: NDArray[np.float64] | None,
        *,
        object_travels: bool,
    ) -> tuple[MarkedPose, ...]:
        """The marked poses where they stood in the scene, on the present rest pose."""
        obj = self.obj
        check_bones(obj, marked)
        marked = carried_over(obj, marked, rig)
        animated = set() if object_travels else played_curves.animated_properties(obj)
        return poses_in_object_space(obj, rig, marked, object_matrix, animated)

    def has_way(self) -> bool:
        """Whether its takes follow a way."""
        return properties.of(self.obj).way.is_used

    def way(
        self,
        rig: RigDescription,
        object_matrix: NDArray[np.float64] | None,
        start: float,
        fps: float,
    ) -> Way:
        """Its way in metres of the model."""
        return way_of(self.obj, rig, object_matrix, start, fps)

    def has_strips(self, track: str, start: float, end: float) -> bool:
        """Whether strips of an NLA track lie over these frames."""
        return has_strips(self.obj, track, start, end)

    def tracks_above(self, track: str) -> tuple[list[str], float]:
        """NLA tracks that hide this one, and the frame from which on they do."""
        return tracks_above(self.obj, track)

    def write(
        self, clips: Sequence[MotionClip], take: PreparedTake
    ) -> Generator[None, None, tuple[ApplyReport, ...]]:
        """Write clips as takes, in slices."""
        properties.of(self.obj).takes.hide()  # it is no animation that the new takes are beside
        yield
        written: list[WrittenTake] = []
        try:
            for clip in clips:
                first = written[0] if written else None
                written.append((yield from self._write_one(clip, take, first)))
                picture = yield from take_picture_slices(clip.joints)
                if (
                    action := block_of(bpy.data.actions, written[-1].report.ids.action)
                ) is not None:
                    set_picture(action, picture)
                yield
            shown = yield from place_written_slices(written[0])
        except BaseException:
            for one in written:
                drop_action(one.report.ids.action)
            raise
        reports = (shown, *(one.report for one in written[1:]))
        properties.editable_of(self.obj).takes.receive(reports, take)
        return reports

    def _write_one(
        self, clip: MotionClip, take: PreparedTake, first: WrittenTake | None
    ) -> Generator[None, None, WrittenTake]:
        return write_take_slices(
            self.obj,
            clip,
            take.marked,
            take.plan.start_frame,
            take.name,
            self.options(),
            take.fit,
            take.frame_count,
            first,
        )


def scene_of(key: CharacterKey) -> bpy.types.Scene | None:
    """The scene of a character, or None when it is gone."""
    return next((scene for scene in bpy.data.scenes if session_id(scene) == key.scene), None)


def _object_of(key: CharacterKey) -> bpy.types.Object | None:
    scene = scene_of(key)
    for obj in scene.objects if scene is not None else ():
        if session_id(obj) == key.armature and obj.type == "ARMATURE":
            return obj
    return None
