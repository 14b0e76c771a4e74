"""A fresh Blender scene for each test, and rigs made once a session."""

import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture(scope="session")
def rigify_file():
    """A file with a metarig ("metarig") and the Rigify rig generated from it ("rig")."""
    from tests.support.rigs import rigify

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return rigify.rigify_file()


@pytest.fixture
def empty_scene():
    """An empty scene at 20 frames a second."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 20
    return bpy.context.scene


@pytest.fixture
def rigify_scene(rigify_file):
    """The scene of ``rigify_file`` at 20 frames a second."""
    bpy.ops.wm.open_mainfile(filepath=str(rigify_file))
    bpy.context.scene.render.fps = 20
    return bpy.context.scene


@pytest.fixture
def rigify_rig(rigify_scene):
    """The generated Rigify rig."""
    return bpy.data.objects["rig"]


@pytest.fixture
def metarig(rigify_scene):
    """The Rigify metarig."""
    return bpy.data.objects["metarig"]


@pytest.fixture
def smpl_rig(empty_scene, make_smpl_rig):
    """An armature with SMPL joint names in a T-pose, each bone with a roll of its own."""
    return make_smpl_rig()


@pytest.fixture(scope="session")
def make_smpl_rig():
    """``make_smpl_rig(scale=1.05, prefix="")``: a new armature with SMPL joint names."""
    return _smpl_rig


def _smpl_rig(scale=1.05, prefix=""):
    """Bones from each joint to its first child, named ``l_knee`` and so on."""
    from motiongpt_blender.core.body.motion import to_blender
    from motiongpt_blender.core.body.neutral_pose import NEUTRAL
    from motiongpt_blender.core.body.skeleton import PARENTS, Joint, joint_name

    points = to_blender(NEUTRAL * scale)
    points = points - [0, 0, points[:, 2].min()]
    armature = bpy.data.armatures.new("smpl")
    obj = bpy.data.objects.new("smpl", armature)
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    child = {PARENTS[j]: j for j in reversed(range(1, 22))}
    child |= {Joint.PELVIS: Joint.SPINE1, Joint.SPINE3: Joint.NECK}
    for joint in Joint:
        bone = armature.edit_bones.new(prefix + joint_name(joint))
        bone.head = points[joint]
        away = points[joint] + 0.5 * (points[joint] - points[PARENTS[joint]])
        bone.tail = points[child[joint]] if joint in child else away
        bone.roll = 0.3 * joint
        if PARENTS[joint] >= 0:
            bone.parent = armature.edit_bones[prefix + joint_name(PARENTS[joint])]
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


@pytest.fixture(scope="session")
def kept_process():
    """A process of the fake model for all tests that do not start one of their own."""
    from tests.support.session import KeptProcess

    kept = KeptProcess()
    yield kept
    kept.end()


@pytest.fixture
def addon(monkeypatch, smpl_rig, kept_process):
    """The add-on with the fake model, on a scene with a plain armature."""
    from motiongpt_blender import registration
    from tests.support import session

    panel = session.enable(monkeypatch, smpl_rig, kept=kept_process)
    for bone in smpl_rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    yield panel
    registration.unregister()


@pytest.fixture
def registered(empty_scene):
    from motiongpt_blender import registration

    registration.register()
    yield
    registration.unregister()
