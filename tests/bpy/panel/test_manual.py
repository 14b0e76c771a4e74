"""Documentation: the manual opens in the browser, from this computer."""

from pathlib import Path
from urllib.request import url2pathname

import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

#: What is tested hangs on no version of Blender.
pytestmark = pytest.mark.sweep


@pytest.fixture
def opened(monkeypatch, tmp_path, empty_scene):
    """The add-on; the addresses that the browser was asked to open."""
    import webbrowser

    from motiongpt_blender import registration
    from motiongpt_blender.operators import manual

    addresses = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    monkeypatch.setattr(manual, "data_folder", lambda: tmp_path / "user ü")
    registration.register()
    yield addresses
    registration.unregister()


def test_the_manual_opens_in_the_browser(opened, tmp_path):
    assert bpy.ops.motiongpt.documentation() == {"FINISHED"}
    [address] = opened
    assert address.startswith("file://")
    page = Path(url2pathname(address.removeprefix("file://")))
    assert page.is_relative_to(tmp_path)
    assert "<h1" in page.read_text("utf-8") and "Set Up" in page.read_text("utf-8")
    page.write_text("of an older version")
    bpy.ops.motiongpt.documentation()
    assert "Set Up" in page.read_text("utf-8")


def test_a_manual_that_cannot_be_written_is_one_sentence(opened, tmp_path):
    (tmp_path / "user ü").write_text("a file is in the way")
    with pytest.raises(RuntimeError, match=r"manual cannot be opened .*animators\.md instead"):
        bpy.ops.motiongpt.documentation()
    assert not opened
