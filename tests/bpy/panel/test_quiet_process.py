"""Unload Model and Copy Report, with the fake model."""

import pytest

from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def test_unload_ends_the_process_and_generate_starts_it_again(addon):
    from motiongpt_blender.operators import session

    assert not bpy.ops.motiongpt.unload_model.poll()
    asked().prompt = "walks forward"
    for _ in range(2):
        bpy.ops.motiongpt.generate()
        assert not bpy.ops.motiongpt.unload_model.poll(), "it is at work"
        addon.wait()
        assert not addon.failed, addon.message
        assert session.current().pump.memory is not None
        assert bpy.ops.motiongpt.unload_model() == {"FINISHED"}
        assert session.current().pump.memory is None


def test_the_report_names_versions_and_the_message_and_no_path(addon):
    from motiongpt_blender import paths
    from motiongpt_blender.operators.report import report_text

    addon.tell(f"The file {paths.ROOT}/x/secret.blend is gone.", failed=True)
    text = report_text(bpy.context)
    for part in (bpy.app.version_string, "Device: cpu", "Pack: starter", "Add-on: 0.1.0"):
        assert part in text
    assert str(paths.ROOT) not in text and "<add-on>/x/secret.blend" in text
