"""How far the feet of a rig slide and sink in clips, worked out from its channels."""

import numpy as np

from motiongpt_blender.core.body.skeleton import Joint, of_side
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position

FPS = 20.0
#: Most that feet may slide, over the motion's own, and sink, in metres of the model.
MAX_SLIDE, MAX_SINK = 1.3, 0.03


def feet(rig, motion):
    """Toes and ankles over their places at rest, (T, 2, 2, 3) metres of the model."""
    posed = forward_kinematics(rig, motion)
    out = np.stack(
        [[joint_position(rig, posed, j) for j in of_side(s, "FOOT", "ANKLE")] for s in "LR"]
    )
    rest = np.array([[rig.points[j] for j in of_side(s, "FOOT", "ANKLE")] for s in "LR"])
    out[..., 1] -= rest[:, :, None, 1]
    return out.transpose(2, 0, 1, 3) / rig.scale


def slide_and_sink(rig, clips, *, locked):
    """Distance that standing toes slide over the clips' own, and the model's metres of sinking."""
    slid, sink = np.zeros(2), 0.0
    for joints in clips:
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
