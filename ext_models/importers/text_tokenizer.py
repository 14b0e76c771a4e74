"""Text tokenizers for imported models: a sentencepiece ``tokenizer.model``, or a folder.

The sentencepiece file is a small protocol-buffers message. Only its pieces are needed; they are
read here, so that the import needs no further package.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from .reading import CheckpointError

#: Fields of sentencepiece's ModelProto, and of a piece and the trainer's settings in it.
PIECES: Final = 1
TRAINER: Final = 2
PIECE, SCORE, KIND = 1, 2, 3
MODEL_TYPE: Final = 3
#: Model types; a LLaMA has the second.
UNIGRAM: Final = 1
BPE_TYPE: Final = 2
#: The character for a space in a piece.
SPACE: Final = "\u2581"
#: Bytes; a piece of a real vocabulary has some 50 at most.
LONGEST: Final = 512
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Kind(IntEnum):
    """The type of a piece."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    """One entry of the vocabulary; its id is its index."""

    text: str
    score: float
    kind: Kind


def load_text_tokenizer(path: Path | str) -> Any:
    """A tokenizer of transformers from ``tokenizer.model`` or a folder; raises CheckpointError."""
    path = Path(path)
    if (path / "tokenizer.model").is_file() and not (path / "tokenizer.json").is_file():
        path = path / "tokenizer.model"
    if path.is_dir():
        return _from_folder(path)
    return _like_sentencepiece(path, read_pieces(path))


def _like_sentencepiece(path: Path, pieces: Sequence[Piece]) -> Any:
    """A fast tokenizer that gives the same ids, start included, as sentencepiece does."""
    from tokenizers import Tokenizer, decoders, normalizers, processors
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    unknown = [p.text for p in pieces if p.kind == Kind.UNKNOWN]
    control = [p.text for p in pieces if p.kind == Kind.CONTROL]
    if not unknown or len(control) < 2:
        raise CheckpointError(
            f"{path} has no pieces for unknown text, start and end: it is not the tokenizer of a "
            "LLaMA."
        )
    start, end = control[:2]
    ids = {piece.text: i for i, piece in enumerate(pieces)}
    model = BPE(
        vocab=ids, merges=merges(pieces), unk_token=unknown[0], fuse_unk=True, byte_fallback=True
    )
    tokenizer = Tokenizer(model)
    # One space is put before every text, also before one that begins with a space.
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(SPACE, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        f"{start} $A", f"{start} $A $B", [(start, ids[start])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token=unknown[0], bos_token=start, eos_token=end
    )


def _from_folder(path: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(
            str(path), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise CheckpointError(
            f"{path} holds no tokenizer that transformers can read ({reason}): give a "
            "tokenizer.model, or a folder with tokenizer.json."
        ) from None


def read_pieces(path: Path) -> list[Piece]:
    """The vocabulary of a sentencepiece file; raises CheckpointError."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from None
    pieces: list[Piece] = []
    model_type = None
    try:
        for field, value in _message(body):
            if field == PIECES and isinstance(value, bytes):
                pieces.append(_piece(value))
            elif field == TRAINER and isinstance(value, bytes):
                model_type = dict(_message(value)).get(MODEL_TYPE, UNIGRAM)
    except (ValueError, LookupError, TypeError, struct.error):
        pieces = []
    # The trainer's settings come last: without them the file is cut off between two pieces.
    if not pieces or model_type is None:
        raise CheckpointError(
            f"{path} is not a readable sentencepiece model: download it again, or give a folder "
            "with tokenizer.json."
        )
    if model_type != BPE_TYPE:
        raise CheckpointError(
            f"{path} is a sentencepiece model of another type than BPE: it is not the tokenizer "
            "of a LLaMA."
        )
    return pieces


def merges(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    """All merges of two pieces into one, the best piece first."""
    usable = {p.text: p.score for p in pieces if p.kind in (Kind.NORMAL, Kind.USER_DEFINED)}
    found = [
        (score, text[:cut], text[cut:])
        for text, score in usable.items()
        for cut in range(1, len(text))
        if text[:cut] in usable and text[cut:] in usable
    ]
    found.sort(key=lambda m: (-m[0], len(m[1]), len(m[2])))
    return [(left, right) for _, left, right in found]


def _piece(body: bytes) -> Piece:
    values = dict(_message(body))
    text, score = values[PIECE], values.get(SCORE, b"\0\0\0\0")
    if not isinstance(text, bytes) or not isinstance(score, bytes) or len(text) > LONGEST:
        raise ValueError("not a piece")
    return Piece(
        text.decode("utf-8"),
        struct.unpack("<f", score)[0],
        Kind(int(values.get(KIND, Kind.NORMAL))),  # type: ignore[arg-type]
    )


def _message(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protocol-buffers message."""
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        field, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(body, at)
            yield field, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            size, at = _varint(body, at)
        if size is None or at + size > len(body):
            raise ValueError("cut off")
        yield field, body[at : at + size]
        at += size


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, low bits first, and the position after it."""
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("too long")
