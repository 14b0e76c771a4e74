"""What a written take is reported with. Imports no bpy, so that ``generate`` can hold it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from ...core.feet.foot_locking import FootLockReport
from ...core.pose_constraints.fk_mismatch import FKMismatch
from ...core.pose_constraints.reports import PoseReport
from ...core.rig.bone_maps import Part
from ...core.timeline.blending import BlendReport


@dataclass(frozen=True)
class TakeIds:
    """Session ids of the armature and the action of a take; 0: not known."""

    armature: int = 0
    action: int = 0


NO_IDS: Final = TakeIds()


@dataclass(frozen=True)
class ApplyReport:
    """What was written for a take.

    Attributes:
        action_name: the new action.
        track_name: the NLA track it is on; "" while it is on none.
        frame_start: its first frame in the scene.
        frame_end: its last frame in the scene.
        keys: for each marked pose within the range, by scene frame, how far the motion
            was from it before it was made to meet it.
        seconds: time spent in each stage.
        notes: what the animator should know about the rig, one sentence each.
        checks: what was measured of the prompt's demands, one sentence each.
        seams: for each seam, by scene frame, the jump in speed before it was fitted.
        foot_lock: what it took to lock the feet; None where they were not to be locked.
        ids: by which the take is found again in this session, whatever is renamed or copied.
    """

    action_name: str
    track_name: str
    frame_start: float
    frame_end: float
    keys: tuple[PoseReport, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    seams: tuple[BlendReport, ...] = ()
    foot_lock: FootLockReport | None = None
    ids: TakeIds = NO_IDS

    def to_json(self) -> str:
        """The report as a file keeps it: without its ids."""
        return json.dumps(asdict(replace(self, ids=NO_IDS)))

    @classmethod
    def from_json(cls, text: str) -> ApplyReport | None:
        """The report of a text; None where it cannot be read."""
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(
                **{
                    **data,
                    "keys": tuple(_pose_report(row) for row in data["keys"]),
                    "notes": tuple(data["notes"]),
                    "checks": tuple(data["checks"]),
                    "seams": tuple(BlendReport(**row) for row in data["seams"]),
                    "foot_lock": data["foot_lock"] and FootLockReport(**data["foot_lock"]),
                    "ids": NO_IDS,
                }
            )
        except (ValueError, TypeError, KeyError):
            return None


def _pose_report(row: dict[str, Any]) -> PoseReport:
    if (miss := row["fk_mismatch"]) is not None:
        miss = FKMismatch(**{**miss, "part": miss["part"] and Part(miss["part"])})
    return PoseReport(**{**row, "fk_mismatch": miss})
