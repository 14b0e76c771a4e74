"""The ghosts of marked poses in the 3D view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bpy

from ...compat import session_id
from ...core.overlays.cache import LastValue
from ...core.overlays.ghosts import Ghost, ghost_lines, ghost_vertices
from ...core.pose_constraints.body_parts import BodyPart
from ...core.pose_constraints.marked_pose import PoseRole
from ...core.rig.figure import Figure
from ...properties import armature
from ...properties.marked_pose import MotionGPTPose, matrix_from_json
from ...scene.take.trails import parent_matrix
from .drawing import Batches, batches, before_scene, placed

#: Share of the lines' opacity that is left behind the scene's objects.
_BEHIND: Final = 0.4


@dataclass(frozen=True)
class Mark:
    """What the ghost of a marked pose depends on.

    Attributes:
        role: gives the colour.
        body_parts: what the pose constrains.
        figure: its bone lines as they are stored.
        object_matrix: where the object was, as it is stored.
        chosen: whether it is the chosen one of the list.
    """

    role: str
    body_parts: frozenset[str]
    figure: str
    object_matrix: str
    chosen: bool

    @classmethod
    def of(cls, pose: MotionGPTPose, *, chosen: bool) -> Mark:
        """Read a marked pose."""
        parts = frozenset(pose.body_parts)
        return cls(pose.role, parts, pose.figure, pose.object_matrix, chosen)

    def ghost(self) -> Ghost | None:
        """What is drawn; None for a pose of an older version, which keeps no bone lines."""
        figure, matrix = Figure.from_json(self.figure), matrix_from_json(self.object_matrix)
        if figure is None or matrix is None:
            return None
        parts = frozenset(BodyPart(part) for part in self.body_parts)
        return Ghost(figure.moved(matrix), PoseRole(self.role), parts, self.chosen)


@dataclass(frozen=True)
class GhostBatches:
    """The ghosts before the scene's objects, and their lines behind them."""

    before: Batches
    behind: Batches


_kept: LastValue[GhostBatches] = LastValue()


def draw_ghosts(obj: bpy.types.Object) -> None:
    """Draw the ghosts of an armature's marked poses."""
    group = armature.of(obj)
    marks = tuple(
        Mark.of(pose, chosen=index == group.active) for index, pose in enumerate(group.poses)
    )
    if not marks:
        return
    drawn = _kept.get((session_id(obj), marks), lambda: _batches(marks))
    with placed(parent_matrix(obj)):
        with before_scene(hidden=True):
            drawn.behind.draw()
        with before_scene(solid=True):
            drawn.before.draw()


def forget() -> None:
    """Free what is kept on the graphics card."""
    _kept.forget()


def _batches(marks: tuple[Mark, ...]) -> GhostBatches:
    ghosts = [ghost for mark in marks if (ghost := mark.ghost()) is not None]
    triangles, lines = ghost_vertices(ghosts), ghost_lines(ghosts)
    return GhostBatches(
        before=batches(triangles, lines),
        behind=batches(lines=lines.faded(_BEHIND)),
    )
