"""What is fuzzed: readers of files and messages from outside, and what each may refuse with.

PyTorch is imported by the targets that need it.
"""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ext_models.datasets.bvh_reader import joints_of, read_bvh
from ext_models.datasets.captions import find_captions
from ext_models.datasets.examples import DataError
from ext_models.datasets.humanml3d import read_captions
from ext_models.packs import DEFAULT_PACK, read_manifest
from motiongpt_blender import wire
from motiongpt_blender.core.body.motion import MotionClip, MotionError
from motiongpt_blender.core.packs import archives, manifest
from motiongpt_blender.core.packs.manifest import PackError
from motiongpt_blender.core.pose_constraints.rest_pose import rest_pose_from_json
from motiongpt_blender.core.pose_constraints.rig_pose import PoseError, RigPose
from tests.support import pack_files
from tests.support.clips import clip

from .inputs import damaged_bytes, damaged_json, damaged_text

#: Files of one case, by their names in the target's folder.
Case = Mapping[str, bytes]


@dataclass(frozen=True)
class Target:
    """A reader that is fuzzed.

    Attributes:
        name: on the command line.
        prepare: fills the folder with good files; returns the cases, damaged ones.
        read: reads the folder as the product does.
        refusals: what it may raise; each message is one sentence.
    """

    name: str
    prepare: Callable[[Path], st.SearchStrategy[Case]]
    read: Callable[[Path], object]
    refusals: tuple[type[Exception], ...]


