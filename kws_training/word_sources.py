"""What a wake word is learnt and judged from: synthetic speech, takes, and all kinds of sound without it."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.corpora import AUDIO_SUFFIXES, Recording, read_samples
from kws_training.embedded import Embedder, Embeddings, Joined, embed_clips
from kws_training.feature_store import SETTINGS, Bytes, Clip, FeatureStore, audio_bytes, write_store
from kws_training.few_shot import Material
from kws_training.keyword_data import near_texts, synthetic_entries, word_entries
from kws_training.made_speech import NOISE, SPEECH
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.tracking import ticks
from kws_training.word_clips import Placed, Sources, place, shares_of
from kws_training.word_start import REAL_SPEECH, has_real_speech, write_whole
from voice.errors import DataError

CALIBRATE = 0.35
"""Share of the speakers of negative speech that the threshold is found on; the head learns from the others."""
NEAR = "near.json"
"""File of a run: the phrases that sound alike, nearest first."""
WHOLE_S = 5.0
"""A shorter file of one's own sound is learnt from as a whole: it is likely a wrong wake, which is at its end."""
_NOISED_CLIPS = 4000


def prepare_phrase(
    phrase: str,
    takes: Sequence[Recording],
    run: Path,
    recipe: WordRecipe,
    *,
    negatives: Sequence[Path] = (),
    neural: Sequence[str] = (),
    n_processes: int = 1,
) -> None:
    """Write the stores of synthetic speech, of takes and of one's own negatives, where they are missing.

    `neural` are Piper's voices that speak, too.
    """
    if takes and not (run / "takes" / "clips.jsonl").exists():
        entries = ticks(word_entries(list(takes), recipe.tracts), "takes", len(takes) * len(recipe.tracts))
        say(f"takes: {write_store(run / 'takes', entries)} clips")
    if negatives and not (run / "negatives" / "clips.jsonl").exists():
        say(f"negatives: {write_store(run / 'negatives', _own_negatives(negatives))} parts")
    n_clips = recipe.n_alone + recipe.n_sentences + recipe.n_near
    if not n_clips and not (run / "spoken" / "clips.jsonl").exists():  # nobody may be there to speak
        write_store(run / "spoken", [])
    if not (run / "spoken" / "clips.jsonl").exists():
        near = near_texts(phrase, recipe.seed)
        write_whole(run / NEAR, json.dumps(near) + "\n")
        entries = synthetic_entries(
            phrase,
            near,
            n_words=recipe.n_alone,
            n_sentences=recipe.n_sentences,
            n_confusable=recipe.n_near,
            seed=recipe.seed,
            neural=neural,
            n_processes=n_processes,
        )
        say(f"spoken: {write_store(run / 'spoken', ticks(entries, 'speaking', n_clips))} clips")


def _own_negatives(folders: Sequence[Path]) -> Iterator[tuple[dict[str, Any], Bytes]]:
    """Yield the sound of folders; the last part of each file judges, but of short ones none.

    Raises:
        DataError: there is no such folder, or it holds no audio.
    """
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"there is no folder {folder}", fix="name a folder of sound without the phrase")
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
        if not paths:
            raise DataError(f"{folder} holds no audio", fix="give a folder of WAV, FLAC, OGG or MP3 recordings")
        for path in paths:
            frames = audio_bytes(read_samples(path))
            short = len(frames) * SETTINGS.hop < WHOLE_S * SETTINGS.rate
            cut = len(frames) if short else int((1 - CALIBRATE) * len(frames))
            for split, part in (("train", frames[:cut]), ("dev", frames[cut:])):
                if not len(part):
                    continue
                yield {"label": "own", "split": split, "group": path.stem, "name": path.stem, "keyword_end": -1}, part


def negative_clips(work: Path, run: Path, phrase: str) -> dict[str, tuple[FeatureStore, list[Clip]]]:
    """Return the clips without the phrase that a head learns from, by the name of their stream.

    Raises:
        DataError: there is no running speech.
    """
    found = {name: (store, [c for c in clips if not _judges(c)]) for name, store, clips in _running(work, phrase)}
    label = phrase.replace(" ", "_")
    others = {
        "words": lambda clip: clip.label not in phrase.split(),
        "wake words": lambda clip: not _same(clip.label, label),
    }
    for name, store in (("words", work / "words"), ("wake words", work / "wake")):
        if (store / "clips.jsonl").exists():
            opened = FeatureStore(store)
            found[name] = (opened, [clip for clip in opened.select(split="train") if others[name](clip)])
    noise = noise_store(work)
    found["noise"] = (noise, noise.select(split="train"))
    if (run / "negatives" / "clips.jsonl").exists():
        own = FeatureStore(run / "negatives")
        found["own"] = (own, _long(own, "train"))
    if not {*REAL_SPEECH, SPEECH, "own"} & set(found):
        raise DataError(f"{work}: no running speech", fix="run `kws-train prepare DATA --work` this folder first")
    return found


