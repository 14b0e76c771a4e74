"""Fetch Model from the panel: when it is offered, what it says, what Set Up does for it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from motiongpt_blender.backend.child_task import FETCH, SET_UP, Phase, Progress
from motiongpt_blender.core.packs.fetched_bases import FetchedBase, Kind
from motiongpt_blender.core.packs.manifest import PLANNER
from tests.support import pack_files
from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

#: What is tested hangs on no version of Blender.
pytestmark = pytest.mark.sweep

ID = "HuggingFaceTB/SmolLM2-135M-Instruct"


class FakeTask:
    """A download that ends as a test says; the real one is tested in tests/models/language."""

    end, wording, begun = Phase.DONE, FETCH, []

    def __init__(self, python, root, base_id, revision, *, offline=False):
        self.begun.append((base_id, revision, offline))
        self.progress = Progress(text="37 MB of 93 MB", fraction=0.4)

    def wait(self):
        if self.end is Phase.FAILED:
            text = "The hub is out of reach: check the network; fetched again, it goes on."
            self.progress = Progress(Phase.FAILED, text)
            return
        from motiongpt_blender.core.packs.fetched_bases import bases_folder

        folder = bases_folder() / "smol"
        folder.mkdir(parents=True)
        FetchedBase(ID, "", Kind.LANGUAGE, "Apache-2.0", "hub", 9, {}).write(folder)
        self.progress = Progress(Phase.DONE, FETCH.ready, 1.0, folder)

    def cancel(self):
        self.progress = Progress(Phase.CANCELLED, "Download was stopped; it goes on from here.")


@pytest.fixture
def chosen(monkeypatch, tmp_path, empty_scene):
    """The add-on with a pack whose planner builds on a base that is not here."""
    from motiongpt_blender import preferences, registration
    from motiongpt_blender.operators import bases, environment

    pack = pack_files.make(tmp_path / "walks")
    pack_files.make(pack / PLANNER, base_model=ID)
    kept = SimpleNamespace(
        python=__file__, device="cpu", pack=str(pack), fake=False, environment="", base_python=""
    )
    monkeypatch.setenv("MOTIONGPT_BASES", str(tmp_path / "bases"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(bases, "fetch_base", FakeTask)
    monkeypatch.setattr(FakeTask, "begun", [])
    for module in (preferences, environment):
        monkeypatch.setattr(module, "entry", lambda _: kept)
    registration.register()
    yield kept
    registration.unregister()


def test_generate_says_which_button_fetches_the_base(chosen, smpl_rig):
    bpy.context.view_layer.objects.active = smpl_rig
    asked().prompt = "walks forward"
    with pytest.raises(RuntimeError, match=r"SmolLM2-135M-Instruct.*press Fetch Model"):
        bpy.ops.motiongpt.generate()
    assert not FakeTask.begun, "nothing is fetched unasked"


def test_the_button_fetches_what_the_planner_names_once(chosen):
    from motiongpt_blender import paths

    assert bpy.ops.motiongpt.fetch_base() == {"FINISHED"}
    assert FakeTask.begun == [(ID, "", not bpy.app.online_access)]
    assert paths.missing_base(Path(chosen.pack)) is None
    assert not bpy.ops.motiongpt.fetch_base.poll()


def test_a_failure_is_one_sentence_and_the_button_stays(chosen, monkeypatch):
    from motiongpt_blender.operators import session

    monkeypatch.setattr(FakeTask, "end", Phase.FAILED)
    with pytest.raises(RuntimeError, match="check the network"):
        bpy.ops.motiongpt.fetch_base()
    assert session.last_task().wording is FETCH
    assert bpy.ops.motiongpt.fetch_base.poll()


def test_without_online_access_or_without_python_it_is_not_begun(chosen, monkeypatch):
    from motiongpt_blender import preferences
    from motiongpt_blender.operators import child_task

    chosen.python = ""
    monkeypatch.setattr(preferences, "find_python", lambda _: None)
    assert not bpy.ops.motiongpt.fetch_base.poll()
    chosen.python = __file__
    monkeypatch.setattr(child_task, "may_download", lambda: False)
    assert not bpy.ops.motiongpt.fetch_base.poll()
    assert not FakeTask.begun


def test_set_up_fetches_what_the_chosen_pack_needs(chosen, monkeypatch, tmp_path):
    from motiongpt_blender.backend import locations
    from motiongpt_blender.operators import environment

    class FakeSetUp:
        wording = SET_UP

        def __init__(self, base, root, folder):
            self.progress = Progress(Phase.DONE, SET_UP.ready, 1.0, Path(__file__))

        def wait(self):
            pass

        cancel = wait

    monkeypatch.setattr(locations, "data_folder", lambda: tmp_path / "user")
    monkeypatch.setattr(preferences_module(), "find_python", lambda _: Path(__file__))
    monkeypatch.setattr(environment, "set_up", FakeSetUp)
    monkeypatch.setattr(environment, "find_base", lambda _: Path("/a/python"))
    assert bpy.ops.motiongpt.set_up() == {"FINISHED"}
    assert [base_id for base_id, *_ in FakeTask.begun] == [ID]


def preferences_module():
    from motiongpt_blender import preferences

    return preferences


def test_the_panel_says_what_size_and_where(chosen, tmp_path):
    from motiongpt_blender import paths
    from motiongpt_blender.ui.setup import missing_text

    text = missing_text(paths.missing_base(Path(chosen.pack)))
    for part in (*ID.split("/"), "93 to 271 MB", str(tmp_path / "bases")):
        assert part in text


def test_a_fetched_base_is_removed_and_offered_again(chosen, tmp_path):
    from motiongpt_blender import paths

    bpy.ops.motiongpt.fetch_base()
    assert [base.id for base in paths.fetched_bases()] == [ID]
    other = tmp_path / "bases" / "other"
    other.mkdir()
    FetchedBase("Somebody/Other", "", Kind.READER, "MIT", "hub", 9, {}).write(other)
    assert bpy.ops.motiongpt.remove_base(base_id=ID) == {"FINISHED"}
    assert [path.name for path in (tmp_path / "bases").iterdir()] == ["other"]
    assert [base.id for base in paths.fetched_bases()] == ["Somebody/Other"]
    assert paths.missing_base(Path(chosen.pack)) is not None
    with pytest.raises(RuntimeError, match="no model"):
        bpy.ops.motiongpt.remove_base(base_id=ID)


def test_nothing_is_removed_while_something_is_downloaded(chosen, monkeypatch):
    from motiongpt_blender.operators import bases

    bpy.ops.motiongpt.fetch_base()
    monkeypatch.setattr(bases, "is_running", lambda: True)
    assert not bpy.ops.motiongpt.remove_base.poll()
