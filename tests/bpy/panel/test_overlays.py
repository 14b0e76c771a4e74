"""What is drawn over the editors: from what, how often it is made anew, and what an error does."""

from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from tests.support.takes import generate, hand_keyed, show

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture
def marked(addon, smpl_rig):
    """An armature that stands somewhere, with a start and an end pose; the frame of the end."""
    smpl_rig.location, smpl_rig.rotation_euler = (1.0, 2.0, 0.5), (0.0, 0.0, 0.7)
    hand_keyed(smpl_rig)
    for frame, role in ((1, "START"), (40, "END")):
        show(frame)
        assert bpy.ops.motiongpt.add_pose(role=role) == {"FINISHED"}
    return smpl_rig


@pytest.fixture
def made(monkeypatch):
    """Draws into nothing: a list that grows by each batch that is put on the graphics card."""
    from motiongpt_blender.ui.viewport import ghosts, trails

    out = []
    for module in (ghosts, trails):
        monkeypatch.setattr(module, "batches", lambda *a, **k: out.append(a) or MagicMock())
        monkeypatch.setattr(module, "before_scene", lambda **_: nullcontext())
        monkeypatch.setattr(module, "placed", lambda matrix: nullcontext())
        module.forget()
    yield out
    for module in (ghosts, trails):
        module.forget()


def count_made(made, draw, obj):
    """How many batches a redraw makes."""
    before = len(made)
    draw(obj)
    return len(made) - before


def world_heads(obj, names):
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([posed.matrix_world @ posed.pose.bones[name].head for name in names])


def test_a_ghost_stands_where_the_pose_was_marked(marked):
    from motiongpt_blender.core.rig.bone_maps import Part
    from motiongpt_blender.scene.take.trails import parent_matrix
    from motiongpt_blender.ui.viewport.ghosts import Mark

    was = world_heads(marked, ("l_elbow", "l_wrist"))
    show(15)
    marked.location = (-3.0, 0.0, 0.0)
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    marked.parent = parent
    bpy.context.view_layer.update()
    ghost = Mark.of(marked.motiongpt.poses[1], chosen=True).ghost()
    (line,) = (
        ghost.figure.moved(parent_matrix(marked)).lines[k]
        for k, part in enumerate(ghost.figure.parts)
        if part is Part.FOREARM_L
    )
    assert ghost.role == "END" and ghost.chosen
    assert np.abs(line - was).max() < 1e-4
    assert np.abs(world_heads(marked, ("l_elbow", "l_wrist")) - was).max() > 1.0


def test_a_pose_of_an_older_version_or_a_damaged_one_has_no_ghost(marked):
    from motiongpt_blender.ui.viewport.ghosts import Mark

    pose = marked.motiongpt.poses[0]
    figure, matrix = pose.figure, pose.object_matrix
    for pose.figure, pose.object_matrix in (
        ("", matrix), ("[", matrix), (figure, ""), (figure, "[1, 2]"), (figure, "?"),
    ):  # fmt: skip
        assert Mark.of(pose, chosen=False).ghost() is None
    assert pose.load().pose.rotations  # it is a marked pose as before


