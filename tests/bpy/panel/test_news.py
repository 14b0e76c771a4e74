"""What's New: told after an upgrade, until it is dismissed; a first installation hears nothing."""

from types import SimpleNamespace

import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture
def kept(monkeypatch, empty_scene):
    """The preferences, of a Blender that saves them."""
    from motiongpt_blender.operators import news

    kept = SimpleNamespace(seen_version="")
    monkeypatch.setattr(news, "entry", lambda _: kept)
    return kept


@pytest.fixture
def enabled(kept):
    from motiongpt_blender import registration

    def enable(seen):
        kept.seen_version = seen
        registration.register()

    yield enable
    registration.unregister()


def test_a_first_installation_hears_nothing(enabled, kept):
    from motiongpt_blender import paths
    from motiongpt_blender.operators.news import is_new

    enabled("")
    assert not is_new(bpy.context)
    assert kept.seen_version == paths.version()


def test_an_upgrade_is_told_until_it_is_dismissed(enabled, kept):
    from motiongpt_blender import paths, registration
    from motiongpt_blender.operators.news import is_new

    enabled("0.0.1")
    assert is_new(bpy.context)
    registration.unregister()
    registration.register()  # another Blender session
    assert is_new(bpy.context)
    assert bpy.ops.motiongpt.dismiss_news() == {"FINISHED"}
    assert not is_new(bpy.context)
    assert kept.seen_version == paths.version()


def test_nothing_is_told_where_nothing_is_written(enabled, monkeypatch, tmp_path):
    from motiongpt_blender import paths
    from motiongpt_blender.operators.news import is_new

    monkeypatch.setattr(paths, "CHANGELOG", tmp_path / "none.md")
    paths.news.cache_clear()
    enabled("0.0.1")
    assert not is_new(bpy.context)
    paths.news.cache_clear()


def test_the_zip_brings_what_is_told():
    import build

    assert build.ROOT / "CHANGELOG.md" in build.packaged()
