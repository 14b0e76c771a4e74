"""The comparison of guidance settings: what a variant changes, and the command."""

from dataclasses import replace

import pytest

from ext_models.__main__ import main
from ext_models.errors import PipelineError
from ext_models.generation.guidance_scales import GuidanceScales
from ext_models.generation.pipeline import MotionPipeline
from ext_models.lab.guidance_choice import VARIANTS, Variant, chosen_variants
from tests.support import tiny_pack
from tests.support.labelled_clips import make_examples, write_folder


def test_a_variant_changes_its_settings_and_nothing_else(tmp_path):
    base = MotionPipeline.from_pack(tiny_pack.write(tmp_path / "pack"), "cpu")
    variant = Variant("x", scales={"follow": (7.0,)}, generator={"cfg_scale": 1.25})
    changed = variant.pipeline(base).generator
    assert changed.guidance.scales == replace(GuidanceScales(), follow=(7.0,))
    assert changed.cfg_scale == 1.25
    assert changed.summary_temperature == base.generator.summary_temperature
    assert base.generator.guidance.scales == GuidanceScales()


def test_every_shipped_variant_differs_from_the_defaults_and_has_a_name_of_its_own(tmp_path):
    base = MotionPipeline.from_pack(tiny_pack.write(tmp_path / "pack"), "cpu")
    base.generator = replace(base.generator, neighbours=object())
    first, *others = VARIANTS
    assert not (first.scales or first.generator or first.sampling)
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    for variant in others:
        same = variant.pipeline(base).generator == base.generator
        assert not same or variant.sampling, variant.name


def test_an_unknown_variant_names_the_known_ones():
    assert chosen_variants(["follow 2", "defaults"]) == (
        next(v for v in VARIANTS if v.name == "follow 2"),
        VARIANTS[0],
    )
    with pytest.raises(PipelineError, match=r"no variant 'follow 3': choose of defaults, "):
        chosen_variants(["follow 3"])


@pytest.mark.parametrize("level, metres", [(0, 0.04), (1, 0.03), (2, 0.03), (5, 0.03)])
def test_the_last_scale_of_a_pose_counts_for_all_finer_levels(level, metres):
    assert GuidanceScales().pose_at(level) == metres


def test_the_command_prints_a_row_a_variant(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    examples = [replace(e, split="val") for e in make_examples() if e.split == "test"]
    folder = write_folder(tmp_path / "data", examples)
    asked = ["compare-guidance", "--pack", str(pack), "--data", str(folder), "--clips", "4",
             "--candidates", "2", "--device", "cpu", "--out", str(tmp_path / "out"),
             "--variants", "no guidance", "defaults"]  # fmt: skip
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert rows[2:] == ["no guidance", "defaults"]
