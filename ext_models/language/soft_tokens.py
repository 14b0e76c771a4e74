"""Soft tokens: what a sentence reader makes of a caption, as embeddings before its words.

A linear map turns a reader's vector into a few embeddings of the language model. In a sequence of
ids they stand as ids behind the vocabulary, which ``SoftTokens`` gives out for each sentence. So
batches, padding and generation treat them as they treat words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ext_models.packs import PackError, require
from ext_models.readers.sentence_reader import SentenceReader, load_reader

from .plain_text import plain_text

#: The linear map's file in a pack.
WEIGHTS: Final = "soft_tokens.safetensors"
#: Standard deviation of the first soft tokens, that of a new base's embeddings.
FIRST_DEVIATION: Final = 0.02


class SoftTokenEmbedding(nn.Module):
    """The embedding layer of a base, with soft tokens behind its vocabulary.

    Attributes:
        words: the base's own layer.
        first: id of the first soft token.
        count: soft tokens of a sentence.
        project: a sentence's vector (E,) to its soft tokens (count * W,).
    """

    table: Tensor

    def __init__(self, words: Any, width: int, count: int) -> None:
        """Args: the base's layer; dimensions of a sentence's vector; soft tokens of each."""
        super().__init__()
        self.first, hidden = (int(n) for n in words.weight.shape)
        self.words, self.count = words, count
        self.project = nn.Linear(width, count * hidden)
        nn.init.normal_(self.project.weight, std=FIRST_DEVIATION)
        nn.init.zeros_(self.project.bias)
        self.project.to(words.weight.device)
        self.register_buffer("table", words.weight.new_zeros(0, width), persistent=False)

    @property
    def weight(self) -> Tensor:
        """The base's own rows, which an output head may share."""
        return self.words.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Embeddings (..., W) of ids (...)."""
        soft = ids >= self.first
        found = self.words(ids.masked_fill(soft, 0))
        rows = (ids - self.first)[soft]
        if not len(rows):
            return found
        # Each sentence is mapped once, though a batch may ask for it several times.
        sentences, place = torch.unique(rows // self.count, return_inverse=True)
        made = self.project(self.table[sentences].to(self.project.weight.dtype))
        made = made.unflatten(-1, (self.count, -1))[place, rows % self.count]
        return found.index_put((soft,), made.to(found.dtype))


class SoftTokens:
    """The ids of sentences' soft tokens, in one model.

    Attributes:
        reader: reads the sentences.
        first: id of the first soft token, behind the model's vocabulary.
        count: soft tokens of a sentence.
    """

    def __init__(self, reader: SentenceReader, model: Any, count: int) -> None:
        self.reader, self.count = reader, count
        self.first = len(model.get_input_embeddings().weight)
        self._rows: dict[str, int] = {}
        self._embedding: SoftTokenEmbedding | None = None

    def ids(self, sentence: str) -> list[int]:
        """Ids of a sentence's soft tokens; ``read`` has to follow before the model sees them."""
        row = self._rows.setdefault(plain_text(sentence), len(self._rows))
        first = self.first + row * self.count
        return list(range(first, first + self.count))

    def attach(self, model: Any) -> None:
        """Make the model's embedding layer one that knows soft tokens; they train with it.

        After adapters, which look for the layer by its name.
        """
        self._embedding = SoftTokenEmbedding(
            model.get_input_embeddings(), self.reader.width, self.count
        )
        model.set_input_embeddings(self._embedding)

    def detach(self, model: Any) -> None:
        """Give a model its own embedding layer back, so that it is saved as any other."""
        model.set_input_embeddings(self.embedding.words)

    def read(self) -> None:
        """Read all sentences that have ids, and give the vectors to the model."""
        vectors = torch.from_numpy(self.reader(list(self._rows)))
        self.embedding.table = vectors.to(self.embedding.table)

    def forget(self) -> None:
        """Give out ids anew."""
        self._rows.clear()

    def save(self, folder: Path) -> None:
        """Write the linear map into a pack's folder."""
        state = self.embedding.project.state_dict()
        save_file({k: v.detach().cpu().contiguous() for k, v in state.items()}, folder / WEIGHTS)

    @property
    def embedding(self) -> SoftTokenEmbedding:
        """The layer in the model; ``attach`` comes before."""
        assert self._embedding is not None
        return self._embedding


def load_soft_tokens(model: Any, name: str, count: int, folder: Path) -> SoftTokens:
    """The soft tokens of a pack, attached to its model.

    Args:
        model: of the pack.
        name: of the reader.
        count: soft tokens of a sentence.
        folder: of the pack.

    Raises:
        PackError: naming the file that is missing or does not fit, or the reader.
    """
    path = require(folder / WEIGHTS)
    soft = SoftTokens(load_reader(name), model, count)
    soft.attach(model)
    try:
        soft.embedding.project.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise PackError(
            f"{path} does not fit its pack ({reason}): install the pack again."
        ) from None
    return soft