def test_ghosts_are_made_again_only_for_a_changed_mark(marked, made):
    from motiongpt_blender.ui.viewport.ghosts import draw_ghosts

    group = marked.motiongpt
    assert count_made(made, draw_ghosts, marked) == 2  # before and behind the scene's objects
    show(17)
    marked.location.x += 1.0
    bpy.context.view_layer.update()
    assert count_made(made, draw_ghosts, marked) == 0
    bpy.ops.motiongpt.constrain_part(part="UPPER")
    assert count_made(made, draw_ghosts, marked) == 2
    group.active = 0
    assert count_made(made, draw_ghosts, marked) == 2
    show(1)
    marked.pose.bones["l_elbow"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    bpy.ops.motiongpt.add_pose(role="START")
    assert count_made(made, draw_ghosts, marked) == 2
    bpy.ops.motiongpt.move_pose(index=1, frame=44)
    group.active = 0
    assert count_made(made, draw_ghosts, marked) == 0  # the frame is no part of a ghost
    bpy.ops.motiongpt.remove_pose()
    assert count_made(made, draw_ghosts, marked) == 2
    bpy.ops.motiongpt.remove_pose()
    assert count_made(made, draw_ghosts, marked) == 0


@pytest.mark.parametrize("root", ["HIPS", "BONE", "OBJECT"])
def test_trails_go_where_the_take_goes(addon, smpl_rig, root):
    from motiongpt_blender.ui.viewport import trails

    hips = "pelvis"
    if root == "BONE":
        hips = add_root_bone(smpl_rig)
    smpl_rig.location, smpl_rig.rotation_euler = (1.0, 2.0, 0.5), (0.0, 0.0, 0.7)
    smpl_rig.motiongpt.retargeting.root = root
    bpy.context.scene.motiongpt.takes = 1
    show(7)
    generate(addon)
    drawn = trails_of(smpl_rig)
    assert drawn.trails.first == 7
    if root == "HIPS":
        smpl_rig.location.x += 2.0  # the ways move along
    names = {"HIPS": hips, "HAND_L": "l_wrist", "HAND_R": "r_wrist", "FOOT_L": "l_foot"}
    for frame in (7, 20, 41):
        show(frame)
        heads = world_heads(smpl_rig, names.values())
        matrix = drawn.take.matrix(smpl_rig)
        for point, head in zip(names, heads, strict=True):
            place = {p.name: way for p, way in drawn.take.points.items()}[point][frame - 7]
            assert np.abs(matrix[:3, :3] @ place + matrix[:3, 3] - head).max() < 1e-3, point
    assert trails  # kept for the next redraw


def add_root_bone(rig):
    """A bone that carries the whole rig."""
    bpy.ops.object.mode_set(mode="EDIT")
    root = rig.data.edit_bones.new("root")
    root.head, root.tail = (0, 0.1, 0), (0, 0.6, 0.1)
    rig.data.edit_bones["pelvis"].parent = root
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.data.bones["root"].use_local_location = False
    rig.pose.bones["root"].rotation_mode = "YZX"
    return "pelvis"


def trails_of(rig):
    """The trails of the chosen take, as they are drawn."""
    from motiongpt_blender.ui.viewport import trails

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trails, "batches", MagicMock())
        return trails._batches(rig, trails._chosen_strip(rig), trails._description(rig))


def test_trails_follow_a_strip_that_was_moved_and_stretched(addon, smpl_rig):
    bpy.context.scene.motiongpt.takes = 1
    show(1)
    generate(addon)
    way = next(iter(trails_of(smpl_rig).take.points.values()))
    strip = smpl_rig.animation_data.nla_tracks[-1].strips[0]
    strip.frame_end += 100
    strip.frame_start += 100
    strip.scale = 2.0
    drawn = trails_of(smpl_rig)
    slower = next(iter(drawn.take.points.values()))
    assert drawn.trails.first == 101
    assert len(slower) == 2 * len(way) - 1
    assert np.abs(slower[::2] - way).max() < 1e-4


def test_trails_are_made_again_only_for_a_changed_take(addon, smpl_rig, made):
    from motiongpt_blender.ui.viewport.trails import draw_trails

    assert count_made(made, draw_trails, smpl_rig) == 0  # no take, no trail
    bpy.context.scene.motiongpt.takes = 2
    generate(addon)
    takes = smpl_rig.motiongpt.takes
    assert count_made(made, draw_trails, smpl_rig) == 3  # before, behind, current frame
    assert count_made(made, draw_trails, smpl_rig) == 0
    show(9)
    assert count_made(made, draw_trails, smpl_rig) == 1
    smpl_rig.location.x += 1.0
    bpy.context.view_layer.update()
    assert count_made(made, draw_trails, smpl_rig) == 0
    takes.active = 1
    assert count_made(made, draw_trails, smpl_rig) == 3
    takes.chosen_take.action.update_tag()
    bpy.context.view_layer.update()
    assert count_made(made, draw_trails, smpl_rig) == 3  # its keys may have changed
    show(10)
    smpl_rig.animation_data.nla_tracks[-1].mute = True
    assert count_made(made, draw_trails, smpl_rig) == 0  # who does not play it has no trails
    smpl_rig.animation_data.nla_tracks[-1].mute = False
    assert count_made(made, draw_trails, smpl_rig) == 1  # the other frame's dots


def test_trails_come_back_with_a_rig_that_can_be_used_again(addon, smpl_rig, made):
    from motiongpt_blender.ui.viewport.trails import draw_trails

    bpy.context.scene.motiongpt.takes = 1
    generate(addon)
    for spoil, mend in (
        (lambda: set_scale(smpl_rig, 2.0), lambda: set_scale(smpl_rig, 1.0)),
        (lambda: bpy.ops.object.mode_set(mode="EDIT"), bpy.ops.object.mode_set),
    ):
        spoil()
        assert count_made(made, draw_trails, smpl_rig) == 0
        mend()
        assert count_made(made, draw_trails, smpl_rig) == 3


def set_scale(obj, height):
    obj.scale = (1.0, 1.0, height)
    bpy.context.view_layer.update()


