"""Run inside a windowed Blender on a computer where nothing is set up: press Set Up, then use it.

    blender --factory-startup --enable-event-simulate --python tests/gui/set_up.py -- \
        [--small DIR] [--shots DIR] [--generate]

The button is found and clicked as a hand does it, the dialog is confirmed, the progress is
watched to its end. With ``--small`` two tiny packages stand for the pinned ones, in a copy of the
checkout; with ``--generate`` a take is made with what was set up. Prints OK, or the error.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import hand

ROOT = Path(__file__).resolve().parents[2]
#: Seconds for everything; then the test has failed.
LIMIT = 3000


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=Path, help="set up tiny packages, in this folder")
    parser.add_argument("--base", help="the Python that makes the environment")
    parser.add_argument("--shots", type=Path, help="folder for pictures of the panel")
    parser.add_argument("--generate", action="store_true", help="make a take in the end")
    return parser.parse_args(words)


def make_small(folder):
    """Two tiny packages as all that pip finds, and pins of them: ROOT is a copy of the checkout."""
    from tests.support.wheels import make_wheel

    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    make_wheel(wheels, "torchlike", "1.0+cpu")
    make_wheel(wheels, "tiny", "2.0")
    os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels), PIP_CONFIG_FILE=os.devnull)
    pins = '[dependency-groups]\ntorch = ["torchlike==1.0"]\nbackend = ["tiny==2.0"]\n'
    sizes = "[tool.motiongpt]\ndownload-megabytes = { torch = 1, torch-gpu = 1, backend = 1 }\n"
    (ROOT / "pyproject.toml").write_text(pins + sizes + "matrix = {}\n")


def shoot(asked, name):
    """A picture of the whole window, where pictures are wanted."""
    if asked.shots:
        window = bpy.context.window_manager.windows[0]
        yield from hand.shoot(asked.shots / f"{name}.png", (0, window.width, 0, window.height))


def task():
    """The set-up under way."""
    from motiongpt_blender.operators import session

    return session.last_task()


def confirm():
    """Press Return over the dialog."""
    window = hand.place("UI")["window"]
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="RET", value=value)
        yield 0.2


def watch(asked):
    """Look at the progress until it has ended; it only grows."""
    seen, pictured = [0.0], False
    while task().progress.phase.value == "running":
        seen.append(task().progress.fraction)
        assert seen[-1] >= seen[-2], seen
        if seen[-1] > 0.3 and not pictured:
            pictured = True
            yield from shoot(asked, "progress")
        yield 0.3
    print(f"set up: {task().progress.text}")
    assert task().progress.phase.value == "done", task().progress.text


def generate():
    """A first take with the environment that was made; the seconds it took."""
    rig = hand.make_rigify_rig()
    hand.asked().prompt = "a person walks forward"
    began = time.monotonic()
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.generate()
    from tests.support.session import Panel

    while Panel().job is not None or Panel().writing:
        yield 0.1
    print(f"set up: {Panel().message} ({time.monotonic() - began:.1f} s)")
    assert rig.animation_data and rig.animation_data.nla_tracks, Panel().message


def story(asked):
    """The test, one event a tick."""
    yield 2.0  # until the window stands
    bpy.context.preferences.system.use_online_access = True
    sys.path.insert(0, str(ROOT))
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.preferences.addon_enable(module="motiongpt_blender")
    chosen = bpy.context.preferences.addons["motiongpt_blender"].preferences
    chosen.base_python = asked.base or ""
    if asked.small:
        make_small(asked.small)
        chosen.environment = str(asked.small / "environment")
    if not asked.shots:
        yield from hand.save_drawing()
    yield from hand.open_tab()
    yield from shoot(asked, "missing")
    button = yield from hand.find_button("motiongpt.set_up")
    yield from hand.click(button, rest=1.0)
    yield from shoot(asked, "dialog")
    assert task() is None, "nothing is downloaded before the dialog is confirmed"
    yield from confirm()
    for _ in range(50):
        if task() is not None:
            break
        yield 0.1
    assert task() is not None, "the dialog started no set-up"
    began = time.monotonic()
    yield from watch(asked)
    print(f"set up: {time.monotonic() - began:.0f} s")
    from motiongpt_blender.operators.environment import is_set_up

    for _ in range(50):  # the panel looks four times a second
        if is_set_up(bpy.context):
            break
        yield 0.1
    assert is_set_up(bpy.context)
    yield 1.0
    yield from shoot(asked, "ready")
    if asked.generate:
        yield from generate()
        yield from shoot(asked, "take")
    print("OK")


hand.drive(story(arguments()), LIMIT)
