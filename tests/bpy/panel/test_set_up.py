"""Set Up from Blender: when it is offered, what it notes, what it removes."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from motiongpt_blender.backend import locations
from motiongpt_blender.backend.child_task import SET_UP, Phase, Progress
from motiongpt_blender.backend.setup.places import INSIDE, STAMP
from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

#: What is tested hangs on no version of Blender.
pytestmark = pytest.mark.sweep


class FakeTask:
    """A set-up that ends as a test says; the real one is tested in tests/unit/backend."""

    end, wording = Phase.DONE, SET_UP

    def __init__(self, base, root, folder):
        self.folder, self.base = folder, base
        self.progress = Progress(text="Installing PyTorch ...", fraction=0.25)

    def wait(self):
        if self.end is Phase.FAILED:
            self.progress = Progress(Phase.FAILED, "The disk of /x is full: make room there.")
            return
        python = locations.python_in(self.folder)
        python.parent.mkdir(parents=True)
        python.write_text("")
        (self.folder / STAMP).write_text(json.dumps({"python": "3.11.7", "groups": {}}))
        self.progress = Progress(Phase.DONE, "The model is set up.", 1.0, python)

    def cancel(self):
        self.progress = Progress(Phase.CANCELLED, "Set-up was stopped; it goes on from here.")


@pytest.fixture
def chosen(monkeypatch, tmp_path, empty_scene):
    """The add-on on a computer where nothing is set up; its preferences, for tests to read."""
    from motiongpt_blender import paths, preferences, registration
    from motiongpt_blender.operators import environment

    kept = SimpleNamespace(
        python="", device="cpu", pack="", fake=False, environment="", base_python=""
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv(locations.VARIABLE, raising=False)
    monkeypatch.setattr(locations, "data_folder", lambda: tmp_path / "user")
    monkeypatch.setattr(preferences, "find_python", lambda root: locations.find_python(tmp_path))
    monkeypatch.setattr(environment, "set_up", FakeTask)
    monkeypatch.setattr(environment, "find_base", lambda named: Path("/a/python"))
    for module in (preferences, environment):
        monkeypatch.setattr(module, "entry", lambda _: kept)
    assert (paths.ROOT / "pyproject.toml").is_file()
    registration.register()
    yield kept
    registration.unregister()


def test_set_up_notes_the_python_for_every_blender(chosen, tmp_path):
    from motiongpt_blender.operators.environment import is_set_up

    assert not is_set_up(bpy.context)
    assert bpy.ops.motiongpt.set_up() == {"FINISHED"}
    assert is_set_up(bpy.context)
    assert locations.noted() == locations.python_in(tmp_path / "user" / "environment")
    assert chosen.environment == ""
    assert bpy.ops.motiongpt.remove_environment() == {"FINISHED"}
    assert not is_set_up(bpy.context)
    assert not (tmp_path / "user" / "environment").exists()
    assert locations.noted() is None
    assert not bpy.ops.motiongpt.remove_environment.poll()


def test_what_was_set_up_takes_the_place_of_a_python_that_was_named(chosen, tmp_path):
    from motiongpt_blender.operators.environment import is_set_up

    chosen.python = str(tmp_path / "gone" / "python")
    assert not is_set_up(bpy.context)
    bpy.ops.motiongpt.set_up()
    assert chosen.python == "" and is_set_up(bpy.context)


def test_a_folder_of_ones_own_is_kept_in_the_preferences(chosen, tmp_path):
    place = tmp_path / "studio share" / "mgpt"
    bpy.ops.motiongpt.set_up(folder=str(place))
    assert chosen.environment == str(place)
    assert locations.noted() == locations.python_in(place)


def test_a_folder_with_files_gets_the_environment_inside(chosen, tmp_path):
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "letter.txt").write_text("mine")
    bpy.ops.motiongpt.set_up(folder=str(tmp_path / "Documents"))
    inside = tmp_path / "Documents" / INSIDE
    assert chosen.environment == str(inside)
    assert locations.noted() == locations.python_in(inside)
    bpy.ops.motiongpt.remove_environment()
    assert (tmp_path / "Documents" / "letter.txt").is_file() and not inside.exists()


def test_a_folder_whose_name_is_too_long_is_one_sentence(chosen, tmp_path):
    with pytest.raises(RuntimeError, match=r"cannot be written \(File name too long\): choose"):
        bpy.ops.motiongpt.set_up(folder=str(tmp_path / ("x" * 300)))
    assert chosen.environment == "" and locations.noted() is None


def test_a_folder_that_is_not_ours_is_never_removed(chosen, tmp_path):
    (tmp_path / "films").mkdir()
    chosen.environment = str(tmp_path / "films")
    assert not bpy.ops.motiongpt.remove_environment.poll()
    (tmp_path / "films" / STAMP).write_text("{}")
    assert bpy.ops.motiongpt.remove_environment.poll()


def test_a_set_up_that_fails_notes_nothing(chosen, monkeypatch):
    from motiongpt_blender.operators.environment import is_set_up

    monkeypatch.setattr(FakeTask, "end", Phase.FAILED)
    with pytest.raises(RuntimeError, match="The disk of /x is full"):
        bpy.ops.motiongpt.set_up()
    assert locations.noted() is None
    assert not is_set_up(bpy.context)
    assert bpy.ops.motiongpt.set_up.poll()


def test_one_set_up_at_a_time_and_it_can_be_stopped(chosen):
    from motiongpt_blender.operators import session

    task = session.current().task = FakeTask(None, None, Path("/nowhere"))
    assert not bpy.ops.motiongpt.set_up.poll()
    assert not bpy.ops.motiongpt.remove_environment.poll()
    assert bpy.ops.motiongpt.stop_task() == {"FINISHED"}
    assert task.progress.phase is Phase.CANCELLED
    assert session.last_task() is task
    assert bpy.ops.motiongpt.set_up.poll()
    assert not bpy.ops.motiongpt.stop_task.poll()


def test_generate_waits_for_a_set_up_and_what_failed_before_is_forgotten(chosen, smpl_rig):
    from motiongpt_blender.operators import session
    from motiongpt_blender.operators.generation import why_not

    bpy.context.view_layer.objects.active = smpl_rig
    asked().prompt = "walks forward"
    with pytest.raises(RuntimeError, match="press Set Up"):
        bpy.ops.motiongpt.generate()
    assert session.state_of(smpl_rig).failed
    session.current().task = FakeTask(None, None, Path("/nowhere"))
    assert why_not(bpy.context) == "The model is being set up: wait until that is done"
    assert not bpy.ops.motiongpt.generate.poll()
    session.current().task = None
    assert bpy.ops.motiongpt.set_up() == {"FINISHED"}
    state = session.state_of(smpl_rig)
    assert (state.message, state.failed) == ("", False)
    assert bpy.ops.motiongpt.generate.poll()


def test_a_set_up_beside_one_that_works_keeps_generate(chosen, smpl_rig, tmp_path):
    """The pack's base is fetched, or the environment is renewed."""
    from motiongpt_blender.operators import session
    from motiongpt_blender.operators.generation import why_not

    bpy.context.view_layer.objects.active = smpl_rig
    bpy.ops.motiongpt.set_up()
    session.current().task = FakeTask(None, None, Path("/nowhere"))
    assert why_not(bpy.context) == ""


def test_disabling_the_add_on_ends_it(chosen):
    from motiongpt_blender import registration
    from motiongpt_blender.operators import session

    task = session.current().task = FakeTask(None, None, Path("/nowhere"))
    registration.unregister()
    assert task.progress.phase is Phase.CANCELLED
    registration.register()


def test_without_online_access_it_is_not_offered(chosen, monkeypatch):
    from motiongpt_blender.operators.child_task import may_download

    monkeypatch.delenv("PIP_NO_INDEX")
    assert may_download() == bpy.app.online_access
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert may_download()


def test_sizes_are_those_of_the_pins(chosen):
    from motiongpt_blender.operators.environment import sizes

    assert sizes(gpu=False) == (319, 1276)
    assert sizes(gpu=True)[0] > 2500


def test_generate_says_where_to_press(chosen, smpl_rig):
    bpy.context.view_layer.objects.active = smpl_rig
    asked().prompt = "walks forward"
    with pytest.raises(RuntimeError, match="press Set Up"):
        bpy.ops.motiongpt.generate()
