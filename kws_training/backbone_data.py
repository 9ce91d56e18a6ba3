"""What the backbone learns from: utterances with their phones, in batches of about the same audio length."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.augment import SILENCE, Batch, disturb, move, warp_frequency
from kws_training.corpora import further_speech, running_speech
from kws_training.feature_store import SETTINGS, Bytes, Clip, FeatureStore, to_logmel
from kws_training.pronounce import installed_pronouncer
from kws_training.settings import BackboneRecipe
from kws_training.windows import looped
from voice.decoding.phones import PHONES
from voice.text import normalise

PhonesOf = Callable[[str], list[int]]
"""CTC labels (1 and more) of a normalised text; none where it can't be pronounced."""
_NOISE_TALK = 0.1  # share of the rows with other speech under them
_EVERY_PHONE = 1.25  # label frames for a phone: CTC needs one for each and one between two equal ones


def phones_of() -> PhonesOf:
    """Return what pronounces texts of dictionary words, each as it is usually said."""
    dictionary = installed_pronouncer().dictionary
    index = {phone: label for label, phone in enumerate(PHONES, 1)}

    def labels(text: str) -> list[int]:
        words = [dictionary.get(word) for word in text.split()]
        return [index[phone] for said in words if said for phone in said[0]] if all(words) else []

    return labels


@dataclass(frozen=True, slots=True)
class Utterance:
    """A clip and what is said in it."""

    store: str
    clip: Clip
    phones: tuple[int, ...]


def utterances(
    data: Path,
    work: Path,
    more: Sequence[Path],
    recipe: BackboneRecipe,
    phones_of: PhonesOf,
    split: str,
    skip: Sequence[Path] = (),
) -> list[Utterance]:
    """Return every clip of the stores in `work` that has a text of known words, of one split.

    Args:
        data: the unpacked data pack, for its texts.
        work: the stores that `prepare` wrote.
        more: the folders of further speech that `prepare` was given.
        recipe: `unseen`: wake words that are kept out, so that they can be tried as new ones.
        phones_of: pronounces a text.
        split: train, dev or test.
        skip: the lists that `prepare` was given.
    """
    texts: dict[str, Mapping[tuple[str, str], str]] = {
        "speech": {(r.group, r.path.stem): text for r, text in running_speech(data) if text},
        "more": {(r.group, r.path.stem): text for r, text in further_speech(more, skip) if text},
    }
    known: dict[str, tuple[int, ...]] = {}
    found = []
    for name in ("speech", "more", "words", "images", "wake", *recipe.synthetic):
        if not (work / name / "clips.jsonl").exists():
            continue
        for clip in FeatureStore(work / name).select(split=split):
            text = _text(name, clip, texts, recipe)
            if text and text not in known:
                known[text] = tuple(phones_of(normalise(text)))
            phones = known.get(text, ())
            enough = clip.n_frames / recipe.network.stride >= _EVERY_PHONE * len(phones)
            if phones and enough and clip.n_frames <= recipe.longest_frames:
                found.append(Utterance(name, clip, phones))
    return found