def _one(name: str, contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[Case]:
    return contents.map(lambda data: {name: data})


def _any_of(folder: Path, damage: Callable[[Path], st.SearchStrategy[bytes]]) -> Any:
    """One of a folder's files, damaged."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    named = [_one(p.relative_to(folder).as_posix(), damage(p)) for p in files]
    return st.one_of(named)


def _wire(folder: Path) -> st.SearchStrategy[Case]:
    messages: list[wire.Message] = [
        wire.Generate("1", "walks", 40, "/tmp/job", (0, 39), wire.Sampling(), continues=False),
        wire.Cancel("1"),
        wire.Hello(wire.PROTOCOL, "torch", "1", 1, "starter", 20.0, 196),
        wire.Progress("1", "generate", 0.5),
        wire.Sketch("1", "sketch_001.npz"),
        wire.Result("1", ("clip.npz",), {"load": 1.0}, ("a note",), ("clip.npz",)),
        wire.Failure("1", "no", "detail"),
        wire.Understand("walks"),
        wire.Understood("walks", ("Understood.",), ("he walks",)),
    ]
    bodies = [json.loads(wire.encode(message)) for message in messages]
    return st.one_of([_one("line", damaged_json(body)) for body in bodies])


def _read_wire(folder: Path) -> object:
    return wire.decode((folder / "line").read_text("utf-8", "replace"))


def _manifest(folder: Path) -> st.SearchStrategy[Case]:
    body = json.loads((DEFAULT_PACK / manifest.MANIFEST).read_text("utf-8"))
    body["words"] = body["words"][:5]
    return _one(manifest.MANIFEST, damaged_json(body))


def _read_manifests(folder: Path) -> object:
    return manifest.read_info(folder), read_manifest(folder)


def _pack(folder: Path) -> st.SearchStrategy[Case]:
    from tests.support import tiny_pack

    tiny_pack.write(folder)

    def damage(path: Path) -> st.SearchStrategy[bytes]:
        if path.suffix == ".json":
            return damaged_json(json.loads(path.read_text("utf-8")))
        return damaged_bytes(path.read_bytes())

    return _any_of(folder, damage)


def _read_pack(folder: Path) -> object:
    from ext_models.generation.pipeline import MotionPipeline

    return MotionPipeline.from_pack(folder, "cpu")


def _archive(folder: Path) -> st.SearchStrategy[Case]:
    files = pack_files.files(pack_files.make(folder.with_name("walks")))

    def zipped(changes: Mapping[str, bytes], compression: int) -> bytes:
        stream = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as archive:
            warnings.simplefilter("ignore")  # about names that are there twice
            for name, data in {f"walks/{n}": d for n, d in files.items()}.items():
                archive.writestr(name, changes.get(name, data))
            for name, data in changes.items():
                archive.writestr(name, data)
        return stream.getvalue()

    names = st.one_of(
        st.sampled_from(["walks/pack.json", "walks/CON", "walks/x.", "/x", "x\\y", "walks/é.txt"]),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).map(
            lambda text: f"walks/{text}"
        ),
    )
    methods = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    manifests = damaged_json(json.loads(files["pack.json"]))
    inside = st.dictionaries(names, st.binary(max_size=50), max_size=2)
    whole = st.builds(zipped, inside, methods)
    told = st.builds(
        lambda text, method: zipped({"walks/pack.json": text}, method), manifests, methods
    )
    damaged = methods.flatmap(lambda method: damaged_bytes(zipped({}, method)))
    return _one("pack.zip", st.one_of(whole, told, damaged, damaged))


def _read_archive(folder: Path) -> object:
    return archives.install(folder / "pack.zip", folder / "home", replace=True)


_BVH = """HIERARCHY
ROOT Hips
{
 OFFSET 0 0 0
 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
 JOINT LeftUpLeg
 {
  OFFSET 10 -5 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  End Site
  {
   OFFSET 0 -40 0
  }
 }
}
MOTION
Frames: 40
Frame Time: 0.05
""" + "\n".join(" ".join(str(round(0.1 * k * j, 2)) for j in range(9)) for k in range(40))


def _bvh(folder: Path) -> st.SearchStrategy[Case]:
    return _one("clip.bvh", damaged_text(_BVH))


def _read_bvh(folder: Path) -> object:
    return joints_of(read_bvh(folder / "clip.bvh", 20.0))


def _npz(folder: Path) -> st.SearchStrategy[Case]:
    path = folder / "clip.npz"
    MotionClip(clip("walk")[:10].astype(np.float32), prompt="walks").save(path)
    good = path.read_bytes()
    arrays = st.one_of(
        st.sampled_from(
            [np.zeros((2, 22, 3)), np.full((1, 22, 3), np.nan), np.zeros((0, 22, 3)),
             np.array("x"), np.array([10**18]), np.zeros((1, 22, 3), complex), np.zeros(0),
             np.array(np.datetime64("2020")), np.zeros(2, dtype=[("a", "f4")]), np.array(1e308)]
        ),
    )  # fmt: skip
    fields = st.sampled_from(["joints", "fps", "tokens", "prompt", "seed", "checks", "credits"])

    def saved(changes: Mapping[str, Any]) -> bytes:
        stream = io.BytesIO()
        whole = {"joints": np.zeros((5, 22, 3), np.float32), "fps": np.array(20.0)}
        np.savez(stream, **{**whole, **changes})
        return stream.getvalue()

    odd = st.dictionaries(fields, arrays, max_size=3).map(saved)
    return _one("clip.npz", st.one_of(damaged_bytes(good), odd))


def _read_npz(folder: Path) -> object:
    return MotionClip.load(folder / "clip.npz")


def _captions(folder: Path) -> st.SearchStrategy[Case]:
    body = {"walk": ["a person walks.", "someone goes."], "jump": "a jump."}
    rows = 'name,caption\nwalk,"a person walks, then stops."\njump,a jump.\n'
    lines = "a person walks.#a/DET person/NOUN walk/VERB#0.0#0.0\nsomeone jumps.#x/NOUN#1.5#4.0\n"
    return st.one_of(
        _one("captions.json", damaged_json(body)),
        _one("captions.csv", damaged_text(rows, lambda text: text.split(","))),
        _one("000001.txt", damaged_text(lines, lambda text: text.split("#"))),
    )


def _read_captions(folder: Path) -> object:
    found = [find_captions(folder, p) for p in sorted(folder.glob("captions.*"))]
    return found, [read_captions(path) for path in sorted(folder.glob("*.txt"))]


def _checkpoint(folder: Path) -> st.SearchStrategy[Case]:
    import torch

    stream = io.BytesIO()
    torch.save({"net": {"encoder.weight": torch.zeros(3, 2), "step": torch.tensor(3)}}, stream)
    old = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, old, _use_new_zipfile_serialization=False)
    lists = pickle.dumps([["walks", 1.5], {"x": (1, 2)}], protocol=2)
    return st.one_of(
        _one("model.pt", damaged_bytes(stream.getvalue())),
        _one("model.pt", damaged_bytes(old.getvalue())),
        _one("words.pkl", damaged_bytes(lists)),
        _one("tokenizer.model", damaged_bytes(b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02" * 3)),
    )


def _read_checkpoint(folder: Path) -> object:
    from ext_models.importers import reading, reference
    from ext_models.importers.text_tokenizer import read_pieces

    if (path := folder / "model.pt").is_file():
        body = reading.read_checkpoint(path)
        tensors = reading.tensors_in(path, body, "net")
        return tensors.take("encoder.weight", (3, 2)), reference.load_vqvae(path)
    if (path := folder / "words.pkl").is_file():
        return reading.read_plain_pickle(path)
    return read_pieces(folder / "tokenizer.model")


def _poses(folder: Path) -> st.SearchStrategy[Case]:
    pose = {
        "rotations": {"hips": [1, 0, 0, 0], "head": [1, 0, 0, 0]},
        "root_location": [0, 0, 0],
        "transforms": {"head": ["XYZ", [0, 0, 0], [0, 0, 0], [1, 1, 1]]},
        "switches": [["arm", "IK_FK", 1.0]],
        "influences": [],
    }
    rest = {"hips": [[1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0], ""]}
    return st.one_of(_one("pose", damaged_json(pose)), _one("rest", damaged_json(rest)))


def _read_poses(folder: Path) -> object:
    if (path := folder / "pose").is_file():
        return RigPose.from_json(path.read_text("utf-8", "replace"))
    return rest_pose_from_json((folder / "rest").read_text("utf-8", "replace"))


TARGETS = {
    target.name: target
    for target in (
        Target("wire", _wire, _read_wire, (wire.WireError,)),
        Target("manifest", _manifest, _read_manifests, (PackError,)),
        Target("pack", _pack, _read_pack, (PackError,)),
        Target("archive", _archive, _read_archive, (PackError,)),
        Target("bvh", _bvh, _read_bvh, (DataError,)),
        Target("npz", _npz, _read_npz, (MotionError,)),
        Target("captions", _captions, _read_captions, (DataError,)),
        Target("checkpoint", _checkpoint, _read_checkpoint, (PackError,)),
        Target("poses", _poses, _read_poses, (PoseError,)),
    )
}
