"""Motion data in every layout, and what is said of data that cannot be used."""

import json

import numpy as np
import pytest

from ext_models.datasets import humanml3d
from ext_models.datasets.data_folder import ClipRecord, DatasetWriter
from ext_models.datasets.examples import MIN_FRAMES
from ext_models.datasets.layouts import DataError, Layout, layout_of, mirrored, read_examples
from ext_models.datasets.mirroring import KIT_MIRRORED, mirror_joints
from ext_models.motion import features as f
from motiongpt_blender.core.body.skeleton import MIRRORED
from motiongpt_blender.core.mirroring import mirror_sentence
from tests.support import motion_folders as made

WALK = "a person walks.#a/DET person/NOUN walk/VERB#0.0#0.0\n"


def record(name, frames, dataset="own", split="train"):
    return ClipRecord(name, dataset, "s", name, 0.0, frames / 20, frames, 20.0, "", "", name, split)


def write(folder, clips, dataset="own"):
    writer = DatasetWriter(folder, dataset)
    for name, joints in clips.items():
        writer.add(record(name, len(joints), dataset), joints, [f"{name} walks."])
    writer.close()
    return folder


def refuse(*words, folder, dataset="own"):
    """Reading must fail with one sentence that has these words."""
    with pytest.raises(DataError) as caught:
        read_examples(folder, dataset)
    output = str(caught.value)
    assert all(word in output for word in words), output
    assert "\n" not in output


# --- the project's own data folder


def test_a_pack_is_read_as_it_was_written(tmp_path):
    clips = {f"c{k}": made.walker(20 + k, k) for k in range(5)}
    examples = read_examples(write(tmp_path, clips), "own")
    assert [e.id for e in examples] == list(clips)
    for example in examples:
        assert example.joints.dtype == np.float32
        assert np.abs(example.joints - clips[example.id]).max() <= 0.00026
        assert example.captions == (f"{example.id} walks.",)
        assert (example.split, example.fps, example.vectors) == ("train", 20.0, None)


def test_packs_share_a_folder_and_a_pack_is_replaced(tmp_path):
    write(tmp_path, {"a": made.walker(20)}, "one")
    write(tmp_path, {"b": made.walker(30)}, "two")
    write(tmp_path, {"c": made.walker(40)}, "one")
    assert [e.id for e in read_examples(tmp_path, "one")] == ["c"]
    assert [e.id for e in read_examples(tmp_path, "two")] == ["b"]
    assert set(json.loads((tmp_path / "captions.json").read_text())) == {"b", "c"}
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *("captions.json", "clips.jsonl", "one.npz", "two.npz")
    ]
    with pytest.raises(DataError, match="'b' already"):
        DatasetWriter(tmp_path, "one").add(record("b", 20), made.walker(20), ["x"])


def test_broken_clips_are_named_skipped_and_counted(tmp_path, capsys):
    clips = {"good": made.walker(20), "short": made.walker(15), "mute": made.walker(20)}
    captions = write(tmp_path, clips) / "captions.json"
    captions.write_text(json.dumps({"good": ["x."], "short": ["x."], "mute": []}))
    assert [e.id for e in read_examples(tmp_path, "own")] == ["good"]
    output = capsys.readouterr().err
    assert "skipped short: it has 15 frames" in output
    assert "skipped mute: captions.json has no caption" in output
    assert "1 clips taken, 2 skipped" in output


def test_clips_without_captions_are_taken_only_when_asked(tmp_path):
    write(tmp_path, {"told": made.walker(30), "mute": made.walker(30)})
    (tmp_path / "captions.json").write_text(json.dumps({"told": ["x."]}))
    assert [e.id for e in read_examples(tmp_path, "own")] == ["told"]
    captioned, mute = read_examples(tmp_path, "own", uncaptioned=True)
    assert (captioned.captions, mute.captions) == (("x.",), ())


def test_quoted_captions_are_taken_only_when_asked(tmp_path):
    write(tmp_path, {"a": made.walker(20)})
    clip = json.loads((tmp_path / "clips.jsonl").read_text()) | {"kit_caption": True}
    (tmp_path / "clips.jsonl").write_text(json.dumps(clip))
    (tmp_path / "captions.json").write_text('{"a": ["own.", "quoted."]}')
    assert read_examples(tmp_path, "own")[0].captions == ("own.",)
    assert len(read_examples(tmp_path, "own", quoted_captions=True)[0].captions) == 2


