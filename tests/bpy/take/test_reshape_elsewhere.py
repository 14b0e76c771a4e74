"""Speed and root of a take that is kept in the active action, or as an additive layer."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.compat import all_curves
from tests.support.kept_takes import keep_clip, shown, span
from tests.support.takes import hand_keyed, scene_of

#: Metres; Blender adds up the quaternions of a layer in single precision.
MOST = {"ACTION": 1e-3, "LAYER": 3e-3}


def kept_in(rig, destination, frames=41, keys=(-40, -20)):
    """A take kept elsewhere than on a track of its own, beside keys of the animator's."""
    hand_keyed(rig, frames=keys)
    take = keep_clip(rig, frames=frames)
    takes = rig.motiongpt.takes
    takes.destination = destination
    take.take_off()
    own = scene_of(rig)
    takes.keep(takes.chosen)
    assert take.placement == destination and take.played is not None
    return take, own


@pytest.mark.parametrize("destination", ["ACTION", "LAYER"])
@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_of_a_take_that_is_kept_elsewhere(registered, make_smpl_rig, destination, speed):
    rig = make_smpl_rig()
    take, own = kept_in(rig, destination)
    first, last = span(take)
    before = shown(rig, range(first, last + 1))
    assert bpy.ops.motiongpt.take_speed(speed=speed) == {"FINISHED"}
    assert take.placement == destination and take.on_rig
    count = round((last - first) / speed) + 1
    assert span(take) == (first, first + count - 1)
    after = shown(rig, range(first, first + count))
    for share in (0.0, 0.5, 1.0):
        one, other = before[round(share * (last - first))], after[round(share * (count - 1))]
        assert np.abs(one - other)[:, :3, 3].max() < 0.06
    played = max(c.range()[1] for c in all_curves(take.played))
    if destination == "LAYER":
        assert played == pytest.approx(first + count - 1)
    assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    assert np.abs(shown(rig, range(first, last + 1)) - before).max() < MOST[destination]
    take.take_off()
    assert scene_of(rig) == own


@pytest.mark.parametrize("destination", ["ACTION", "LAYER"])
def test_root_of_a_take_that_is_kept_elsewhere(registered, make_smpl_rig, destination):
    rig = make_smpl_rig()
    take, own = kept_in(rig, destination)
    first, last = span(take)
    frames = range(first, last + 1, 8)
    looks = shown(rig, frames)
    for root in ("OBJECT", "HIPS"):
        assert bpy.ops.motiongpt.take_root(root=root) == {"FINISHED"}
        assert take.placement == destination
        moves = {c.data_path for c in all_curves(take.action)} & {"location"}
        assert bool(moves) == (root == "OBJECT")
        away = np.abs(shown(rig, frames) - looks)[..., :3, 3].max()
        assert away < MOST[destination], root
    assert bpy.ops.motiongpt.take_root(root="IN_PLACE") == {"FINISHED"}
    still = shown(rig, frames)[:, 0, :3, 3]
    assert np.linalg.norm(np.ptp(still, axis=0)[:2]) < 0.1
    assert bpy.ops.motiongpt.take_root(root="HIPS") == {"FINISHED"}
    assert np.abs(shown(rig, frames) - looks)[..., :3, 3].max() < MOST[destination]
    assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    take.take_off()
    assert scene_of(rig) == own


def test_a_slower_take_does_not_replace_keys_of_the_animators(registered, make_smpl_rig):
    rig = make_smpl_rig()
    take, own = kept_in(rig, "ACTION", keys=(-20, 60))
    first, last = span(take)
    before, actions = shown(rig, range(first, last + 20)), len(bpy.data.actions)
    with pytest.raises(RuntimeError, match="keys of yours at 1 more frames"):
        bpy.ops.motiongpt.take_speed(speed=0.5)
    assert span(take) == (first, last) and take.placement == "ACTION"
    assert take.original is None and len(bpy.data.actions) == actions
    assert np.abs(shown(rig, range(first, last + 20)) - before).max() < 1e-5
    assert bpy.ops.motiongpt.take_speed(speed=0.8) == {"FINISHED"}
    assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    take.take_off()
    assert scene_of(rig) == own
