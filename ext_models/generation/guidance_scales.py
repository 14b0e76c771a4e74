"""The scales of pose guidance: how much a distance from a target costs.

All costs are half the square of a distance over its scale, in units of log-likelihood. The values
were chosen on validation clips: ``compare-guidance`` prints the table, docs/language.md has it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GuidanceScales:
    """How strongly each target guides.

    Attributes:
        pose: metres of pose error that cost half a unit at the pose's frame, by level; the last
            one counts for all finer levels. Finer levels can still correct what coarser ones leave.
        on_the_way: the same before a pose.
        eager: speed of the approach to a pose, relative to an even one.
        height: weight of the pelvis' height beside the mean of the joints.
        place: metres and radians off a place that cost half a unit.
        place_growth: how much more is allowed for each second that is left, as a share.
        follow: weight of the clip summary as a target, beside that of a marked pose; candidates
            take turns. The summary knows bodies and not when they come: it leads into lasting
            poses, and averages what is fast away, such as a jump, a kick or a wave.
        follow_levels: coarse levels of a code that are led so; what the finer ones add is less than
            what a summary knows, and looking ahead at them took a seventh of a take's time.
        summary_body: metres between joints by which a summary token loses one unit.
        summary_place: metres and radians off a place by which it loses half a unit.
    """

    pose: tuple[float, ...] = (0.04, 0.03)
    on_the_way: float = 0.08
    eager: float = 2.0
    height: float = 0.5
    place: tuple[float, float] = (0.05, 0.08)
    place_growth: float = 2.0
    follow: tuple[float, ...] = (2.0, 0.8, 0.0)
    follow_levels: int = 2
    summary_body: float = 0.04
    summary_place: tuple[float, float] = (0.3, 0.3)

    def pose_at(self, level: int) -> float:
        """The scale at the pose's frame of a code level."""
        return self.pose[min(level, len(self.pose) - 1)]
