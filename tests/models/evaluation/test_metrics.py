"""The metrics: the published numbers, what must hold for any input, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ext_models.errors import PipelineError
from ext_models.evaluation import metrics as m
from ext_models.evaluation.tables import MixedEvaluatorsError, Row, Table
from motiongpt_blender.core.body.rotations import about_y, rotate

SEEDS = st.integers(0, 2**31)
few = settings(max_examples=15, deadline=None)


def cloud(seed, rows=40, width=6):
    return np.random.default_rng(seed).normal(size=(rows, width))


def motion(seed, frames=12):
    """Smooth joints (T, 22, 3) above the floor, near a person's size."""
    rng = np.random.default_rng(seed)
    pose = rng.uniform(-0.6, 0.6, (22, 3)) + [0, 1, 0]
    pose[[1, 2, 16, 17], 0] = (0.1, -0.1, 0.2, -0.2)  # hips and shoulders give a heading
    return pose + np.cumsum(rng.normal(scale=0.01, size=(frames, 22, 3)), axis=0)


def turned(joints, angle, shift):
    q = about_y(np.full(joints.shape[:-1], angle))
    return rotate(q, joints) + shift


# -- published numbers ---------------------------------------------------------------


def test_golden_vectors(golden):
    z = np.load(golden / "reference" / "metrics.npz")
    assert np.allclose(m.r_precision(z["text"], z["motion"]), z["r_precision_top123"], atol=1e-12)
    assert np.isclose(m.mm_dist(z["text"], z["motion"]), z["mm_dist"], atol=1e-9)
    distance = m.frechet_distance(z["motion"], z["other_motion"])
    assert np.isclose(distance, z["fid_motion_other"], atol=1e-6)


def test_frechet_distance_of_known_gaussians():
    """Two sets with equal covariance are as far apart as their means."""
    a = cloud(0, 200)
    assert np.isclose(m.frechet_distance(a, a + [3, 0, 0, 4, 0, 0]), 25)
    assert np.isclose(m.frechet_distance(a - a.mean(0), 2 * (a - a.mean(0))), np.cov(a.T).trace())


def test_diversity_of_two_points():
    """Half of all random pairs of rows at 0 and 1 are a unit apart."""
    rows = np.repeat([[0.0], [1.0]], 2000, axis=0)
    drawn = [m.diversity(rows, seed=seed) for seed in range(m.REPEATS)]
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.03)


# -- what must hold for any input ----------------------------------------------------


@few
@given(SEEDS)
def test_frechet_distance_is_symmetric_and_zero_to_itself(seed):
    a, b = cloud(seed), 2 * cloud(seed + 1, 30) + 1
    assert m.frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert m.frechet_distance(a, b) == pytest.approx(m.frechet_distance(b, a), rel=1e-6)
    assert m.frechet_distance(a, b) > 0


@few
@given(SEEDS)
def test_frechet_distance_holds_where_rows_are_fewer_than_dimensions(seed):
    a, b = cloud(seed, 5, 20), cloud(seed + 1, 4, 20)
    assert m.frechet_distance(a, a) == pytest.approx(0, abs=1e-5)
    assert np.isfinite(m.frechet_distance(a, b))


@few
@given(SEEDS)
def test_kernel_distance_is_unbiased_and_symmetric(seed):
    a, b = cloud(seed, 60), cloud(seed + 1, 50)
    assert m.kernel_distance(a, b) == pytest.approx(m.kernel_distance(b, a))
    assert abs(m.kernel_distance(a, b)) < 0.5 < m.kernel_distance(a, b + 2)
    assert m.kernel_distance(a, b, size=20, seed=3) == m.kernel_distance(a, b, size=20, seed=3)


@few
@given(SEEDS)
def test_equal_embeddings_are_found(seed):
    a = cloud(seed, 70)
    assert m.r_precision(a, a) == (1, 1, 1)
    assert m.mm_dist(a, a) == 0


@few
@given(SEEDS, st.integers(3, 16))
def test_r_precision_grows_with_the_rank_and_shrinks_with_the_pool(seed, pool):
    text = cloud(seed, 64)
    near = text + np.random.default_rng(seed).normal(scale=0.7, size=text.shape)
    first, second, third = m.r_precision(text, near, pool)
    assert 0 <= first <= second <= third <= 1
    labels = [str(k) for k in range(64)]
    small, large = (m.draw_pools(labels, p, seed=seed) for p in (pool, 64))
    assert m.r_precision(text, near, pools=large) <= m.r_precision(text, near, pools=small)


def test_a_space_of_one_point_scores_chance():
    rows = np.ones((64, 4))
    assert m.r_precision(rows, rows) == pytest.approx((1 / 32, 2 / 32, 3 / 32))


