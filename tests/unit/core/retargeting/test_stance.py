"""Bodies of other build, as children's are: their feet neither slide nor sink, locked or not."""

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import about_y, angle_between
from motiongpt_blender.core.body.skeleton import SIDES, Joint, of_side
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.retargeting.stance import stance_heading, stance_share
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from tests.support.clips import clip
from tests.support.foot_errors import slide_and_sink
from tests.support.numeric_rig import a_rig

FPS = 20.0
CLIPS = {name: clip(name) for name in ("walk", "turn", "kick", "leap", "kneel")}
#: Legs of half the usual share under hips of usual width; the same with great feet; wide legs.
BUILDS = {
    "child": a_rig(1, hips=1.0, leg=0.5),
    "great feet": a_rig(1, leg=0.5, foot=1.1),
    "wide": a_rig(1, hips=3.0),
}


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("build", BUILDS)
def test_no_build_slides_or_sinks(build, locked):
    slide, sink = slide_and_sink(BUILDS[build], CLIPS.values(), locked=locked)
    assert slide < 1.3 and sink < 0.03


def test_short_feet_below_long_thighs_do_not_slide():
    """In paces, where each step counts: the feet roll more, and the hips travel as they step."""
    paces = [CLIPS[name] for name in ("walk", "turn", "kick")]
    slide, sink = slide_and_sink(a_rig(1, thigh=1.1, foot=0.65), paces, locked=False)
    assert slide < 1.3 and sink < 0.03


def test_a_usual_build_keeps_the_directions_of_the_motion():
    assert stance_share(a_rig(1)) == 0.0
    assert stance_share(BUILDS["wide"]) == 1.0


#: Shins shorter than thighs and long feet under wide hips, as a knight's of a game.
KNIGHT = a_rig(1, thigh=1.2, hips=3.5, foot=1.6)


@pytest.mark.parametrize("name", ["crouch", "kneel"])
def test_folded_legs_of_wide_hips_stay_near_the_motions(name):
    joints = clip(name).astype(float)
    posed = forward_kinematics(KNIGHT, solve(KNIGHT, joints, FPS))
    for side in SIDES:
        for first, last in (("HIP", "KNEE"), ("KNEE", "ANKLE")):
            ends = of_side(side, first, last)
            shown = np.subtract(*(joint_position(KNIGHT, posed, j) for j in reversed(ends)))
            wanted = joints[:, ends[1]] - joints[:, ends[0]]
            assert np.degrees(direction_angle(shown, wanted)).max() < 60


def direction_angle(one, other):
    cosine = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    return np.arccos(np.clip(cosine, -1, 1))


@pytest.mark.parametrize("lifted, least, most", [(0.0, 0, 40), (0.5, 70, 91)])
def test_a_body_pivots_on_a_foot_that_stands_alone(lifted, least, most):
    """Hips turn 90 degrees over feet that stand: these hold their place together, not alone."""
    joints = np.repeat(clip("walk")[:1], 61, axis=0)
    toes = [Joint.L_FOOT, Joint.R_FOOT]
    joints[:, toes, 1] = 0.0
    joints[:, Joint.R_FOOT, 1] += lifted
    turned = np.radians(np.clip(np.arange(61) - 20, 0, 20) * 4.5)
    heading = stance_heading(joints, about_y(turned), "L", FPS)
    assert least <= np.degrees(np.ptp(heading)) <= most


@pytest.mark.parametrize("name, most", [("walk", 30), ("turn", 45), ("kneel", 50)])
def test_a_foot_on_end_does_not_spin(name, most):
    rig = a_rig(1)
    posed = forward_kinematics(rig, solve(rig, clip(name).astype(float), FPS))
    for foot in (posed.rotations["foot_l"], posed.rotations["foot_r"]):
        assert np.degrees(angle_between(foot[1:], foot[:-1])).max() < most