def test_nothing_is_drawn_of_what_is_gone(addon, marked, made):
    from motiongpt_blender.ui.viewport.ghosts import draw_ghosts
    from motiongpt_blender.ui.viewport.trails import draw_trails

    bpy.context.scene.motiongpt.takes = 1
    generate(addon)
    draw_trails(marked)
    draw_ghosts(marked)
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in marked.data.edit_bones:
        marked.data.edit_bones.remove(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    draw_ghosts(marked)  # the marks are still there
    assert count_made(made, draw_trails, marked) == 0
    bpy.data.actions.remove(marked.motiongpt.takes.chosen_take.action)
    assert count_made(made, draw_trails, marked) == 0


def test_handlers_are_added_where_there_are_windows_and_all_removed(addon, monkeypatch):
    from motiongpt_blender.ui.viewport import handlers

    assert handlers._handles == []  # this Blender has none
    space = MagicMock()
    space.draw_handler_add.side_effect = ["first", "second"]
    monkeypatch.setattr(handlers, "_PLACES", [(space, d, w) for _, d, w in handlers._PLACES])
    monkeypatch.setattr(handlers, "has_windows", lambda: True)
    handlers.remove()
    handlers.add()
    added = [call.args for call in space.draw_handler_add.call_args_list]
    assert added == [
        (handlers.draw_in_view, (), "WINDOW", "POST_VIEW"),
        (handlers.draw_in_timeline, (), "WINDOW", "POST_PIXEL"),
    ]
    handlers.remove()
    removed = [call.args for call in space.draw_handler_remove.call_args_list]
    assert sorted(removed) == [("first", "WINDOW"), ("second", "WINDOW")]
    handlers.add.__globals__["revisions"].add()  # as before, for the end of the add-on


def test_an_error_while_drawing_is_told_once(caplog, registered):
    from motiongpt_blender.ui.viewport.handlers import quietly

    @quietly
    def draw():
        raise ReferenceError(next(messages))

    messages = iter(["gone", "gone", "gone", "another"])
    for _ in range(3):
        draw()
    assert caplog.text.count("not complete") == caplog.text.count("ReferenceError: gone") == 1
    draw()
    assert caplog.text.count("not complete") == 2


def view_of(context, monkeypatch, **space):
    """Let the draw handlers see this context and a 3D view in it."""
    from motiongpt_blender.ui.viewport import handlers

    class Space:
        pass

    seen = Space()
    seen.overlay = SimpleNamespace(show_overlays=space.pop("overlays", True))
    types = SimpleNamespace(SpaceView3D=Space, Object=bpy.types.Object)
    fake = SimpleNamespace(
        context=SimpleNamespace(
            space_data=seen, scene=context.scene, view_layer=context.view_layer
        ),
        types=types,
    )
    monkeypatch.setattr(handlers, "bpy", fake)
    return handlers


@pytest.mark.parametrize(
    ("overlays", "ghosts", "trails", "ways", "drawn"),
    [(True, True, True, True, "ghosts trails way"), (True, False, True, False, "trails"),
     (True, True, False, False, "ghosts"), (True, False, False, True, "way"),
     (False, True, True, True, "")],
)  # fmt: skip
def test_what_is_switched_off_is_not_drawn(
    marked, monkeypatch, overlays, ghosts, trails, ways, drawn
):
    handlers = view_of(bpy.context, monkeypatch, overlays=overlays)
    panel, seen = bpy.context.scene.motiongpt, []
    panel.show_ghosts, panel.show_trails, panel.show_ways = ghosts, trails, ways
    monkeypatch.setattr(handlers.way, "draw_way", lambda obj: seen.append("way"))
    monkeypatch.setattr(handlers.ghosts, "draw_ghosts", lambda obj: seen.append("ghosts"))
    monkeypatch.setattr(handlers.trails, "draw_trails", lambda obj: seen.append("trails"))
    monkeypatch.setattr(handlers, "target", lambda _: SimpleNamespace(
        visible_in_viewport_get=lambda _: True))  # fmt: skip
    handlers.draw_in_view()
    assert " ".join(seen) == drawn and not handlers._told
    monkeypatch.setattr(handlers, "target", lambda _: None)
    handlers.draw_in_view()
    assert " ".join(seen) == drawn


def test_changes_are_counted(addon, smpl_rig):
    from motiongpt_blender.ui.viewport.revisions import on_jump, revision

    hand_keyed(smpl_rig)
    bpy.context.view_layer.update()
    action = smpl_rig.animation_data.action
    before, of_armature = revision(action), revision(smpl_rig.data)
    smpl_rig.location.x += 1
    bpy.context.view_layer.update()
    assert revision(action) == before
    action.update_tag()
    bpy.context.view_layer.update()
    assert revision(action) != before and revision(smpl_rig.data) == of_armature
    smpl_rig.data.update_tag()
    bpy.context.view_layer.update()
    assert revision(smpl_rig.data) != of_armature
    before = revision(action)
    on_jump()
    assert revision(action) != before
