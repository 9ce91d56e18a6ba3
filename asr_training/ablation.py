"""`asr-train ablate`: what each part of a recipe is worth, by leaving out or changing one at a time.

Every row is trained anew with the same data, seed and steps and judged on the same dev utterances; the difference of
its word error rate to the base's is paired (bootstrap over speakers). An interrupted table goes on: a row that was
measured is not trained again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asr_training import checkpoint as checkpoints
from asr_training.batches import make_batch
from asr_training.curves import write_hours
from asr_training.phones import Lexicon
from asr_training.prepare import Cache, Cached
from asr_training.scoring import Rate, Scored, word_error_difference, word_error_rate
from asr_training.settings import Recipe
from asr_training.subset import hours
from asr_training.train import Budget, network_of, train, training_part
from voice.decoding.ctc import greedy, log_softmax
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings
from voice.decoding.ngram import NGram, read_arrays
from voice.decoding.trie import Trie
from voice.errors import ConfigError, DataError
from voice.text import Alphabet
from voice.yaml12 import read_yaml

Decode = Callable[[Any], str]

BASE = "base"
_SCORES = "scores.json"
_DATA = "data.json"
_STRIDE = 0.04  # of no consequence: no times are asked for


class AblationSettings(BaseModel):
    """A table to make."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: Recipe
    rows: dict[str, dict[str, Any]] = Field(description="a name, and what is changed of the base recipe")
    utterances: int = Field(200, gt=0, description="dev utterances of each corpus, drawn with the recipe's seed")
    language: LexiconSettings = LexiconSettings()

    def recipes(self) -> dict[str, Recipe]:
        """Return the recipe of each row, the base's first.

        Raises:
            ConfigError: a row changes what no recipe has.
        """
        found = {BASE: self.base}
        for name, change in self.rows.items():
            try:
                found[name] = Recipe.model_validate(_merged(self.base.model_dump(), change))
            except ValidationError as error:
                detail = error.errors()[0]
                where = ".".join(str(part) for part in detail["loc"])
                raise ConfigError(f"row {name!r}: {where}: {detail['msg']}", fix="correct the row") from error
        return found


@dataclass(frozen=True, slots=True)
class LanguageModels:
    """Word n-grams that `asr-train lm` wrote, by what their words are spelled in."""

    characters: Path | None = None
    phones: Path | None = None


def read_ablation(path: Path) -> AblationSettings:
    """Return the table that a YAML file asks for.

    Raises:
        ConfigError: it can't be read, or a key or value is wrong.
    """
    try:
        return AblationSettings.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in detail["loc"])
        raise ConfigError(f"{path}: {where}: {detail['msg']}", fix="correct the file") from error


def ablate(
    settings: AblationSettings,
    cache: Cache,
    out: Path,
    say: Callable[[str], None],
    *,
    models: LanguageModels,
    lexicon: Lexicon | None,
    threads: int = 1,
) -> str:
    """Train and judge every row; return the table as Markdown, which is in OUT/ablation.md too.

    OUT/ablation.json has the same figures, with each row's hours of training speech but for the corpora of `whole`;
    where rows differ in nothing but their `share` of it, OUT/hours.png is the curve of word error rate over hours.

    Args:
        settings: the rows.
        cache: prepared features, with dev utterances.
        out: folder of the runs and the table.
        say: receives progress lines.
        models: for decoding with a lexicon; a row without one has no such columns.
        lexicon: pronunciations, needed where a row has phones.
        threads: CPU threads.

    Raises:
        ConfigError: a row is wrong.
        DataError: there is no dev utterance, other rows were trained on other data, or the disk refuses.
    """
    recipes = settings.recipes()
    judged = _dev(cache, settings)
    _same_data(cache, out)
    rows: dict[str, dict[str, list[str]]] = {}
    for name, recipe in recipes.items():
        run = out / "".join(c if c.isalnum() else "-" for c in name)
        if not (run / _SCORES).is_file():
            say(f"row {name}")
            train(cache, recipe, run, Budget(recipe.schedule.steps), say, threads, lexicon)
        rows[name] = _answers(run, recipe, cache, judged, _decoders(recipe, settings.language, models), lexicon)
    found = figures(rows, judged)
    page = table(found)
    _write(out / "ablation.md", page)
    learnt = {name: round(hours(training_part(cache, recipe), recipe.whole), 3) for name, recipe in recipes.items()}
    _write(out / "ablation.json", json.dumps({"hours": learnt, "figures": [asdict(each) for each in found]}, indent=1))
    curve = [name for name, recipe in recipes.items() if recipe.model_copy(update={"share": 1.0}) == settings.base]
    if len(curve) > 1:
        points = [(learnt[f.row], f.decoder, f.corpus, f.wer) for f in found if f.row in curve]
        write_hours(points, out / "hours.png")
    return page


@dataclass(frozen=True, slots=True)
class Figure:
    """A row's word error rate on one corpus with one decoder."""

    corpus: str
    row: str
    decoder: str
    wer: Rate
    against_base: Rate | None
    """Difference, points; None for the base itself, and where it has no such decoder."""


