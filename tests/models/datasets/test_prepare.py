"""``prepare-data``: BVH files and clips to a data folder, and what it says of bad ones."""

import json
import os
import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ext_models.__main__ import main
from ext_models.datasets import prepare as prepare_module
from ext_models.datasets.bvh_reader import joints_of, read_bvh
from ext_models.datasets.captions import caption_from_name, find_captions
from ext_models.datasets.conventions import Conventions, from_kit, to_conventions
from ext_models.datasets.joint_names import families, find_joints
from ext_models.datasets.layouts import DataError, read_examples
from ext_models.datasets.prepare import PIECE, PrepareOptions, Shares, cut, prepare
from ext_models.motion import features as f
from motiongpt_blender.core.body.motion import MotionClip, heading
from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from tests.support import motion_folders as made


def bones(joints):
    return np.linalg.norm(joints - joints[:, [max(p, 0) for p in PARENTS]], axis=-1)


def prepared(source, out, dataset="own", **options):
    prepare(PrepareOptions(source, out, dataset, **options))
    return {e.id: e for e in read_examples(out, dataset)}


# --- BVH


@pytest.mark.parametrize("order", ["ZXY", "XYZ", "YZX"])
def test_forward_kinematics_agree_with_scipy(tmp_path, order):
    angles, root, offsets = made.bvh(tmp_path / "a.bvh", made.SMPL, 30, order=order)
    recording = read_bvh(tmp_path / "a.bvh", 20.0)
    at = joints_of(recording)
    world, places = [None] * 22, [None] * 22
    for joint in range(22):
        turn = Rotation.from_euler(order, angles[:, joint], degrees=True)  # capitals: intrinsic
        if joint == 0:
            world[0], places[0] = turn, root
            continue
        parent = PARENTS[joint]
        places[joint] = places[parent] + world[parent].apply(offsets[joint])
        world[joint] = world[parent] * turn
    for joint in Joint:
        assert np.abs(recording.points[:, at[joint]] - places[joint]).max() < 1e-4


FAMILIES = {"smpl": made.SMPL, "mixamo": made.MIXAMO, "cmu": made.CMU, "accad": made.ACCAD,
            "bandai": made.BANDAI, "metarig": made.METARIG}  # fmt: skip


@pytest.mark.parametrize("names", FAMILIES.values(), ids=FAMILIES)
def test_names_of_every_family_are_known(names):
    found = find_joints(names)
    absent = {Joint.SPINE2} if names is made.BANDAI else set()
    assert found == {j: int(j) for j in Joint if j not in absent}


def test_every_table_finds_its_own_names():
    for family in families():
        names = [options[0] if options else f"helper{j}" for j, options in family.spellings.items()]
        assert len(find_joints(names)) == sum(bool(o) for o in family.spellings.values())


@pytest.mark.parametrize(
    ("unit", "z_up"), [(1, False), (0.01, False), (0.0254, True), (0.001, True)]
)
def test_units_and_the_up_axis_are_guessed(tmp_path, unit, z_up):
    made.bvh(tmp_path / "metres.bvh", made.SMPL)
    made.bvh(tmp_path / "other.bvh", made.SMPL, unit=unit, z_up=z_up)
    for how in (Conventions(), Conventions(uniform=False)):
        a, b = (
            to_conventions({j: r.points[:, k] for j, k in joints_of(r).items()}, how)
            for r in (read_bvh(tmp_path / f"{n}.bvh", 20.0) for n in ("metres", "other"))
        )
        still = slice(0, 1) if z_up else slice(None)  # the angles turn about other axes there
        assert np.abs(a[still] - b[still]).max() < (0.02 if z_up else 1e-3)
        assert np.allclose(b[0, 0, [0, 2]], 0, atol=1e-6)
        assert abs(heading(b[0])) < 1e-4
        assert abs(np.percentile(b[..., 1].min(1), 5)) < 0.05
        assert np.allclose(bones(b)[:, 1:], BONE_LENGTHS[1:], atol=1e-4)


