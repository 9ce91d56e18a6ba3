"""Error rates and speed of an exported bundle, through the recogniser that the assistant runs, a peer beside it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from asr_training.clips import Clip, chosen_utterances, clip_of, snr_db, with_split
from asr_training.peers import NAME as PEER
from asr_training.peers import PocketSphinx
from asr_training.prepare import read_audio
from asr_training.scoring import Rate, Scored, character_error_rate, word_error_rate
from voice.errors import ConfigError
from voice.events import RATE, Segment, Token
from voice.models.asr import CtcRecognizer, DecoderName
from voice.models.bundle import AsrDecision, Bundle

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answers:
    """What one system made of the clips of a set."""

    system: str
    """greedy, beam, words or lexicon; pocketsphinx."""
    texts: tuple[str, ...]
    cpu_seconds: tuple[float, ...]
    """For each clip, on one thread; of a decoder together with the features and the network."""
    words: tuple[tuple[Token, ...], ...] = ()
    """With times and confidences; a peer has none."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One set and what the systems made of it."""

    name: str
    """Corpus and split."""
    clips: tuple[Clip, ...]
    seconds: tuple[float, ...]
    """Length of each clip."""
    snr_db: tuple[float, ...]
    """Estimated from each clip alone."""
    network_seconds: tuple[float, ...]
    """CPU of features and network for each clip."""
    answers: tuple[Answers, ...] = field(default=())

    def scored(self, answers: Answers) -> list[Scored]:
        """Return reference and text of each clip."""
        pairs = zip(self.clips, answers.texts, strict=True)
        return [Scored(clip.speaker, clip.reference, text) for clip, text in pairs]

    def of(self, system: str) -> Answers | None:
        """Return one system's answers, None where it was not asked."""
        return next((answers for answers in self.answers if answers.system == system), None)

    def real_time_factor(self, answers: Answers) -> float:
        """Return CPU seconds for a second of audio."""
        return sum(answers.cpu_seconds) / sum(self.seconds)

    def network_real_time_factor(self) -> float:
        """Return CPU seconds of features and network for a second of audio."""
        return sum(self.network_seconds) / sum(self.seconds)

    def command_ms(self, answers: Answers, quantile: float) -> float | None:
        """Return a quantile of the CPU of clips as long as a command, 2 to 4 s; None where there is none."""
        short = [cpu for cpu, seconds in zip(answers.cpu_seconds, self.seconds, strict=True) if 2 <= seconds <= 4]
        return 1000 * float(np.quantile(short, quantile)) if short else None


def wanted_decoders(bundle: Bundle, decoders: Sequence[str] | None) -> tuple[DecoderName, ...]:
    """Return the decoders to measure: those asked for, else those that the bundle is meant for.

    Raises:
        ConfigError: no such decoder.
    """
    phones = isinstance(bundle.manifest.decision, AsrDecision) and bundle.manifest.decision.units == "phones"
    plain = "words" if phones and bundle.language_path else "greedy"
    wanted = decoders or (plain, *(["lexicon"] if bundle.language_path else []))
    if unknown := set(wanted) - set(get_args(DecoderName)):
        raise ConfigError(f"no decoder {', '.join(sorted(unknown))}", fix=f"one of {', '.join(get_args(DecoderName))}")
    if phones and not set(wanted) <= {"words", "lexicon"}:
        raise ConfigError(
            f"{bundle.folder}: of a model of phones only words and lexicon give words",
            fix="choose one of them; export it with a language model",
        )
    return cast(tuple[DecoderName, ...], tuple(wanted))


