"""Writing a batch in parts where the memory is too short for the whole.

Each answer has a seed of its own, so the parts hold the answers that the whole would have had, but
for rounding.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from ext_models.devices import is_out_of_memory, release_memory
from ext_models.language.vocabulary import GeneratedCodes

from .generators import CodeRequest, MotionGenerator
from .request import CancelCheck
from .sampling import CANDIDATE_STRIDE, VARIATION_STRIDE
from .sketching import Sketcher

logger = logging.getLogger(__name__)


def write_batch(
    generator: MotionGenerator,
    requests: Sequence[CodeRequest],
    progress: Callable[[float], None],
    cancelled: CancelCheck,
    sketcher: Sketcher | None = None,
) -> tuple[list[GeneratedCodes], int]:
    """The answers of a generator, and in how many parts they were written, 1 for all at once.

    Raises the generator's error where the memory is too short for one answer.
    """
    halves = _halves(requests)
    try:
        return generator.generate(requests, progress, cancelled, sketcher), 1
    except Exception as error:
        if halves is None or not is_out_of_memory(error):
            raise
        logger.warning("The memory is too short for the batch (%s): it is halved.", error)
    # Out of the handler: the error holds on to what was computed.
    release_memory()
    (first, count), (second, more) = (
        write_batch(generator, half, progress, cancelled, shows)
        for half, shows in zip(halves, (sketcher, None), strict=True)
    )
    return [*first, *second], count + more


def parts_note(parts: int) -> str:
    """What the user is told of a batch that did not fit the memory."""
    return f"The memory was short: the candidates were made in {parts} parts."


def _halves(
    requests: Sequence[CodeRequest],
) -> tuple[Sequence[CodeRequest], Sequence[CodeRequest]] | None:
    """Two parts of a batch, whose answers in a row are those of the whole; None for one answer."""
    if len(requests) > 1:
        middle = len(requests) // 2
        return requests[:middle], requests[middle:]
    (request,) = requests
    sampling, first = request.sampling, request.first
    if (count := sampling.variations) > 1:
        middle = count // 2
        early = replace(sampling, variations=middle)
        seed, skipped = sampling.seed + VARIATION_STRIDE * middle, middle * sampling.candidates
        late = replace(sampling, variations=count - middle, seed=seed)
    elif (count := sampling.candidates) > 1:
        middle = skipped = count // 2
        early = replace(sampling, candidates=middle)
        seed = sampling.seed + CANDIDATE_STRIDE * middle
        late = replace(sampling, candidates=count - middle, seed=seed)
    else:
        return None
    return (
        [replace(request, sampling=early)],
        [replace(request, sampling=late, first=first + skipped)],
    )