def figures(rows: Mapping[str, Mapping[str, Sequence[str]]], judged: Sequence[Cached]) -> list[Figure]:
    """Return the word error rates, corpus by corpus.

    Args:
        rows: of each row, what each decoder heard in each utterance; the base's first.
        judged: the utterances.
    """
    found = []
    for corpus in sorted({u.corpus for u in judged}):
        chosen = [i for i, u in enumerate(judged) if u.corpus == corpus]
        base = rows[BASE]
        for name, answers in rows.items():
            for decoder, texts in answers.items():
                own = _scored(judged, texts, chosen)
                compared = name != BASE and decoder in base
                change = word_error_difference(own, _scored(judged, base[decoder], chosen)) if compared else None
                found.append(Figure(corpus, name, decoder, word_error_rate(own), change))
    return found


def table(found: Sequence[Figure]) -> str:
    """Return figures as Markdown, a table for each corpus."""
    lines: list[str] = []
    for corpus in dict.fromkeys(figure.corpus for figure in found):
        own = [figure for figure in found if figure.corpus == corpus]
        lines += ["", f"{corpus}, dev, {own[0].wer.n} utterances:", ""]
        lines += ["| row | decoder | WER | against base, points |", "|---|---|---:|---:|"]
        for figure in own:
            wer, change = figure.wer, figure.against_base
            rate = f"{wer.value:.1f} % [{wer.low:.1f}, {wer.high:.1f}]"
            other = f"{change.value:+.1f} [{change.low:+.1f}, {change.high:+.1f}]" if change else ""
            lines.append(f"| {figure.row} | {figure.decoder} | {rate} | {other} |")
    return "\n".join(lines[1:]) + "\n"


def _scored(judged: Sequence[Cached], texts: Sequence[str], chosen: Sequence[int]) -> list[Scored]:
    return [Scored(judged[i].speaker, judged[i].text, texts[i]) for i in chosen]


def _dev(cache: Cache, settings: AblationSettings) -> list[Cached]:
    """Return the utterances to judge by, so many of each corpus that has a dev split."""
    rng = np.random.default_rng(settings.base.seed)
    found = cache.split("dev")
    chosen = []
    for corpus in sorted({u.corpus for u in found}):
        own = [u for u in found if u.corpus == corpus]
        chosen += [own[i] for i in rng.permutation(len(own))[: settings.utterances]]
    if not chosen:
        raise DataError(f"{cache.folder}: no utterance in split dev", fix="prepare a corpus with a dev split")
    return chosen


def _same_data(cache: Cache, out: Path) -> None:
    """Note which utterances the rows learn from and are judged by; refuse others."""
    lines = sorted(f"{u.corpus}/{u.audio} {u.split} {u.text}\n" for u in cache.utterances)
    own = {"utterances": len(lines), "sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}
    path = out / _DATA
    if not path.is_file():
        _write(path, json.dumps(own))
    elif json.loads(path.read_text(encoding="utf-8")) != own:
        raise DataError(
            f"{out}: its rows were made of other data than {cache.folder}", fix="give their --cache, or another --out"
        )


def _decoders(recipe: Recipe, settings: LexiconSettings, models: LanguageModels) -> dict[str, Decode]:
    """Return how text is read off a row's log-probabilities, by name."""
    alphabet = Alphabet(recipe.labels)
    decoders: dict[str, Decode] = {}
    if recipe.units == "characters":
        decoders["best path"] = lambda log_probs: greedy(log_probs, alphabet, _STRIDE).text
    if path := models.phones if recipe.units == "phones" else models.characters:
        arrays = read_arrays(path)
        search = LexiconDecoder(NGram(arrays), Trie.of(arrays), alphabet, settings)
        plain = search.without_language_model()
        decoders["lexicon alone"] = lambda log_probs: " ".join(plain.best_words(log_probs))
        decoders["lexicon and language model"] = lambda log_probs: " ".join(search.best_words(log_probs))
    return decoders


def _answers(
    run: Path,
    recipe: Recipe,
    cache: Cache,
    judged: Sequence[Cached],
    decoders: Mapping[str, Decode],
    lexicon: Lexicon | None,
) -> dict[str, list[str]]:
    """Return what each decoder hears with a run's averaged weights; what was written down is not asked again."""
    path = run / _SCORES
    known: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    saved = checkpoints.load(run)
    if known.keys() >= decoders.keys() or saved is None:
        return {name: texts for name, texts in known.items() if name in decoders} or known
    network = network_of(recipe)
    network.set_weights(saved.averaged)
    texts: dict[str, list[str]] = {name: [] for name in decoders}
    for utterance in judged:
        outputs = network.predict_on_batch(make_batch(cache, [utterance], recipe, None, lexicon).features)
        logits = np.asarray(outputs[0] if isinstance(outputs, list | tuple) else outputs)[0]
        log_probs = log_softmax(logits[: recipe.network.label_frames(utterance.frames)])
        for name, decode in decoders.items():
            texts[name].append(decode(log_probs))
    _write(path, json.dumps(texts))
    return texts


def _merged(base: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base with what is changed, mapping by mapping."""
    merged = dict(base)
    for key, value in change.items():
        own = merged.get(key)
        merged[key] = _merged(own, value) if isinstance(own, dict) and isinstance(value, Mapping) else value
    return merged


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror or error}", fix="free disk space; the same command goes on"
        ) from error
