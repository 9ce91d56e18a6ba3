"""What the backbone learns from: utterances with their phones, in batches of about the same audio length."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.augment import SILENCE, Batch, disturb, move, warp_frequency
from kws_training.corpora import further_speech, manifest, running_speech
from kws_training.feature_store import SETTINGS, Clip, FeatureStore, to_logmel
from kws_training.settings import BackboneRecipe
from kws_training.windows import window
from voice.text import normalise

PhonesOf = Callable[[str], list[int]]
"""CTC labels (1 and more) of a normalised text; none where it can't be pronounced."""
_NOISE_TALK = 0.1  # share of the utterances with other speech under them
_EVERY_PHONE = 1.25  # label frames for a phone: CTC needs one for each and one between two equal ones


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


class BackboneBatches:
    """Augmented batches of utterances of about one length; batch number n is the same whenever it is made.

    Args:
        work: the folder of the stores.
        found: what to draw from.
        recipe: shares, length of a batch, augmentation.
    """

    def __init__(self, work: Path, found: Sequence[Utterance], recipe: BackboneRecipe) -> None:
        self._recipe, self._found = recipe, found
        names = {utterance.store for utterance in found}
        self._stores = {name: FeatureStore(work / name) for name in (*names, "noise")}
        self._noise = self._stores["noise"].select(split="train")
        self._talk = [u for u in found if u.store in ("speech", "more")]
        self._plan: tuple[int, list[list[int]]] = (-1, [])
        self._lengths = np.array([u.clip.n_frames for u in found])
        self._per_epoch = len(self._epoch(0))

    def __call__(self, number: int) -> tuple[Batch, npt.NDArray[np.int32]]:
        """Return features (batch, time, mels) and labels as `CtcLoss` takes them: label frames, then the phones."""
        epoch, place = divmod(number, self._per_epoch)
        if self._plan[0] != epoch:
            self._plan = (epoch, self._epoch(epoch))
        chosen = [self._found[i] for i in self._plan[1][place % len(self._plan[1])]]
        rng = np.random.default_rng((self._recipe.optimiser.seed, number))
        return self._augmented(rng, chosen)

    def _epoch(self, epoch: int) -> list[list[int]]:
        """Return the utterances of an epoch in batches, in random order."""
        rng = np.random.default_rng((self._recipe.optimiser.seed, 7, epoch))
        shares = np.array([self._recipe.shares.get(utterance.store, 1.0) for utterance in self._found])
        drawn = np.flatnonzero(rng.random(len(shares)) < shares)
        order = drawn[np.argsort(self._lengths[drawn] * rng.uniform(0.93, 1.07, len(drawn)))]
        batches: list[list[int]] = [[]]
        for i in order:
            if len(batches[-1]) and (len(batches[-1]) + 1) * self._lengths[i] > self._recipe.batch_frames:
                batches.append([])
            batches[-1].append(int(i))
        return [batches[i] for i in rng.permutation(len(batches))]

    def _augmented(self, rng: np.random.Generator, chosen: list[Utterance]) -> tuple[Batch, npt.NDArray[np.int32]]:
        settings, stride = self._recipe.augment, self._recipe.network.stride
        n_clips = len(chosen)
        speed = 1 + rng.uniform(-settings.speed, settings.speed, n_clips)
        before = rng.integers(0, self._recipe.silence_frames + 1, n_clips)
        lengths = np.array([u.clip.n_frames for u in chosen])
        spans = np.ceil(lengths / speed).astype(int) + before
        n_frames = -(-int(max(spans.max(), lengths.max()) + 8) // (4 * stride)) * 4 * stride
        clips = np.full((n_clips, n_frames, SETTINGS.mels), SILENCE, np.float32)
        for i, u in enumerate(chosen):
            clips[i, : u.clip.n_frames] = to_logmel(self._stores[u.store][u.clip])
        centre = (n_frames - 1) / 2  # move() plays about the centre: so the clip begins at `before`
        clips = move(clips, before - centre * (1 - 1 / speed), speed)
        clips = warp_frequency(clips, 1 + rng.uniform(-settings.warp, settings.warp, n_clips))
        noise = np.stack([self._noise_of(rng, n_frames) for _ in chosen])
        clips = disturb(rng, clips, noise, settings)
        n_labels = np.minimum(-(-(spans + 8) // stride), n_frames // stride)
        for i, u in enumerate(chosen):  # a slow voice's clip has room for its phones, a fast one's may not
            n_labels[i] = min(n_frames // stride, max(n_labels[i], round(_EVERY_PHONE * len(u.phones)) + 1))
        return clips, labels_of(chosen, n_labels)

    def _noise_of(self, rng: np.random.Generator, n_frames: int) -> Batch:
        if rng.random() < _NOISE_TALK:
            other = self._talk[rng.integers(len(self._talk))]
            frames = self._stores[other.store][other.clip]
        else:
            clip = self._noise[rng.integers(len(self._noise))]
            frames = self._stores["noise"][clip]
        if len(frames) < n_frames:
            frames = np.tile(frames, (-(-n_frames // len(frames)), 1))
        return to_logmel(window(frames, rng, n_frames))


def labels_of(chosen: Sequence[Utterance], n_labels: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return rows of label frames and phones, padded with zeros, shape (batch, 1 + most phones)."""
    rows = np.zeros((len(chosen), 1 + max(len(u.phones) for u in chosen)), np.int32)
    for row, u, n in zip(rows, chosen, n_labels, strict=True):
        row[0] = n
        row[1 : 1 + len(u.phones)] = u.phones
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
    return clips, labels_of(chosen, n_labels)


def spoken_texts(folder: Path) -> list[tuple[Path, str, str]]:
    """Return path, voice and text of the clips of a folder that `asr-train synthesise` wrote."""
    return [(folder / row["audio"], row["speaker"], row["text"]) for row in manifest(folder)]
