"""What is measured about a bundle goes into its manifest and card."""

from dataclasses import dataclass
from typing import Any

from asr_training.cards import write_card
from voice.decoding.confidence import WordConfidence
from voice.decoding.lexicon import LexiconSettings
from voice.models.bundle import Bundle, write_bundle


@dataclass(frozen=True, slots=True)
class Companion:
    """A file beside a bundle's network, words or pronunciations, and what the manifest says of it."""

    data: bytes
    record: dict[str, Any]


def rewrite(
    bundle: Bundle,
    *,
    results: list[dict[str, Any]] | None = None,
    accept_per_character: float | None = None,
    language: LexiconSettings | None = None,
    confidence: WordConfidence | None = None,
) -> Bundle:
    """Write a bundle again with other results, another rejection, other weights or another calibration.

    Raises:
        BundleError: the disk refuses.
        DataError: the disk refuses the card.
    """
    manifest = bundle.manifest.model_dump(mode="json", exclude={"format", "model"})
    if results is not None:
        manifest["results"] = results
    if accept_per_character is not None:
        manifest["decision"]["accept_per_character"] = accept_per_character
    if confidence:
        manifest["decision"]["confidence"] = confidence.model_dump()
    if language:
        manifest["language"] |= {"weight": language.weight, "word_bonus": language.word_bonus}
    data = bundle.language_path.read_bytes() if bundle.language_path else None
    lexicon = bundle.lexicon_path.read_bytes() if bundle.lexicon_path else None
    again = write_bundle(bundle.folder, manifest, bundle.model_path.read_bytes(), data, lexicon=lexicon)
    write_card(again)
    return again
