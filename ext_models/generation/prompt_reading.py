"""How a pack reads a prompt: its spelling, its script, and what it is understood as."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ext_models.errors import PipelineError
from ext_models.language.instructions import unknown_words
from ext_models.language.known_captions import KnownCaptions, Understanding, load_known_captions
from ext_models.language.plain_text import plain_words
from ext_models.language.spelling import Correction, corrected, correction_note
from ext_models.language.thesaurus import load_thesaurus
from ext_models.packs import PackManifest
from ext_models.prompt_checks.words import words
from ext_models.readers.phrase_book import PhraseBook
from ext_models.readers.sentence_reader import SentenceReader, load_reader
from motiongpt_blender.core.timeline.prompts import PromptError, check_latin

#: Share of a prompt's words that the pack or the checks know, from which on it is English, and
#: share with those of the thesaurus, of which other languages have some too ("la vie est belle").
ENGLISH: Final = 0.5
ENGLISH_WORDS: Final = 0.8


@dataclass(frozen=True)
class PromptReading:
    """What reading prompts needs of a pack.

    Attributes:
        manifest: of the pack.
        known: its captions, and what reads sentences; None for a pack that knows words alone.
        phrases: what prompts in other languages mean; None for such a pack.
    """

    manifest: PackManifest
    known: tuple[KnownCaptions, SentenceReader] | None = None
    phrases: PhraseBook | None = None

    @classmethod
    def of_pack(cls, folder: Path, manifest: PackManifest) -> PromptReading:
        """Raises PackError for captions that are missing or damaged."""
        if not manifest.reader:
            return cls(manifest)
        reader = load_reader(manifest.reader)
        return cls(manifest, (load_known_captions(folder), reader), PhraseBook(reader))

    def read(self, prompt: str) -> tuple[str, tuple[str, ...]]:
        """The prompt as the model reads it, in English, and notes on what was typed otherwise."""
        text, corrections = corrected(prompt, self.manifest.words, _real_words())
        readings: tuple[Correction, ...] = ()
        if self._is_english(text):
            text, readings = load_thesaurus().read(text, frozenset(self.manifest.words))
        elif self.phrases is not None and (english := self.phrases.english(prompt)):
            return english, (f"Read as '{english}'.",)
        read = (*corrections, *readings)
        return text, (correction_note(read),) if read else ()

    def _is_english(self, text: str) -> bool:
        """Whether enough words of a corrected prompt are known."""
        typed = plain_words(text)
        known = words().every.union(self.manifest.words)
        listed = known | load_thesaurus().words
        return (
            not typed
            or sum(word in known for word in typed) >= ENGLISH * len(typed)
            or sum(word in listed for word in typed) >= ENGLISH_WORDS * len(typed)
        )

    def check_script(self, prompt: str) -> None:
        """Refuse other scripts than Latin where no sentence reader knows them."""
        if self.manifest.reader:
            return
        try:
            check_latin(prompt)
        except PromptError as error:
            raise PipelineError(str(error)) from None

    def understood(self, prompt: str) -> Understanding | None:
        """How the prompt of one action is understood; None if there is nothing to say."""
        if self.known is not None:
            captions, reader = self.known
            return captions.understand(prompt, reader)
        unknown = unknown_words(prompt, self.manifest.words) if self.manifest.words else ()
        if not unknown:
            return None
        listed = ", ".join(f"'{w}'" for w in unknown[:5])
        return Understanding(f"The model has never read {listed}; it follows the other words.")


def _real_words() -> frozenset[str]:
    """Words that are no typing errors, beside those that a pack knows."""
    return words().every | load_thesaurus().words
