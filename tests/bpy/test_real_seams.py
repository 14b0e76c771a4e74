"""Windows and loops of real clips: the numbers that the pages promise."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture
def clips(shared, empty_scene):
    from motiongpt_blender.demo.rigs import load_clips

    return load_clips(shared("data"))


def test_seams_of_real_clips(clips):
    from motiongpt_blender.demo.seams import measure

    names = ("cmu_02_10_p0", "accad_Male1_B25_CrouchToWalk", "cmu_131_02")
    rows = []
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        rows += measure(one, clips[one], other, clips[other])
    assert max(r.outside for r in rows) < 0.02  # millimetres
    alone, cut, fitted = (
        np.median([getattr(r, w) for r in rows]) for w in ("alone", "cut", "fitted")
    )
    assert fitted < alone < cut
    assert fitted < 0.1 * cut


def test_a_real_clip_becomes_a_loop(clips):
    from motiongpt_blender.demo.seams import loop

    degrees, jump = loop(clips["cmu_05_09"])
    assert degrees < 0.01
    assert jump < 0.15
