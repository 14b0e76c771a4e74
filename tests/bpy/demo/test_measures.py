"""The pictures of locked feet and few keys: what they show is so."""

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
