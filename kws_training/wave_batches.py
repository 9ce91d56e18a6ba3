"""Batches of one-second clips as raw samples, for networks on the waveform (M5, M18: arXiv 1610.00087)."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.batches import shares
from kws_training.dataset import NOISE, UNKNOWN_LABEL, Dataset, read_dataset
from kws_training.feature_store import SETTINGS, Clip
from kws_training.sample_store import SampleStore
from kws_training.settings import CommandsRecipe
from kws_training.waveforms import Waves, moved, with_gain, with_noise
from voice.errors import DataError

Labels = npt.NDArray[np.int64]
_TALKERS = 5
_HOP_SECONDS = SETTINGS.hop / SETTINGS.rate
"""A recipe gives shifts in frames."""


class WaveData:
    """The raw samples that `prepare` kept.

    Args:
        work: the folder of the stores.
        rate: that the network wants, Hz.

    Raises:
        DataError: there are none, or they have another rate.
    """

    def __init__(self, work: Path, rate: int) -> None:
        self.dataset: Dataset = read_dataset(work)
        self.store = SampleStore(work / "samples")
        self.rate = rate
        if self.store.rate != rate:
            raise DataError(
                f"{work}: samples at {self.store.rate} Hz, the network wants {rate} Hz",
                fix=f"prepare the data again with --samples-rate {rate}, and another --work",
            )

    def second(self, clip: Clip, rng: np.random.Generator | None = None) -> Waves:
        """Return one second of a clip, shape (rate,): from its start, or from anywhere; zeros follow a shorter one."""
        spare = max(0, clip.n_frames - self.rate)
        start = clip.start + (0 if rng is None else int(rng.integers(spare + 1)))
        samples = self.store.samples[start : min(start + self.rate, clip.stop)].astype(np.float32) / 32768
        return np.pad(samples, (0, self.rate - len(samples)))

    def fixed(self, split: str, *, apart: bool = False) -> tuple[Waves, Labels]:
        """Return every clip of a split that has a label, shape (clips, rate), and the index of its word.

        Args:
            split: train, dev or test.
            apart: indices of targets, where each other word is one.
        """
        index = self.dataset.target_of if apart else self.dataset.label_of
        clips = [clip for clip in self.store.select(split=split) if index(clip.label) is not None]
        waves = np.zeros((len(clips), self.rate), np.float32)
        for row, clip in zip(waves, clips, strict=True):
            row[:] = self.second(clip)
        return waves, np.array([index(clip.label) for clip in clips], np.int64)

    def validation(self, seed: int = 0) -> tuple[Waves, Labels]:
        """Return the validation speakers' clips and targets, with as much silence as an average word."""
        waves, labels = self.fixed("dev", apart=True)
        n_special, silence = self.dataset.n_special, self.dataset.silence
        spoken = labels != (-1 if silence is None else silence)
        parts: list[tuple[Any, Any]] = [(waves[spoken], labels[spoken])]
        if silence is not None:
            rng = np.random.default_rng(seed)
            n_words = int(((labels >= n_special) & (labels < len(self.dataset.labels))).sum())
            n_silent = max(1, round(n_words / len(self.dataset.words)))
            noise = self.store.select(split="dev", label=NOISE)
            silent = np.stack([self.second(noise[rng.integers(len(noise))], rng) for _ in range(n_silent)])
            parts.append((with_gain(silent, rng.uniform(-30, 0, n_silent)), np.full(n_silent, silence, np.int64)))
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


class WaveBatches:
    """Varied training batches; batch number n is the same whenever and wherever it is made.

    Args:
        data: the clips.
        recipe: shares and augmentation.
        seed: of the random numbers.
    """

    def __init__(self, data: WaveData, recipe: CommandsRecipe, seed: int) -> None:
        self._data, self._recipe, self._seed = data, recipe, seed
        dataset = data.dataset
        self._targets = dataset.targets
        by_word: dict[str, list[Clip]] = {}
        for clip in data.store.select(split="train"):
            by_word.setdefault(clip.label, []).append(clip)
        self._noise = by_word.pop(NOISE)
        self._words = by_word
        self._others = [
            word
            for word in (*dataset.other_words, UNKNOWN_LABEL)
            if word in by_word and word not in recipe.unseen
        ]  # fmt: skip
        self._shares = shares(dataset, recipe)

    def __call__(self, number: int) -> tuple[Waves, npt.NDArray[np.float32]]:
        """Return clips (batch, rate) and one-hot targets (batch, targets) of a batch."""
        rng, settings, augment = np.random.default_rng((self._seed, number)), self._recipe, self._recipe.augment
        size, rate = settings.optimiser.batch, self._data.rate
        drawn = [self._draw(rng, int(label)) for label in rng.choice(len(self._shares), size, p=self._shares)]
        targets = np.array([target for target, _ in drawn])
        clips = np.stack([wave for _, wave in drawn])
        far = rng.random(size) < 0.25
        reach = np.where(far, augment.far_shift_frames, augment.shift_frames) * _HOP_SECONDS * rate
        speed = 1 + rng.uniform(-augment.speed, augment.speed, size)
        varied = moved(clips, np.rint(rng.uniform(-1, 1, size) * reach), speed)
        noisy = rng.random(size) < augment.noise_share
        snr_db = np.where(noisy, rng.uniform(*augment.snr_db, size), np.inf)
        babble = rng.random(size) < augment.babble_share
        noise = np.stack([self._babble(rng) if talk else self._any(rng, self._noise) for talk in babble])
        varied = with_gain(with_noise(varied, noise, snr_db), rng.uniform(*augment.gain_db, size))
        silence = self._data.dataset.silence
        silent = targets == (-1 if silence is None else silence)
        varied[silent] = with_gain(clips[silent], rng.uniform(-45, 5, int(silent.sum())))
        return varied, np.eye(len(self._targets), dtype=np.float32)[targets]

    def _draw(self, rng: np.random.Generator, label: int) -> tuple[int, Waves]:
        if label == self._data.dataset.silence:
            return label, self._any(rng, self._noise)
        is_unknown = label == self._data.dataset.unknown
        word = self._others[rng.integers(len(self._others))] if is_unknown else self._data.dataset.labels[label]
        target = self._targets.index(word) if word in self._targets else label
        return target, self._any(rng, self._words[word])

    def _any(self, rng: np.random.Generator, clips: list[Clip]) -> Waves:
        return self._data.second(clips[rng.integers(len(clips))], rng)

    def _babble(self, rng: np.random.Generator) -> Waves:
        """Return several of the set's words at once."""
        words = list(self._words)
        talkers = [self._any(rng, self._words[words[rng.integers(len(words))]]) for _ in range(_TALKERS)]
        return np.asarray(np.mean(talkers, axis=0), np.float32)


def wave_batches(work: Path, recipe: CommandsRecipe, rate: int) -> WaveBatches:
    """Return the batches of a recipe."""
    return WaveBatches(WaveData(work, rate), recipe, recipe.optimiser.seed)