def test_missing_spine_collars_toes_and_wrists_are_worked_out(tmp_path):
    drop = {Joint.L_FOOT, Joint.R_FOOT, Joint.L_WRIST, Joint.R_WRIST, Joint.HEAD}
    made.bvh(tmp_path / "a.bvh", made.SMPL, drop=drop)
    recording = read_bvh(tmp_path / "a.bvh", 20.0)
    found = {j: recording.points[:, k] for j, k in joints_of(recording).items()}
    for joint in (Joint.SPINE2, Joint.NECK, Joint.L_COLLAR, Joint.R_COLLAR):
        del found[joint]
    joints = to_conventions(found, Conventions())
    assert np.isfinite(joints).all()
    assert np.allclose(bones(joints)[:, 1:], BONE_LENGTHS[1:], atol=1e-4)
    assert (joints[0, Joint.L_FOOT] - joints[0, Joint.L_ANKLE])[2] > 0.1  # forwards
    assert joints[0, Joint.HEAD, 1] > joints[0, Joint.NECK, 1] > joints[0, Joint.SPINE2, 1]


@pytest.mark.parametrize("fps", [120, 60, 30, 24, 29.97])
def test_other_frame_rates_become_20(tmp_path, fps):
    made.bvh(tmp_path / "a.bvh", made.SMPL, round(3 * fps) + 1, fps=fps)
    recording = read_bvh(tmp_path / "a.bvh", 20.0)
    assert recording.fps == pytest.approx(fps, abs=1e-3)
    assert len(recording.points) in (60, 61)
    z = recording.points[:, joints_of(recording)[Joint.PELVIS], 2]
    assert np.allclose(np.diff(z), 1 / 60, atol=1e-3)


def bad_bvhs():
    """name -> (change to the text of a good file, words of the refusal)."""
    return {
        "missing": (lambda t: t.replace("L_Knee", "Strut"), ["l_knee", "CMU"]),
        "flat": (lambda t: re.sub(r"OFFSET .*", "OFFSET 0 0 0", t), ["no length"]),
        "nan": (lambda t: re.sub(r"\n\S+ ([^\n]*)\n$", r"\nnan \1\n", t), ["not finite"]),
        "letters": (lambda t: re.sub(r"\n\S+ ([^\n]*)\n$", r"\nsix \1\n", t), ["not a number"]),
        "short row": (lambda t: t.rstrip().rsplit(" ", 3)[0], ["numbers; its channels need 69"]),
        "cut off": (lambda t: t.rstrip().rsplit("\n", 5)[0], ["announces 30 frames and holds 25"]),
        "no motion": (lambda t: t[: t.index("MOTION")], ["MOTION"]),
        "not a bvh": (lambda _: "PK\x03\x04 something else\n", ["line 1", "hierarchy"]),
        "one frame": (lambda t: t.replace("Frames: 30", "Frames: 1"), ["1 frames", "0.8 s"]),
        "huge": (lambda t: t.replace("Frames: 30", "Frames: 10000000"), ["10,000,000", "minutes"]),
        "no time": (lambda t: re.sub("Frame Time: .*", "Frame Time: 0", t), ["positive"]),
        "no frame ends": (
            lambda t: re.sub("Frame Time: .*", "Frame Time: 1e-320", t),
            ["positive number of seconds"],
        ),
        "no number of frames": (lambda t: t.replace("Frames: 30", "Frames: 1e308"), ["damaged"]),
        "no frames": (lambda t: t.replace("Frames: 30", "Frames: nan"), ["damaged"]),
        "braces": (lambda t: "HIERARCHY\n}\n" + t, ["line 2"]),
        "empty": (lambda _: "", ["MOTION"]),
    }


@pytest.mark.parametrize("name", bad_bvhs())
def test_a_bad_bvh_is_named_and_skipped(tmp_path, capsys, name):
    change, words = bad_bvhs()[name]
    source = tmp_path / "in"
    made.bvh(source / "bad.bvh", made.SMPL, 30)
    made.bvh(source / "good.bvh", made.SMPL, 30)
    (source / "bad.bvh").write_text(change((source / "bad.bvh").read_text()))
    examples = prepared(source, tmp_path / "out", from_names=True)
    assert set(examples) == {"good"}
    (output,) = [x for x in capsys.readouterr().err.splitlines() if "skipped bad.bvh" in x]
    assert all(word in output for word in words), output


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_must_be_positive(scale):
    with pytest.raises(DataError, match="positive number of metres"):
        Conventions(scale=scale)


def test_a_scale_that_makes_giants_is_told(tmp_path):
    made.bvh(tmp_path / "in" / "a.bvh", made.SMPL, 30, unit=0.01)
    with pytest.raises(DataError, match=r"legs are 82.* m long"):
        prepared(tmp_path / "in", tmp_path / "out", from_names=True, conventions=Conventions(1.0))
    assert not (tmp_path / "out").exists()


