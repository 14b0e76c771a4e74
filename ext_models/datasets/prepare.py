"""Converts any source of captioned motion to a data folder for training.

Sources are HumanML3D and KIT-ML as published, and folders of ``.bvh`` files or of
``clip.npz`` (what ``generate`` and the add-on's export write) with their captions.
Source clips are cut into equal pieces of at most ``PIECE`` frames, and all pieces of a source
clip share a split, which a hash of its name decides.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.motion.representations import HUMANML3D
from motiongpt_blender.core.body.motion import MotionClip, MotionError, place_at_origin, resample
from motiongpt_blender.core.body.skeleton import JOINT_COUNT
from motiongpt_blender.core.systems import is_writable_name

from . import humanml3d
from .bvh_reader import joints_of, read_bvh
from .captions import Captions, caption_from_name, find_captions
from .conventions import Conventions, from_kit, to_conventions, to_uniform
from .data_folder import REACH, ClipRecord, DatasetWriter
from .examples import (
    MAX_FRAMES,
    MIN_FRAMES,
    SPLITS,
    DataError,
    Example,
    Skipped,
    check_finite,
    check_length,
)
from .layouts import Layout, layout_of, motion_files
from .npz import npz_shape

Array = NDArray[np.float32]

#: The longest clip of a data set, in frames at 20 fps.
PIECE: Final = 196
#: Published clips go up to 199 frames; their last three are cut instead of halving them.
NEARLY_A_PIECE: Final = 200
FPS: Final = HUMANML3D.fps


@dataclass(frozen=True)
class Shares:
    """Shares of the takes that go into train, val and test, in percent."""

    train: int = 85
    val: int = 5
    test: int = 10

    @classmethod
    def parse(cls, text: str) -> Shares:
        """Parse ``85/5/10``; raises DataError unless the three percentages add up to 100."""
        match = re.fullmatch(r"(\d{1,3})/(\d{1,3})/(\d{1,3})", text.strip())
        shares = cls(*(int(n) for n in match.groups())) if match else None
        if shares is None or shares.train + shares.val + shares.test != 100 or not shares.train:
            raise DataError(
                f"--split {text}: write the percent for train, val and test, such as 85/5/10."
            )
        return shares

    def split_of(self, take: str) -> str:
        """The split of a take, independent of the other takes."""
        draw = int.from_bytes(hashlib.sha256(take.encode()).digest()[:8], "big") % 100
        return SPLITS[(draw >= self.train) + (draw >= self.train + self.val)]


@dataclass(frozen=True)
class SourceClip:
    """A clip of the source.

    Attributes:
        name: unique in the source.
        joints: (T, 22, 3) metres by our conventions.
        captions: what it shows.
        label: what the source calls it.
        fps: frames a second of the source.
        split: the official one; empty where a hash decides.
    """

    name: str
    joints: Array
    captions: tuple[str, ...]
    label: str
    fps: float
    split: str = ""


@dataclass(frozen=True)
class Prepared:
    """The result of ``prepare``.

    Attributes:
        clips: clips by split.
        seconds: length of all of them.
        skipped: what was left out.
        unused: names of the captions file that belong to no motion file.
    """

    clips: dict[str, int]
    seconds: float
    skipped: Skipped
    unused: list[str]


@dataclass(frozen=True)
class PrepareOptions:
    """The options of ``prepare``.

    Attributes:
        source: folder with the motion.
        out: the data folder to write, a different one.
        dataset: name of the data set; None: that of the source.
        captions: the captions file; None: the one in the source.
        from_names: use file names as captions where there are none.
        shares: the split; None: the official one where there is one, else 85/5/10.
        licence: noted with each clip.
        conventions: how recordings are read.
    """

    source: Path
    out: Path
    dataset: str | None = None
    captions: Path | None = None
    from_names: bool = False
    shares: Shares | None = None
    licence: str = ""
    conventions: Conventions = field(default_factory=Conventions)

    @property
    def dataset_name(self) -> str:
        """The data set's name, checked to be a plain file name."""
        name = (
            self.dataset
            if self.dataset is not None
            else re.sub(r"\W+", "_", self.source.resolve().name)
        )
        if not re.fullmatch(r"\w[\w.-]*", name) or not is_writable_name(name):
            raise DataError(
                f"--dataset '{name}': use letters, digits, '_' and '-' only, and no device of "
                "Windows."
            )
        return name


