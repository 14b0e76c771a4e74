"""Run inside a windowed Blender: the list of model packs in the preferences, and one chosen.

    blender --factory-startup --enable-event-simulate --window-geometry 0 0 1600 1000 \
        --python tests/gui/packs_menu.py -- --shot docs/images/packs.png

The packs that a release may carry came with the add-on, the other ones are installed first. With
``--shot`` also a picture of the open list. Prints OK, or the error.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import hand  # noqa: E402

#: Seconds for everything; then the test has failed.
LIMIT = 240
#: Pixels from the right edge in which the button *Install Pack* may be.
FROM_EDGE = (48, 56, 64, 40, 72)
#: Pixels from the button beside the list to the list, and what the picture shows around it.
TO_LIST, LEFT, RIGHT, ABOVE, BELOW = 150, 800, 40, 80, 135


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of the open list")
    return parser.parse_args(words)


def install_packs(folder):
    """Install the packs that a release carries as archives of their own."""
    from motiongpt_blender import paths
    from motiongpt_blender.core.packs.archives import SUFFIX, write_archive

    packs = {pack: paths.pack_info(pack) for pack in paths.shipped_packs()}
    carried = [pack for pack, info in packs.items() if not info.non_commercial]
    paths.shipped_packs = lambda: carried
    for pack in set(packs) - set(carried):
        archive = folder / f"{pack.name}{SUFFIX}"
        write_archive(pack, archive)
        assert bpy.ops.motiongpt.install_pack(filepath=str(archive)) == {"FINISHED"}


class OurPreferences(bpy.types.Panel):
    """The add-on's preferences as Blender draws them; it lists no add-on out of a checkout."""

    bl_label, bl_idname = "MotionGPT", "USERPREF_PT_motiongpt"
    bl_space_type, bl_region_type, bl_context = "PREFERENCES", "WINDOW", "addons"

    def draw(self, context):
        preferences = context.preferences.addons["motiongpt_blender"].preferences
        preferences.layout = self.layout.column()
        preferences.draw(context)


def open_preferences():
    """The add-on's preferences, in the place of the 3D view; their window, area and region."""
    bpy.utils.register_class(OurPreferences)
    area = hand.place("WINDOW")["area"]
    area.type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "MotionGPT"
    window = bpy.context.window_manager.windows[0]
    region = next(r for r in area.regions if r.type == "WINDOW")
    return {"window": window, "area": area, "region": region}


def pack():
    """The pack that is chosen in the preferences."""
    from motiongpt_blender.preferences import chosen_pack

    return chosen_pack(bpy.context).name


def story(asked, folder):
    """Install, open the list, choose its first pack."""
    yield 2.0
    os.environ["MOTIONGPT_PACKS"] = str(folder / "installed")
    hand.enable_add_on()
    install_packs(folder)
    assert pack() == "styles", pack()
    spot = open_preferences()
    yield 1.5
    shares = [1 - away / spot["region"].width for away in FROM_EDGE]
    at = yield from hand.find_button("motiongpt.install_pack", shares, spot=spot)
    middle = at[0] - TO_LIST, at[1]
    yield from hand.click(middle, rest=1.5, window=spot["window"])
    if asked.shot:
        left, right = at[0] - LEFT, at[0] + RIGHT
        yield from hand.shoot(asked.shot, (left, right, at[1] - BELOW, at[1] + ABOVE))
    for key in ("DOWN_ARROW", "RET"):
        for value in ("PRESS", "RELEASE"):
            spot["window"].event_simulate(type=key, value=value, x=middle[0], y=middle[1] - 30)
            yield 0.3
    yield 1.0
    print(f"chosen: {pack()}")
    assert pack() != "styles", "nothing was chosen in the list"
    print("OK", flush=True)


with tempfile.TemporaryDirectory(prefix="motiongpt-test-", delete=False) as name:
    hand.drive(story(arguments(), Path(name)), LIMIT)
