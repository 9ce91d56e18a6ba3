"""Error rates and speed of an exported bundle, through the recogniser that the assistant runs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from asr_training.manifest import Utterance, corpora, read_manifest
from asr_training.prepare import read_audio
from asr_training.scoring import Rate, Scored, character_error_rate, word_error_rate
from voice.errors import ConfigError, DataError
from voice.events import Segment
from voice.models.asr import CtcRecognizer, DecoderName
from voice.models.bundle import Bundle
from voice.text import normalise


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured on one set."""

    wer: Rate
    cer: Rate
    real_time_factor: float
    """CPU seconds for a second of audio, one thread, features included."""
    scored: tuple[Scored, ...]
    decoder: DecoderName


def evaluate(
    bundle: Bundle,
    data: Path,
    split: str,
    *,
    limit: int | None = None,
    seed: int = 1,
    decoder: DecoderName | None = None,
) -> Evaluation:
    """Recognise the utterances of a split.

    Args:
        bundle: an asr bundle.
        data: folder with corpora.
        split: which utterances.
        limit: at most so many, drawn at random.
        seed: of the draw and of the bootstrap.
        decoder: how to search; None takes the bundle's best.

    Raises:
        DataError: there is no such utterance.
    """
    chosen = chosen_utterances(data, split, limit, seed)
    recognizer = CtcRecognizer(bundle)
    decoder = decoder or recognizer.best_decoder
    if decoder == "lexicon":
        _ = recognizer.lexicon  # reading it is not part of recognising
    scored, audio_seconds = [], 0.0
    cpu = time.process_time()
    reading = 0.0
    for folder, utterance in chosen:
        before = time.process_time()
        samples = read_audio(folder / utterance.audio, bundle.manifest.rate)
        reading += time.process_time() - before
        audio_seconds += len(samples) / bundle.manifest.rate
        text = recognizer.transcribe(Segment(samples, 0, bundle.manifest.rate), decoder).text
        scored.append(Scored(utterance.speaker or utterance.audio, normalise(utterance.text or ""), text))
    used = time.process_time() - cpu - reading
    return Evaluation(
        word_error_rate(scored, seed=seed),
        character_error_rate(scored, seed=seed),
        used / audio_seconds,
        tuple(scored),
        decoder,
    )


def with_split(data: Path, split: str) -> list[Path]:
    """Return the corpora below `data` that hold a transcribed utterance of the split: each is measured on its own.

    Raises:
        DataError: none does.
    """
    return list(dict.fromkeys(folder for folder, _ in _of_split(data, split)))


def report(evaluation: Evaluation, name: str, say: Callable[[str], None]) -> None:
    """Say the figures, one line each."""
    name = f"{name} {evaluation.decoder}"
    for label, rate in (("WER", evaluation.wer), ("CER", evaluation.cer)):
        say(f"{name} {label} {rate.value:.1f} % [{rate.low:.1f}, {rate.high:.1f}], {rate.n} utterances")
    say(f"{name} real-time factor {evaluation.real_time_factor:.4f} (CPU, one thread)")


def results(evaluation: Evaluation, on: str) -> list[dict[str, Any]]:
    """Return the figures as a bundle's `results`."""
    rates = ((f"{evaluation.decoder} WER %", evaluation.wer), (f"{evaluation.decoder} CER %", evaluation.cer))
    return [
        {"name": name, "value": round(r.value, 2), "low": round(r.low, 2), "high": round(r.high, 2), "n": r.n, "on": on}
        for name, r in rates
    ] + [
        {
            "name": f"{evaluation.decoder} real-time factor, one thread",
            "value": round(evaluation.real_time_factor, 5),
            "on": on,
        }
    ]


def measure(
    bundle: Bundle,
    data: Path,
    split: str,
    decoders: Sequence[str] | None,
    limit: int | None,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Measure and report every corpus below `data` with the split; return the bundle's `results`.

    Args:
        bundle: an asr bundle.
        data: folder with corpora.
        split: which utterances.
        decoders: how to search; None: every decoder that the bundle is meant for.
        limit: at most so many of each corpus.
        say: receives the figures.

    Raises:
        ConfigError: no such decoder.
        DataError: there is no such utterance.
    """
    wanted = decoders or (("greedy", "lexicon") if bundle.language_path else ("greedy",))
    if unknown := set(wanted) - set(get_args(DecoderName)):
        raise ConfigError(f"no decoder {', '.join(sorted(unknown))}", fix=f"one of {', '.join(get_args(DecoderName))}")
    found = []
    for folder in with_split(data, split):
        for decoder in wanted:
            evaluation = evaluate(bundle, folder, split, limit=limit, decoder=cast(DecoderName, decoder))
            report(evaluation, f"{folder.name} {split}", say)
            found += results(evaluation, f"{folder.name}, split {split}")
    return found


def chosen_utterances(data: Path, split: str, limit: int | None, seed: int) -> list[tuple[Path, Utterance]]:
    """Return the transcribed utterances of a split with their corpus's folder, at most `limit`, drawn by `seed`.

    Raises:
        DataError: there is none.
    """
    found = _of_split(data, split)
    order = np.random.default_rng(seed).permutation(len(found))[:limit]
    return [found[i] for i in sorted(order)]


def _of_split(data: Path, split: str) -> list[tuple[Path, Utterance]]:
    """Return every transcribed utterance of the split: the filters of training would flatter the figures."""
    found = [
        (folder, utterance)
        for folder in corpora(data)
        for utterance in read_manifest(folder)
        if (utterance.split or "train") == split and normalise(utterance.text or "")
    ]
    if not found:
        raise DataError(f"{data}: no utterance in split {split!r}", fix="give another --split")
    return found
