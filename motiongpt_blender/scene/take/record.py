"""What a take keeps on its action: how the armature was before it.

What made it, ``provenance`` keeps beside.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import Any, Final

import bpy

from ... import compat
from ...core.body.transforms import Transform, rest_transform
from ..access import TRANSFORM_PROPERTIES, bone_of_path, pose_bones
from ..action.nla import NlaState
from ..action.played_curves import animated_properties
from ..rig.bone_transforms import in_mode, set_transform

#: Custom property of a take's action: how the armature was before it, as JSON.
TAKE_KEY: Final = "motiongpt_take"
#: Custom property of the armature object that holds the root motion of a take in place:
#: distance to the left and forward in metres of the model, and heading in radians.
ROOT_MOTION_KEY: Final = "motiongpt_root_motion"

#: (bone, name of a property or constraint, value).
BoneValue = tuple[str, str, float]


@dataclass(frozen=True)
class TakeRecord:
    """How an armature was before a take, as far as the take changes it.

    Attributes:
        switches: values of the rig's FK/IK properties that the take keys.
        influences: influences of the constraints that the take turns off.
        transforms: own transforms: of the object under "", of each bone that was not at rest.
        stashed_track: name of the NLA track that holds the earlier action, or "".
        held_track: name of the NLA track that holds the take's properties outside it, or "".
        nla: the state of the NLA editor.
        curve_bones: the bone of each curve of the take, in their order, "" for the object: Blender
            renames the curves' paths with the bones, not the names in this record.
    """

    switches: tuple[BoneValue, ...] = ()
    influences: tuple[BoneValue, ...] = ()
    transforms: Mapping[str, Transform] = field(default_factory=dict[str, Transform])
    stashed_track: str = ""
    held_track: str = ""
    nla: NlaState = field(default_factory=NlaState)
    curve_bones: tuple[str, ...] = ()

    def save(self, action: bpy.types.Action) -> None:
        """Store the record on a take's action, all curves of which are written."""
        bones = [bone_of_path(curve.data_path) for curve in compat.all_curves(action)]
        action[TAKE_KEY] = json.dumps(
            {
                "switches": self.switches,
                "influences": self.influences,
                "transforms": {name: t.to_list() for name, t in self.transforms.items()},
                "stashed_track": self.stashed_track,
                "held_track": self.held_track,
                "nla": asdict(self.nla),
                "curve_bones": [(name, len(list(run))) for name, run in groupby(bones)],
            }
        )

    @classmethod
    def load(cls, action: bpy.types.Action | None) -> TakeRecord | None:
        """The record of an action; None where no take made it.

        One that cannot be read, as of a newer version, tells nothing of what was before.
        """
        text = action.get(TAKE_KEY) if action is not None else None
        if text is None:
            return None
        try:
            return cls._of(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()

    @classmethod
    def _of(cls, data: dict[str, Any]) -> TakeRecord:
        return cls(
            switches=_values(data["switches"]),
            influences=_values(data["influences"]),
            transforms={n: Transform.from_list(t) for n, t in data["transforms"].items()},
            stashed_track=str(data["stashed_track"]),
            held_track=str(data["held_track"]),
            nla=NlaState.from_dict(data["nla"]),
            curve_bones=tuple(n for n, count in data.get("curve_bones", ()) for _ in range(count)),
        )

    def with_tracks(self, stashed: str, held: str, nla: NlaState) -> TakeRecord:
        """The record with the tracks that a take added."""
        return replace(self, stashed_track=stashed, held_track=held, nla=nla)

    @classmethod
    def load_present(cls, action: bpy.types.Action) -> TakeRecord | None:
        """The record of an action with the present names of bones, to be saved again."""
        record = cls.load(action)
        return record and record._renamed([c.data_path for c in compat.all_curves(action)])

    @staticmethod
    def forget(action: bpy.types.Action) -> None:
        """Remove the record from an action that is on no rig any more."""
        if TAKE_KEY in action:
            del action[TAKE_KEY]

    def restore(self, obj: bpy.types.Object, keyed: Sequence[tuple[str, int]]) -> None:
        """Give an armature back what the take changed, once the take plays no more.

        Args:
            obj: the armature object.
            keyed: data path and index of every curve of the take, in their order; what other
                animation moves too is left to that.
        """
        self._renamed([path for path, _ in keyed])._restore(obj, keyed)

    def _renamed(self, paths: Sequence[str]) -> TakeRecord:
        """The record with the present names of bones, by the paths of the take's curves.

        Without as many curves as were written it stays as it is: names tell then.
        """
        if len(paths) != len(self.curve_bones):
            return self
        present = tuple(bone_of_path(path) for path in paths)
        names = dict(zip(self.curve_bones, present, strict=True))
        return replace(
            self,
            switches=tuple((names.get(b, b), n, v) for b, n, v in self.switches),
            influences=tuple((names.get(b, b), n, v) for b, n, v in self.influences),
            transforms={names.get(n, n): t for n, t in self.transforms.items()},
            curve_bones=present,
        )

    def _restore(self, obj: bpy.types.Object, keyed: Sequence[tuple[str, int]]) -> None:
        bones = pose_bones(obj)
        for name, prop, value in self.switches:
            if name in bones and prop in bones[name]:
                bones[name][prop] = value
        for name, constraint, influence in self.influences:
            if name in bones and constraint in bones[name].constraints:
                bones[name].constraints[constraint].influence = influence
        animated = animated_properties(obj)
        self._restore_transforms(
            obj, {path for path, index in keyed if (path, index) not in animated}
        )
        if ROOT_MOTION_KEY in obj and not any(ROOT_MOTION_KEY in path for path, _ in animated):
            del obj[ROOT_MOTION_KEY]
        obj.update_tag()

    def _restore_transforms(self, obj: bpy.types.Object, paths: Collection[str]) -> None:
        owners: dict[str, bpy.types.Object | bpy.types.PoseBone] = {"": obj}
        owners |= {bone.name: bone for bone in pose_bones(obj)}
        for name, owner in owners.items():
            mode = str(owner.rotation_mode)
            own_paths = (owner.path_from_id(p) if name else p for p in TRANSFORM_PROPERTIES)
            if not any(path in paths for path in own_paths):
                continue
            if self.curve_bones and name not in self.curve_bones:
                continue  # a bone of which the record knows nothing
            before = self.transforms.get(name, rest_transform(mode))
            set_transform(owner, in_mode(before, mode))


def add_root_motion_property(obj: bpy.types.Object) -> None:
    """Give an armature the custom property that a take in place keys."""
    obj[ROOT_MOTION_KEY] = [0.0, 0.0, 0.0]


def _values(rows: list[list[Any]]) -> tuple[BoneValue, ...]:
    return tuple((bone, name, value) for bone, name, value in rows)
