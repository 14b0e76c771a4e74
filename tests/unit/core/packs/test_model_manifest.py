"""What the model's process reads of a ``pack.json``: one sentence for every wrong field."""

import json

import pytest

from ext_models.packs import DEFAULT_PACK, PackError, check_finite, read_manifest


def refused(folder, words):
    with pytest.raises(PackError, match=words) as caught:
        read_manifest(folder)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 600
    assert "pack.json" in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("skeleton", [0.0] * 22, "22 rows of 3 numbers"),
        ("skeleton", [["a", "b", "c"]] * 22, "22 rows of 3 numbers"),
        ("skeleton", [[0.0, 0.0, 1e9]] * 22, "22 rows of 3 numbers"),
        ("skeleton", [{"x": 1, "y": 2, "z": 3}] * 22, "22 rows of 3 numbers"),
        ("skeleton", [[0, 0, 10**400]] * 22, "22 rows of 3 numbers"),
        ("max_frames", 10**9, "'max_frames' must be 1 to 100000"),
        ("max_frames", 0, "'max_frames' must be 1 to 100000"),
        ("levels", 10**9, "'levels' must be 1 to 64"),
        ("fps", 1e-300, "'fps' must be 1 to 240"),
        ("fps", 10**400, "'fps' must be 1 to 240"),
        ("cfg_scale", -1, "'cfg_scale' must be 0 to 100"),
        ("summary", [4, 10**9], "two whole numbers"),
        ("summary", [True, 4], "two whole numbers"),
        ("format_version", "x" * 10_000, "format_version is 'xxx"),
        ("title", "\ud800", "not readable JSON"),
    ],
)
def test_a_wrong_field_is_one_sentence(tmp_path, field, value, words):
    body = json.loads((DEFAULT_PACK / "pack.json").read_text("utf-8")) | {field: value}
    (tmp_path / "pack.json").write_text(json.dumps(body))
    refused(tmp_path, words)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", " " * (5 << 20)], ids=range(4))
def test_a_manifest_that_cannot_be_read(tmp_path, text):
    (tmp_path / "pack.json").write_text(text)
    refused(tmp_path, "readable|nested|format_version|larger")


def test_weights_that_are_no_numbers(tmp_path):
    np = pytest.importorskip("numpy")
    good = np.full(100_000, 60_000, dtype=np.float32)
    check_finite(tmp_path, [good, -good, np.arange(3)])
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(PackError, match="not finite"):
            check_finite(tmp_path / "a.safetensors", [good, np.where(np.arange(9) == 4, bad, 1.0)])