def judging_clips(work: Path, run: Path, phrase: str = "") -> dict[str, tuple[FeatureStore, list[Clip]]]:
    """Return the running speech that the threshold is found on, of speakers that no head learns from.

    The phrase is left out where the machine itself said it.
    """
    found = {}
    for name, store, clips in _running(work, phrase):
        apart = [clip for clip in clips if _judges(clip)]
        dev = [clip for clip in _long(store, "dev") if clip.label != phrase.replace(" ", "_")]
        found[name] = (store, [*dev, *apart])
    if (run / "negatives" / "clips.jsonl").exists():
        own = FeatureStore(run / "negatives")
        if clips := _long(own, "dev"):
            found["own"] = (own, clips)
    return found


def _running(work: Path, phrase: str) -> Iterator[tuple[str, FeatureStore, list[Clip]]]:
    """Yield name, store and training clips of running speech; of synthetic speech only where there is no other."""
    for name in REAL_SPEECH if has_real_speech(work) else (SPEECH,):
        if (work / name / "clips.jsonl").exists():
            store = FeatureStore(work / name)
            clips = _long(store, "train")
            # `prepare` labels what says a wake word by it; what the machine said itself has its text as name.
            clips = [clip for clip in clips if clip.label != phrase.replace(" ", "_")]
            yield name, store, [c for c in clips if name != SPEECH or not phrase or f" {phrase} " not in f" {c.name} "]


def noise_store(work: Path) -> FeatureStore:
    """Return the recorded noise, or where there is none the made one."""
    return FeatureStore(work / ("noise" if (work / "noise" / "clips.jsonl").exists() else NOISE))


def _long(store: FeatureStore, split: str) -> list[Clip]:
    return [clip for clip in store.select(split=split) if clip.n_frames > 10]


def _judges(clip: Clip) -> bool:
    """Return whether a clip's speaker is one that thresholds are found on."""
    return int(sha1(f"judge {clip.group}".encode(), usedforsecurity=False).hexdigest(), 16) % 100 < 100 * CALIBRATE


def _same(label: str, phrase: str) -> bool:
    return phrase in label or label in phrase


def sources(work: Path, run: Path, phrase: str) -> Sources:
    """Return what the phrase is learnt from, before the backbone."""
    spoken = FeatureStore(run / "spoken")
    noise = noise_store(work)
    takes = FeatureStore(run / "takes") if (run / "takes" / "clips.jsonl").exists() else None
    negatives = negative_clips(work, run, phrase)
    learning = {name: Joined(store, clips) for name, (store, clips) in negatives.items()}
    speech, talk = next(negatives[name] for name in (*REAL_SPEECH, SPEECH, "own") if name in negatives)
    return Sources(
        spoken=spoken,
        keyword=[clip for clip in spoken.clips if clip.label == "keyword"],
        near=[clip for clip in spoken.clips if clip.label != "keyword"],
        takes_store=takes,
        takes=takes.select(split="train") if takes else (),
        background=(speech, [clip for clip in talk if clip.n_frames > 100]),
        noise=(noise, noise.select(split="train")),
        negatives=learning,
    )


def embedded_negatives(
    work: Path, run: Path, embedder: Embedder, phrase: str, recipe: WordRecipe
) -> dict[str, Embeddings]:
    """Return the streams of `negative_clips` after the backbone, running speech with noise once more; kept in files."""
    folder, noise = work / "embedded", noise_store(work)
    found = {}
    for name, (store, clips) in negative_clips(work, run, phrase).items():
        own = name in ("words", "wake words", "own", SPEECH)  # of this phrase, the others are everybody's
        file = (run if own else folder) / name.replace(" ", "-")
        found[name] = embed_clips(embedder, store, clips, file)
        if name in (*REAL_SPEECH, SPEECH):
            some = [clips[i] for i in np.random.default_rng(0).permutation(len(clips))[:_NOISED_CLIPS]]
            noised = (noise, recipe.augment)
            file = (run if own else folder) / f"{name}-noised"
            found[f"{name}, noised"] = embed_clips(embedder, store, some, file, noise=noised)
    return found


def material(embedder: Embedder, found: Sources, recipe: WordRecipe, learnt: dict[str, Embeddings]) -> Material:
    """Return everything that the head learns from, after the backbone."""

    def placed(store: FeatureStore, clips: Sequence[Clip], seed: int) -> Placed:
        return place(embedder, store, clips, recipe, found, seed)

    synthetic = placed(found.spoken, list(found.keyword) * recipe.copies, recipe.seed)
    copies = min(recipe.take_copies, max(1, 6000 // max(1, len(found.takes))))
    takes = placed(found.takes_store or found.spoken, list(found.takes) * copies, recipe.seed + 1)
    alike = placed(found.spoken, list(found.near) * 2, recipe.seed + 2).embeddings
    streams = {**learnt, "near": alike.reshape(-1, alike.shape[-1])}
    shares = {"near": recipe.near_share, "words": 0.05, "wake words": 0.08, "noise": 0.04}
    running = shares_of({name: len(stream) for name, stream in streams.items() if name not in shares})
    rest = 1 - sum(shares.values())
    shares |= {name: rest * share for name, share in running.items()}
    return Material(synthetic, takes, streams, shares, embedder.stride)
