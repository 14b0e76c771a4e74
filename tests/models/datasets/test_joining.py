"""Clips made of two: captions stay true, bodies stay whole, pairs for measuring stay apart."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.datasets import sentences
from ext_models.datasets.examples import Example
from ext_models.datasets.joining import (
    LEAD,
    HeldOutPairs,
    concatenate_clips,
    join_examples,
    with_upper_body,
)
from ext_models.datasets.layouts import read_examples
from ext_models.evaluation.metrics import jerk
from ext_models.language import vocabulary as voc
from ext_models.language.base_models.adapters import AdapterConfig
from ext_models.language.corpus import Encoded, Pool, label_weights
from ext_models.language.fine_tuning import pretraining_pair
from ext_models.language.pack_training import COMPOSITIONS, draw_weights, with_captions
from ext_models.language.recipe import AdapterRecipe, Joining, TokensLanguage
from ext_models.packs import PackError
from ext_models.training.recipe import read_toml
from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from tests.support import tiny_pack
from tests.support.motion_folders import walker

VERBS = sentences.verbs_of(
    ["a person waves the hand.", "someone lifts the arm and lowers it.", "a person lowers the arm."]
)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        (
            "a person runs.",
            "someone waves the hand.",
            "a person runs while waving the hand.",
        ),
        (
            "the person walks.",
            "a person lifts the arm and lowers it.",
            "the person walks while lifting the arm and lowering it.",
        ),
        ("a person runs.", "someone is waving.", "a person runs while waving."),
        ("a person runs.", "an angry person waves the hand.", None),
        ("a person runs.", "full of pride, someone waves.", None),
    ],
)
def test_both_at_once(first, second, joined):
    assert sentences.while_caption(first, second, VERBS) == joined


def test_one_after_the_other():
    assert sentences.then_caption("a man walks.", "someone jumps.") == "a man walks, then jumps."


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("runs", "running"),
        ("jogs", "jogging"),
        ("squats", "squatting"),
        ("jumps", "jumping"),
        ("boxes", "boxing"),
        ("bows", "bowing"),
        ("waves", "waving"),
        ("carries", "carrying"),
        ("punches", "punching"),
        ("sees", "seeing"),
        ("stretches", "stretching"),
        ("raises", "raising"),
    ],
)
def test_participles(verb, form):
    assert sentences.participle(verb) == form


def example(label, joints, caption):
    return Example(label, joints, (caption,), "train", label)


def turned(joints, angle, shift):
    turn = np.broadcast_to(about_y(np.array(angle)), (*joints.shape[:-1], 4))
    return (rotate(turn, joints) + np.array([shift, 0, -shift])).astype(np.float32)


@pytest.mark.parametrize("angle", [0.0, 1.0, 3.0])
def test_the_second_clip_goes_on_where_the_first_one_ends(angle):
    first = example("walk", turned(walker(40), angle, 2.0), "a person walks.")
    second = example("stride", turned(walker(40), -angle, -1.0), "someone strides.")
    joined = concatenate_clips(first, second, 100, HeldOutPairs())
    assert joined is not None
    assert joined.captions == ("a person walks, then strides.",)
    before, after = joined.joints[39], joined.joints[40]
    step = joined.joints[39] - joined.joints[38]
    np.testing.assert_allclose(after, before + step, atol=1e-4)
    # Once led over it is the second clip, somewhere else.
    tail = joined.joints[40 + LEAD :]
    angles = heading(tail) - heading(second.joints[LEAD:])
    assert np.ptp(np.unwrap(angles)) < 1e-4


def test_what_is_kept_for_measuring_is_never_joined():
    prompts = read_toml(COMPOSITIONS)["prompts"]
    assert len(prompts) == 40
    held_out_pairs = HeldOutPairs.of(prompts)
    walk = example("walk, sad", walker(40), "a person walks.")
    bow = example("bow, normal", walker(40), "a person bows.")
    assert not held_out_pairs.allows("then", walk, bow)
    assert held_out_pairs.allows("then", bow, bow)
    right = example("wave-right-hand, happy", walker(40), "a person waves the right hand.")
    left = example("wave-left-hand, happy", walker(40), "a person waves the left hand.")
    # The mirror image of a pair that is kept is kept too.
    assert not held_out_pairs.allows("together", walk, right)
    assert not held_out_pairs.allows("together", walk, left)


def test_another_upper_body_stays_on_its_legs():
    legs, body = walker(30), turned(walker(30), 2.0, 1.0)
    joints = with_upper_body(legs, body)
    lower = [Joint.PELVIS, Joint.L_KNEE, Joint.R_FOOT]
    np.testing.assert_array_equal(joints[:, lower], legs[:, lower])
    bones = [j for j in Joint if j.value > 2 and PARENTS[j] > 0]
    lengths = np.linalg.norm(joints[:, bones] - joints[:, [PARENTS[b] for b in bones]], axis=-1)
    was = np.linalg.norm(body[:, bones] - body[:, [PARENTS[b] for b in bones]], axis=-1)
    above = [k for k, b in enumerate(bones) if b in (Joint.HEAD, Joint.L_WRIST, Joint.SPINE2)]
    np.testing.assert_allclose(lengths[:, above], was[:, above], atol=1e-5)
    assert np.abs(np.unwrap(heading(joints) - heading(legs))).max() < 1e-4


def test_real_clips_join_without_a_jolt(data):
    clips = [e for e in read_examples(data, "clean") if e.split == "train"]
    made = join_examples(clips, then=40, together=10, longest=196, seed=3)
    again = join_examples(clips, then=40, together=10, longest=196, seed=3)
    assert [e.id for e in made] == [e.id for e in again]
    turns = [e for e in made if "+" in e.id]
    assert len(turns) == 40
    assert all(len(e.joints) <= 196 and e.captions for e in made)
    lengths = {e.id: len(e.joints) for e in clips}
    seams = []
    for e in turns:
        seam = lengths[e.id.split("+")[0]]
        seams.append(jerk(e.joints)[seam - 4 : seam + LEAD].max())
    # The field's clips have peaks of some 700 m/s^3 themselves.
    assert np.median(seams) < 2 * np.median([jerk(e.joints).max() for e in clips])


def test_labels_of_many_clips_do_not_drown_the_others():
    clips = [example("common", walker(20), "a.")] * 9 + [example("rare", walker(20), "b.")]
    weights = label_weights(clips, 1.0)
    assert sum(weights[:9]) == pytest.approx(weights[9])
    assert label_weights(clips, 0.0) == [1.0] * 10
    codes = np.zeros((3, 2), dtype=np.int64)
    pool = Pool(
        [Encoded(((k,),), codes, codes, np.zeros((3, 3)), w) for k, w in enumerate(weights)]
    )
    torch.manual_seed(0)
    drawn = [pool.pick().captions[0][0] for _ in range(600)]
    assert 0.4 < np.mean([d == 9 for d in drawn]) < 0.6


def test_a_share_of_the_captions_can_be_held_back():
    clips = [example(str(k), walker(20), "a person walks.") for k in range(40)]
    test = replace(clips[0], id="t", split="test")
    some = with_captions([*clips, test], 0.5, seed=1)
    assert 8 < sum(bool(e.captions) for e in some[:-1]) < 32
    assert some[-1].captions
    assert [len(e.joints) for e in some] == [20] * 41
    ids = tiny_ids()
    mute = Encoded((), *[np.zeros((3, 2), dtype=np.int64)] * 2, np.zeros((3, 3)))
    prompt, reply = pretraining_pair(mute, ids, 2)
    assert (prompt, reply[-1]) == ([ids.start], ids.end)


def test_the_base_never_reads_a_caption_and_a_motion_together():
    ids = tiny_ids()
    one = Encoded(((5, 6, 7), (8, 9)), *[np.ones((3, 2), dtype=np.int64)] * 2, np.zeros((3, 3)))
    torch.manual_seed(0)
    drawn = [[*a, *b] for a, b in (pretraining_pair(one, ids, 2) for _ in range(200))]
    added = set(ids.ids.values())
    kinds = [{token in added for token in read} for read in drawn]
    assert all(len(kind) == 1 for kind in kinds)
    assert 20 < kinds.count({False}) < 80


def tiny_ids():
    text = voc.train_text_tokenizer(tiny_pack.CAPTIONS, 300)
    voc.add_tokens(text, tiny_pack.VOCABULARY)
    return voc.TokenIds.of(text, tiny_pack.VOCABULARY)


def language(balance, **joining):
    adapter = AdapterRecipe(AdapterConfig())
    return TokensLanguage(
        levels=2,
        max_frames=40,
        base="x",
        adapter=adapter,
        balance=balance,
        joining=Joining(**joining),
    )


def test_joined_clips_are_drawn_as_often_as_asked():
    """A share of the draws, whatever their number and however labels are balanced."""
    joints = walker(8)
    real = [Example(f"r{k}", joints, ("a person walks.",), "train", "walk") for k in range(9)]
    for joined, share, balance in ((5, 0.35, 0.5), (50, 0.35, 0.0), (5, 0.0, 1.0)):
        weights = draw_weights(language(balance, then=joined, share=share), real, joined)
        assert sum(weights[9:]) / sum(weights) == pytest.approx(share)
    plain = draw_weights(language(0.0, then=5), real, 5)
    assert len(set(np.round(plain, 9))) == 1
    with pytest.raises(PackError, match=r"joining\.share is 1; write at least 0"):
        Joining(share=1.0)