@few
@given(SEEDS)
def test_drawn_pools_hold_each_label_once(seed):
    labels = [str(k) for k in np.random.default_rng(seed).integers(0, 12, 60)]
    pools = m.draw_pools(labels, 8, seed=seed)
    assert pools[:, 0].tolist() == list(range(60))
    assert all(len({labels[row] for row in pool}) == 8 for pool in pools)
    assert (pools == m.draw_pools(labels, 8, seed=seed)).all()
    assert not (pools == m.draw_pools(labels, 8, seed=seed + 1)).all()


def test_seeds():
    rows, samples = cloud(0, 400), cloud(1, 150).reshape(5, 30, 6)
    for measure, x in ((m.diversity, rows), (m.multimodality, samples)):
        assert measure(x, seed=4) == measure(x, seed=4) != measure(x, seed=5)
    assert m.multimodality(np.repeat(samples[:, :1], 12, axis=1)) == 0
    assert m.frechet_of_halves(rows, rows, seed=1) == m.frechet_of_halves(rows, rows, seed=1)


def test_frechet_distance_beside_its_bias_at_one_size():
    """Few rows are far from each other by themselves; real differences come on top of that."""
    real, alike = cloud(0, 60), cloud(1, 60)
    bias = m.frechet_of_halves(real, real).mean
    assert bias > 4 * m.frechet_of_halves(cloud(0, 600), cloud(0, 600)).mean
    assert m.frechet_of_halves(real, alike).mean == pytest.approx(bias, rel=0.3)
    assert m.frechet_of_halves(real, alike + [3, 0, 0, 4, 0, 0]).mean == pytest.approx(25, abs=3)
    assert m.frechet_of_halves(real, 0 * real).mean > bias


def test_intervals():
    assert m.interval([2.0, 2.0]) == m.Interval(2.0, 0.0)
    assert m.interval([2.5]) == m.Interval(2.5, 0.0)
    assert m.interval([1.0, 3.0]).half == pytest.approx(12.706, abs=1e-3)
    assert m.interval(np.tile([-1.0, 1.0], 1000)).half == pytest.approx(1.96 / 2000**0.5, rel=2e-3)
    assert str(m.Interval(0.5, 0.01)) == "0.500 ± 0.010"


