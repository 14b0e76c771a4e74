"""A take of motion that is there already: another character's, on this one. No model works on it.

Reads the character, changes nothing. What cannot be copied raises one sentence.
"""

from __future__ import annotations

from ..core.body.motion import MODEL_FPS
from ..core.timeline.plan import Plan
from ..core.timeline.plausibility import check_poses_compatible, speed_notes
from ..wire import Sampling
from .adapters import Character, SceneTime
from .request import with_surroundings
from .take_request import PreparedTake, TakeRequest


def prepare_copy(
    character: Character,
    name: str,
    start: float,
    end: float,
    time: SceneTime,
    *,
    through_poses: bool = True,
) -> PreparedTake:
    """A take of these scene frames, by default through the poses that are marked in them.

    Args:
        character: who moves.
        name: of the animation, which the take bears.
        start: scene frame of its first frame.
        end: of its last one.
        time: the scene's time.
        through_poses: marked poses are met.

    Raises:
        RigError, PoseError: with a sentence for the user.
    """
    character.check_usable()
    rig = character.describe()
    seconds = (end - start) / time.fps
    poses = character.marked_poses() if through_poses else ()
    inside = tuple(pose for pose in poses if start <= pose.frame <= end)
    request = TakeRequest(name, seconds, Sampling(), inside)
    marked, fit, _ = with_surroundings(character, rig, request)
    check_poses_compatible(marked, time.fps)
    frames = round(seconds * MODEL_FPS) + 1
    planned = Plan(name, start, end, frames, ())
    return PreparedTake(
        request, planned, marked, fit, frames, (), None, tuple(speed_notes(marked, time.fps))
    )
