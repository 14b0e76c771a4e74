"""The model's side of a request: how its process is started, and the folder of one job."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .. import paths, wire
from ..backend.process import Launch
from ..core.bounded_files import read_json
from ..core.packs.manifest import LONGEST, MANIFEST, MANIFEST_LIMIT
from ..core.translation import tr
from .take_request import PreparedTake

#: Frames of the longest motion when the pack does not say.
MAX_FRAMES: Final = 196


class GenerateError(RuntimeError):
    """The request cannot be sent; the message is one sentence for the user."""


def make_launch(python: Path | None, pack: Path, device: str, *, fake: bool = False) -> Launch:
    """How to start the model's process.

    Raises:
        GenerateError: when there is no Python or no pack, or a base that it needs is not here.
    """
    if python is None:
        raise GenerateError(
            tr(
                "The model is not set up: press Set Up in the panel, or name a Python in "
                "the add-on's preferences."
            )
        )
    if not fake and not (pack / MANIFEST).is_file():
        raise GenerateError(
            tr(
                "There is no model pack in {pack}: choose its folder in the add-on's preferences.",
                pack=pack,
            )
        )
    if not fake and (base := paths.missing_base(pack)) is not None:
        raise GenerateError(
            tr(
                "The pack needs the model {base}, which is not on this computer: press "
                "Fetch Model in the panel.",
                base=base.name,
            )
        )
    return Launch(python, paths.ROOT, pack, device, fake)


def max_frames(pack: Path) -> int:
    """Longest motion of a pack, in frames of the model.

    A pack that cannot be read has the usual length here: its own process refuses it.
    """
    try:
        frames = read_json(pack / MANIFEST, MANIFEST_LIMIT)["max_frames"]
    except (OSError, ValueError, KeyError, TypeError):
        return MAX_FRAMES
    return frames if type(frames) is int and 0 < frames <= LONGEST else MAX_FRAMES


def any_script(pack: Path) -> bool:
    """Whether prompts of a pack may be in other scripts than Latin."""
    info = paths.pack_info(pack)
    return info is not None and info.any_script


def write_job_folder(take: PreparedTake) -> Path:
    """A new folder with the arrays of one request.

    Raises:
        GenerateError: when the temporary folder cannot be written.
    """
    folder = None
    arrays: dict[str, NDArray[Any]] = {}
    if take.conditions:
        arrays["joints"] = np.stack([condition.joints for condition in take.conditions])
        arrays["bound"] = np.stack([condition.bound for condition in take.conditions])
    if take.history is not None:
        arrays["history"] = take.history
    try:
        folder = paths.new_job_folder()
        if arrays:
            np.savez(folder / wire.POSES_FILE, **arrays)
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise GenerateError(
            tr(
                "The request cannot be written to the temporary folder ({reason}): make "
                "room on its disk, then press Generate again.",
                reason=error.strerror,
            )
        ) from None
    return folder


def request_message(take: PreparedTake, folder: Path) -> wire.Generate:
    """The request of a prepared take, under a job name of its own."""
    return wire.Generate(
        job=uuid.uuid4().hex[:12],
        prompt=take.plan.prompt,
        frames=take.frames,
        folder=str(folder),
        pose_frames=tuple(condition.frame for condition in take.conditions),
        sampling=take.request.sampling,
        continues=take.history is not None,
        way=take.way,
    )