def measure_set(
    recognizer: CtcRecognizer,
    folder: Path,
    split: str,
    *,
    decoders: Sequence[DecoderName],
    limit: int | None = None,
    peer: PocketSphinx | None = None,
    seed: int = 1,
) -> Measured:
    """Recognise the utterances of a split of one corpus.

    Args:
        recognizer: the bundle's.
        folder: of the corpus, or of several.
        split: which utterances.
        decoders: how to search; the network runs once for all.
        limit: at most so many utterances, drawn at random.
        peer: asked too, on the same audio.
        seed: of the draw.

    Raises:
        DataError: there is no such utterance, or one can't be read.
    """
    chosen = chosen_utterances(folder, split, limit, seed)
    clips = [clip for found in chosen if (clip := clip_of(*found, recognizer.letters)).reference]
    for name in decoders:
        if name != "greedy":
            getattr(recognizer, name)  # reading its words is not part of recognising
    systems = [*decoders, *([PEER] if peer else [])]
    texts: dict[str, list[str]] = {name: [] for name in systems}
    words: dict[str, list[tuple[Token, ...]]] = {name: [] for name in systems}
    used: dict[str, list[float]] = {name: [] for name in ["network", *systems]}
    lengths, ratios = [], []
    for clip in clips:
        samples = read_audio(clip.audio, recognizer.features.rate)
        lengths.append(len(samples) / recognizer.features.rate)
        ratios.append(snr_db(samples, recognizer.features.rate))
        started = time.process_time()
        log_probs = recognizer.log_probs(Segment(samples, 0, recognizer.features.rate))
        used["network"].append(time.process_time() - started)
        for name in decoders:
            started = time.process_time()
            heard = recognizer.read(log_probs, name)
            used[name].append(used["network"][-1] + time.process_time() - started)
            texts[name].append(heard.text)
            words[name].append(heard.tokens)
        if peer:
            text, cpu = peer.recognise(samples if recognizer.features.rate == RATE else read_audio(clip.audio, RATE))
            texts[PEER].append(text)
            used[PEER].append(cpu)
    answers = [Answers(name, tuple(texts[name]), tuple(used[name]), tuple(words[name])) for name in systems]
    name = f"{folder.name}, split {split}"
    return Measured(name, tuple(clips), tuple(lengths), tuple(ratios), tuple(used["network"]), tuple(answers))


def measure(
    bundle: Bundle,
    data: Sequence[Path],
    splits: Sequence[str],
    *,
    decoders: Sequence[str] | None = None,
    limit: int | None = None,
    peer: PocketSphinx | None = None,
    say: Say,
) -> list[Measured]:
    """Measure every corpus below the `data` folders that has one of the splits.

    Args:
        bundle: an asr bundle.
        data: folders with corpora.
        splits: which utterances.
        decoders: how to search; None: every decoder that the bundle is meant for.
        limit: at most so many utterances of each corpus.
        peer: asked too.
        say: receives the figures, a line each.

    Raises:
        ConfigError: no such decoder.
        DataError: there is no such utterance.
    """
    wanted = wanted_decoders(bundle, decoders)
    recognizer = CtcRecognizer(bundle)
    found = []
    for split in splits:
        for folder in (folder for root in data for folder in with_split(root, split)):
            found.append(measure_set(recognizer, folder, split, decoders=wanted, limit=limit, peer=peer))
            report(found[-1], say)
    return found


def report(measured: Measured, say: Say) -> None:
    """Say the figures of a set, one line each."""
    for answers in measured.answers:
        name, scored = f"{measured.name}: {answers.system}", measured.scored(answers)
        for label, rate in (("WER", word_error_rate(scored)), ("CER", character_error_rate(scored))):
            say(f"{name} {label} {rate.value:.1f} % [{rate.low:.1f}, {rate.high:.1f}], {rate.n} utterances")
        say(f"{name} {measured.real_time_factor(answers):.4f} of real time (CPU, one thread)")


def results(measured: Measured) -> list[dict[str, Any]]:
    """Return the figures of the bundle's own decoders as a bundle's `results`."""
    found: list[dict[str, Any]] = []
    for answers in (answers for answers in measured.answers if answers.system != PEER):
        scored = measured.scored(answers)
        for name, rate in (("WER %", word_error_rate(scored)), ("CER %", character_error_rate(scored))):
            found.append({"name": f"{answers.system} {name}", **_interval(rate), "on": measured.name})
        factor = round(measured.real_time_factor(answers), 5)
        found.append({"name": f"{answers.system} real-time factor, one thread", "value": factor, "on": measured.name})
    return found


def _interval(rate: Rate) -> dict[str, Any]:
    return {"value": round(rate.value, 2), "low": round(rate.low, 2), "high": round(rate.high, 2), "n": rate.n}
