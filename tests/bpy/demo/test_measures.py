"""The pictures and tables of locked feet and few keys: what they show is so."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")
pytest.importorskip("matplotlib", reason="the pictures are drawn with matplotlib")

pytestmark = pytest.mark.sweep


def test_feet_and_keys_are_drawn(shared, empty_scene, tmp_path, capsys):
    from tests.support.measure import edits, few_keys, root_paths

    walk = root_paths.straightest(shared("data"))[-edits.FRAMES :]
    edits.draw_feet(walk, tmp_path / "feet.png")
    few_keys.draw_keys(walk[:30], tmp_path / "keys.png")
    before, locked, *few = capsys.readouterr().out.splitlines()[-4:]
    assert 10 < float(before.split("before: ")[1].split()[0]) < 30  # cm/s, standing
    assert "0.0 at most, 0.0 cm under the floor" in locked
    assert all("instead of 30 on this bone" in line for line in few)
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("feet.png", "keys.png"))


def test_a_rough_walk_keeps_its_height_and_way(shared):
    from tests.support.measure import edits, root_paths

    walk = root_paths.straightest(shared("data"))[-edits.FRAMES :]
    away = edits.rough(walk) - walk
    assert np.abs(away[..., 1]).max() < 0.03
    steps = np.linalg.norm(np.diff(away.mean(1), axis=0), axis=-1) * 20
    assert steps.mean() < 2 * edits.DRIFT


def test_feet_are_measured_on_a_rig_of_another_unit(empty_scene):
    from motiongpt_blender.core.body.motion import MotionClip
    from tests.support.clips import clip
    from tests.support.measure import feet

    walk = MotionClip(clip("walk")[:60], 20.0, prompt="a person walks")
    rows = feet.measured("mixamo", [walk])  # centimetres
    (before, after), *_ = rows
    assert 0.005 < before.speeds.mean() < 0.10
    assert after.speeds.mean() < 0.01
    assert len(before.speeds) > 40
    assert 0.5 < after.moved_cm < 15
    assert before.moved_cm == 0.0
    assert max(before.depth, after.depth) < 0.05
    lines = feet.table("mixamo", [walk], rows).splitlines()
    assert lines[-1].split("|")[2:] == lines[-2].split("|")[2:]  # one clip is all clips
    assert f"| a person walks | {100 * before.speeds.mean():.1f} |" in lines[-2]