def test_real_files_of_three_families(shared, tmp_path):
    examples = prepared(shared("rigs"), tmp_path / "out", from_names=True)
    assert {e.split("_p")[0] for e in examples} >= {"bvh_freebvh", "bvh_mocapbank"}
    for example in examples.values():
        joints = example.joints
        assert np.allclose(bones(joints)[:, 1:], BONE_LENGTHS[1:], atol=2e-3)
        assert 0.5 < np.median(joints[:, 0, 1]) < 1.1
        assert joints[..., 1].min() > -0.1
        assert (joints[:, Joint.HEAD, 1] > joints[:, Joint.PELVIS, 1]).all()


# --- clips, captions, splits


def test_a_folder_of_clips_with_captions(tmp_path):
    source = made.clips(tmp_path / "in", ["one", "deep/er/two", "three"])
    made.captions(source, {"one": ["a.", "b."], "deep/er/two": "c.", "three.npz": ["d."]})
    examples = prepared(source, tmp_path / "out")
    assert {n: e.captions for n, e in examples.items()} == {
        "one": ("a.", "b."), "deep_er_two": ("c.",), "three": ("d.",),
    }  # fmt: skip
    walked = made.walker(60, 0)
    assert np.abs(examples["one"].joints - walked).max() < 0.02
    assert (source / "captions.json").is_file()


def test_sentences_may_hold_any_separator(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_text('w1,"a man turns; walks; sits"\nw2,"he\u2028runs, ""fast""\nand stops"\n')
    found = find_captions(tmp_path, None)
    assert found.of("w1.bvh") == ["a man turns; walks; sits"]
    assert found.of("w2.bvh") == ['he runs, "fast" and stops']


def test_names_may_hold_any_letter(tmp_path):
    source, names = tmp_path / "odd", ["a\u2028b", "c\u0085d", "l\u00e4uft"]
    made.clips(source, names)
    made.captions(source, {name: ["a person walks."] for name in names})
    assert main(["prepare-data", str(source), "--out", str(tmp_path / "data")]) == 0
    assert len(read_examples(tmp_path / "data", "odd")) == len(names)


def test_captions_from_csv_prompt_and_names(tmp_path):
    source = made.clips(tmp_path / "in", ["one"], prompt="he waves")
    made.clips(source, ["walk-turn-left_022"])
    (source / "captions.csv").write_text("\ufeffName;Caption\nwalk-turn-left_022; he  turns;left\n")
    examples = prepared(source, tmp_path / "out")
    assert examples["one"].captions == ("he waves",)
    assert examples["walk-turn-left_022"].captions == ("he turns", "left")
    (source / "captions.csv").unlink()
    examples = prepared(source, tmp_path / "out2", from_names=True)
    assert examples["walk-turn-left_022"].captions == ("walk turn left.",)


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("dataset-2_raise-up-both-hands_masculine_022", "raise up both hands masculine."),
        ("Male1_B3_SkipToWalk", "male b skip to walk."),
    ],
)
def test_a_caption_of_a_name(name, caption):
    assert caption_from_name(name) == caption


