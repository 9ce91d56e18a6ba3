"""The model card of a bundle: what it is for, how well it works, what it was made from and what it can't do."""

from pathlib import Path

from voice.errors import DataError
from voice.models.bundle import AsrDecision, Bundle, DataSource, LanguageModel, LexiconFile, Result

CARD = "README.md"


def write_card(bundle: Bundle) -> Path:
    """Write the bundle's README.md from its manifest, so that the two never differ.

    Returns:
        The card.

    Raises:
        DataError: the disk refuses.
    """
    path = bundle.folder / CARD
    try:
        path.write_text(card(bundle), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space") from error
    return path


def card(bundle: Bundle) -> str:
    """Return the card's text."""
    manifest = bundle.manifest
    training = manifest.training
    hours = sum(source.hours or 0 for source in training.data)
    results = "\n".join(map(_result_row, manifest.results)) or "| not measured yet | | | | |"
    data = "\n".join(map(_data_row, training.data))
    return f"""# {manifest.id} {manifest.version}

{manifest.description}.
Its task in the assistant is to score the sentences of a closed grammar, and to write down what is outside of it.

{training.parameters:,} parameters, {manifest.model.bytes / 1e6:.2f} MB, LiteRT with {_weights(bundle)} weights, builtin
operators only. Licence: {manifest.licence}. {_language(manifest.language)}

## How well it works

`greedy` is the best path without any language model, `lexicon` the words of the bundle's language model. Corpus-level
rates of whole utterances, none left out; 95 % bootstrap interval over speakers (over clips where
a corpus does not name them: Common Voice release 1, whose dev part shares no sentence with training but may share
speakers). {_confidence(bundle)}

| measured | value | 95 % interval | n | on |
|---|---:|---|---:|---|
{results}

## How it was made

    {training.command}

{training.minutes:.0f} minutes of training time, seed {training.seed}, exported at commit {training.commit}; the recipe
of every stage stands in `bundle.json`. The learning rate followed the clock, so another run gives similar weights, not
the same. {hours:.1f} h of speech:

| corpus | hours | clips | licence | attribution |
|---|---:|---:|---|---|
{data}
{_texts(manifest.language)}{_dictionaries(manifest.lexicon)}"""


def _weights(bundle: Bundle) -> str:
    return "int8" if bundle.manifest.model.bytes < 2 * bundle.manifest.training.parameters else "float32"


def _language(language: LanguageModel | None) -> str:
    if language is None:
        return "No language model."
    return (
        f"Word n-grams, {language.bytes / 1e6:.1f} MB; weight {language.weight:g} and word bonus "
        f"{language.word_bonus:g}, chosen on the dev splits."
    )


def _confidence(bundle: Bundle) -> str:
    calibrated = isinstance(bundle.manifest.decision, AsrDecision) and bundle.manifest.decision.confidence is not None
    return "Word confidences are calibrated on dev." if calibrated else "Word confidences are not calibrated."


def _texts(language: LanguageModel | None) -> str:
    if language is None:
        return ""
    rows = "\n".join(f"| {s.name} | {s.clips or ''} | {s.licence} | {s.attribution} |" for s in language.data)
    return f"""
The language model was made from:

| text | sentences | licence | attribution |
|---|---:|---|---|
{rows}
"""


def _dictionaries(lexicon: LexiconFile | None) -> str:
    if lexicon is None:
        return ""
    rows = "\n".join(f"| {s.name} | {s.licence} | {s.attribution} |" for s in lexicon.data)
    return f"""
Its labels are phones. How words are said, {lexicon.bytes / 1e6:.1f} MB, was made from:

| dictionary | licence | attribution |
|---|---|---|
{rows}

A word that is in none is said by a model that was trained on them.
"""


def _result_row(result: Result) -> str:
    interval = "" if result.low is None or result.high is None else f"{result.low:g} to {result.high:g}"
    return f"| {result.name} | {result.value:g} | {interval} | {result.n or ''} | {result.on} |"


def _data_row(source: DataSource) -> str:
    return (
        f"| {source.name} | {source.hours or 0:.2f} | {source.clips or ''} | {source.licence} | {source.attribution} |"
    )
