"""`kws-train mine`: real tokens of chosen words, cut from transcribed speech.

OUT/<word>/<speaker>_nohash_<n>.wav   one second, the word in its middle
OUT/manifest.jsonl                    a line a clip: word, speaker, source, times, score, what a classifier hears in it
OUT/sources.jsonl                     a line a recording that was searched; what an interrupted run goes on from
OUT/mine.json                         the settings, which a run that goes on must share
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from kws_training.corpora import manifest as read_manifest
from kws_training.report import say
from kws_training.word_tokens import WordToken, one_second, word_tokens
from voice.audio.files import read_audio
from voice.errors import AudioError, ConfigError, DataError
from voice.events import RATE, Samples, Segment
from voice.models.asr import CtcRecognizer
from voice.models.commands import CommandsCnn
from voice.text import normalise

_LONGEST = 60  # seconds of a recording; the alignment takes memory by the square of it
_TOLD_EVERY = 500  # recordings
_NOT_SPEAKER = re.compile(r"[^A-Za-z0-9-]+")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MineSettings:
    """What to cut."""

    words: tuple[str, ...]
    least_score: float = 0.5
    """A token below it is dropped."""
    split: str = "train"
    """Of the manifests' rows; a row that names none is train; all takes every row."""
    neighbours: bool = False
    """Keep what is said before and after the word."""
    at_most: int | None = None
    """Clips of a word."""


@dataclass(frozen=True, slots=True)
class Mined:
    """What a search found."""

    rows: list[Row]
    hours: float
    """Of transcribed speech that was searched."""
    unreadable: list[str]


def mine(
    manifests: Sequence[Path],
    out: Path,
    settings: MineSettings,
    recogniser: CtcRecognizer,
    classifier: CommandsCnn | None = None,
) -> Mined:
    """Cut the tokens of all manifests; a run that was interrupted goes on.

    Args:
        manifests: `manifest.jsonl` files or their folders; rows with `audio`, `text`, and if known `speaker`, `split`.
        out: folder of the clips.
        settings: what to cut.
        recogniser: aligns.
        classifier: hears the clips of its commands again; None: nobody does.

    Raises:
        ConfigError: a word is none, or `out` was begun with other settings.
        DataError: a manifest can't be read, no recording has a text, or the disk refuses.
    """
    _check(settings, recogniser)
    try:
        out.mkdir(parents=True, exist_ok=True)
        _same_settings(out, settings, recogniser)
        done = _done(out / "sources.jsonl")
        search = _Search(out, settings, recogniser, classifier, done)
        hours = sum(search.run(folder, rows) for folder, rows in _read(manifests, settings.split))
        rows = [row for found in done.values() for row in found]
        text = "".join(json.dumps(row) + "\n" for row in sorted(rows, key=lambda row: row["audio"]))
        (out / "manifest.jsonl").write_text(text, encoding="utf-8")
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"{out}: {error}", fix="free disk space and run it again; it goes on") from error
    return Mined(rows, hours, search.unreadable)


def summary(mined: Mined, words: Sequence[str]) -> list[Row]:
    """Return for each word its clips, speakers, clips an hour, and the share in which the classifier hears it."""
    table = []
    for word in words:
        rows = [row for row in mined.rows if row["word"] == word]
        heard = [row["heard"] == word for row in rows if row["heard"] is not None]
        table.append(
            {
                "word": word,
                "clips": len(rows),
                "speakers": len({row["speaker"] for row in rows}),
                "clips_an_hour": round(len(rows) / mined.hours, 1) if mined.hours else None,
                "heard_again": sum(heard) if heard else None,
                "heard_share": round(sum(heard) / len(heard), 3) if heard else None,
            }
        )
    return table


