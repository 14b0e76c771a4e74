"""What cannot be done ends in one sentence on the command line, and nothing is written."""

import json

import numpy as np
import pytest

from ext_models.__main__ import main
from ext_models.language.base_models import bases, memory
from tests.support import tiny_pack
from tests.support.bases import CONFIGS, write_base
from tests.support.motion_folders import data_set, walker
from tests.support.recipes import HUMANML3D_RECIPE


@pytest.fixture
def pack(tmp_path):
    return tiny_pack.write(tmp_path / "pack")


@pytest.fixture
def refused(pack, tmp_path, capsys):
    """Run ``generate`` with more options; what it says, after it has refused."""

    def run(*options):
        out = tmp_path / "clip.npz"
        asked = ["generate", "--seconds", "1", "--pack", str(pack), "--device", "cpu"]
        capsys.readouterr()
        assert main([*asked, "--out", str(out), *options]) == 1
        assert not out.exists()
        before, found, sentence = capsys.readouterr().err.rpartition("motiongpt: ")
        assert found and "motiongpt: " not in before and "Traceback" not in before
        assert sentence.endswith(".\n") and sentence.count("\n") == 1
        return sentence

    return run


def name_base(pack, base):
    body = json.loads((pack / "pack.json").read_text()) | {"base_model": base}
    (pack / "pack.json").write_text(json.dumps(body))


def test_a_base_without_a_tokenizer(pack, tmp_path, refused):
    other = (pack / "base").rename(tmp_path / "other")
    for name in bases.TOKENIZERS:
        (other / name).unlink(missing_ok=True)
    name_base(pack, str(other))
    message = refused("--prompt", "walks")
    assert "has no text tokenizer" in message and str(other) in message


def test_a_base_folder_that_is_not_here(pack, tmp_path, refused):
    name_base(pack, str(tmp_path / "gone"))
    message = refused("--prompt", "walks")
    assert "there is no folder" in message and "pack.json" in message


def test_too_little_memory(monkeypatch, refused):
    monkeypatch.setattr(memory, "free", lambda device: 1e3)
    monkeypatch.setattr(memory, "SMALL", 0.0)
    message = refused("--prompt", "walks")
    assert (
        "needs about" in message
        and "are free on cpu" in message
        and "take one of at most" in message
    )


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("walks " * 100, "shorten it to"),
        ("éèêë " * 70, "say it in fewer words"),
    ],
)
def test_a_prompt_longer_than_what_is_read(prompt, words, refused):
    assert words in refused("--prompt", prompt)


def test_a_prompt_and_motion_longer_than_the_base_reads(pack, refused):
    path = pack / "base" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"max_position_embeddings": 16}))
    assert "reads 16: shorten the prompt" in refused("--prompt", "a person walks forward")


@pytest.mark.parametrize("when", ["1.0", "9", "-1"])
def test_a_pose_outside_the_motion(when, tmp_path, refused):
    np.save(tmp_path / "pose.npy", walker(1)[0])
    message = refused("--prompt", "walks", f"--pose={when}:{tmp_path / 'pose.npy'}")
    assert "outside the motion's 0 to 19" in message


def test_two_poses_at_one_frame(tmp_path, refused):
    np.save(tmp_path / "pose.npy", walker(1)[0])
    twice = [f"--pose={when}:{tmp_path / 'pose.npy'}" for when in ("start", "0.01")]
    assert "two poses stand at frame 0, 0 s: move" in refused("--prompt", "walks", *twice)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--variations=0", "--variations is 0: choose 1 to 1000."),
        ("--candidates=0", "--candidates is 0: choose 1 to 1000."),
        ("--temperature=-1", "--temperature is -1.0: choose 0 to 10."),
        ("--temperature=nan", "--temperature is nan: choose 0 to 10."),
        ("--seconds=nan", "--seconds nan: write a number of seconds."),
        ("--seconds=inf", "--seconds inf: write a number of seconds."),
        (f"--seed={2**64}", f"--seed is {2**64}: choose 0 to {2**31 - 1}."),
        ("--pose=inf:x.npy", "write start:FILE.npy"),
    ],
)
def test_numbers_that_make_no_sense(option, words, refused):
    assert words in refused("--prompt", "walks", option)


def test_a_length_beyond_the_pack(refused):
    assert "makes up to 2.0 s" in refused("--prompt", "walks", "--seconds", "9")


# -- the same for a training -----------------------------------------------------------


@pytest.fixture
def untaught(pack, tmp_path, capsys, monkeypatch):
    """Run ``train-language`` on a base; what it says, after it has refused."""
    monkeypatch.chdir(tmp_path)
    data = data_set(tmp_path / "HumanML3D", kit=False)

    def run(base, adapter=""):
        scratch = HUMANML3D_RECIPE[
            HUMANML3D_RECIPE.index("[language.base]") : HUMANML3D_RECIPE.index("[language.adapter]")
        ]
        recipe = HUMANML3D_RECIPE.replace(scratch, f"[language.base]\n{base}\n")
        recipe = recipe.replace("[language.adapter]\n", f"[language.adapter]\n{adapter}\n")
        (tmp_path / "own.toml").write_text(recipe)
        before = (pack / "pack.json").read_bytes()
        call = ["train-language", "own.toml", "--data", data, "--out", pack, "--device", "cpu"]
        capsys.readouterr()
        assert main([str(part) for part in call]) == 1
        assert (pack / "pack.json").read_bytes() == before
        found, sentence = capsys.readouterr().err.rpartition("motiongpt: ")[1:]
        assert found and sentence.endswith(".\n") and sentence.count("\n") == 1
        return sentence

    return run


def test_a_training_on_a_base_that_cannot_be_had(untaught, tmp_path, monkeypatch):
    message = untaught('id = "nobody/no-such-base"')
    assert "nobody/no-such-base" in message and "is not on this machine" in message
    folder = write_base(tmp_path / "own", CONFIGS["gpt2"])
    message = untaught(f'id = "{folder}"\nbits = 4', 'method = "full"')
    assert "cannot learn with every weight" in message
    monkeypatch.setattr(memory, "free", lambda device: 1e3)
    monkeypatch.setattr(memory, "SMALL", 0.0)
    assert "to train every weight" in untaught(f'id = "{folder}"', 'method = "full"')
    for path in folder.glob("tokenizer*"):
        path.unlink()
    assert "has no text tokenizer" in untaught(f'id = "{folder}"')
