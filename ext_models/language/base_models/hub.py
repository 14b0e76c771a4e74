"""A base from Hugging Face: its files and sizes first, then a download that resumes.

The one module that reaches the hub; only ``fetching`` imports it. ``HF_ENDPOINT`` names another
hub, a mirror in a studio for example.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.packs import PackError
from motiongpt_blender.core.patience import patiently

from .library import sha256

#: The files of a language model: weights without pickles, configuration, text tokenizer.
_WEIGHTS: Final = ".safetensors"
_SUFFIXES: Final = (_WEIGHTS, ".json", ".model", ".txt", ".jinja")
#: Ends the name of a file that is half downloaded.
_PART: Final = ".part"
#: Errors of the disk, which are not the network's.
_OF_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO)
_NOTICES: Final = ("LICENSE", "LICENCE", "NOTICE")
#: What ``tokenizer.json`` holds already.
_TWICE: Final = ("vocab.json", "merges.txt")


@dataclass(frozen=True)
class HubFile:
    """A file on the hub.

    Attributes:
        name: at the top of the repository.
        bytes: its size.
        sha256: of a large file; empty for one that git itself holds.
        blob: git's name of its contents.
    """

    name: str
    bytes: int
    sha256: str
    blob: str


@dataclass(frozen=True)
class HubBase:
    """A base on the hub.

    Attributes:
        id, revision: its id and commit.
        licence: SPDX identifier, as its card says.
        parameters: as the hub counts them; 0 where it does not say.
        files: what is fetched.
    """

    id: str
    revision: str
    licence: str
    parameters: int
    files: tuple[HubFile, ...]

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.bytes for file in self.files)

    @property
    def weights(self) -> list[HubFile]:
        """The large files."""
        return [file for file in self.files if file.name.endswith(_WEIGHTS)]

    @property
    def others(self) -> list[HubFile]:
        """Configuration, text tokenizer and licence."""
        return [file for file in self.files if not file.name.endswith(_WEIGHTS)]


def look_up(base_id: str, revision: str) -> HubBase:
    """What the hub has of a base; raises PackError when it has none that can be used."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(base_id, revision=revision or None, files_metadata=True)
    except Exception as error:
        raise _refusal(base_id, revision, error) from None
    names = {sibling.rfilename for sibling in info.siblings or ()}
    files = tuple(
        HubFile(s.rfilename, s.size or 0, s.lfs.sha256 if s.lfs else "", s.blob_id or "")
        for s in info.siblings or ()
        if _belongs(s.rfilename, names)
    )
    for needed, what in (("config.json", "configuration"), (_WEIGHTS, "weights")):
        if not any(file.name.endswith(needed) for file in files):
            raise PackError(
                f"{base_id} has no {what} ({needed}) on the hub: take a base in the layout of "
                "transformers."
            )
    licence = str(getattr(info.card_data, "license", "") or "")
    total = info.safetensors.total if info.safetensors else 0
    return HubBase(base_id, str(info.sha), licence, total, files)


def fetch_files(base: HubBase, files: Iterable[HubFile], folder: Path) -> None:
    """Put files of a base into a folder; a half download resumes.

    Raises:
        PackError: when the hub cannot be reached, or a file is another than the hub says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        if (folder / file.name).is_file():
            continue
        part = folder / f"{file.name}{_PART}"
        _download(base, file, part)
        if not _is_right(part, file):
            part.unlink()
            raise PackError(
                f"{file.name} of {base.id} is another file than the hub says: it was changed or "
                "damaged on its way; nothing of it was kept, so fetch it again."
            )
        patiently(part.rename, folder / file.name)


def _download(base: HubBase, file: HubFile, part: Path) -> None:
    """Download what is missing of a file; the hub's own function begins a half file anew."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    try:
        with part.open("ab") as out:
            if (have := out.tell()) < file.bytes:
                url = hf_hub_url(base.id, file.name, revision=base.revision)
                headers, size = build_hf_headers(), file.bytes
                http_get(url, out, resume_size=have, headers=headers, expected_size=size)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_DISK:
            raise
        raise _refusal(base.id, base.revision, error) from None


def _belongs(name: str, names: set[str]) -> bool:
    if "/" in name or ("tokenizer.json" in names and name in _TWICE):
        return False
    return name in _NOTICES or name.endswith(_SUFFIXES)


def _is_right(path: Path, file: HubFile) -> bool:
    """Whether a file is the one that the hub names, by SHA-256 or by git's name."""
    if path.stat().st_size != file.bytes:
        return False
    if file.sha256:
        return sha256(path) == file.sha256
    body = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest() == file.blob


def _refusal(base_id: str, revision: str, error: Exception) -> PackError:
    """One sentence for what the hub's library raised."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return PackError(
            f"{base_id} asks for consent: accept its licence on the hub and log in "
            "(`hf auth login`)."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return PackError(f"{base_id} has no revision {revision} on the hub: leave --revision out.")
    if isinstance(error, errors.RepositoryNotFoundError | errors.HFValidationError):
        return PackError(f"the hub has no base {base_id}: look for a typo in the id.")
    status: Any = getattr(getattr(error, "response", None), "status_code", None)
    reason = f"answer {status}" if status else type(error).__name__
    return PackError(
        f"{base_id} could not be fetched, the hub is out of reach ({reason}): check the network; "
        "fetched again, it goes on from there."
    )