def prepare(options: PrepareOptions) -> Prepared:
    """Write the data set; the data folder changes only when everything was read.

    Raises:
        DataError: when the source or the data folder cannot be used, or nothing is left.
    """
    layout = layout_of(options.source)
    if layout is Layout.DATA_FOLDER:
        raise DataError(f"{options.source} is a data folder already: give it to --data as it is.")
    if options.out.resolve() == options.source.resolve():
        raise DataError("--out must be another folder than the source, which stays as it is.")
    if options.out.exists() and not options.out.is_dir():
        raise DataError(f"--out {options.out} is a file: name a folder.")
    skipped = Skipped()
    captions: Captions | None = None
    if layout is Layout.PUBLISHED:
        sources = _published(options, skipped)
    else:
        captions = find_captions(options.source, options.captions)
        sources = _files(options, captions, skipped)
    writer = DatasetWriter(options.out, options.dataset_name)
    try:
        for clip in sources:
            try:
                _write(writer, clip, options)
            except DataError as error:
                skipped.add(clip.name, error)
            except OSError:
                raise
            except Exception as error:
                skipped.add_unexpected(clip.name, error)
        if not writer.records:
            raise DataError(_nothing(options, skipped))
        skipped.used = len(writer.records)
    except BaseException:
        writer.close(keep=False)
        raise
    writer.close()
    clips = {s: sum(r.split == s for r in writer.records) for s in SPLITS}
    seconds = sum(r.frames for r in writer.records) / FPS
    return Prepared(clips, seconds, skipped, captions.unused if captions else [])


def _nothing(options: PrepareOptions, skipped: Skipped) -> str:
    first = f"; the first: {': '.join(skipped.broken[0])}" if skipped.broken else "."
    return f"{options.source} has no usable clip among {len(skipped.broken)}{first}"


def _published(options: PrepareOptions, skipped: Skipped) -> Iterator[SourceClip]:
    rep = humanml3d.representation_of(options.source)
    name = next(n for n, r in humanml3d.NAMES.items() if r is rep)
    for example in humanml3d.clips(options.source, name, skipped):
        joints = example.joints if rep is HUMANML3D else from_kit(example.joints)
        yield _source_clip(example, joints)


def _source_clip(example: Example, joints: Array) -> SourceClip:
    joints = joints[:PIECE] if len(joints) < NEARLY_A_PIECE else joints
    return SourceClip(
        example.id, joints, example.captions, example.label, example.fps, example.split
    )


def _files(
    options: PrepareOptions, captions: Captions | None, skipped: Skipped
) -> Iterator[SourceClip]:
    """Every file that can be used, in the order of their names."""
    files = sorted(set(motion_files(options.source)))
    for path in tqdm(files, desc="reading", unit="file"):
        relative = path.relative_to(options.source).as_posix()
        given = captions.of(relative) if captions else []
        try:
            if path.suffix.lower() == ".bvh":
                clip = _bvh(path, options.conventions)
            else:
                clip = _clip(path, options.conventions)
            clip_captions = given or clip.captions or _captions(relative, captions, options)
            name = re.sub(r"[\s/]+", "_", relative.rsplit(".", 1)[0])
            yield replace(clip, name=name, captions=tuple(clip_captions))
        except (DataError, MotionError) as error:
            skipped.add(relative, str(error).removeprefix(f"{path}: "))
        except Exception as error:
            skipped.add_unexpected(relative, error)


def _captions(relative: str, captions: Captions | None, options: PrepareOptions) -> list[str]:
    """A caption from the file's name, where the options allow it."""
    if options.from_names:
        return [caption_from_name(relative)]
    if captions is None:
        raise DataError("it has no caption: there is no captions.json or captions.csv.")
    raise DataError(f"{captions.file} has no caption for it.")


