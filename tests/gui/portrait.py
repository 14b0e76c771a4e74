"""The picture of the panel for the pages: a solid figure and its marked poses.

    real-blender run 5.2 --factory-startup --enable-event-simulate \
        --window-geometry 0 0 1600 1000 --python tests/gui/click_generate.py -- \
        --shot docs/images/panel.png
"""

import bpy
import hand

#: Controls that stay in sight; the others would hide the figure.
SHOWN = ("Torso", "Arm.L (FK)", "Arm.R (FK)", "Leg.L (FK)", "Leg.R (FK)", "Root")
FIGURE = (0.86, 0.72, 0.58, 1.0)
GHOSTS = {
    "START": (0.30, 0.75, 0.40, 0.45),
    "KEY": (0.95, 0.75, 0.25, 0.45),
    "END": (0.95, 0.35, 0.30, 0.45),
}
FRAME = 50
#: Pixels of the picture that the figures take, left of the side bar.
FIGURES_WIDTH = 700
SEED = 1


def dress(rig):
    """A solid figure on the rig, and only the main controls in sight."""
    from motiongpt_blender.demo.figure import add_figure

    add_figure(rig).color = FIGURE
    panel = bpy.context.scene.motiongpt
    panel.show_ghosts, panel.show_trails = False, False  # figures stand there
    rig.motiongpt.request.seed = SEED
    for collection in rig.data.collections_all:
        collection.is_visible = collection.name in SHOWN


def take(rig, path):
    """Set the scene, wait for it to be drawn, and take the picture of figures and side bar."""
    from motiongpt_blender.operators import session

    message = session.state_of(rig).message
    session.tell(rig, message.partition(" (")[0] + ".")  # how long it took is this machine's
    ghosts(rig)
    scene = bpy.context.scene
    scene.frame_set(FRAME)
    view = hand.place("WINDOW")["area"].spaces.active
    view.shading.color_type = "OBJECT"
    view.shading.show_cavity = True
    view.shading.show_shadows = True
    view.overlay.show_cursor = False
    region = view.region_3d
    region.view_perspective = "PERSP"
    region.view_location = (0.35, -1.15, 0.8)
    region.view_distance = 4.6
    yield 3.0  # the timeline stays small: above it the report is seen to its end
    left, right, bottom, top = hand.side_bar()
    yield from hand.shoot(path, (left - FIGURES_WIDTH, right, bottom, top))


def ghosts(rig):
    """Still figures of the marked poses."""
    from motiongpt_blender.demo.figure import add_ghost

    figure = bpy.data.objects["Mannequin"]
    for pose in rig.motiongpt.poses:
        bpy.context.scene.frame_set(pose.frame)
        ghost = add_ghost(figure, pose.role.capitalize(), GHOSTS[pose.role][:3])
        ghost.color = GHOSTS[pose.role]


def show_track():
    """The NLA editor below the view, pulled up to show the track."""
    spot = hand.place("WINDOW")
    window, area = spot["window"], spot["area"]
    below = next(a for a in window.screen.areas if a.type == "DOPESHEET_EDITOR")
    below.type = "NLA_EDITOR"
    yield 0.5
    edge, x = area.y - 1, area.x + area.width // 2
    for kind, value, y in (
        ("MOUSEMOVE", "NOTHING", edge),
        ("LEFTMOUSE", "PRESS", edge),
        ("MOUSEMOVE", "NOTHING", edge + 40),
        ("MOUSEMOVE", "NOTHING", edge + 90),
        ("LEFTMOUSE", "RELEASE", edge + 90),
    ):
        window.event_simulate(type=kind, value=value, x=x, y=y)
        yield 0.3
    region = next(r for r in below.regions if r.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=below, region=region):
        bpy.ops.nla.view_all()
