"""What a written take is reported with. Imports no bpy, so that ``generate`` can hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...core.feet.foot_locking import FootLockReport
from ...core.pose_constraints.reports import PoseReport
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
        track_name: the NLA track it is on.
        frame_start: its first frame in the scene.
        frame_end: its last frame in the scene.
        keys: for each marked pose within the range, by scene frame, how far the motion
            was from it before it was made to meet it.
        seconds: time spent in each stage.
        notes: what the animator should know about the rig, one sentence each.
        checks: what was measured of the prompt's demands, one sentence each.
        seams: for each seam, by scene frame, the jump in speed before it was fitted.
        foot_lock: what it took to lock the feet; None where they were not to be locked.
        ids: by which the take is found again, whatever is renamed or copied.
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