def _bvh(path: Path, how: Conventions) -> SourceClip:
    recording = read_bvh(path, FPS)
    at = joints_of(recording)
    found = {joint: recording.points[:, k] for joint, k in at.items()}
    joints = to_conventions(found, how, {joint: recording.rest[k] for joint, k in at.items()})
    return SourceClip(path.stem, joints, (), path.stem, recording.fps)


def _clip(path: Path, how: Conventions) -> SourceClip:
    """A ``clip.npz``; its length is checked before its numbers are read."""
    shape = npz_shape(path, "joints")
    if len(shape) != 3 or shape[1:] != (JOINT_COUNT, 3):
        raise DataError(f"joints must be (frames, {JOINT_COUNT}, 3); they are {shape}.")
    if shape[0] > MAX_FRAMES * 12:  # half an hour at 240 fps
        check_length(shape[0])
    clip = MotionClip.load(path)
    if not (np.isfinite(clip.fps) and clip.fps > 0):
        raise DataError(f"its frames a second must be a positive number; they are {clip.fps:g}.")
    check_length(len(clip), clip.fps)
    joints = resample(clip.joints, clip.fps, FPS)
    if how.uniform:
        joints = to_uniform(joints)
    clip_captions = (clip.prompt,) if clip.prompt.strip() else ()
    return SourceClip(
        path.stem, place_at_origin(joints).astype(np.float32), clip_captions, path.stem, clip.fps
    )


def _write(writer: DatasetWriter, clip: SourceClip, options: PrepareOptions) -> None:
    """Write all pieces of a clip, or none."""
    check_length(len(clip.joints))
    check_finite(clip.joints)
    pieces = cut(clip.joints)
    names = [clip.name + (f"_p{k}" if len(pieces) > 1 else "") for k in range(len(pieces))]
    if taken := next((n for n in names if writer.has(n)), None):
        raise DataError(f"there is a clip '{taken}' already: rename one of them.")
    shares = options.shares or Shares()
    official = clip.split if options.shares is None else ""
    for name, (start, piece) in zip(names, pieces, strict=True):
        record = ClipRecord(
            id=name,
            pack=writer.dataset,
            source=options.source.resolve().name,
            source_clip=clip.name,
            start_s=start / FPS,
            end_s=(start + len(piece)) / FPS,
            frames=len(piece),
            fps_source=clip.fps,
            licence=options.licence,
            label=clip.label,
            take=clip.name,
            split=official or shares.split_of(clip.name),
        )
        writer.add(record, piece, clip.captions)


def cut(joints: Array) -> list[tuple[int, Array]]:
    """Equal pieces (start frame, joints) of at most ``PIECE`` frames, each from the origin.

    A piece that travels farther than a data folder can store is cut shorter.
    """
    count = -(-len(joints) // PIECE)
    while True:
        ends = np.linspace(0, len(joints), count + 1).astype(int)
        if np.diff(ends).min() < MIN_FRAMES:
            raise DataError(
                f"it travels more than {REACH:.0f} m in less than a second: check its scale."
            )
        pieces = [
            (int(a), place_at_origin(joints[a:b]).astype(np.float32))
            for a, b in itertools.pairwise(ends)
        ]
        if all(np.abs(piece).max() <= REACH for _, piece in pieces):
            return pieces
        count += 1


def report(prepared: Prepared, options: PrepareOptions) -> list[str]:
    """Sentences: what was written, what was left out and what to do next."""
    counts = ", ".join(f"{n} {split}" for split, n in prepared.clips.items())
    total = sum(prepared.clips.values())
    lines = [f"{total} clips ({prepared.seconds / 3600:.2f} h: {counts}) in {options.out}"]
    if text := prepared.skipped.summary():
        lines.append(text)
    if prepared.unused:
        some = ", ".join(prepared.unused[:3])
        lines.append(f"{len(prepared.unused)} captions belong to no motion file, such as: {some}.")
    empty = [split for split, n in prepared.clips.items() if not n]
    if empty:
        lines.append(
            f"No clip is in {' and '.join(empty)}: with so few takes choose another --split, "
            "or add clips."
        )
    lines.append(
        f'Train on it with --data {options.out} and data = "{options.dataset_name}" in the recipe.'
    )
    return lines
