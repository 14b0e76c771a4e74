"""What one model learns together: every task drawn, places binned, words told."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ext_models.__main__ import main
from ext_models.errors import PipelineError
from ext_models.generation import generators
from ext_models.language import place_tokens, tasks
from ext_models.language import vocabulary as voc
from ext_models.language.base_models import adapters as m
from ext_models.language.corpus import Encoded, add_code_noise, batch_of
from ext_models.language.instructions import PoseCode, instruction, question
from ext_models.motion import planar
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.motion_folders import walker

ALL = replace(tiny_pack.VOCABULARY, skills=frozenset(voc.Skill))
EOS = 2
WHOLE = {"text": 0.0, "initial": 0.0, "last": 0.0}


@pytest.fixture(scope="module")
def text():
    made = voc.train_text_tokenizer(tiny_pack.CAPTIONS, 300)
    voc.add_tokens(made, ALL)
    return made


@pytest.fixture(scope="module")
def ids(text):
    return voc.TokenIds.of(text, ALL)


@pytest.fixture
def one():
    codes = np.arange(16).reshape(8, 2) % 12
    stands = np.random.default_rng(0).normal(size=(8, 3))
    return Encoded(((5, 6, 7),), codes, 11 - codes, stands)


def names(text, tokens):
    return text.convert_ids_to_tokens(tokens)


@pytest.mark.parametrize(
    ("task", "marks", "answered"),
    [
        ("text", [], 8),
        ("initial", ["<at_0>"], 8),
        ("last", ["<at_7>"], 8),
        ("between", ["<at_0>", "<at_7>"], 8),
        ("continuation", [], 3),
        ("denoise", [], 8),
    ],
)
def test_each_task_reads_and_answers_what_it_should(task, marks, answered, one, ids, text):
    mix = tasks.TaskMix(**{**WHOLE, task: 1.0})
    for seed in range(5):
        torch.manual_seed(seed)
        asked, reply = tasks.draw(one, mix, ids, EOS)
        message = names(text, asked)
        assert message[-1] == voc.MOTION_START
        assert "<len_8>" in message
        at = [w for w in message if w.startswith("<at_")]
        assert at == marks or (task, at) == ("continuation", ["<at_7>"])
        assert (voc.HISTORY in message) == (task == "continuation")
        assert (voc.NOISY in message) == (task == "denoise")
        assert ids.to_codes(reply[:-1]) == one.codes[-answered:].tolist()
        assert reply[-1] == ids.end


def test_the_way_back_answers_in_words(one, ids, text):
    asked, reply = tasks.draw(one, tasks.TaskMix(**WHOLE, caption=1.0), ids, EOS)
    assert names(text, asked)[-2:] == [voc.MOTION_END, voc.CAPTION]
    assert reply == [5, 6, 7, EOS]


def test_what_a_pack_has_not_learnt_is_never_asked(one):
    text = tiny_pack.text_tokenizer()
    ids = voc.TokenIds.of(text, tiny_pack.VOCABULARY)
    mix = tasks.TaskMix(**WHOLE, continuation=0.3, denoise=0.3, caption=0.4)
    for _ in range(20):
        asked, _ = tasks.draw(one, mix, ids, EOS)
        assert ids.pose in asked


def test_a_draft_is_part_right_and_part_wrong(one):
    torch.manual_seed(0)
    codes = np.zeros((40, 2), int).tolist()
    shares = [np.mean(np.array(tasks.noisy(codes, 12)) != 0) for _ in range(60)]
    assert 0.15 < np.mean(shares) < 0.3
    assert max(shares) < 0.6


def test_places_stand_in_half_of_the_draws(one, ids, text):
    torch.manual_seed(0)
    mix = tasks.TaskMix(**WHOLE, between=1.0)
    message = [names(text, tasks.draw(one, mix, ids, EOS)[0]) for _ in range(60)]
    placed = [s for s in message if any(w.startswith("<turn_") for w in s)]
    assert 15 < len(placed) < 45
    for words in placed:
        at = words.index("<at_7>")
        kinds = [w.strip("<>").rsplit("_", 1)[0] for w in words[at + 1 : at + 4]]
        assert kinds == ["left", "ahead", "turn"]
        assert not any(w.startswith("<left_") for w in words[: words.index("<at_7>")])


# -- places --------------------------------------------------------------------------

METRES = st.floats(-7, 7)
ANGLE = st.floats(-3.1, 3.1)


@given(METRES, METRES, ANGLE, METRES, METRES, ANGLE)
def test_places_do_not_depend_on_where_the_first_pose_stands(x, z, turn, left, ahead, more):
    body = np.stack([NEUTRAL, NEUTRAL])
    body[1] = rotate(np.tile(about_y(np.asarray(more)), (22, 1)), NEUTRAL)
    body[1] += [left, 0, ahead]
    moved = rotate(np.tile(about_y(np.asarray(turn)), (2, 22, 1)), body) + [x, 0, z]
    one, other = planar.planar_poses(moved)
    got = place_tokens.bins(planar.planar_offset(one, other))
    wanted = place_tokens.bins(planar.planar_offset(*planar.planar_poses(body)))
    assert all(abs(a - b) <= 1 for a, b in zip(got[:2], wanted[:2], strict=True))
    assert (got[2] - wanted[2]) % place_tokens.TURNS in (0, 1, place_tokens.TURNS - 1)
    shift = body[1, 0] - body[0, 0]
    for number, metres in zip(got[:2], (shift[0], shift[2]), strict=True):
        assert abs(place_tokens.metres(number) - metres) < 0.03 + 0.06 * abs(metres) ** (1 / 3) * 2


def test_far_places_are_the_outermost():
    far = np.array([100.0, -100.0, 0])
    assert place_tokens.bins(far) == (place_tokens.OFFSETS - 1, 0, 0)
    assert place_tokens.metres(place_tokens.SIDE) == 0


# -- words ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generator(text, ids):
    torch.manual_seed(0)
    base = m.new_base(m.BaseConfig(hidden=16, layers=1, heads=2, mlp=16), text).eval()
    return generators.TokenGenerator(base, text, ids)


def test_told_sentences_are_words_only(generator):
    captions = generator.caption([[1, 2]] * 6, Sampling(3, 1.0, variations=3, candidates=1))
    assert len(captions) == 3
    assert not any("<m" in t or "<len" in t for t in captions)
    assert captions == generator.caption([[1, 2]] * 6, Sampling(3, 1.0, variations=3, candidates=1))


def test_a_pack_that_has_not_learnt_to_tell_says_so(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    clip = tmp_path / "clip.npz"
    MotionClip(walker(30)).save(clip)
    assert main(["caption", str(clip), "--pack", str(pack)]) == 1
    assert "has not learnt to describe motion" in capsys.readouterr().err
    MotionClip(walker(60)).save(clip)
    assert main(["caption", str(clip), "--pack", str(pack)]) == 1
    assert "reads 0.4 to 2.0 s: cut it" in capsys.readouterr().err
    with pytest.raises(PipelineError, match="has not learnt"):
        generators.PaperGenerator(None, None, 512).caption([], Sampling())


def test_a_question_and_an_instruction_do_not_end_alike(ids):
    poses = [PoseCode(0, (1, 2)), PoseCode(3, (3, 4), (1, 2, 3))]
    asked = instruction([5], 4, poses, ids, given=[[1, 2]], draft=[[3, 4]])
    assert asked[-1] == ids.start
    assert question([[1, 2]], ids)[-1] == ids.word(voc.CAPTION)


@pytest.mark.parametrize("most", [0.0, 1.0])
def test_noise_replaces_codes_of_the_answer_alone(most, ids):
    """Prompts, words, labels and levels stay; some codes of the answer are others."""
    torch.manual_seed(4)
    codes = torch.arange(40).reshape(20, 2) % 12
    prompt, answer = [5, *ids.of_codes(codes.numpy())], [6, *ids.of_codes(codes.numpy()), EOS]
    clean = batch_of([(prompt, answer)] * 8, ids.pad)
    noisy = {name: values.clone() for name, values in clean.items()}
    add_code_noise(noisy, ids, most)
    tokens, before, start = noisy["input_ids"], clean["input_ids"], len(prompt)
    assert torch.equal(tokens[:, :start], before[:, :start])
    assert torch.equal(tokens[:, [start, -1]], before[:, [start, -1]])
    for name in ("labels", "attention_mask"):
        assert torch.equal(noisy[name], clean[name])
    changed = (tokens != before).float().mean(1)
    assert (changed > 0).any() == (most > 0)
    for level, first in enumerate(ids.first_code):
        codes_of_level = tokens[:, start + 1 + level : -1 : 2]
        assert ((codes_of_level >= first) & (codes_of_level < first + 12)).all()
