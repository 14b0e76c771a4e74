"""What making a take needs from outside: a character, Blender's time and turns, a backend.

``operators`` implements the first two for Blender, ``backend.pump`` the third. The unit tests
hand in plain objects.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .. import wire
from ..backend.jobs import Job
from ..backend.process import Launch
from ..core.body.motion import MotionClip
from ..core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..core.rig.rig_description import RigDescription
from ..core.rig.rig_options import RigOptions
from ..core.timeline.frame_range import Join
from ..core.ways.way import Way
from ..scene.take.report import ApplyReport
from .take_request import PreparedTake


@dataclass(frozen=True)
class CharacterKey:
    """Which armature object of which scene, found again after undo and under another name.

    Attributes:
        armature: session id of the object.
        scene: session id of the scene.
        name: the object's name when the key was made, for messages.
    """

    armature: int
    scene: int
    name: str


@dataclass(frozen=True)
class SceneTime:
    """The frame in view, with its fraction, and the scene's frames a second."""

    frame: float
    fps: float


class Character(Protocol):
    """An armature object that takes are made for. Keeps no data-block between two calls."""

    @property
    def key(self) -> CharacterKey:
        """What finds it again."""
        ...

    def check_usable(self) -> None:
        """Raise RigError unless the armature may be posed and animated."""
        ...

    def describe(self) -> RigDescription:
        """Its rest pose and controls; raises RigError when its bones cannot be mapped."""
        ...

    def options(self) -> RigOptions:
        """How motions are put on it."""
        ...

    def marked_poses(self) -> tuple[MarkedPose, ...]:
        """Its marked poses; raises PoseError when one cannot be read."""
        ...

    def keyed_frames(self, *, generated: bool) -> list[float]:
        """Frames with keys, ascending; without generated ones where the animator set others."""
        ...

    def check_no_solo(self) -> None:
        """Raise RigError when a take beside the animation that stays would not be played."""
        ...

    def object_matrix_at(self, frame: float) -> NDArray[np.float64]:
        """Matrix (4, 4) of the object at a frame."""
        ...

    def standing_pose_at(self, rig: RigDescription, frame: float) -> MarkedPose:
        """How it is posed at a frame, as the pose in which a take begins there."""
        ...

    def motion_history(self, rig: RigDescription, start: float) -> NDArray[np.float32]:
        """Joint positions (20, 22, 3) of the second before a frame, metres, y up."""
        ...

    def surrounding_poses(
        self,
        rig: RigDescription,
        ends: Sequence[tuple[float, PoseRole]],
        object_matrix: NDArray[np.float64] | None,
    ) -> tuple[tuple[MarkedPose, ...], tuple[Join, ...]]:
        """The poses at the ends of a take and how the animation moves there.

        Args:
            rig: its description.
            ends: first frame (START) and last frame (END) of the take, or one of them.
            object_matrix: matrix (4, 4) of the object at the take's start, where it travels.
        """
        ...

    def poses_in_take(
        self,
        rig: RigDescription,
        marked: Sequence[MarkedPose],
        object_matrix: NDArray[np.float64] | None,
        *,
        object_travels: bool,
    ) -> tuple[MarkedPose, ...]:
        """The marked poses where they stood in the scene, wherever the object is now.

        Args:
            rig: its description.
            marked: each in the object's space when it was marked.
            object_matrix: matrix (4, 4) of the object at the take's start; None: now.
            object_travels: whether the take itself moves the object.

        Raises:
            RigError: when a pose names a bone that is gone, or the rest pose was changed so that
                it is another pose now.
        """
        ...

    def has_way(self) -> bool:
        """Whether its takes follow a way."""
        ...

    def way(
        self,
        rig: RigDescription,
        object_matrix: NDArray[np.float64] | None,
        start: float,
        fps: float,
    ) -> Way:
        """Its way in metres of the model, where it has one.

        Args:
            rig: its description.
            object_matrix: matrix (4, 4) of the object at the take's start; None: now.
            start: first frame of the take.
            fps: of the scene.

        Raises:
            WayError: when it cannot be read.
        """
        ...

    def has_strips(self, track: str, start: float, end: float) -> bool:
        """Whether strips of an NLA track lie over these frames; touching does not count."""
        ...

    def tracks_above(self, track: str) -> tuple[list[str], float]:
        """NLA tracks that hide this one, and the frame from which on they do."""
        ...

    def write(
        self, clips: Sequence[MotionClip], take: PreparedTake
    ) -> Generator[None, None, tuple[ApplyReport, ...]]:
        """Write clips as takes, in slices between which Blender gets its turn.

        A single one is kept at once; of several the first is shown, and all wait for a choice.

        Args:
            clips: the motions, best first.
            take: what was asked for.

        Returns:
            What was written for each.

        Raises:
            RigError, WriteError, PoseError: nothing was changed then.
        """
        ...


class Blender(Protocol):
    """What making a take needs of Blender beside the character."""

    def time(self) -> SceneTime:
        """The current scene's time."""
        ...

    def find(self, key: CharacterKey) -> Character | None:
        """The character again, or None when its armature or scene is gone."""
        ...

    def in_scene(self, key: CharacterKey) -> AbstractContextManager[object]:
        """The context of the character's scene, whichever scene is shown by now."""
        ...

    def run_slices(self, step: Callable[[], float | None]) -> None:
        """Call ``step`` from a timer: again after the seconds it returns, until None.

        Without a window nothing waits for its turn: all calls are made at once.
        """
        ...

    def push_undo(self, message: str) -> None:
        """End an undo step."""
        ...

    def redraw(self) -> None:
        """Redraw the side bars."""
        ...


class Backend(Protocol):
    """The model's process."""

    def submit(
        self,
        launch: Launch,
        request: wire.Task,
        on_end: Callable[[Job], None],
        on_tick: Callable[[], None],
    ) -> Job:
        """Send a request; ``on_end`` is called once, later. Raises LaunchError."""
        ...

    def cancel(self, name: str) -> None:
        """Ask a job to stop; its ``on_end`` tells when it has."""
        ...

    def forget(self, name: str) -> None:
        """Cancel a job and never call its ``on_end``."""
        ...