def test_few_motions_are_not_paired_with_themselves():
    corners = np.eye(4)  # each a root of 2 from each other
    for seed in range(9):
        assert m.diversity(corners, seed=seed) == pytest.approx(2**0.5)
        assert m.multimodality(np.stack([corners, corners]), seed=seed) == pytest.approx(2**0.5)
    three = cloud(2, 3)
    gaps = [np.linalg.norm(three[a] - three[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert m.multimodality(three[None]) == pytest.approx(np.mean(gaps))


def test_many_motions_are_paired_as_published():
    thirty = cloud(3, 30)
    rng = np.random.default_rng(5)
    one, other = (rng.choice(30, 10, replace=False) for _ in range(2))
    far = np.linalg.norm(thirty[one] - thirty[other], axis=-1).mean()
    assert m.multimodality(thirty[None], seed=5) == pytest.approx(far)


def test_what_is_no_number_is_a_dash():
    values = {"a": float("nan"), "b": (float("inf"), 1.0), "c": (0.5, float("nan"))}
    assert Table("t", (Row("x", values),)).markdown().splitlines()[2] == "| x | - | - | 0.500 |"


def test_copies_have_no_distance():
    known = cloud(0)
    assert m.nearest_distance(known[[3, 7]], known) == pytest.approx([0, 0])
    assert m.nearest_distance(known[[3]] + 100, known)[0] > 100


# -- poses, feet, smoothness ---------------------------------------------------------


@few
@given(SEEDS, st.floats(-3, 3), st.floats(-5, 5))
def test_pose_errors_forget_place_and_heading(seed, angle, shift):
    real = motion(seed)
    moved = turned(real, angle, [shift, 0, -shift])
    assert m.pose_recon(moved, real) == pytest.approx(0, abs=1e-4)
    assert m.pose_velocity(moved, real) == pytest.approx(0, abs=1e-4)


def test_pose_errors_are_centimetres():
    real = motion(0)
    higher = real.copy()
    higher[:, 15] += [0, 0.22, 0]  # one joint of 22
    assert m.pose_recon(higher, real) == pytest.approx(1)
    assert m.pose_recon(higher[0], real[0]) == pytest.approx(1)
    assert m.pose_velocity(higher, real) == pytest.approx(0, abs=1e-9)


def test_poses_of_kit_are_measured_too():
    real = motion(0)[:, :21]
    assert m.pose_recon(turned(real, 1.0, [1, 0, 1]), real) == pytest.approx(0, abs=1e-4)


def test_feet():
    standing = np.zeros((10, 22, 3))
    sliding = standing.copy()
    sliding[:, 10, 0] = np.arange(10) * 0.03  # 0.6 m/s at 20 fps
    assert (m.skating_ratio(standing), m.skating_ratio(sliding)) == (0, 1)
    assert m.skating_ratio(sliding, speed=0.7) == 0
    assert m.skating_ratio(sliding[:1]) == 0


def test_jerk():
    t = np.arange(30)[:, None, None] / 20
    smooth = np.broadcast_to(t**3, (30, 22, 3)).copy()
    assert m.jerk(smooth) == pytest.approx(np.full(27, 6 * np.sqrt(3)))
    smooth[15:] += 0.1
    assert m.jerk(smooth)[[0, -1]] == pytest.approx([6 * np.sqrt(3)] * 2)
    assert m.jerk(smooth)[12:15].min() > 1000  # the frames on both sides of the step


# -- bad input -----------------------------------------------------------------------

GOOD = cloud(0, 64)
BROKEN = np.where(np.eye(64, 6) > 0, np.nan, GOOD)
POSE = motion(0)[0]
ENDLESS = np.where(np.eye(22, 3) > 0, np.inf, POSE)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: m.r_precision(BROKEN, GOOD), "not finite"),
        (lambda: m.r_precision(GOOD, GOOD[:-1]), "match row by row"),
        (lambda: m.r_precision(GOOD[:20], GOOD[:20]), "at least 32 rows; there are 20"),
        (lambda: m.r_precision(GOOD, GOOD, 2), "at least 3"),
        (lambda: m.r_precision(GOOD[0], GOOD[0]), "rows, dimensions"),
        (lambda: m.r_precision(GOOD, GOOD, pools=np.array([[0, 1, 64]])), "there are 64"),
        (lambda: m.draw_pools(["a", "b"] * 20, 8), "these clips have 2"),
        (lambda: m.draw_pools([], 8), "these clips have 0"),
        (lambda: m.mm_dist(GOOD, BROKEN), "not finite"),
        (lambda: m.frechet_distance(GOOD, BROKEN), "not finite"),
        (lambda: m.frechet_distance(GOOD, GOOD[:1]), "at least 2"),
        (lambda: m.frechet_distance(GOOD, GOOD[:, :3]), "one space"),
        (lambda: m.kernel_distance(GOOD, GOOD[:, :3]), "one space"),
        (lambda: m.frechet_of_halves(GOOD[:3], GOOD[:3]), "at least 4"),
        (lambda: m.frechet_of_halves(GOOD, GOOD[:-1]), "match row by row"),
        (lambda: m.diversity(GOOD[:1]), "at least 2"),
        (lambda: m.diversity(GOOD, 65), "65 pairs"),
        (lambda: m.multimodality(GOOD), "texts, samples"),
        (lambda: m.multimodality(GOOD[:, None]), "1 samples of each"),
        (lambda: m.interval([]), "at least 1"),
        (lambda: m.pose_recon(ENDLESS, POSE), "not finite"),
        (lambda: m.pose_recon(POSE, POSE[:21]), "of one shape"),
        (lambda: m.pose_recon(POSE[:5], POSE[:5]), "22, 3"),
        (lambda: m.pose_recon(np.zeros((0, 22, 3)), np.zeros((0, 22, 3))), "empty"),
        (lambda: m.pose_velocity(POSE[None], POSE[None]), "at least 2"),
        (lambda: m.pose_velocity(POSE, POSE), "frames, 22, 3"),
        (lambda: m.skating_ratio(np.zeros((4, 21, 3))), "22 joints"),
        (lambda: m.jerk(motion(0)[:3]), "at least 4"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# -- tables --------------------------------------------------------------------------


def test_a_table_belongs_to_one_evaluator(tmp_path):
    real = Row("real motion", {"R@3": (0.9, 0.01), "FID": 0.0}, "aaaa-1111")
    feet = Row("feet alone", {"skating": 0.02})
    table = Table("styles", (real, feet))
    assert table.evaluator == "aaaa-1111"
    with pytest.raises(MixedEvaluatorsError, match=r"aaaa-1111: measure both with one"):
        Table("styles", (real, feet, Row("ours", {"R@3": 0.8}, "bbbb-2222")))
    table.save(tmp_path / "t.json")
    assert Table.load(tmp_path / "t.json") == table
    assert table.markdown().splitlines()[2:4] == [
        "| real motion | 0.900 ± 0.010 | 0.000 | - |",
        "| feet alone | - | - | 0.020 |",
    ]
    (tmp_path / "t.json").write_text("[]")
    with pytest.raises(PipelineError, match=r"t\.json is not a saved table"):
        Table.load(tmp_path / "t.json")
