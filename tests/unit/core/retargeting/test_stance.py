"""Bodies of other build, as children's are: their feet neither slide nor sink, locked or not."""

import numpy as np
import pytest

from motiongpt_blender.core.body.skeleton import Joint, of_side
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.retargeting.stance import stance_share
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from tests.support.clips import clip
from tests.support.numeric_rig import a_rig

FPS = 20.0
CLIPS = ("walk", "turn", "kick", "leap")
#: Legs of half the usual share under hips of usual width; the same with great feet; wide legs.
BUILDS = {
    "child": a_rig(1, hips=1.0, leg=0.5),
    "great feet": a_rig(1, leg=0.5, foot=1.1),
    "wide": a_rig(1, hips=3.0),
}


def feet(rig, motion):
    """Toes and ankles over their places at rest, (T, 2, 2, 3) metres of the model."""
    posed = forward_kinematics(rig, motion)
    out = np.stack(
        [[joint_position(rig, posed, j) for j in of_side(s, "FOOT", "ANKLE")] for s in "LR"]
    )
    rest = np.array([[rig.points[j] for j in of_side(s, "FOOT", "ANKLE")] for s in "LR"])
    out[..., 1] -= rest[:, :, None, 1]
    return out.transpose(2, 0, 1, 3) / rig.scale


def slide_and_sink(rig, locked):
    """Distance that standing toes slide over the motion's own, and metres under the floor."""
    slid, sink = np.zeros(2), 0.0
    for name in CLIPS:
        joints = clip(name).astype(float)
        motion = solve(rig, joints, FPS)
        if locked:
            motion, _ = lock_feet(rig, motion, find_foot_contacts(joints, FPS))
        shown = feet(rig, motion)
        toes = joints[:, [Joint.L_FOOT, Joint.R_FOOT]]
        steps = np.linalg.norm(np.diff(toes, axis=0)[..., [0, 2]], axis=-1)
        own = np.linalg.norm(np.diff(shown[:, :, 0], axis=0)[..., [0, 2]], axis=-1)
        low = np.maximum(toes[1:, :, 1], toes[:-1, :, 1]) < 0.06
        stands = low & (steps * FPS < 0.25)
        slid += own[stands].sum(), steps[stands].sum()
        sink = max(sink, float(-shown[..., 1].min()))
    return slid[0] / slid[1], sink


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("build", BUILDS)
def test_no_build_slides_or_sinks(build, locked):
    slide, sink = slide_and_sink(BUILDS[build], locked)
    assert slide < 1.3 and sink < 0.03


def test_a_usual_build_keeps_the_directions_of_the_motion():
    assert stance_share(a_rig(1)) == 0.0
    assert stance_share(BUILDS["wide"]) == 1.0
