"""Run inside a windowed Blender: the add-on in another language, from an empty scene to a take.

    blender --factory-startup --enable-event-simulate --python tests/gui/languages.py -- \
        --language ja_JP [--shots DIR]

Words that Blender has too must mean what they mean here, and names of data in that language must
not get in the way. Prints OK, or the error.
"""

import argparse
import sys
import tomllib
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import hand

#: Seconds for everything; then the test has failed.
LIMIT = 240
ROOT = Path(__file__).resolve().parents[2]


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--language", required=True)
    parser.add_argument("--shots", type=Path, help="folder for pictures of the panel")
    return parser.parse_args(words)


def entries(language):
    """The translations of a language, by the English text."""
    found = {}
    for path in (ROOT / "motiongpt_blender" / "translations" / language).glob("*.toml"):
        found.update(tomllib.loads(path.read_text("utf-8")))
    return found


def speak(language):
    """Let Blender speak it, data included."""
    view = bpy.context.preferences.view
    view.language = language
    view.use_translate_interface = view.use_translate_tooltips = True
    view.use_translate_reports = view.use_translate_new_dataname = True


def look_up(known):
    """Every text has its translation, and those in our context are ours alone."""
    from motiongpt_blender.core.translation import CONTEXT, tr

    find = bpy.app.translations.pgettext_iface
    for english, translation in known.items():
        assert find(english, CONTEXT) == translation, english
        assert tr(english) == translation, english
        assert find(english) != english or translation == english, english
    rna = bpy.context.scene.motiongpt.frame_range.bl_rna.properties["start"]
    assert find(rna.name, rna.translation_context) == known["From"]


def story(asked):
    """The test, one event a tick."""
    yield 2.0
    speak(asked.language)
    hand.enable_add_on()
    known = entries(asked.language)
    look_up(known)
    for obj in bpy.context.selected_objects:
        obj.select_set(False)
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.add_sample_character()
    hand.asked().prompt = "walks forward"
    bpy.context.scene.motiongpt.takes = 1
    if asked.shots is None:
        yield from hand.save_drawing()
    yield from hand.open_tab()
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.add_pose(role="START")
        bpy.ops.motiongpt.generate()
    from motiongpt_blender.operators import session

    while session.controller().pending is not None:
        yield 0.1
    message = session.active_state(bpy.context).message
    written = known["The take is on a new NLA track"]
    assert written in message, message
    if asked.shots:
        yield from hand.shoot(asked.shots / f"{asked.language}.png", hand.side_bar())
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    assert bpy.app.translations.pgettext_iface("Takes") == "Takes", "our words are left behind"
    print("OK")


chosen = arguments()
hand.drive(story(chosen), LIMIT)
