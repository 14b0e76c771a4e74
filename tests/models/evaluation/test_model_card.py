"""The card of a pack: what it says of the base."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from safetensors.numpy import save_file

from ext_models.evaluation.model_card import model_card, motions_to_look_up, planner_lines
from ext_models.language.datastore import DATASTORE
from ext_models.packs import TRAINING, write_manifest
from motiongpt_blender.core.packs.manifest import PLANNER
from tests.support import tiny_pack


def card(manifest, look_up=0):
    sizes = {"tokenizer": 2.0, "base": 56.6, "adapter": 3.0, "reranker": 0.0}
    measured = SimpleNamespace(sections=list)
    counts = {"train": 4, "val": 1, "test": 1, "measured": 1, "look_up": look_up}
    return model_card(manifest, measured, sizes, counts)


def test_a_fetched_base_is_named_with_what_fetches_it():
    own = tiny_pack.manifest()
    fetched = replace(own, base_model="maker/base", base_revision="0123456789abcdef", base_layers=8)
    said = card(fetched)
    assert "Base: maker/base, revision 0123456789ab, its first 8 layers, 57 M parameters" in said
    assert "`python -m ext_models bases fetch maker/base` fetches it" in said
    assert "the base has read others" in said
    assert "5.0% of all were fine-tuned" in said
    assert "read by their meaning, by a-reader" in card(replace(own, reader="a-reader"))
    assert "others are unknown" in card(own) and "bases fetch" not in card(own)


def test_a_planner_is_named_with_the_share_that_was_trained(tmp_path):
    assert planner_lines(tmp_path) == []
    own = tmp_path / PLANNER
    own.mkdir()
    base = replace(tiny_pack.manifest(), base_model="maker/base", base_layers=8)
    write_manifest(own, base)
    note = {"parameters": 60_000_000, "trained_parameters": 6_000_000, "trainable_share": 0.1}
    (own / TRAINING).write_text(json.dumps(note))
    said = "\n".join(planner_lines(tmp_path))
    assert "Planner: maker/base, its first 8 layers, 54 M parameters, pretrained on text" in said
    assert "6.0 M parameters, are 10.0% of it" in said


def test_the_motions_that_a_pack_looks_up_are_counted(tmp_path):
    assert motions_to_look_up(tmp_path) == 0
    save_file({"lengths": np.ones(37, np.int32)}, tmp_path / DATASTORE)
    assert motions_to_look_up(tmp_path) == 37
    said = card(tiny_pack.manifest(), 37)
    assert "Datastore: 37 motions of the training, as codes" in said
    assert "Datastore" not in card(tiny_pack.manifest())
