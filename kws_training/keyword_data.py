"""What a wake word is trained on: recordings and synthetic speech of the word, and everything that it isn't."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.corpora import Recording, keyword_split, manifest, read_samples
from kws_training.feature_store import SCALE, Bytes, audio_bytes
from kws_training.near_phrases import NearPhrases
from kws_training.pronounce import installed_pronouncer
from kws_training.synthesis import Style, fluent_styles, resample, synthesise, training_styles
from kws_training.word_rates import shipped_rates
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

_FOLLOWING = (
    "add milk to the list|play jazz|what's the weather|who is there|where am I|open the door|close the blinds|lock up|"
    "unlock the garage|brighten the hall|tell me a joke|show me the news|remind me at six|wake me up|call mom|find my "
    "phone|read the news|start the washing machine|pause|resume|skip this song|next|previous|mute|louder please|is it "
    "late|are we there|can you hear me|could you help|would you stop|do it again|does it rain|how are you|when is "
    "dinner|why not|please be quiet|give me five minutes|get the door|make coffee|put it on|change the channel|switch "
    "on the fan|a little warmer|all lights off|everything off|it's dark in here|I'm cold|let's go|never mind|okay|"
    "repeat that|quiet|under the table|zero|eight|movie time|good night|kitchen light|thank you|young people"
).split("|")
_LEADING = ("hey", "hey", "okay", "so", "well", "and", "please", "good morning", "listen", "I said", "hello")


def near_texts(phrase: str, seed: int, n: int = 300) -> list[str]:
    """Return phrases that sound nearly like a wake word, from the pronunciation dictionary.

    Raises:
        ConfigError, DataError: the phrase can't be pronounced.
    """
    pronouncer = installed_pronouncer()
    near = NearPhrases(pronouncer, shipped_rates()).around(pronouncer.pronounce(phrase), n=n, seed=seed)
    return [found.text for found in near]


def recordings(folders: list[Path]) -> list[Recording]:
    """Return the recordings in folders, one for each distinct take, split by `keyword_split`.

    A `manifest.jsonl` beside a folder, as in the data pack, gives speakers and copies; without it a file is a take.

    Raises:
        DataError: there is no such folder, or it holds no audio.
    """
    found: list[Recording] = []
    seen: set[str] = set()
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"there is no folder {folder}", fix="name the folder of the takes")
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


def word_entries(found: list[Recording], tracts: tuple[float, ...] = (1.0,)) -> Iterator[tuple[dict[str, Any], Bytes]]:
    """Yield store entries of recordings that hold the word once; its end is found by level where nobody noted it.

    Args:
        found: the recordings.
        tracts: factors that training recordings are resampled by, which moves pitch and formants.
    """
    for recording in found:
        samples = read_samples(recording.path)
        for tract in tracts if recording.split == "train" else (1.0,):
            frames = audio_bytes(resample(samples, tract))
            end = word_end(frames) if recording.end is None else round(recording.end / tract * RATE / 160)
            yield (
                {
                    "label": "keyword",
                    "split": recording.split,
                    "group": recording.group,
                    "name": f"{recording.path.stem} {tract:g}",
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


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a voice is to say: the word with what stands around it, or, without a word, only `after`."""

    word: str
    before: str = ""
    after: str = ""
    pause: bool = False
    """A comma behind the word."""

    def text(self, *, cut: bool = False) -> str:
        """Return the text; `cut`: up to the word."""
        word = f"{self.word}," if self.pause and self.after and not cut else self.word
        return " ".join(part for part in (self.before, word, "" if cut else self.after) if part)


def synthetic_entries(  # noqa: PLR0913 - how much of each kind
    word: str,
    near: Sequence[str],
    *,
    n_words: int,
    n_sentences: int,
    n_confusable: int,
    seed: int,
    n_fluent: int = 0,
    neural: Sequence[str] = (),
    n_processes: int = 1,
) -> Iterator[tuple[dict[str, Any], Bytes]]:
    """Yield store entries of synthetic speech: the word alone, the word and a command in one breath, near misses.

    The near misses are `near`, phrases that sound alike, with and without a command behind them, and commands alone.
    Last come `n_fluent` further sentences with the word, by the voices that speak most like people. Piper's voices,
    `neural`, say their share of all. The five held-out voices say nothing here: they judge, in
    `benchmarks/wake_word.py`.
    """
    rng = np.random.default_rng(seed)
    phrases = [_with_word(rng, word, sentence=False) for _ in range(n_words)]
    phrases += [_with_word(rng, word, sentence=True) for _ in range(n_sentences)]
    phrases += [_near_miss(rng, near) for _ in range(n_confusable)]
    jobs = list(zip(phrases, training_styles(rng, len(phrases), neural=neural), strict=True))
    fluent = [_with_word(rng, word, sentence=True) for _ in range(n_fluent)]
    jobs += zip(fluent, fluent_styles(rng, n_fluent, neural), strict=True)
    with ProcessPoolExecutor(n_processes) as pool:
        for fields, frames in pool.map(say_phrase, jobs, chunksize=20):
            if fields["label"] != "keyword" or fields["keyword_end"] > 0:  # some variants are silent
                yield fields, frames


def _with_word(rng: np.random.Generator, word: str, *, sentence: bool) -> Phrase:
    before = str(rng.choice(_LEADING)) if rng.random() < _LED else ""
    after = str(rng.choice([*COMMAND_SENTENCES, *_FOLLOWING])) if sentence else ""
    return Phrase(word, before, after, pause=bool(rng.random() < _PAUSED))


def _near_miss(rng: np.random.Generator, near: Sequence[str]) -> Phrase:
    after = str(rng.choice(near if len(near) and rng.random() < _NEAR else COMMAND_SENTENCES))
    if rng.random() < 0.5:
        after = f"{after} {rng.choice([*COMMAND_SENTENCES, *_FOLLOWING])}"
    return Phrase("", str(rng.choice(_LEADING)) if rng.random() < _LED else "", after)


def say_phrase(job: tuple[Phrase, Style]) -> tuple[dict[str, Any], Bytes]:
    """Return a spoken phrase as a store takes it; a word in a sentence ends where the same voice stops there."""
    phrase, style = job
    frames = _spoken(phrase.text(), style)
    end = -1
    if phrase.word and not phrase.after:
        end = word_end(frames)
    elif phrase.word:
        alone = _spoken(phrase.text(cut=True), style)
        final = 1.0 if phrase.pause else _FINAL_LENGTHENING
        end = _onset(frames) + round((word_end(alone) - _onset(alone)) / final)
    label = "keyword" if phrase.word else "near-miss"
    name = f"{style.voice} {style.words_per_minute} {style.pitch} {style.tract} {phrase.text()}"
    return {"label": label, "split": "train", "group": style.voice, "name": name, "keyword_end": end}, frames


def _spoken(text: str, style: Style) -> Bytes:
    silence = np.zeros(RATE // 4, np.float32)
    return audio_bytes(np.concatenate([silence, synthesise(text, style), silence]))


def _onset(frames: Bytes) -> int:
    level = frames.mean(axis=1)
    return int(np.argmax(level > level.min() + 0.25 * (level.max() - level.min())))


_LED, _PAUSED, _NEAR = 0.15, 0.3, 0.8  # shares of the phrases
_FINAL_LENGTHENING = 1.08
"""How much longer a word is before a pause."""
