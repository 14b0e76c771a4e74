"""The style ``paper``: its prompt, its answers, and a parser that nothing breaks."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from ext_models.generation import generators
from ext_models.generation.request import GenerationCancelledError
from ext_models.language.instructions import PoseCode
from ext_models.language.paper import instructions
from ext_models.language.vocabulary import train_text_tokenizer
from ext_models.packs import PackError
from motiongpt_blender.wire import Sampling

CODES = 512
NUMBERS = [",".join(str(n % 600) for n in range(k, k + 40)) for k in range(0, 600, 7)]


@pytest.fixture(scope="module")
def text():
    """A tokenizer with pieces of several digits, as GPT's have."""
    return train_text_tokenizer([*NUMBERS, "a person walks forward."] * 3, 420)


@pytest.fixture(scope="module")
def model(text):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "max_position_embeddings": 512}
    return LlamaForCausalLM(LlamaConfig(vocab_size=len(text), **sizes, **heads)).eval()


def test_the_prompt_is_the_published_one():
    text = instructions.prompt("a man waves", 10, [PoseCode(0, (315,))])
    assert text.startswith("Below is an instruction that describes a task, paired with an input")
    assert "\n\n### Instruction:\nGenerate a sequence of motion tokens matching" in text
    assert "description given the initial token.\n\n### Input:\n" in text
    assert "a man waves<Motion Token>315</Motion Token>\n\n### Response:" in text
    assert text.endswith("### Response:")


@pytest.mark.parametrize(
    ("steps", "ending", "codes"),
    [
        ((), "description.\n", ""),
        ((0,), " given the initial token.\n", "7"),
        ((9,), " given the last token.\n", "7"),
        ((4,), " given several key tokens.\n", "7"),
        ((9, 0, 4), " given several key tokens.\n", "8,9,7"),
    ],
)
def test_where_the_poses_stand_decides_the_task(steps, ending, codes):
    poses = [PoseCode(step, (7 + k,)) for k, step in enumerate(steps)]
    text = instructions.prompt("x", 10, poses)
    assert ending in text
    tag = f"<Motion Token>{codes}</Motion Token>"
    assert (tag in text) == bool(codes)


@given(st.lists(st.integers(0, CODES - 1), min_size=1, max_size=60))
def test_what_is_written_is_read_again(codes):
    assert instructions.parse(instructions.answer([[c] for c in codes]), CODES) == codes


@given(st.text(max_size=300))
def test_the_parser_survives_anything(text):
    assert all(0 <= code < CODES for code in instructions.parse(text, CODES))


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        ("12,,7, 600,abc,3", [12, 7, 3]),
        ("-4,5,1.5,6", [5, 6]),
        ("4,5</Motion Token>9", [4, 5]),
        ("4,5\n\n### Instruction: 6", [4, 5]),
        ("99999999999999999999999,1", [1]),
        ("٣,4", [4]),
        ("", []),
        ("I cannot do that.", []),
    ],
)
def test_broken_answers_give_what_is_good_in_them(answer, codes):
    assert instructions.parse(answer, CODES) == codes


def test_every_path_through_the_grammar_is_an_answer(text):
    grammar = instructions.DigitsGrammar(text, codes=12, steps=2, prompt_length=0)
    seen, frontier = set(), {""}
    while frontier:
        written = frontier.pop()
        for token in grammar.following(written):
            if token == grammar.end:
                seen.add(written)
            else:
                frontier.add(written + grammar.spelling[token])
    assert seen == {f"{a},{b}" for a, b in itertools.product(range(12), repeat=2)}


@pytest.mark.parametrize("temperature", [0.0, 0.8, 5.0])
def test_answers_have_the_asked_length(model, text, temperature):
    generator = generators.PaperGenerator(model, text, CODES)
    order = generators.CodeRequest(
        "a person walks",
        9,
        (PoseCode(0, (4,)),),
        Sampling(3, temperature, variations=2, candidates=1),
    )
    shares = []
    answers = generator.generate([order], shares.append, lambda: False)
    assert [len(a.codes) for a in answers] == [9, 9]
    assert all(0 <= code < CODES for a in answers for (code,) in a.codes)
    assert shares == sorted(shares)
    assert generator.generate([order], shares.append, lambda: False) == answers
    with pytest.raises(GenerationCancelledError):
        generator.generate([order], shares.append, lambda: True)


def test_a_tokenizer_without_digits_is_named():
    text = train_text_tokenizer(["a b c"], 262)

    class Wordy:
        eos_token_id = 2

        def get_vocab(self):
            return {p: i for p, i in text.get_vocab().items() if p != "7"}

    with pytest.raises(PackError, match="no piece for '7'"):
        instructions.DigitsGrammar(Wordy(), 512, 3, 0)
    Wordy.eos_token_id = None
    with pytest.raises(PackError, match="no token for the end"):
        instructions.DigitsGrammar(Wordy(), 512, 3, 0)
