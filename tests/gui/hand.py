"""A hand in a windowed Blender: finds buttons, clicks them, drives a story tick by tick."""

import contextlib
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

#: Pixels between two looks under the mouse; a button is 20 high, and 15 where room was made.
STEP = 11


def place(region_type):
    """Window, area and region of the 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == region_type)
    return {"window": window, "area": area, "region": region}


def enable_add_on(python=None):
    """Turn the add-on on, from the checkout, as set up: with the fake model, or the true one in a
    Python.

    What the panel says of a model that is not set up would push its other parts out of sight.
    """
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    with bpy.context.temp_override(**place("WINDOW")):
        bpy.ops.preferences.addon_enable(module="motiongpt_blender")
    chosen = bpy.context.preferences.addons["motiongpt_blender"].preferences
    chosen.fake, chosen.python = python is None, python or sys.executable


def make_room():
    """Draw the interface smaller, for stories whose side bar is longer than the screen."""
    bpy.context.preferences.view.ui_scale = 0.75


def use_light_theme():
    """Blender's own light theme."""
    folders = [Path(p) for p in bpy.utils.preset_paths("interface_theme")]
    path = next(f for folder in folders for f in folder.glob("*ight.xml"))
    menu = "USERPREF_MT_interface_theme_presets"
    bpy.ops.script.execute_preset(filepath=str(path), menu_idname=menu)


def make_sample_character():
    """The add-on's sample character and nothing else."""
    with bpy.context.temp_override(**place("WINDOW")):
        bpy.ops.object.select_all(action="SELECT")
        bpy.ops.object.delete()
        bpy.ops.motiongpt.add_sample_character()
    return next(obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE")


def make_rigify_rig():
    """A generated Rigify human and nothing else; in pose mode."""
    from tests.support.rigs.rigify import append_rigify_rig

    with bpy.context.temp_override(**place("WINDOW")):
        rig = append_rigify_rig()
        bpy.ops.object.mode_set(mode="POSE")
    return rig


def asked():
    """What is asked for of the armature in the panel: prompt, length, seed."""
    from motiongpt_blender.properties import armature, scene

    return armature.of(scene.target(bpy.context)).request


def save_drawing():
    """Only the 3D view, and nothing in it: a screen drawn in software takes its time.

    For stories of which no picture is taken.
    """
    system = bpy.context.preferences.system
    system.viewport_aa, system.use_region_overlap = "OFF", False
    with bpy.context.temp_override(**place("WINDOW")):
        bpy.ops.screen.screen_full_area()
    yield 0.5
    space = place("WINDOW")["area"].spaces.active
    space.overlay.show_overlays = False
    space.show_gizmo = False
    space.shading.type = "WIREFRAME"


def open_tab():
    """Show the side bar with our tab in front, and the character in the view."""
    place("WINDOW")["area"].spaces.active.show_region_ui = True
    yield 1.0
    region = place("UI")["region"]
    region.active_panel_category = "MotionGPT"
    region.tag_redraw()  # 4.3 would go on showing the tab before
    with bpy.context.temp_override(**place("WINDOW")):
        bpy.ops.view3d.view_axis(type="RIGHT")
        bpy.ops.view3d.view_orbit(angle=-0.7, type="ORBITRIGHT")
        bpy.ops.view3d.view_orbit(angle=0.25, type="ORBITUP")
        bpy.ops.view3d.view_all()
    yield 1.0


def find_button(command, shares=(0.3, 0.865, 0.7), near=None, spot=None):
    """Move the mouse over the side bar until ``command`` lies under it; returns (x, y).

    Down the whole side bar, or another ``spot``, at these shares of its width, or only ``near`` a
    height.
    """
    return (yield from _find(command, "copy_python_command_button", shares, near, spot))


def find_field(path):
    """Move the mouse over the side bar until a field lies under it whose data path ends so."""
    return (yield from _find(path, "copy_data_path_button", (0.3, 0.6), None))


def _find(text, copy, shares, near, spot=None):
    """Where Blender's operator ``copy`` puts the text on the clipboard."""
    spot = spot or place("UI")
    region, window = spot["region"], spot["window"]
    top, bottom = region.y + region.height - 8, region.y + 8
    if near is not None:
        top, bottom = near + 40, near - 40
    for share in shares:
        x = region.x + int(region.width * share)
        for y in range(top, bottom, -STEP):
            window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
            yield 0.04
            with bpy.context.temp_override(**spot):
                if getattr(bpy.ops.ui, copy).poll():
                    _copy(copy)
            if text in bpy.context.window_manager.clipboard:
                bpy.context.window_manager.clipboard = ""
                return x, y
    tab = f"{region.type}, {region.width} x {region.height}"
    raise AssertionError(f"nothing of {text} in the region ({tab})")


def _copy(operator):
    """Call it; a field whose path is not known is passed over."""
    with contextlib.suppress(RuntimeError):
        if operator == "copy_data_path_button":
            bpy.ops.ui.copy_data_path_button(full_path=True)
        else:
            bpy.ops.ui.copy_python_command_button()


def click(at, rest=0.6, window=None):
    """Press and release the left mouse button there, then give Blender ``rest`` seconds."""
    window = window or place("UI")["window"]
    yield 0.5  # the panel has been drawn anew, and has to see the mouse come
    for dx in (-3, 0):
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=at[0] + dx, y=at[1])
        yield 0.15
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="LEFTMOUSE", value=value, x=at[0], y=at[1])
        yield 0.1
    yield rest


def side_bar():
    """Where the side bar is on the screen: left, right, bottom and top in pixels."""
    region = place("UI")["region"]
    return region.x, region.x + region.width, region.y, region.y + region.height


def shoot(path, box):
    """A picture of a part of the screen: left, right, bottom and top in pixels.

    ImageMagick takes it; Blender's own screenshot comes out black on a virtual screen.
    """
    left, right, bottom, top = box
    above = bpy.context.window_manager.windows[0].height - top
    size = f"{right - left}x{top - bottom}+{left}+{above}"
    command = ["import", "-window", "root", "-crop", size, "+repage", str(path)]
    with subprocess.Popen(command) as child:
        while child.poll() is None:
            yield 0.2
    assert child.returncode == 0, "no picture was taken"


def leave(status):
    """End Blender with an exit status, at once and without questions."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def drive(steps, limit):
    """Run a story from a timer; each of its ``yield`` gives Blender its seconds to live on."""
    bpy.context.preferences.view.show_splash = False
    deadline = time.monotonic() + limit

    def tick():
        try:
            if time.monotonic() > deadline:
                raise AssertionError(f"not done within {limit} s")
            return max(next(steps), 0.01)
        except StopIteration:
            leave(0)
        except BaseException:
            traceback.print_exc()
            leave(1)

    bpy.app.timers.register(tick, first_interval=0.2, persistent=True)
