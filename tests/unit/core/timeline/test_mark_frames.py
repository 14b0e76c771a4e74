"""Where a marked pose may be moved: not onto another one."""

import pytest

from motiongpt_blender.core.timeline.mark_frames import free_frame
from motiongpt_blender.core.timeline.plan import LAST_FRAME


@pytest.mark.parametrize(
    ("wanted", "others", "found"),
    [(10, (), 10), (10, (10,), 11), (10, (10, 11), 9), (10, (9, 10, 11, 12), 8),
     (10.5, (10, 11), 10.5), (10.5, (10.5,), 11.5), (-3, (4,), -3), (10, (10.00001,), 11)],
)  # fmt: skip
def test_the_nearest_free_frame(wanted, others, found):
    assert free_frame(wanted, others) == found


def test_no_frame_lies_beyond_blenders():
    assert free_frame(1e9, ()) == LAST_FRAME
    assert free_frame(-1e9, ()) == -LAST_FRAME
    assert free_frame(1e9, (LAST_FRAME,)) == LAST_FRAME - 1
