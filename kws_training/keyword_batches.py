"""Batches for a wake word: windows that end just after the word against every other window."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws_training.augment import Batch, add_noise, disturb, move, warp_frequency
from kws_training.feature_store import FLOOR, SETTINGS, Bytes, Clip, FeatureStore, to_logmel
from kws_training.settings import KeywordRecipe
from kws_training.windows import window

Windows = npt.NDArray[np.uint8]
_TALK_SHARE = 0.15  # of the clips have other speech under them
_SILENCE_AFTER = 45  # frames: a synthetic clip that goes on for longer after the word says a command


class Source:
    """Clips of one kind.

    Args:
        store: where the frames are.
        clips: which of its clips.
        length: frames of a window.
    """

    def __init__(self, store: FeatureStore, clips: list[Clip], length: int) -> None:
        self.store, self.clips, self.length = store, clips, length
        self.hard: list[Clip] = []
        """Those to be drawn more often."""

    def any(self, rng: np.random.Generator) -> Clip:
        """Return a random clip."""
        return self.clips[rng.integers(len(self.clips))]

    def any_hard(self, rng: np.random.Generator) -> Clip:
        """Return a random clip, a fifth of the time a hard one."""
        few = bool(self.hard) and rng.random() < 0.2
        return self.hard[rng.integers(len(self.hard))] if few else self.any(rng)

    def ending(self, clip: Clip, end: int) -> Bytes:
        """Return the window that ends before frame `end` of a clip, digital silence where the clip has none."""
        end = max(0, end)
        frames = self.store[clip][max(0, end - self.length) : end]
        front = self.length - min(end, self.length)
        back = self.length - front - len(frames)
        if front == back == 0:
            return frames
        return np.pad(frames, ((front, back), (0, 0)), constant_values=FLOOR)

    def draw(self, rng: np.random.Generator) -> Bytes:
        """Return a random window."""
        clip = self.any(rng)
        return window(self.store[clip], rng, self.length)


class KeywordData:
    """The stores of `prepare` and `keyword`, as sources of one split.

    Args:
        work: the folder of the stores.
        recipe: the length of a window.
        word: label of its recordings among the wake words.
        split: train, dev or test.
    """

    def __init__(self, work: Path, recipe: KeywordRecipe, word: str, split: str) -> None:
        stores = {
            name: FeatureStore(work / name)
            for name in ("speech", "words", "noise", "wake", f"keyword-{word}", f"synthetic-{word}")
        }

        if (work / "more" / "clips.jsonl").exists():
            stores["more"] = FeatureStore(work / "more")

        def source(store: str, *, but: tuple[str, ...] = (), only: str | None = None) -> Source:
            clips = [clip for clip in stores[store].select(split=split) if clip.label not in but]
            kept = [clip for clip in clips if only in (None, clip.label) and clip.n_frames > 10]
            return Source(stores[store], kept, recipe.window_frames)

        self.speech = source("speech", but=(word,))
        self.running = [self.speech]
        """Running speech to mine, to draw from and to calibrate on, in shares of its clips."""
        if "more" in stores:
            self.running.append(source("more", but=(word,)))
        self.words = source("words")
        self.noise = source("noise")
        self.other_wake = source("wake", but=(word, f"hey_{word}"))
        self.real = source(f"keyword-{word}")
        self.synthetic = source(f"synthetic-{word}", only="keyword")
        self.near = source(f"synthetic-{word}", only="near-miss")

    def running_speech(self, rng: np.random.Generator) -> Bytes:
        """Return a random window of running speech, of a corpus by its number of clips."""
        number = int(rng.integers(sum(len(source.clips) for source in self.running)))
        source = self.running[0] if number < len(self.running[0].clips) else self.running[-1]
        return source.draw(rng)


class KeywordBatches:
    """Augmented training batches; batch number n is the same whenever it is made.

    Args:
        data: the training split.
        recipe: shares and augmentation.
        mined: windows that the detector took for the word, shape (n, window_frames, mels).
        seed: of the random numbers.
    """

    def __init__(self, data: KeywordData, recipe: KeywordRecipe, mined: Windows, seed: int) -> None:
        self._data, self._recipe, self._mined = data, recipe, mined
        self._seed = seed
        self._rng = np.random.default_rng(seed)

    def __call__(self, number: int) -> tuple[Batch, npt.NDArray[np.float32]]:
        """Return clips (batch, window_frames, mels) and targets (batch, 1) of a batch."""
        self._rng = rng = np.random.default_rng((self._seed, number))
        recipe, data = self._recipe, self._data
        size = recipe.optimiser.batch
        targets = rng.random(size) < recipe.positive_share
        clips = to_logmel(np.stack([self.positive() if target else self.negative() for target in targets]))
        speed = 1 + rng.uniform(-1, 1, size) * recipe.augment.speed
        # Speed is about the centre: moving by the part that the end loses keeps the word's end where it was.
        shift = (recipe.window_frames - 1) / 2 * (1 - 1 / speed)
        clips = move(clips, shift, speed)
        clips = warp_frequency(clips, 1 + rng.uniform(-1, 1, size) * recipe.augment.warp)
        clips = add_noise(clips, *self._other_talk(size))
        noise = to_logmel(np.stack([data.noise.draw(rng) for _ in targets]))
        return disturb(rng, clips, noise, recipe.augment), targets.astype(np.float32)[:, None]

    def _other_talk(self, size: int) -> tuple[Batch, npt.NDArray[np.float64]]:
        """Return running speech to lay under some clips, and the ratios in dB."""
        rng = self._rng
        talks = rng.random(size) < _TALK_SHARE
        silent = np.full((self._recipe.window_frames, SETTINGS.mels), FLOOR, np.uint8)
        talk = to_logmel(np.stack([self._data.running_speech(rng) if talking else silent for talking in talks]))
        return talk, np.where(talks, rng.uniform(4, 25, size), np.inf)

    def positive(self) -> Bytes:
        """Return a window that ends 0 to `late_frames` after the word, other speech right behind it now and then."""
        rng, data = self._rng, self._data
        source = data.real if rng.random() < self._recipe.real_share else data.synthetic
        clip = source.any_hard(rng)
        late = int(rng.integers(0, self._recipe.late_frames + 1))
        found = source.ending(clip, clip.keyword_end + late)
        if source is data.synthetic and clip.n_frames - clip.keyword_end > _SILENCE_AFTER:
            return found
        if late > 2 and rng.random() < 0.4:
            found = found.copy()
            found[-late + 2 :] = data.speech.draw(rng)[: late - 2]
        if rng.random() < 0.3:
            found = self._speech_before(found, late)
        return found

    def negative(self) -> Bytes:
        """Return a window without the word: running speech, near misses, parts of the word, other words, noise."""
        rng, data = self._rng, self._data
        kinds = ("speech", "mined", "near", "other_wake", "words", "part", "noise")
        shares = [0.38, 0.35 if len(self._mined) else 0.0, 0.10, 0.07, 0.06, 0.10, 0.04]
        kind = str(rng.choice(kinds, p=np.array(shares) / sum(shares)))
        if kind == "mined":
            return self._mined[rng.integers(len(self._mined))]
        if kind == "part":
            return self._part()
        if kind == "speech":
            return data.running_speech(rng)
        source: Source = getattr(data, kind)
        return source.draw(rng)

    def _part(self) -> Bytes:
        """Return a window that ends well before the word's end, or so long after that only its tail is left."""
        rng = self._rng
        source = self._data.real if rng.random() < self._recipe.real_share else self._data.synthetic
        clip = source.any(rng)
        early = rng.random() < 0.6
        offset = -int(rng.integers(14, 60)) if early else int(rng.integers(self._recipe.window_frames - 30, 140))
        return source.ending(clip, clip.keyword_end + offset)

    def _speech_before(self, found: Bytes, late: int) -> Bytes:
        """Return the window with running speech up to 0.75 s or more before its end, where the clip only has noise."""
        rng = self._rng
        keep = int(rng.integers(78, 95)) + late
        before = self._recipe.window_frames - keep
        if before <= 0:
            return found
        mixed = found.copy()
        mixed[:before] = self._data.speech.draw(rng)[-before:]
        return mixed


def validation(data: KeywordData, recipe: KeywordRecipe, seed: int = 0) -> tuple[Batch, npt.NDArray[np.float32]]:
    """Return windows of the dev split and targets: every recording at three ends, running speech and near misses."""
    rng = np.random.default_rng(seed)
    positive = [data.real.ending(clip, clip.keyword_end + late) for clip in data.real.clips for late in (3, 7, 11)]
    negative = [data.speech.draw(rng) for _ in range(4000)] + [data.other_wake.draw(rng) for _ in range(500)]
    targets = np.array([1.0] * len(positive) + [0.0] * len(negative), np.float32)[:, None]
    return to_logmel(np.stack([*positive, *negative])), targets
