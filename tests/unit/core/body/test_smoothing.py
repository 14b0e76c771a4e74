"""Arithmetic along time: the same for scenes of few and of very many frames a second."""

import tracemalloc

import numpy as np
import pytest

from motiongpt_blender.core.body import smoothing
from motiongpt_blender.core.body.smoothing import gaussian_smooth, maximum_filter


@pytest.mark.parametrize("shape", [(400,), (400, 3), (400, 2, 4)])
@pytest.mark.parametrize("sigma", [34.0, 200.0])
def test_a_long_kernel_smooths_as_a_sum_does(monkeypatch, shape, sigma):
    values = np.random.default_rng(1).normal(size=shape)
    long = gaussian_smooth(values, sigma)
    monkeypatch.setattr(smoothing, "LONG_KERNEL", 10**6)
    np.testing.assert_allclose(long, gaussian_smooth(values, sigma), atol=1e-12)


@pytest.mark.parametrize("around", [0, 1, 2, 3, 7, 30, 200])
def test_the_largest_value_around(around):
    values = np.random.default_rng(2).normal(size=90)
    expected = [values[max(0, i - around) : i + around + 1].max() for i in range(90)]
    np.testing.assert_array_equal(maximum_filter(values, around), expected)


@pytest.mark.parametrize("smooth", [lambda v: gaussian_smooth(v, 2000.0),
                                    lambda v: maximum_filter(v, 6000)])  # fmt: skip
def test_very_many_frames_a_second_take_no_more_memory_a_frame(smooth):
    values = np.zeros(30_000)
    tracemalloc.start()
    smooth(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * values.nbytes
