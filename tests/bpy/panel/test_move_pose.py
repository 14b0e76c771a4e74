"""A marked pose is moved to another frame: on the timeline, and by its number under the list."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from tests.support.takes import show

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

#: Pixels a frame, and where frame 0 is, in the region of the tests.
SCALE, ZERO, BOTTOM = 10.0, 40.0, 14


@pytest.fixture
def group(addon, smpl_rig):
    """Poses at frames 1, 20 and 40."""
    for frame, role in ((1, "START"), (20, "KEY"), (40, "END")):
        show(frame)
        assert bpy.ops.motiongpt.add_pose(role=role) == {"FINISHED"}
    return smpl_rig.motiongpt


def marks(group):
    return [(pose.at, pose.role) for pose in group.poses]


def test_a_pose_goes_to_a_frame_and_the_list_stays_in_time_order(group):
    controls = group.poses[1].controls
    assert bpy.ops.motiongpt.move_pose(index=1, frame=55) == {"FINISHED"}
    assert marks(group) == [(1, "START"), (40, "END"), (55, "KEY")]
    assert group.active == 2 and group.active_pose.controls == controls


def test_no_two_poses_share_a_frame(group):
    bpy.ops.motiongpt.move_pose(index=1, frame=40)
    assert marks(group) == [(1, "START"), (40, "END"), (41, "KEY")]


def test_a_pose_that_is_not_there_is_refused(group):
    with pytest.raises(RuntimeError, match="no marked pose number 4"):
        bpy.ops.motiongpt.move_pose(index=3, frame=10)
    assert marks(group) == [(1, "START"), (20, "KEY"), (40, "END")]


def test_without_poses_there_is_nothing_to_move(addon, smpl_rig):
    assert not bpy.ops.motiongpt.move_pose.poll()


def test_the_number_under_the_list_moves_the_chosen_pose(group):
    group.active = 1
    assert group.active_frame == 20
    group.active_frame = 60
    assert marks(group) == [(1, "START"), (40, "END"), (60, "KEY")]
    assert group.active_frame == 60  # the chosen one is still the one that was moved
    group.active_frame = 30
    assert marks(group) == [(1, "START"), (30, "KEY"), (40, "END")] and group.active == 1


def test_a_subframe_stays(group):
    show(10.25)
    bpy.ops.motiongpt.add_pose(role="KEY")
    group.active_frame = 12
    assert group.active_pose.at == 12.25


def test_the_number_without_a_pose_does_nothing(addon, smpl_rig):
    group = smpl_rig.motiongpt
    group.active_frame = 5
    assert group.active_frame == 0


class Hand:
    """A mouse over a timeline, and the operator that it holds."""

    def __init__(self, monkeypatch):
        from motiongpt_blender.operators import timeline

        class Space:
            mode = "TIMELINE"

        monkeypatch.setattr(timeline.bpy.types, "SpaceDopeSheetEditor", Space, raising=False)
        view = SimpleNamespace(
            view_to_region=lambda x, y, clip: (int(ZERO + SCALE * x), 0),
            region_to_view=lambda x, y: ((x - ZERO) / SCALE, 0.0),
        )
        self.context, self.operator = MagicMock(), SimpleNamespace()
        self.context.scene, self.context.view_layer = bpy.context.scene, bpy.context.view_layer
        self.context.region = SimpleNamespace(type="WINDOW", view2d=view, height=41)
        self.context.space_data = Space()
        self.context.preferences.system.ui_scale = 1.0
        cls = timeline.MOTIONGPT_OT_move_pose
        for name in ("_show", "_end"):
            method = getattr(cls, name)
            setattr(self.operator, name, lambda *a, m=method: m(self.operator, *a))
        self.cls = cls

    def event(self, kind, frame, value="NOTHING", y=BOTTOM):
        x = int(ZERO + SCALE * frame)
        return SimpleNamespace(type=kind, value=value, mouse_region_x=x, mouse_region_y=y)

    def press(self, frame, y=BOTTOM):
        event = self.event("LEFTMOUSE", frame, "PRESS", y)
        return self.cls.invoke(self.operator, self.context, event)

    def move(self, frame):
        return self.cls.modal(self.operator, self.context, self.event("MOUSEMOVE", frame))

    def end(self, kind="LEFTMOUSE", value="RELEASE"):
        return self.cls.modal(self.operator, self.context, self.event(kind, 0, value))


@pytest.fixture
def hand(monkeypatch):
    return Hand(monkeypatch)


def test_a_sign_is_dragged(group, hand):
    group.active = 0
    assert hand.press(20.5) == {"RUNNING_MODAL"}
    assert group.active == 1
    assert hand.move(28.6) == {"RUNNING_MODAL"}
    assert marks(group)[1] == (28, "KEY")  # by whole frames from where it was taken hold of
    hand.move(55.5)
    assert hand.end() == {"FINISHED"}
    assert marks(group) == [(1, "START"), (40, "END"), (55, "KEY")] and group.active == 2


@pytest.mark.parametrize("key", ["ESC", "RIGHTMOUSE"])
def test_escape_puts_it_back(group, hand, key):
    hand.press(40)
    hand.move(70)
    assert marks(group)[2][0] == 70
    assert hand.end(key, "PRESS") == {"CANCELLED"}
    assert marks(group) == [(1, "START"), (20, "KEY"), (40, "END")]


def test_a_click_beside_the_signs_is_not_ours(group, hand):
    group.active = 0
    for frame, y in ((30, BOTTOM), (20, BOTTOM + 20)):
        assert hand.press(frame, y) == {"PASS_THROUGH"}
    bpy.context.scene.motiongpt.show_signs = False
    assert hand.press(20) == {"PASS_THROUGH"}
    bpy.context.scene.motiongpt.show_signs = True
    hand.context.space_data.mode = "GPENCIL"
    assert hand.press(20) == {"PASS_THROUGH"}
    hand.context.space_data = None
    assert hand.press(20) == {"PASS_THROUGH"}
    assert group.active == 0


def test_a_pose_that_is_removed_while_it_is_dragged_ends_the_drag(group, hand):
    hand.press(40)
    group.poses.clear()
    assert hand.move(50) == {"CANCELLED"}