def test_bad_captions_files(tmp_path):
    for name, text, word in (
        ("captions.json", "[1]", "must be an object"),
        ("captions.json", '{"a": [1]}', "must be an object"),
        ("captions.json", "[" * 100_000, "nested too deeply"),
        ("captions.json", '{"a": NaN}', "NaN is no number"),
        ("captions.csv", "name\none\n", "line 2"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=word):
            find_captions(tmp_path, tmp_path / name)
    with pytest.raises(DataError, match="no captions file"):
        find_captions(tmp_path, tmp_path / "absent.json")


def test_bad_clips_are_named_and_skipped(tmp_path, capsys):
    source = made.clips(tmp_path / "in", ["good", "mute", "slow"])
    joints = made.walker(30)
    np.savez(source / "short.npz", joints=joints[:15], fps=20.0)
    np.savez(source / "few.npz", joints=joints[:, :21], fps=20.0)
    np.savez(source / "nan.npz", joints=np.where(joints > 0.5, np.nan, joints), fps=20.0)
    np.savez(source / "slow.npz", joints=joints, fps=0.0)
    np.savez(source / "other.npz", weights=joints)
    (source / "text.npz").write_text("hello")
    made.boastful_npz(source / "huge.npz", "joints", 10_000_000)
    names = ["good", "short", "few", "nan", "slow", "other", "text", "huge", "typo"]
    made.captions(source, dict.fromkeys(names, "x."))
    prepared_ = prepare(PrepareOptions(source, tmp_path / "out", "own"))
    assert prepared_.clips == {"train": 1, "val": 0, "test": 0}
    assert prepared_.unused == ["typo"]
    broken = dict(prepared_.skipped.broken)
    for name, word in (
        ("short", "15 frames"),
        ("few", "(30, 21, 3)"),
        ("nan", "not finite"),
        ("slow", "positive"),
        ("other", "joints"),
        ("text", "npz"),
        ("huge", "10,000,000 frames"),
        ("mute", "no caption"),
    ):
        assert word in broken[f"{name}.npz"], broken
    assert "skipped huge.npz" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_among_the_files_is_not_waited_for(tmp_path):
    source = made.clips(tmp_path / "in", ["good"])
    os.mkfifo(source / "pipe.npz")
    os.mkfifo(source / "pipe.bvh")
    prepared_ = prepare(PrepareOptions(source, tmp_path / "out", "own", from_names=True))
    assert dict(prepared_.skipped.broken) == {
        "pipe.npz": "it is no .npz with an array 'joints' (is no file).",
        "pipe.bvh": "it is no file.",
    }


def test_a_caption_that_is_no_text_costs_its_own_clip(tmp_path):
    source = made.clips(tmp_path / "in", ["a", "b"])
    np.savez(source / "b.npz", joints=made.walker(30), fps=20.0, prompt=np.array("half \udcff"))
    made.captions(source, {"a": "x."})
    prepared_ = prepare(PrepareOptions(source, tmp_path / "out", "own"))
    assert sum(prepared_.clips.values()) == 1
    assert prepared_.skipped.broken == [
        ("b", "its name or a caption is no text: write it in UTF-8.")
    ]


@pytest.mark.parametrize("reader", ["_clip", "_bvh"])
def test_no_file_ends_the_whole_folder(tmp_path, monkeypatch, reader):
    def fail(path, how):
        raise ZeroDivisionError("division by zero")

    source = made.clips(tmp_path / "in", ["one"])
    made.bvh(source / "two.bvh", made.SMPL, 30)
    monkeypatch.setattr(prepare_module, reader, fail)
    prepared_ = prepare(PrepareOptions(source, tmp_path / "out", "own", from_names=True))
    assert sum(prepared_.clips.values()) == 1
    [(_, reason)] = prepared_.skipped.broken
    assert reason == "it cannot be read (ZeroDivisionError: division by zero)."


@pytest.mark.parametrize(
    ("line", "vectors", "words"),
    [
        ("walks.#x#0.0#1e308\n", made.kit_features(60), "line 1 is not caption#tokens#start#end"),
        ("walks.#x#1e9#2e9\n", made.kit_features(60), "line 1 is not caption#tokens#start#end"),
        ("walks.#x#0.0#0.0\n", b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'shape': ((", ".npy"),
    ],
    ids=["infinite", "days", "header"],
)
def test_a_damaged_clip_of_a_published_set_is_skipped(tmp_path, line, vectors, words):
    clips = {"00001": (made.kit_features(60), "a person walks.#x#0.0#0.0\n")}
    clips["00002"] = (made.kit_features(60), line)
    source = made.published(tmp_path / "kit", clips, splits={"train": list(clips)}, width=251)
    if isinstance(vectors, bytes):
        (source / "new_joint_vecs" / "00002.npy").write_bytes(vectors)
    prepared_ = prepare(PrepareOptions(source, tmp_path / "out", "own"))
    assert sum(prepared_.clips.values()) == 1
    [(name, reason)] = prepared_.skipped.broken
    assert name == "00002" and words in reason


def test_nothing_left_leaves_the_folder_alone(tmp_path):
    source = made.clips(tmp_path / "in", ["one"])
    with pytest.raises(DataError, match=r"no usable clip among 1; the first: one\.npz"):
        prepare(PrepareOptions(source, tmp_path / "out", "own"))
    assert not (tmp_path / "out").exists()


def test_long_recordings_are_cut_and_share_a_split(tmp_path):
    source = made.clips(tmp_path / "in", ["long"], frames=500, prompt="x")
    examples = prepared(source, tmp_path / "out")
    assert [len(e.joints) for e in examples.values()] == [166, 167, 167]
    assert len({e.split for e in examples.values()}) == 1
    for example in examples.values():
        assert np.allclose(example.joints[0, 0, [0, 2]], 0, atol=1e-3)


def test_a_piece_that_goes_far_is_cut_shorter():
    runner = made.walker(PIECE)
    runner[..., 2] += np.linspace(0, 40, PIECE)[:, None].astype(np.float32)
    pieces = cut(runner)
    assert len(pieces) == 3 and all(np.abs(p).max() < 16.4 for _, p in pieces)
    runner[..., 2] *= 1000
    with pytest.raises(DataError, match="check its scale"):
        cut(runner)


def test_the_hash_split_is_stable_and_near_its_shares():
    takes = [f"take_{k}" for k in range(4000)]
    split = [Shares().split_of(t) for t in takes]
    shares = [split.count(s) / len(takes) for s in ("train", "val", "test")]
    assert np.allclose(shares, [0.85, 0.05, 0.10], atol=0.02)
    assert [Shares().split_of(t) for t in ("take_0", "take_1", "take_2")] == split[:3]
    assert Shares.parse("100/0/0").split_of("anything") == "train"
    for text in ("80/5/10", "85-5-10", "0/50/50", ""):
        with pytest.raises(DataError, match="85/5/10"):
            Shares.parse(text)


def test_published_sets_keep_their_split_and_kit_becomes_22_joints(tmp_path):
    line = "a person walks.#x#0.0#0.0\n"
    clips = {n: (made.kit_features(60), line) for n in ("00001", "00002")}
    source = made.published(
        tmp_path / "kit", clips, splits={"train": ["00001"], "test": ["00002"]}, width=251
    )
    examples = prepared(source, tmp_path / "out", dataset="kit_data")
    assert {n: e.split for n, e in examples.items()} == {"00001": "train", "00002": "test"}
    joints = examples["00001"].joints
    assert joints.shape == (95, 22, 3)  # 60 frames at 12.5 fps are 4.72 s
    assert np.allclose(bones(joints)[:, 1:], BONE_LENGTHS[1:], atol=0.02)
    same = from_kit(f.to_joints(made.kit_features(60)))
    assert np.abs(same - joints).max() < 1e-3


# --- the command


def test_the_command_says_what_it_did(tmp_path, capsys):
    made.bvh(tmp_path / "in" / "walk_01.bvh", made.CMU, 60, fps=30)
    made.bvh(tmp_path / "in" / "walk_02.bvh", made.BANDAI, 60, fps=30)
    done = main([
        *("prepare-data", str(tmp_path / "in"), "--out", str(tmp_path / "out")),
        *("--dataset", "mine", "--captions-from-names", "--licence", "CC0", "--split", "100/0/0"),
    ])  # fmt: skip
    assert done == 0
    output = capsys.readouterr().out
    assert "2 clips (0.00 h: 2 train, 0 val, 0 test)" in output and 'data = "mine"' in output
    clip = json.loads((tmp_path / "out" / "clips.jsonl").read_text().splitlines()[0])
    assert clip["licence"] == "CC0" and clip["take"] == "walk_01" and clip["fps_source"] == 30.0
    MotionClip(read_examples(tmp_path / "out", "mine")[0].joints)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["IN/absent"], "no folder"),
        (["IN/empty"], "is not a data set"),
        (["IN", "--scale", "0"], "positive number of metres"),
        (["IN", "--split", "1/2/3"], "85/5/10"),
        (["IN", "--dataset", "a/b"], "letters"),
        (["IN", "--captions", "absent.csv"], "no captions file"),
        (["OUT"], "no folder"),
    ],
)
def test_the_command_refuses_in_one_sentence(tmp_path, capsys, arguments, word):
    made.clips(tmp_path / "in", ["one"], prompt="x")
    (tmp_path / "in" / "empty").mkdir()
    places = {"IN": tmp_path / "in", "OUT": tmp_path / "out"}
    given = [re.sub("^(IN|OUT)", lambda m: str(places[m.group()]), a) for a in arguments]
    assert main(["prepare-data", *given, "--out", str(tmp_path / "out")]) == 1
    output = capsys.readouterr().err.strip().splitlines()
    assert output[-1].startswith("motiongpt: ") and word in output[-1]
    assert not (tmp_path / "out").exists()


def test_the_source_is_never_written_to(tmp_path, capsys):
    source = made.clips(tmp_path / "in", ["one"], prompt="x")
    assert main(["prepare-data", str(source), "--out", str(source)]) == 1
    assert "another folder" in capsys.readouterr().err
    assert [p.name for p in source.iterdir()] == ["one.npz"]
