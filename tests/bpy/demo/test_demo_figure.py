"""The demo's figure and poses: a closed skin on the rig, and stances that stand on the floor."""

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.demo import stances
from motiongpt_blender.demo.figure import add_figure, add_ghost
from motiongpt_blender.scene.pose.capture import capture_joints
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.pose.strike import strike
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.sample.anatomy import mannequin
from motiongpt_blender.scene.sample.surface import surface_net

pytestmark = pytest.mark.sweep

ALL_STANCES = (stances.AT_EASE, stances.MID_STRIDE, stances.HAND_RAISED, stances.ARMS_OPEN)


def edge_uses(quads):
    """How many faces each undirected edge belongs to."""
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    _, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    return counts


def volume(vertices, quads):
    """Volume inside a closed mesh; negative when its faces look inwards."""
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    return float(((np.cross(a, b) * c).sum() + (np.cross(a, c) * d).sum()) / 6)


def test_surface_of_a_ball():
    axis = np.linspace(-1.5, 1.5, 31)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    field = np.sqrt(x**2 + y**2 + z**2) - 1
    vertices, quads = surface_net(field, np.full(3, -1.5), 0.1)
    assert np.abs(np.linalg.norm(vertices, axis=1) - 1).max() < 0.02
    assert (edge_uses(quads) == 2).all()
    assert volume(vertices, quads) == pytest.approx(4 / 3 * np.pi, rel=0.02)


@pytest.fixture
def shape(rigify_rig):
    bones = {
        b.name: (np.array(b.head_local), np.array(b.tail_local)) for b in rigify_rig.data.bones
    }
    return mannequin(bones)


def test_mannequin_is_closed_and_its_weights_sum_to_one(shape):
    assert (edge_uses(shape.quads) % 2 == 0).all()
    assert 0.05 < volume(shape.vertices, shape.quads) < 0.12  # cubic metres, as a person
    total = sum(shape.weights.values())
    assert np.allclose(total, 1)
    assert all(name.startswith("DEF-") for name in shape.weights)
    assert shape.vertices[:, 2].min() > -0.01
    assert (shape.tone < 0).any() and (shape.tone > 0).any()


def test_one_side_does_not_move_the_other(shape):
    left = shape.weights["DEF-shin.L"]
    assert (left[shape.vertices[:, 0] < -0.03] == 0).all()
    assert (left > 0.5).sum() > 100


def test_figure_follows_the_rig_and_a_ghost_stays(rigify_rig):
    figure = add_figure(rigify_rig)
    assert figure.parent is rigify_rig
    rig = describe(rigify_rig)
    strike(rigify_rig, rig, stances.AT_EASE.joints(0.0))
    ghost = add_ghost(figure, "Start Pose", (0.1, 0.2, 0.3))
    before = points_of(ghost)
    strike(rigify_rig, rig, stances.HAND_RAISED.joints(1.5))
    moved = points_of(add_ghost(figure, "End Pose", (0.1, 0.2, 0.3)))
    assert np.array_equal(points_of(ghost), before)
    way = np.linalg.norm((moved - before).mean(0)) / rig.scale
    assert way == pytest.approx(1.5, abs=0.15)
    assert moved[:, 2].max() > before[:, 2].max() + 0.1  # the raised hand is above the head


def points_of(obj):
    out = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.vertices.foreach_get("co", out)
    return out.reshape(-1, 3)


@pytest.mark.parametrize("stance", ALL_STANCES, ids=["ease", "stride", "raised", "open"])
def test_stances_stand_on_the_floor_and_are_seen_as_they_are(rigify_rig, stance):
    rig = describe(rigify_rig)
    wanted = stance.joints(0.8)
    strike(rigify_rig, rig, wanted)
    seen = capture_joints(rigify_rig, rig)
    assert np.linalg.norm(seen - wanted, axis=-1).max() < 0.12
    assert abs(float(heading(seen) - heading(wanted))) < 0.03
    toes = [rigify_rig.pose.bones[f"ORG-toe.{side}"].tail.z for side in "LR"]
    assert -0.03 < min(toes) < 0.06


def test_marking_reads_what_stands_there(rigify_rig):
    rig = describe(rigify_rig)
    strike(rigify_rig, rig, stances.HAND_RAISED.joints(2.0))
    marked = mark_pose(rigify_rig, rig, 12, PoseRole.END)
    assert (marked.frame, marked.role) == (12, PoseRole.END)
    assert marked.joints[Joint.R_WRIST][1] > marked.joints[Joint.HEAD][1]
    assert marked.joints[Joint.PELVIS][2] == pytest.approx(2.0, abs=0.1)


def test_cues_suit_the_prompt():
    ahead = stances.cues("a person walks forward", 4.0)
    back = stances.cues("a person walks backward", 4.0)
    stay = stances.cues("a person waves", 4.0)
    ways = [c[-1].joints[0, 2] - c[0].joints[0, 2] for c in (ahead, back, stay)]
    assert ways[0] > 2 and ways[1] < -2 and abs(ways[2]) < 0.1
    for c in (ahead, back, stay):
        assert [cue.role for cue in c] == [PoseRole.START, PoseRole.KEY, PoseRole.END]
