"""The project's own data folder: reader and writer, both clip by clip.

``clips.jsonl`` holds one JSON object a clip, ``captions.json`` the captions by clip id,
and ``<dataset>.npz``, one for each data set, the joints: ``joints_half_mm`` (sum T, 22, 3)
int16 in half millimetres, ``offsets`` (N + 1) and ``ids`` (N). Only the clips that are
read are ever in memory, however large the data set.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.skeleton import JOINT_COUNT
from motiongpt_blender.core.bounded_arrays import read_arrays
from motiongpt_blender.core.bounded_files import MB, FileError, parse_json, read_bytes
from motiongpt_blender.core.patience import patiently

from .examples import SPLITS, Array, DataError, Example, Skipped, check_length
from .npz import BROKEN, open_rows

CLIPS: Final = "clips.jsonl"
CAPTIONS: Final = "captions.json"
#: The largest list of clips or captions that is read, and of names and offsets in an npz.
TEXT_LIMIT: Final = 512 * MB
NAMES_LIMIT: Final = 512 * MB
#: Units of a stored position in one metre.
PER_METRE: Final = 2000
#: The farthest from the origin that a position can be stored, metres.
REACH: Final = 32767 / PER_METRE
ROW_BYTES: Final = JOINT_COUNT * 3 * 2


@dataclass(frozen=True)
class ClipRecord:
    """A line of ``clips.jsonl``.

    Attributes:
        id: name of the clip, unique in the folder.
        pack: its data set, named as the npz that holds its joints.
        source: the collection it is from.
        source_clip: its recording there.
        start_s, end_s: its seconds within the recording.
        frames: length at 20 fps.
        fps_source: frames a second of the recording.
        licence: under which it may be used.
        label: what the source calls it.
        take: clips of one take share a split.
        split: train, val or test.
    """

    id: str
    pack: str
    source: str
    source_clip: str
    start_s: float
    end_s: float
    frames: int
    fps_source: float
    licence: str
    label: str
    take: str
    split: str


def is_data_folder(folder: Path) -> bool:
    """Whether a folder is a data folder."""
    return (folder / CLIPS).is_file()


def read(
    folder: Path,
    dataset: str,
    skipped: Skipped,
    *,
    quoted_captions: bool = False,
    uncaptioned: bool = False,
) -> list[Example]:
    """All clips of one data set, in the order of ``clips.jsonl``; broken ones are skipped.

    So are those without a caption, unless ``uncaptioned``.

    Raises:
        DataError: when a file as a whole cannot be used.
    """
    captions = read_json(folder / CAPTIONS)
    if not isinstance(captions, dict):
        raise DataError(f'{folder / CAPTIONS} must be an object {{"clip id": ["caption", ...]}}.')
    clips = [c for c in read_clips(folder) if c["pack"] == dataset]
    path = folder / f"{dataset}.npz"
    joints = _joints_by_id(path, {c["id"] for c in clips}, skipped)
    examples: list[Example] = []
    for clip in clips:
        if clip["id"] not in joints:
            continue
        try:
            clip_captions = _captions(clip, captions.get(clip["id"], []), quoted_captions)
            if not clip_captions and not uncaptioned:
                raise DataError(f"{CAPTIONS} has no caption for it.")
        except DataError as error:
            skipped.add(clip["id"], error)
            continue
        examples.append(
            Example(
                clip["id"], joints[clip["id"]], clip_captions, clip["split"], clip.get("label", "")
            )
        )
    skipped.used = len(examples)
    return examples


def read_clips(folder: Path) -> list[dict[str, Any]]:
    """The lines of ``clips.jsonl``; raises DataError naming the first that is not one."""
    path = folder / CLIPS
    clips: list[dict[str, Any]] = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            clip: Any = json.loads(line)
        except (ValueError, RecursionError):
            clip = None
        if not isinstance(clip, dict) or not _is_clip(clip):
            raise DataError(
                f"{path}, line {number}: a clip is a JSON object with id, pack and split "
                f"({', '.join(SPLITS)})."
            )
        clips.append(clip)
    return clips


def _is_clip(clip: dict[str, Any]) -> bool:
    named = all(isinstance(clip.get(k), str) for k in ("id", "pack"))
    return named and clip.get("split") in SPLITS


def read_json(path: Path) -> Any:
    """A JSON file; raises DataError naming it."""
    try:
        return parse_json(_text(path))
    except FileError as error:
        raise DataError(f"{path} {error}.") from None


def _text(path: Path) -> str:
    try:
        return read_bytes(path, TEXT_LIMIT).decode("utf-8-sig")
    except FileError as error:
        raise DataError(f"{path} {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}).") from None


def _captions(clip: dict[str, Any], captions: Any, quoted_captions: bool) -> tuple[str, ...]:
    if not isinstance(captions, list) or not all(isinstance(c, str) for c in captions):
        raise DataError(f"{CAPTIONS} has no list of captions for it.")
    if clip.get("kit_caption") and not quoted_captions:
        captions = captions[:-1]  # the last caption is the quoted one
    return tuple(c for c in captions if c.strip())


def _joints_by_id(path: Path, wanted: set[str], skipped: Skipped) -> dict[str, Array]:
    """Joints (T, 22, 3) metres of the wanted clips of a data set."""
    joints: dict[str, Array] = {}
    try:
        z = read_arrays(path, NAMES_LIMIT, ("ids", "offsets"))
        ids, ends = [str(i) for i in z["ids"]], z["offsets"]
        with open_rows(path, "joints_half_mm") as (shape, dtype, rows):
            _check_rows(path, shape, dtype)
            _check_offsets(path, ends, len(ids), shape[0])
            for name, frames in zip(ids, np.diff(ends).tolist(), strict=True):
                try:
                    check_length(frames)
                except DataError as error:
                    if name in wanted:
                        skipped.add(name, error)
                    rows.seek(frames * ROW_BYTES, 1)
                    continue
                if name in wanted:
                    joints[name] = _metres(rows, frames)
                else:
                    rows.seek(frames * ROW_BYTES, 1)
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(
            f"{path} cannot be read ({error}): it needs joints_half_mm, offsets and ids."
        ) from None
    return joints


def _check_rows(path: Path, shape: tuple[int, ...], dtype: Any) -> None:
    if len(shape) != 3 or shape[1:] != (JOINT_COUNT, 3) or dtype != np.int16:
        raise DataError(
            f"{path}: joints_half_mm must be (frames, {JOINT_COUNT}, 3) int16; it is "
            f"{shape} {dtype}."
        )


def _check_offsets(path: Path, ends: NDArray[Any], clips: int, frames: int) -> None:
    whole = ends.shape == (clips + 1,) and ends.dtype.kind in "iu"
    if not whole or ends[0] != 0 or ends[-1] != frames or (np.diff(ends.astype(int)) < 0).any():
        raise DataError(
            f"{path}: offsets must be {clips + 1} growing numbers from 0 to {frames}, one more "
            "than there are ids."
        )


def _metres(stream: IO[bytes], frames: int) -> Array:
    raw = stream.read(frames * ROW_BYTES)
    if len(raw) != frames * ROW_BYTES:
        raise EOFError("it ends too early")
    stored = np.frombuffer(raw, np.int16).reshape(frames, JOINT_COUNT, 3)
    return stored.astype(np.float32) / PER_METRE


class DatasetWriter:
    """Writes one data set of a data folder; the folder changes only when all is written.

    Other data sets of the folder stay; one of the same name is replaced.
    """

    def __init__(self, folder: Path, dataset: str) -> None:
        self.folder, self.dataset = folder, dataset
        self.records: list[ClipRecord] = []
        self._captions: dict[str, list[str]] = {}
        self._others = self._read_others()
        self._rows = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``close``

    def _read_others(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Clips and captions of the folder's other data sets."""
        if not is_data_folder(self.folder):
            return [], {}
        clips = [c for c in read_clips(self.folder) if c["pack"] != self.dataset]
        captions = read_json(self.folder / CAPTIONS)
        return clips, {c["id"]: captions[c["id"]] for c in clips if c["id"] in captions}

    def has(self, name: str) -> bool:
        """Whether a clip of that id is in the folder already."""
        return name in self._captions or any(c["id"] == name for c in self._others[0])

    def add(self, record: ClipRecord, joints: Array, captions: Sequence[str]) -> None:
        """One clip: joints (T, 22, 3) metres within ``REACH`` of the origin."""
        if self.has(record.id):
            raise DataError(f"there is a clip '{record.id}' already: rename one of them.")
        try:
            json.dumps([asdict(record), *captions], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise DataError("its name or a caption is no text: write it in UTF-8.") from None
        self._rows.write(np.round(joints * PER_METRE).astype(np.int16).tobytes())
        self.records.append(record)
        self._captions[record.id] = list(captions)

    def close(self, *, keep: bool = True) -> None:
        """Move the files to the folder, or discard them."""
        with self._rows:
            if not keep:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            clips = [*self._others[0], *(asdict(r) for r in self.records)]
            lines = "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in clips)
            captions = self._others[1] | self._captions
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=".writing-") as name:
                fresh = Path(name)
                self._write_npz(fresh / f"{self.dataset}.npz")
                (fresh / CLIPS).write_text(lines, "utf-8")
                text = json.dumps(captions, ensure_ascii=False, indent=1)
                (fresh / CAPTIONS).write_text(text + "\n", "utf-8")
                for path in sorted(fresh.iterdir(), key=lambda p: p.suffix != ".npz"):
                    patiently(path.replace, self.folder / path.name)

    def _write_npz(self, path: Path) -> None:
        """Write the rows as a compressed npz, in blocks."""
        frames = [r.frames for r in self.records]
        header = {"descr": "<i2", "fortran_order": False, "shape": (sum(frames), JOINT_COUNT, 3)}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
            with z.open("joints_half_mm.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                self._rows.seek(0)
                shutil.copyfileobj(self._rows, member, 1 << 20)
            for name, array in (
                ("offsets", np.concatenate([[0], np.cumsum(frames)]).astype(np.int64)),
                ("ids", np.array([r.id for r in self.records])),
            ):
                with z.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