def test_wrong_files_of_a_data_folder(tmp_path):
    write(tmp_path, {"a": made.walker(20)})
    refuse("no other.npz", folder=tmp_path, dataset="other")
    stored = dict(np.load(tmp_path / "own.npz"))
    good = (tmp_path / "own.npz").read_bytes()
    for changes, word in (
        ({"offsets": stored["offsets"] + 1}, "offsets"),
        ({"joints_half_mm": stored["joints_half_mm"][:, :21]}, "(20, 21, 3)"),
        ({"joints_half_mm": stored["joints_half_mm"].astype(np.float32)}, "int16"),
    ):
        np.savez(tmp_path / "own.npz", **stored | changes)
        refuse("own.npz", word, folder=tmp_path)
    (tmp_path / "own.npz").write_bytes(good[: len(good) // 2])
    refuse("own.npz", "cannot be read", folder=tmp_path)
    (tmp_path / "own.npz").write_bytes(good)
    (tmp_path / "captions.json").write_text("[")
    refuse("captions.json", "not readable JSON", folder=tmp_path)
    (tmp_path / "clips.jsonl").write_text('{"id": "a", "pack": "own", "split": "best"}')
    (tmp_path / "captions.json").write_text("{}")
    refuse("clips.jsonl, line 1", "train, val, test", folder=tmp_path)


def test_a_pack_that_announces_ten_million_frames(tmp_path):
    write(tmp_path, {"a": made.walker(20)})
    made.boastful_npz(tmp_path / "own.npz", "joints_half_mm", 10_000_000, np.int16)
    refuse("own.npz", "cannot be read", folder=tmp_path)


def test_a_folder_that_is_no_data_set_lists_what_was_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    refuse("clips.jsonl", "captions.json", "npz", folder=tmp_path)
    with pytest.raises(DataError, match=r"new_joint_vecs/.*\.bvh.*captions\.csv"):
        layout_of(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        layout_of(tmp_path / "absent")
    with pytest.raises(DataError, match="is a file"):
        layout_of(tmp_path / "notes.txt")
    made.bvh(tmp_path / "a.bvh", made.SMPL, 20)
    assert layout_of(tmp_path) is Layout.FILES
    refuse("prepare-data", folder=tmp_path)


def test_the_shared_packs_are_whole(data):
    examples = read_examples(data, "clean")
    lines = (data / "clips.jsonl").read_text("utf-8").splitlines()
    listed = {r["id"]: r["split"] for r in map(json.loads, lines) if r["pack"] == "clean"}
    assert {e.id: e.split for e in examples} == listed
    assert set(listed.values()) == {"train", "val", "test"}
    assert min(len(e.joints) for e in examples) >= MIN_FRAMES


# --- HumanML3D and KIT-ML


@pytest.fixture
def published(tmp_path):
    """Seven clips: two good ones, one with a stretch of its own, the others broken or out."""
    vectors = f.from_joints(made.walker(121), uniform=False)
    broken = vectors.copy()
    broken[30, 5] = np.nan
    stretches = WALK + "he turns.#he/PRON turn/VERB#1.0#4.0\nand he stops.#x#1.0#4.0\nnow.#x#0#1\n"
    return made.published(
        tmp_path,
        {
            "000001": (vectors, WALK + WALK.replace("walks", "strolls")),
            "000002": (vectors, stretches),
            "000003": (vectors[:39], WALK),
            "000004": (np.repeat(vectors, 2, 0), WALK),
            "000005": (broken, WALK),
            "000006": (vectors, "no fields here\n"),
            "000007": (None, WALK),
            "000008": (vectors[:, :262], WALK),
            "000009": (vectors, "\n"),
        },
        splits={
            "train": ["000001", "000003", "000004", "000005"],
            "val": ["000002"],
            "test": ["000006", "000007", "000008", "000009"],
        },
    )


def test_humanml3d_in_its_own_layout(published, capsys):
    examples = {e.id: e for e in read_examples(published, "humanml3d")}
    assert set(examples) == {"000001", "000002", "000002~1-4"}
    one, stretch = examples["000001"], examples["000002~1-4"]
    assert one.captions == ("a person walks.", "a person strolls.")
    assert one.tokens[0] == "a/DET person/NOUN walk/VERB"
    assert (one.split, stretch.split) == ("train", "val")
    assert stretch.captions == ("he turns.", "and he stops.")
    assert len(stretch.joints) == 60
    output = capsys.readouterr().err
    for name, why in (
        ("000005", "frame 30 holds a number that is not finite"),
        ("000006", "line 1 is not caption#tokens#start#end"),
        ("000007", "there is no new_joint_vecs/000007.npy"),
        ("000008", "must be (frames, 263); it is (120, 262)"),
        ("000009", "holds no caption"),
    ):
        assert f"skipped {name}: " in output and why in output
    # 39 and 240 frames, and the stretch of one second
    assert "3 clips taken, 5 skipped" in output and "3 outside" in output


def test_the_vectors_stay_on_disk_and_the_joints_are_theirs(published):
    one, two = (
        next(e for e in read_examples(published, "humanml3d") if e.id == name)
        for name in ("000001", "000002~1-4")
    )
    stored = np.load(published / "new_joint_vecs" / "000001.npy")
    assert np.array_equal(one.vectors.read(), stored)
    assert np.array_equal(two.vectors.read(), stored[20:80])
    assert np.abs(f.to_joints(stored[20:80]) - two.joints).max() < 1e-6
    assert np.allclose(two.joints[0, 0, [0, 2]], 0)
    assert mirrored(one).vectors is None


def test_joints_do_where_vectors_are_not_there(published):
    vectors = np.load(published / "new_joint_vecs" / "000001.npy")
    (published / "new_joint_vecs").rename(published / "away")
    (published / "new_joints").mkdir()
    np.save(published / "new_joints" / "000001.npy", f.to_joints(vectors))
    (published / "train.txt").write_text("000001\n")
    (published / "val.txt").unlink()
    (published / "test.txt").unlink()
    (example,) = read_examples(published, "humanml3d")
    assert np.abs(example.joints - f.to_joints(vectors)).max() < 1e-5


def test_what_a_published_folder_must_have(published):
    refuse('data = "humanml3d"', folder=published, dataset="kit")
    refuse('data = "humanml3d"', folder=published, dataset="clean")
    np.save(published / "Std.npy", np.zeros(263))
    refuse("Std.npy", "not positive", folder=published, dataset="humanml3d")
    np.save(published / "Std.npy", np.ones(251))
    refuse("Std.npy", "263", folder=published, dataset="humanml3d")
    for split in ("train", "val", "test"):
        (published / f"{split}.txt").unlink()
    np.save(published / "Std.npy", np.ones(263))
    refuse("train.txt", folder=published, dataset="humanml3d")


def test_statistics_are_read(published):
    statistics = humanml3d.read_statistics(published)
    assert statistics.mean.shape == statistics.std.shape == (263,)
    assert statistics.std.dtype == np.float32


def test_an_npy_of_ten_million_frames_is_refused_unread(tmp_path):
    made.published(tmp_path, {"1": (f.from_joints(made.walker(61), uniform=False), WALK)})
    path = tmp_path / "new_joint_vecs" / "1.npy"
    np.lib.format.open_memmap(path, "w+", np.float32, (10_000_000, 263)).flush()  # sparse
    refuse("no usable clip", folder=tmp_path, dataset="humanml3d")


def test_kit_has_its_own_lengths_frame_rate_and_joints(tmp_path):
    vectors = made.kit_features(30)
    made.published(tmp_path, {"00001": (vectors, WALK), "00002": (vectors[:23], WALK)}, width=251)
    (example,) = read_examples(tmp_path, "kit")
    assert example.joints.shape == (30, 21, 3)
    assert (example.representation, example.fps) == ("kit_251", 12.5)
    assert np.array_equal(example.vectors.read(), vectors)


def test_the_golden_clip(golden, tmp_path):
    vectors = np.load(golden / "humanml3d" / "new_joint_vecs" / "012314.npy")
    made.published(tmp_path, {"012314": (vectors, WALK + "he turns.#x#2.0#5.5\n")})
    for name in ("Mean", "Std"):
        np.save(tmp_path / f"{name}.npy", np.load(golden / "humanml3d" / f"{name}.npy"))
    whole, part = read_examples(tmp_path, "humanml3d")
    theirs = np.load(golden / "humanml3d" / "new_joints" / "012314.npy")
    assert np.abs(whole.joints - theirs).max() < 1e-4
    assert len(part.joints) == 70


# --- mirrors


@pytest.mark.parametrize("order", [MIRRORED, KIT_MIRRORED], ids=["smpl", "kit"])
def test_mirroring_twice_is_the_identity(order):
    assert [order[j] for j in order] == list(range(len(order)))
    joints = np.random.default_rng(0).normal(size=(5, len(order), 3)).astype(np.float32)
    assert np.array_equal(mirror_joints(mirror_joints(joints)), joints)
    assert not np.allclose(mirror_joints(joints), joints)


@pytest.mark.parametrize(
    ("caption", "mirror"),
    [
        ("raises the left hand to the right", "raises the right hand to the left"),
        ("a left-handed throw, leftwards", "a right-handed throw, rightwards"),
        ("walks clockwise", "walks counterclockwise"),
        ("walks counter-clockwise", "walks clockwise"),
        ("turns anti clockwise", "turns clockwise"),
        ("stands upright right away", "stands upright right away"),
        ("bends at a right angle to the left", "bends at a right angle to the right"),
        ("is all right, waves right", "is all right, waves left"),
        ("a man who left the room turns left", "a man who left the room turns right"),
    ],
)
def test_a_mirror_swaps_the_words_of_sides_only(caption, mirror):
    assert mirror_sentence(caption) == mirror
    assert mirror_sentence(mirror_sentence(caption)).replace(
        "counterclockwise", "x"
    ) == caption.replace("counter-clockwise", "x").replace("anti clockwise", "x")
