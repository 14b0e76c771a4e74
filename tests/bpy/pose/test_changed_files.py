"""Changes of a file after a pose was marked: it is met, or refused.

Every change is tried on one built family and on one rig file, in turn; the whole matrix is
``python -m tests.support.measure.changed_files``.
"""

import bpy
import pytest

from motiongpt_blender.scene.rig.description import describe
from tests.support.changed_files import CHANGES, Expected, Outcome, outcome
from tests.support.rigs.families import build_family, build_of
from tests.support.rigs.files import read_rig

#: What is tested hangs on no version of Blender.
pytestmark = pytest.mark.sweep

RIGS = ("mixamo", "daz_genesis3_8", "bvh_joints", "robot_expressive")
FILES = (
    "rigs/mpfb_rig_default.json",
    "rigs/khronos_CesiumMan.glb",
    "rigs_hard/vrmaddon_hips_rotation.blend",
    "rigs/threejs_RobotExpressive.glb",
    "rigs_hard/quaternius_Cowboy.blend",
)


def in_turn(rigs):
    return [(change, rigs[k % len(rigs)]) for k, change in enumerate(CHANGES)]


@pytest.mark.parametrize(("change", "family"), in_turn(RIGS))
def test_a_marked_pose_is_met_or_refused_after_a_change(registered, tmp_path, change, family):
    found = outcome(build_family(build_of(family)), change, tmp_path)
    assert found.fits(CHANGES[change][1]), found


@pytest.mark.parametrize(("change", "file"), in_turn(FILES))
def test_so_it_is_on_rigs_from_files(registered, shared, tmp_path, change, file):
    if bpy.app.version < (4, 5) and file.endswith(".glb"):
        pytest.skip("Blender 4.2 as a module now and then dies in its glTF importer")
    found = outcome(read_rig(shared(file), tmp_path), change, tmp_path)
    assert found.fits(CHANGES[change][1]), found


def test_feet_that_hang_on_nothing_turn_with_a_moved_object(
    registered, smpl_rig, tmp_path, monkeypatch
):
    monkeypatch.setattr("tests.support.changed_files.pose_at_random", lambda *_: None)  # in place
    bpy.context.view_layer.objects.active = smpl_rig
    bpy.ops.object.mode_set(mode="EDIT")
    for side in "lr":
        smpl_rig.data.edit_bones[f"{side}_ankle"].parent = None
    bpy.ops.object.mode_set(mode="OBJECT")
    found = outcome(smpl_rig, "moved", tmp_path)
    assert found.fits(Expected.IN_WORLD), found


def test_a_missed_pose_and_an_unhelpful_refusal_are_faults(registered):
    assert not Outcome(0.003).fits(Expected.IN_WORLD)
    assert not Outcome(None, "It was changed: press Generate again.").fits(Expected.REFUSED)
    assert not Outcome(0.0).fits(Expected.REFUSED)
    assert describe(build_family(build_of("mixamo"))).scale > 50  # a millimetre is not one unit
