"""The quality table: units, samples, labels, and the targets that are read from it."""

from dataclasses import dataclass

import numpy as np
import pytest

from ext_models.evaluation import quality_table as q
from ext_models.evaluation.baselines import NEAREST_CAPTION, REAL, RECONSTRUCTION, TEXT, Method
from ext_models.evaluation.tables import Row, Table
from ext_models.evaluation.targets import targets
from ext_models.evaluation.tokenizer_table import ROOT_RELATIVE, SINGLE_POSE
from tests.support.clips import NAMES, as_generated, clip


@dataclass
class Labelled:
    labels: list

    @property
    def clips(self):
        return self.labels


def sliding(speed, frames=41, height=0.0):
    """A stiff body that slides along, m/s, its lowest joint at a height."""
    joints = np.zeros((frames, 22, 3))
    joints[..., 0] = speed / 20 * np.arange(frames)[:, None]
    joints[..., 1] = height
    return joints


def test_a_row_has_the_units_of_its_columns():
    rush = sliding(0.0)
    rush[20:, :, 0] = 0.1 * np.arange(1, 22)[:, None]  # 2 m/s after a second
    rush[5, 20, 1] = -0.04
    row = q.quality_scores(Method("x", ([rush],)), 1).row("x")
    values = {name: v if isinstance(v, float) else v[0] for name, v in row.values.items()}
    assert values[q.SUPPORT_FOOT] == pytest.approx(105)  # 21 of 40 steps at 2 m/s
    assert values[q.SKATING] == pytest.approx(52.5)
    assert values[q.PENETRATION] == pytest.approx(4)
    assert values[q.LURCH] == pytest.approx(40)
    assert values[q.LATE_SPEED_UP] == 0
    assert values[q.STANDSTILL] == pytest.approx(0.95)
    assert values[q.RUSH] == 100


def test_samples_of_a_clip_count_as_their_mean_and_clips_alike():
    method = Method("x", ([sliding(0.1), sliding(0.5)], [sliding(0.3), sliding(0.5)]))
    scores = q.quality_scores(method, 2)
    assert scores.values[q.SUPPORT_FOOT] == pytest.approx([20, 50])
    row = scores.row("all").values
    assert row[q.SUPPORT_FOOT][0] == pytest.approx(35)
    assert row[q.SUPPORT_FOOT_MEDIAN] == pytest.approx(35)
    assert scores.row("one", [1]).values[q.SUPPORT_FOOT] == pytest.approx((50, 0))


def test_a_clip_that_never_stands_counts_in_the_other_columns_only():
    scores = q.quality_scores(Method("x", ([sliding(0.2), sliding(3.0, height=0.5)],)), 2)
    row = scores.row("x").values
    assert row[q.SUPPORT_FOOT] == pytest.approx((20, 0))
    assert len(scores.values[q.LURCH]) == 2
    flying = scores.row("x", [1]).values
    assert q.SUPPORT_FOOT not in flying
    assert q.LURCH in flying


def test_large_labels_have_rows_and_small_ones_stand_together():
    labels = ["walk"] * 3 + ["run"] * 4 + ["bow"] * 2 + ["kick"]
    speeds = [0.1] * 3 + [0.4] * 4 + [0.2] * 2 + [0.5]
    scores = [
        q.quality_scores(Method(name, ([sliding(v) for v in speeds],)), len(labels))
        for name in (REAL, TEXT, NEAREST_CAPTION)
    ]
    rows = {row.name: row.values for row in q.label_table(Labelled(labels), scores).rows}
    assert list(rows) == [
        f"{label}: {method}"
        for label in ("run (4)", "walk (3)", "labels of less than 3 clips (3)")
        for method in (REAL, TEXT)
    ]
    assert rows[f"run (4): {TEXT}"][q.SUPPORT_FOOT][0] == pytest.approx(40)
    assert rows[f"labels of less than 3 clips (3): {REAL}"][q.SUPPORT_FOOT][0] == pytest.approx(30)


def test_real_clips_are_better_than_drifting_ones():
    real = q.quality_scores(Method(REAL, ([clip(name) for name in NAMES],)), len(NAMES))
    made = [as_generated(clip(name), slide=0.6, jitter=0.02) for name in NAMES]
    drifting = q.quality_scores(Method(TEXT, (made,)), len(NAMES))
    for column in (q.SUPPORT_FOOT, q.SKATING, q.PENETRATION, q.LURCH, q.JERK):
        assert (drifting.values[column] > real.values[column]).all(), column
    assert real.row("real").values[q.SUPPORT_FOOT][0] < 6


def tables(text=(14.0, 7.0, 1.5), rebuilt=9.0, real=5.0, error=41.0, pose=37.0):
    quality = Table(
        "q",
        (
            Row(REAL, {q.SUPPORT_FOOT: (real, 1.0)}),
            Row(RECONSTRUCTION, {q.SUPPORT_FOOT: (rebuilt, 1.0)}),
            Row(
                TEXT,
                dict(zip((q.SUPPORT_FOOT, q.LATE_SPEED_UP, q.PENETRATION), text, strict=True)),
            ),
        ),
    )
    rows = tuple(Row(name, {ROOT_RELATIVE: error, SINGLE_POSE: pose}) for name in ("clean", "own"))
    return {"quality": quality, "tokenizer": Table("t", rows), "poses": Table("p")}


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, set()),
        ({"text": (15.1, 7.0, 1.5)}, {f"{TEXT}: {q.SUPPORT_FOOT}"}),
        ({"text": (14.0, 8.1, 1.5)}, {f"{TEXT}: {q.LATE_SPEED_UP}"}),
        ({"text": (14.0, 7.0, 2.1)}, {f"{TEXT}: {q.PENETRATION}"}),
        ({"rebuilt": 10.1}, {f"{RECONSTRUCTION}: added to {q.SUPPORT_FOOT}"}),
        ({"error": 42.1}, {f"tokenizer, clean: {ROOT_RELATIVE}"}),
        ({"pose": 38.1}, {f"tokenizer, clean: {SINGLE_POSE}"}),
    ],
)
def test_every_target_can_be_missed(change, missed):
    found = targets(tables(**change))
    assert len(found) == 6  # the set without targets has none
    assert {target.name for target in found if not target.met} == missed


def test_the_pack_has_to_reach_the_nearest_caption_itself():
    def verdict(pack):
        rows = (Row(TEXT, {"R@3": (pack, 0.2)}), Row(NEAREST_CAPTION, {"R@3": (0.8, 0.2)}))
        (target,) = targets({"text_motion": Table("t", rows), "poses": Table("p")})
        return target.met

    assert verdict(0.81)
    assert not verdict(0.79)  # well inside both intervals