def _text(name: str, clip: Clip, texts: Mapping[str, Any], recipe: BackboneRecipe) -> str:
    if name in texts:
        return str(texts[name].get((clip.group, clip.name), ""))
    if name == "wake":
        sentence = clip.label.endswith("_in_sentence") or clip.label in ("negative", *recipe.unseen)
        return "" if sentence else clip.label.replace("_", " ")
    return clip.name if name in recipe.synthetic else clip.label


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a batch: an utterance, or words one behind the other."""

    frames: Bytes
    phones: tuple[int, ...]


class BackboneBatches:
    """Augmented batches; batch number n is the same whenever it is made.

    Every batch is made alike, utterances of about one length beside rows of single words of that length: batch
    normalisation then learns the means that it will use.

    Args:
        work: the folder of the stores.
        found: what to draw from.
        recipe: shares, length of a batch, augmentation.
    """

    def __init__(self, work: Path, found: Sequence[Utterance], recipe: BackboneRecipe) -> None:
        self._recipe = recipe
        self._stores = {name: FeatureStore(work / name) for name in {*(u.store for u in found), "noise"}}
        self._noise = self._stores["noise"].select(split="train")
        self._long = [u for u in found if u.store not in recipe.words]
        self._words = [[u for u in found if u.store == name] for name in recipe.words]
        self._words = [words for words in self._words if words]
        self._lengths = np.array([u.clip.n_frames for u in self._long])
        self._plan: tuple[int, list[list[int]]] = (-1, [])
        self._per_epoch = len(self._epoch(0))

    def __call__(self, number: int) -> tuple[Batch, npt.NDArray[np.int32]]:
        """Return features (batch, time, mels) and labels as `CtcLoss` takes them: label frames, then the phones."""
        epoch, place = divmod(number, self._per_epoch)
        if self._plan[0] != epoch:
            self._plan = (epoch, self._epoch(epoch))
        chosen = [self._long[i] for i in self._plan[1][place % len(self._plan[1])]]
        rng = np.random.default_rng((self._recipe.optimiser.seed, number))
        rows = [_Row(self._stores[u.store][u.clip], u.phones) for u in chosen]
        longest = max(len(row.frames) for row in rows)
        n_words = round(self._recipe.batch_frames / longest) - len(rows) if self._words else 0
        rows += [self._several(rng, longest) for _ in range(n_words)]
        return self._augmented(rng, rows)

    def _several(self, rng: np.random.Generator, n_frames: int) -> _Row:
        """Return single words of random sources, one behind the other, up to a length."""
        frames, phones = [], []
        while True:
            words = self._words[rng.integers(len(self._words))]
            word = words[rng.integers(len(words))]
            if frames and sum(map(len, frames)) + word.clip.n_frames > n_frames:
                return _Row(np.concatenate(frames), tuple(phones))
            frames.append(self._stores[word.store][word.clip])
            phones += word.phones

    def _epoch(self, epoch: int) -> list[list[int]]:
        """Return the utterances of an epoch in batches, in random order; the first epochs have short ones only."""
        recipe = self._recipe
        rng = np.random.default_rng((recipe.optimiser.seed, 7, epoch))
        shares = np.array([recipe.shares.get(utterance.store, 1.0) for utterance in self._long])
        most = recipe.short_frames if epoch < recipe.short_epochs else recipe.longest_frames
        drawn = np.flatnonzero((rng.random(len(shares)) < shares) & (self._lengths <= most))
        order = drawn[np.argsort(self._lengths[drawn] * rng.uniform(0.93, 1.07, len(drawn)))]
        limit = recipe.batch_frames * (1 - recipe.words_share)
        batches: list[list[int]] = [[]]
        for i in order:
            if len(batches[-1]) and (len(batches[-1]) + 1) * self._lengths[i] > limit:
                batches.append([])
            batches[-1].append(int(i))
        return [batches[i] for i in rng.permutation(len(batches))]

    def _augmented(self, rng: np.random.Generator, rows: list[_Row]) -> tuple[Batch, npt.NDArray[np.int32]]:
        settings, stride = self._recipe.augment, self._recipe.network.stride
        n_clips = len(rows)
        speed = 1 + rng.uniform(-settings.speed, settings.speed, n_clips)
        before = rng.integers(0, self._recipe.silence_frames + 1, n_clips)
        lengths = np.array([len(row.frames) for row in rows])
        spans = np.ceil(lengths / speed).astype(int) + before
        n_frames = -(-int(max(spans.max(), lengths.max()) + 8) // (4 * stride)) * 4 * stride
        clips = np.full((n_clips, n_frames, SETTINGS.mels), SILENCE, np.float32)
        for clip, row in zip(clips, rows, strict=True):
            clip[: len(row.frames)] = to_logmel(row.frames)
        centre = (n_frames - 1) / 2  # move() plays about the centre: so the clip begins at `before`
        clips = move(clips, before - centre * (1 - 1 / speed), speed)
        clips = warp_frequency(clips, 1 + rng.uniform(-settings.warp, settings.warp, n_clips))
        noise = np.stack([self._noise_of(rng, n_frames) for _ in rows])
        clips = disturb(rng, clips, noise, settings)
        n_labels = np.minimum(-(-(spans + 8) // stride), n_frames // stride)
        least = [round(_EVERY_PHONE * len(row.phones)) + 1 for row in rows]  # for a clip that became too fast
        n_labels = np.minimum(n_frames // stride, np.maximum(n_labels, least))
        return clips, labels_of([row.phones for row in rows], n_labels)

    def _noise_of(self, rng: np.random.Generator, n_frames: int) -> Batch:
        if rng.random() < _NOISE_TALK:
            other = self._long[rng.integers(len(self._long))]
            frames = self._stores[other.store][other.clip]
        else:
            clip = self._noise[rng.integers(len(self._noise))]
            frames = self._stores["noise"][clip]
        return to_logmel(looped(frames, rng, n_frames))


def labels_of(phones: Sequence[Sequence[int]], n_labels: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return rows of label frames and phones, padded with zeros, shape (batch, 1 + most phones)."""
    rows = np.zeros((len(phones), 1 + max(map(len, phones))), np.int32)
    for row, labels, n in zip(rows, phones, n_labels, strict=True):
        row[0] = n
        row[1 : 1 + len(labels)] = labels
    return rows


def held_out(
    work: Path, found: Sequence[Utterance], recipe: BackboneRecipe, most: int = 400
) -> tuple[Batch, npt.NDArray[np.int32]]:
    """Return dev utterances of running speech, not altered, padded to one length, and their labels."""
    short = [u for u in found if u.clip.n_frames <= recipe.dev_frames and u.store in ("speech", "more")]
    rng = np.random.default_rng(0)
    chosen = [short[i] for i in rng.permutation(len(short))[:most]]
    stores = {u.store: FeatureStore(work / u.store) for u in chosen}
    clips = np.full((len(chosen), recipe.dev_frames, SETTINGS.mels), SILENCE, np.float32)
    for clip, u in zip(clips, chosen, strict=True):
        clip[: u.clip.n_frames] = to_logmel(stores[u.store][u.clip])
    n_labels = np.array([-(-u.clip.n_frames // recipe.network.stride) for u in chosen])
    return clips, labels_of([u.phones for u in chosen], n_labels)
