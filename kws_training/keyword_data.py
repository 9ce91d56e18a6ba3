"""What a wake word is trained on: recordings and synthetic speech of the word, and everything that it isn't."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.corpora import Recording, keyword_split, manifest, read_samples
from kws_training.feature_store import SCALE, Bytes, audio_bytes
from kws_training.synthesis import HELD_OUT, Style, synthesise, training_styles
from voice.errors import DataError
from voice.events import RATE

COMMAND_SENTENCES = (
    "turn on the light|turn off the light|turn on the kitchen lights|set a timer for five minutes|what time is it|"
    "what is the date|stop|go|yes|no|left|right|up|down|on|off|volume up|make it louder|set the volume to forty "
    "percent|cancel the timer|how long is left|dim the bedroom lamp|help|what can you do|set the light to thirty "
    "percent|start a tea timer for three minutes|turn the volume down|is it raining outside|play some "
    "music|good morning"
).split("|")
"""What may follow a wake word in one breath."""

CONFUSABLE = {
    "computer": (
        "compute|computing|computation|commuter|commuters|pewter|come pewter|compute a sum|computed|compete|competer|"
        "commute|compost|composer|compiler|comforter|complete a|company|compared to|the neuter|tutor|a suitor|"
        "compass|come here|the future|shooter|scooter|competitor|contributor|come through to|can you|confuse her|"
        "compute the|completer|complainer|come put her|disputer|reputed|impute her"
    ).split("|")
}
"""Near misses by wake word; a word that isn't listed is trained without."""


def recordings(folders: list[Path]) -> list[Recording]:
    """Return the recordings in folders, one for each distinct take, split by `keyword_split`.

    A `manifest.jsonl` beside a folder, as in the data pack, gives speakers and copies; without it a file is a take.

    Raises:
        DataError: a folder holds no audio.
    """
    found: list[Recording] = []
    seen: set[str] = set()
    for folder in folders:
        rows = {}
        if (folder.parent / "manifest.jsonl").exists():
            rows = {folder.parent / row["audio"]: row for row in manifest(folder.parent)}
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".wav", ".flac", ".ogg", ".mp3"})
        if not paths:
            raise DataError(f"{folder} holds no audio", fix="give a folder of WAV, FLAC, OGG or MP3 recordings")
        for path in paths:
            row = rows.get(path, {})
            take = row.get("recording") or path.stem
            if take not in seen:
                seen.add(take)
                group = row.get("speaker") or take
                found.append(Recording(path, folder.name, keyword_split(group), group, row.get("end")))
    return found


def word_entries(found: list[Recording]) -> Iterator[tuple[dict[str, Any], Bytes]]:
    """Yield store entries of recordings that hold the word once; its end is found by level where nobody noted it."""
    for recording in found:
        frames = audio_bytes(read_samples(recording.path))
        end = word_end(frames) if recording.end is None else round(recording.end * RATE / 160)
        yield (
            {
                "label": "keyword",
                "split": recording.split,
                "group": recording.group,
                "name": recording.path.stem,
                "keyword_end": end,
            },
            frames,
        )


def word_end(frames: Bytes, longest_gap: int = 18) -> int:
    """Return the frame at which the loudest stretch of a clip ends.

    A frame speaks when its level lies in the upper two thirds between the clip's floor (10th percentile) and its peak,
    in decibels; pauses up to `longest_gap` frames join. A clip of one level gives -1.
    """
    level = np.log(np.exp(frames.astype(np.float32) / SCALE).sum(axis=1))
    level = np.convolve(level, np.ones(5) / 5, mode="same")
    floor, peak = np.quantile(level, 0.1), level.max()
    speaking = np.flatnonzero(level > floor + 0.35 * (peak - floor))
    if len(speaking) == 0:
        return -1
    at = int(np.searchsorted(speaking, int(level.argmax())))
    while at + 1 < len(speaking) and speaking[at + 1] - speaking[at] <= longest_gap:
        at += 1
    return int(speaking[at]) + 1


def synthetic_entries(
    word: str, *, n_words: int, n_sentences: int, n_confusable: int, seed: int, n_processes: int = 1
) -> Iterator[tuple[dict[str, Any], Bytes]]:
    """Yield store entries of synthetic speech: the word alone, the word and a command in one breath, near misses.

    The five held-out voices say the word and three commands each, as split `test`.
    """
    rng = np.random.default_rng(seed)
    jobs: list[tuple[str, str, str, Style]] = []
    for style in training_styles(rng, n_words):
        jobs.append((word, "", "train", style))
    for style in training_styles(rng, n_sentences):
        jobs.append((word, str(rng.choice(COMMAND_SENTENCES)), "train", style))
    near = [*CONFUSABLE.get(word, ()), *COMMAND_SENTENCES]
    for style in training_styles(rng, n_confusable):
        text = f"{rng.choice(near)} {rng.choice(COMMAND_SENTENCES)}" if rng.random() < 0.4 else str(rng.choice(near))
        jobs.append(("", text, "train", style))
    for voice in HELD_OUT:
        for pace in (140, 165, 190):
            jobs.append((word, "", "test", Style(voice, pace)))
            jobs += [(word, sentence, "test", Style(voice, pace)) for sentence in COMMAND_SENTENCES[:4]]
    with ProcessPoolExecutor(n_processes) as pool:
        for fields, frames in pool.map(_say, jobs, chunksize=20):
            if fields["label"] != "keyword" or fields["keyword_end"] > 0:  # some variants are silent
                yield fields, frames


def _say(job: tuple[str, str, str, Style]) -> tuple[dict[str, Any], Bytes]:
    """Say a job; the word's end inside a sentence comes from the same voice saying it alone, less final lengthening."""
    word, sentence, split, style = job
    silence = np.zeros(RATE // 4, np.float32)
    spoken = np.concatenate([silence, synthesise(f"{word} {sentence}".strip(), style), silence])
    frames = audio_bytes(spoken)
    end = -1
    if word and not sentence:
        end = word_end(frames)
    elif word:
        alone = audio_bytes(np.concatenate([silence, synthesise(word, style), silence]))
        first, first_alone = _onset(frames), _onset(alone)
        end = first + round(0.93 * (word_end(alone) - first_alone))
    label = "keyword" if word else "near-miss"
    kind = "sentence" if word and sentence else "word"
    name = f"{style.voice} {style.words_per_minute} {kind} {word} {sentence}".strip()
    return {"label": label, "split": split, "group": style.voice, "name": name, "keyword_end": end}, frames


def _onset(frames: Bytes) -> int:
    level = frames.mean(axis=1)
    return int(np.argmax(level > level.min() + 0.25 * (level.max() - level.min())))
