"""Add Sample Character: a figure that stands free, is known as a rig, and takes a motion."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture
def default_scene():
    """Blender's own scene, with its cube where a character would stand."""
    from motiongpt_blender import registration

    bpy.ops.wm.read_factory_settings()
    registration.register()
    yield bpy.context.scene
    registration.unregister()


def add():
    assert bpy.ops.motiongpt.add_sample_character() == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    (figure,) = rig.children
    return rig, figure


def corners(obj):
    """Lowest and highest corner of an object in the world, as it is seen."""
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    box = np.array([obj.matrix_world @ type(obj.location)(c) for c in seen.bound_box])
    return box.min(axis=0), box.max(axis=0)


def test_it_stands_free_on_the_floor_as_a_rig_that_is_known(default_scene):
    from motiongpt_blender.scene.rig.bones import why_not_drivable
    from motiongpt_blender.ui.readiness import obstacle

    cube = bpy.data.objects["Cube"]
    rig, figure = add()
    assert bpy.context.selected_objects == [rig] and bpy.context.mode == "OBJECT"
    assert obstacle(rig) == "" and why_not_drivable(rig) == ""
    low, high = corners(figure)
    assert -0.02 < low[2] < 0.02 and 1.9 < high[2] < 2.1
    assert low[0] > corners(cube)[1][0], "the cube is in its way"
    assert {group.name for group in figure.vertex_groups} <= set(rig.data.bones.keys())
    assert not any("DEF-" in group.name for group in figure.vertex_groups)


def test_the_skin_is_closed_follows_its_bones_and_has_two_colours(default_scene):
    rig, figure = add()
    mesh = figure.data
    assert 10_000 < len(mesh.vertices) < 40_000
    totals = np.array([sum(g.weight for g in v.groups) for v in mesh.vertices])
    assert np.abs(totals - 1).max() < 0.06  # weights are rounded to fortieths
    indices = np.array([p.material_index for p in mesh.polygons])
    assert 0.03 < indices.mean() < 0.5
    before = corners(figure)[1][2]
    rig.pose.bones["upper_arm.L"].rotation_mode = "XYZ"
    rig.pose.bones["upper_arm.L"].rotation_euler = (0, 0, 2.2)
    bpy.context.view_layer.update()
    moved = figure.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    way = np.array([v.co for v in moved.vertices]) - np.array([v.co for v in mesh.vertices])
    far = np.linalg.norm(way, axis=1)
    groups = {g.index for g in figure.vertex_groups if g.name.startswith(("forearm.L", "hand.L"))}
    arm = np.array(
        [any(g.group in groups and g.weight > 0.9 for g in v.groups) for v in mesh.vertices]
    )
    assert far[arm].min() > 0.2 and np.median(far) < 1e-4
    assert before > 1.9


def test_a_second_one_stands_beside_the_first_with_the_same_materials(default_scene):
    first, _ = add()
    second, figure = add()
    assert second.location.x > first.location.x + 1.5
    assert len([m for m in bpy.data.materials if m.name.startswith("Porcelain")]) == 1
    assert [m.name for m in figure.data.materials] == ["Porcelain", "Ink"]


def test_in_edit_mode_it_is_not_offered_and_a_hidden_collection_is_no_obstacle(default_scene):
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode="EDIT")
    assert not bpy.ops.motiongpt.add_sample_character.poll()
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.active_layer_collection.hide_viewport = True
    rig, figure = add()
    assert rig.visible_get() and figure.visible_get()


def test_a_set_around_the_cursor_is_no_obstacle():
    from mathutils import Vector

    from motiongpt_blender.scene.sample.character import free_place

    room = (Vector((-6, -6, 0)), Vector((6, 6, 3)))
    chair = (Vector((-0.3, -0.3, 0)), Vector((0.3, 0.3, 1)))
    floor = (Vector((-1, -1, -0.1)), Vector((1, 1, 0)))
    here = Vector((0, 0, 0))
    assert free_place(here, [room, floor]) == here
    beside = free_place(here, [room, floor, chair])
    assert beside.x > 1.0 and (beside.y, beside.z) == (0, 0)


def test_the_first_take_on_it(addon):
    rig, _ = add()
    panel = bpy.context.scene.motiongpt
    panel.armature, rig.motiongpt.request.prompt = None, "walks forward"
    bpy.ops.motiongpt.generate()
    addon.wait()
    assert not addon.failed, addon.message
    assert rig.animation_data.nla_tracks
    feet = [rig.pose.bones[f"foot.{side}"] for side in "LR"]
    seen = []
    for frame in range(1, 40, 4):
        bpy.context.scene.frame_set(frame)
        seen.append([list(foot.tail) for foot in feet])
    assert np.ptp(np.array(seen), axis=0).max() > 0.3


def add_with_takes():
    assert bpy.ops.motiongpt.add_sample_character(with_takes=True) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


@pytest.mark.parametrize(("fps", "base", "first"), [(24, 1.0, 1), (24, 1.001, 1), (30, 1.0, 40)])
def test_with_takes_it_has_a_prompt_and_passes_through_its_poses(default_scene, fps, base, first):
    from motiongpt_blender.scene.pose.capture import capture_joints
    from motiongpt_blender.scene.rig.description import describe

    default_scene.render.fps, default_scene.render.fps_base = fps, base
    default_scene.frame_set(first)
    rig = add_with_takes()
    kept = rig.motiongpt
    assert kept.request.prompt.startswith("a person walks forward")
    assert [pose.role for pose in kept.poses] == ["START", "KEY", "END"]
    assert kept.poses[0].frame == first and kept.poses[2].frame == first + round(4 * fps / base)
    assert len(kept.takes.entries) == 3 and kept.takes.index_shown == 0
    for index in (0, 2):
        kept.takes.show(index)
        for pose in kept.poses:
            default_scene.frame_set(pose.frame)
            away = capture_joints(rig, describe(rig)) - pose.load().joints
            assert np.abs(away).max() < 0.01
    assert {take.pack for take in kept.takes.entries} == {"starter"}


def test_its_takes_differ_walk_and_bear_their_terms(default_scene):
    rig = add_with_takes()
    takes = rig.motiongpt.takes
    ways = []
    for index in range(3):
        takes.show(index)
        hips = []
        for frame in range(1, 97, 5):
            default_scene.frame_set(frame)
            hips.append(list(rig.pose.bones["spine"].head))
        ways.append(np.array(hips))
        assert takes.entries[index].action["motiongpt_licence"]
        assert takes.entries[index].action["motiongpt_credits"]
    assert all(way[0, 1] - way[-1, 1] > 3.0 for way in ways), "it walks forward, to -y"
    assert np.abs(ways[0] - ways[1]).max() > 0.02


def test_takes_that_cannot_be_read_leave_the_character(default_scene, monkeypatch, tmp_path):
    from motiongpt_blender.scene.sample import sample_takes

    (tmp_path / sample_takes.POSES).write_bytes(b"no arrays")
    monkeypatch.setattr(sample_takes.read_sample_takes, "__defaults__", (tmp_path,))
    rig = add_with_takes()
    assert rig.type == "ARMATURE" and not rig.motiongpt.takes.entries
