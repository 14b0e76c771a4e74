"""A kept value is made again when its key is another one, and only then."""

import pytest

from motiongpt_blender.core.overlays.cache import LastValue


def test_a_value_is_made_once_for_a_key():
    made, kept = [], LastValue()
    for key in ("a", "a", "b", "b", "a"):
        assert kept.get(key, lambda key=key: made.append(key) or key.upper()) == key.upper()
    assert made == ["a", "b", "a"]
    kept.forget()
    kept.get("a", lambda: made.append("again"))
    assert made[-1] == "again"


def test_nothing_is_a_value_too():
    kept = LastValue()
    kept.get("a", lambda: None)
    assert kept.get("a", lambda: 1 / 0) is None


def test_a_value_that_could_not_be_made_is_tried_again():
    kept = LastValue()
    kept.get("a", lambda: 1)
    with pytest.raises(ZeroDivisionError):
        kept.get("b", lambda: 1 / 0)
    assert kept.get("b", lambda: 2) == 2