class _Search:
    """Goes through recordings and writes what it finds."""

    def __init__(
        self,
        out: Path,
        settings: MineSettings,
        recogniser: CtcRecognizer,
        classifier: CommandsCnn | None,
        done: dict[str, list[Row]],
    ) -> None:
        self._out, self._settings = out, settings
        self._recogniser, self._classifier = recogniser, classifier
        self._done = done
        rows = [row for found in done.values() for row in found]
        self._numbers = Counter(Path(row["audio"]).name.split("_nohash_")[0] + "/" + row["word"] for row in rows)
        self._counts = Counter(row["word"] for row in rows)
        self.unreadable: list[str] = []

    def run(self, folder: Path, rows: Sequence[Row]) -> float:
        """Search the recordings of a manifest; return their hours."""
        seconds = 0.0
        with (self._out / "sources.jsonl").open("a", encoding="utf-8") as log:
            for n_seen, row in enumerate(rows, 1):
                if n_seen % _TOLD_EVERY == 0:
                    say(f"{folder.name}: {n_seen} of {len(rows)} recordings, {sum(self._counts.values())} clips")
                seconds += row.get("duration") or 0.0
                text, source = normalise(row["text"]), f"{folder.name}/{row['audio']}"
                wanted = {word for word in set(text.split()) & set(self._settings.words) if not self._enough(word)}
                if not wanted or source in self._done:
                    continue
                try:
                    samples = read_audio(folder / row["audio"])
                except AudioError as error:
                    self.unreadable.append(str(error))
                    continue
                seconds += 0.0 if row.get("duration") else len(samples) / RATE
                self._done[source] = self._cut(samples, text, wanted, row, source)
                log.write(json.dumps({"source": source, "clips": self._done[source]}) + "\n")
                log.flush()
        return seconds / 3600

    def _enough(self, word: str) -> bool:
        return self._settings.at_most is not None and self._counts[word] >= self._settings.at_most

    def _cut(self, samples: Samples, text: str, words: set[str], row: Row, source: str) -> list[Row]:
        if len(samples) > _LONGEST * RATE:
            return []
        recogniser = self._recogniser
        log_probs = recogniser.log_probs(Segment(samples, 0))
        found = []
        transcript = recogniser.labelled(text)
        for token in word_tokens(log_probs, recogniser.alphabet, transcript, words, recogniser.stride_seconds):
            if (
                token.score >= self._settings.least_score
                and token.end - token.start < 1
                and not self._enough(token.word)
            ):
                found.append(
                    self._write(one_second(samples, token, neighbours=self._settings.neighbours), token, row, source)
                )
        return found

    def _write(self, clip: Samples, token: WordToken, row: Row, source: str) -> Row:
        speaker = row.get("speaker") or "r" + sha1(source.encode(), usedforsecurity=False).hexdigest()[:8]
        name = _NOT_SPEAKER.sub("-", speaker)
        number = self._numbers[f"{name}/{token.word}"]
        self._numbers[f"{name}/{token.word}"] += 1
        self._counts[token.word] += 1
        path = Path(token.word) / f"{name}_nohash_{number}.wav"
        (self._out / token.word).mkdir(exist_ok=True)
        soundfile.write(self._out / path, clip, RATE)
        heard, score = self._listen(clip, token.word)
        times = {key: round(value, 3) for key, value in asdict(token).items() if key != "word"}
        known = {key: row[key] for key in ("corpus", "licence") if key in row}
        return {
            "audio": str(path),
            "word": token.word,
            "text": token.word,
            "speaker": speaker,
            "split": row.get("split") or "train",
            "source": source,
            **times,
            "heard": heard,
            "heard_score": score,
            **known,
        }

    def _listen(self, clip: Samples, word: str) -> tuple[str | None, float | None]:
        """Return what the classifier hears, for a word that it knows."""
        if self._classifier is None or word not in self._classifier.labels:
            return None, None
        answer = self._classifier.classify(Segment(clip, 0, speech_start=0, speech_end=len(clip)))
        return answer.label, round(answer.score, 3)


def _read(manifests: Sequence[Path], split: str) -> Iterator[tuple[Path, list[Row]]]:
    """Yield the folder and the rows with a text of each manifest.

    Raises:
        ConfigError: two folders have one name.
        DataError: there is no row with a text.
    """
    folders = [path.parent if path.suffix == ".jsonl" else path for path in manifests]
    twice = [name for name, n in Counter(folder.name for folder in folders).items() if n > 1]
    if twice:
        raise ConfigError(f"two manifests lie in folders named {twice[0]}", fix="rename one, or mine them one by one")
    total = 0
    for folder, path in zip(folders, manifests, strict=True):
        rows = read_manifest(folder) if path.is_dir() or path.name == "manifest.jsonl" else _named(path)
        if any("audio" not in row for row in rows):
            raise DataError(f"{path}: a row without `audio`", fix='each line is {"audio": ..., "text": ...}')
        rows = [row for row in rows if row.get("text") and split in ("all", row.get("split") or "train")]
        total += len(rows)
        yield folder, rows
    if not total:
        raise DataError(f"no recording of the split {split} has a text", fix="give transcribed speech, or --split all")


def _named(path: Path) -> list[Row]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}", fix="give a manifest.jsonl or its folder") from error


def _check(settings: MineSettings, recogniser: CtcRecognizer) -> None:
    for word in settings.words:
        if not word or normalise(word) != word or " " in word or not set(word) <= set(recogniser.letters):
            raise ConfigError(f"{word!r} is no word in small letters", fix="give --words yes,no,stop")


def _same_settings(out: Path, settings: MineSettings, recogniser: CtcRecognizer) -> None:
    """Refuse a folder that holds clips of other settings."""
    path = out / "mine.json"
    record = json.loads(json.dumps({**asdict(settings), "alphabet": list(recogniser.alphabet.labels)}))
    if not path.exists():
        path.write_text(json.dumps(record) + "\n", encoding="utf-8")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    differing = sorted(key for key in record if before.get(key) != record[key])
    if differing:
        raise ConfigError(
            f"{out} was begun with another {', '.join(differing)}", fix="take another --out or the former settings"
        )


def _done(path: Path) -> dict[str, list[Row]]:
    """Return the clips of each recording that was searched; a line that was cut short is dropped."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith("}\n")]
    if len(whole) < len(lines):
        path.write_text("".join(whole), encoding="utf-8")
    return {record["source"]: record["clips"] for record in map(json.loads, whole)}


def score_report(rows: Sequence[Row]) -> str:
    """Return how often the classifier hears the word, by the score of the alignment: what --least-score buys."""
    checked = [row for row in rows if row["heard"] is not None]
    lines = []
    for low, high in ((0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.01)):
        part = [row["heard"] == row["word"] for row in checked if low <= row["score"] < high]
        if part:
            lines.append(f"  score {low:.2f} to {min(high, 1):.2f}: {np.mean(part):.0%} of {len(part)} heard again")
    return "\n".join(lines)
