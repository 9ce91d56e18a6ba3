"""`kws-train prepare` of any data set: survey, labels, splits, then the stores of a work folder.

WORK/words  WORK/images  WORK/noise  WORK/speech  WORK/samples     stores; WORK/<name>-jpeg where there are spectrograms
WORK/dataset.json      labels, split rule, counts, features        WORK/request.json  what was asked for
WORK/report.json       what the data is like                       WORK/skipped.txt   clips that were left out, and why
WORK/{training,validation,testing}_list.txt                        `word/file` of each split
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any

from kws_training.clip_facts import workers
from kws_training.corpora import Recording, further_speech, read_samples
from kws_training.data_report import data_report
from kws_training.data_settings import DataSettings
from kws_training.dataset import (
    NOISE,
    PACK,
    SILENCE_LABEL,
    Dataset,
    chosen_labels,
    read_dataset,
    words_of,
    write_dataset,
)
from kws_training.download import RELEASES, cache, download
from kws_training.feature_store import SETTINGS, Bytes, FeatureStore, audio_bytes, write_store
from kws_training.layouts import LISTS, detect, key, noise_files
from kws_training.noise_parts import noise_parts, read_noise
from kws_training.prepare import compressed, loudest_second
from kws_training.prepare import prepare as prepare_pack
from kws_training.protocols import special_counts
from kws_training.report import say
from kws_training.sample_store import Integers, to_integers, write_samples
from kws_training.smoke import speak
from kws_training.spectrograms import divided
from kws_training.splits import SPLITS, check_counts
from kws_training.survey import Chosen, Survey, choose, n_unknown_speakers, reasons, require_data, survey
from kws_training.tracking import ticks
from voice.errors import DataError
from voice.events import Samples

Entries = Iterator[tuple[dict[str, Any], Any]]


def prepare_dataset(settings: DataSettings, work: Path, n_processes: int = 1) -> Dataset:
    """Write the stores of a data set that are not there yet, and return what they hold.

    Args:
        settings: which clips, labels and splits.
        work: where the stores go.
        n_processes: processes that read clips and compute features.

    Raises:
        ConfigError: the settings don't fit the data.
        DataError: the data can't be trained on, the disk is full, or the folder holds another data set.
    """
    require_data(settings)
    settings = _got(settings, work)
    if is_whole_pack(settings):
        return _pack(settings, work, n_processes)
    with workers(n_processes) as pool:
        found = survey(settings, work, pool)
        chosen = choose(found, settings)
        say(f"{len(chosen.labels)} labels, split by {found.rule}, {reasons(chosen.skipped)}")
        unknown = n_unknown_speakers(chosen.clips)
        if unknown and found.rule in ("speaker", "hash"):
            say(f"the names of {unknown} clips tell no speaker: each counts as a speaker of its own (see --speaker)")
        _claim(work, settings, chosen)
        _write_stores(work, settings, found, chosen, pool)
    dataset = _described(settings, found, chosen, work)
    try:
        _write_lists(work, chosen)
        report = data_report(found, chosen.labels)
        (work / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        write_dataset(work, dataset)
    except OSError as error:
        raise DataError(f"{work}: {error.strerror}", fix="free disk space and run it again: the stores stay") from error
    say(f"wrote {work}: " + ", ".join(f"{split} {sum(n.values())}" for split, n in dataset.counts.items()))
    return dataset


def _got(settings: DataSettings, work: Path) -> DataSettings:
    """Return settings whose data is on this machine: downloaded, spoken, or there already."""
    if settings.download is not None:
        folder = cache() / "downloads"
        archive = download(RELEASES[settings.download], folder)
        test = settings.test
        if test is None and settings.download == "v2" and settings.labels in ("auto", "12"):
            test = download(RELEASES["v2-test"], folder)
        got = {"folders": (archive, *settings.folders), "test": test, "download": None}
        settings = settings.model_copy(update=got)
    if settings.spoken is not None:
        labels = ",".join(settings.spoken.words) if settings.labels == "auto" else settings.labels
        folders = (speak(settings.spoken, work / "spoken"), *settings.folders)
        settings = settings.model_copy(update={"folders": folders, "spoken": None, "labels": labels})
    return settings


def is_whole_pack(settings: DataSettings) -> bool:
    """Return whether it is the project's data pack in its own split; else its single words are data like others."""
    own = settings.protocol == "all" and settings.split in ("auto", "listed", "official") and not settings.samples_rate
    [first, *others] = settings.folders
    return own and not others and settings.test is None and first.is_dir() and detect(first) == "pack"


def _pack(settings: DataSettings, work: Path, n_processes: int) -> Dataset:
    """Prepare the project's data pack, whose stores hold more than words, and any label set of its words."""
    prepare_pack(settings.folders[0], work, settings.speech, skip=settings.skip, n_processes=n_processes)
    counts = Counter((clip.split, clip.label) for clip in FeatureStore(work / "words").clips)
    words = Counter(label for _, label in counts.elements())
    labels, others = chosen_labels(
        "12" if settings.labels == "auto" else settings.labels,
        words,
        silence=settings.silence,
        unknown=settings.unknown,
    )
    labels = PACK.labels if set(labels) == set(PACK.labels) else labels
    dataset = Dataset(
        sources=(settings.folders[0].name,),
        labels=labels,
        other_words=PACK.other_words if labels == PACK.labels else others,
        apart=settings.apart is not False,
        counts={split: {word: counts[split, word] for word in sorted(words)} for split in SPLITS},
    )
    if (work / "dataset.json").exists() and read_dataset(work) != dataset:
        raise _other(work)
    write_dataset(work, dataset)
    return dataset


def _claim(work: Path, settings: DataSettings, chosen: Chosen) -> None:
    """Write down what a work folder is for; refuse one that holds something else."""
    listed = sorted(f"{key(clip)} {clip.split} {clip.path.stat().st_size}" for clip in chosen.clips)
    request = settings.model_dump(mode="json") | {
        "labels": list(chosen.labels),
        "clips": sha1("\n".join(listed).encode(), usedforsecurity=False).hexdigest(),
        "features": SETTINGS.model_dump(mode="json"),
    }
    path = work / "request.json"
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before != request:
            differing = sorted(key for key in request if before.get(key) != request[key])
            raise _other(work, f" (other {', '.join(differing)})")
        return
    if any((work / store).exists() for store in ("words", "images")):
        raise _other(work)
    try:
        work.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(request, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", fix="name a folder that can be written with --work") from error


def _other(work: Path, how: str = "") -> DataError:
    return DataError(f"{work} was prepared from other data{how}", fix="name another --work, or delete that folder")


def _write_stores(work: Path, settings: DataSettings, found: Survey, chosen: Chosen, pool: Executor) -> None:
    clips = [clip for clip in chosen.clips if clip.label != SILENCE_LABEL]
    silent = [clip for clip in chosen.clips if clip.label == SILENCE_LABEL]
    speakers = {clip.group: clip.split for clip in chosen.clips}
    sets = [(word, path) for word, path in found.found.spectrograms if word in {*chosen.labels, *chosen.other_words}]
    noise = read_noise([*found.found.noise, *(path for folder in settings.noise for path in noise_files(folder))])
    n_silent = (
        special_counts(clips, words_of(chosen.labels), settings.protocol)["test"]
        if SILENCE_LABEL in chosen.labels
        else 0
    )
    n_cuts = max(0, n_silent - sum(clip.split == "test" for clip in silent))
    parts = list(noise_parts(noise, n_cuts, settings.seed))
    _once(work / "noise", lambda: write_store(work / "noise", _noise(parts, silent, audio_bytes)))
    if clips:
        _once(work / "words", lambda: write_store(work / "words", _computed(pool, clips, _frames)))
    if sets:
        _once(work / "images", lambda: write_store(work / "images", _images(sets, speakers, found, settings)))
    if settings.speech:
        spoken = [recording for recording, _ in further_speech(settings.speech, settings.skip)]
        _once(work / "speech", lambda: write_store(work / "speech", _computed(pool, spoken, _whole)))
    for store in ("words", "noise", "speech"):
        if sets and (work / store).exists():
            place = work / f"{store}-jpeg"
            _once(place, partial(write_store, place, compressed(work / store)))
    rate = settings.samples_rate
    if rate:
        raw = partial(to_integers, rate=rate)
        samples = _chained(_computed(pool, clips, partial(_raw, rate=rate)), _noise(parts, silent, raw))
        _once(work / "samples", lambda: write_samples(work / "samples", samples, rate))


def _once(place: Path, write: Callable[[], int]) -> None:
    if not (place / "clips.jsonl").exists():
        say(f"{place.name}: {write()} clips")


def _chained(*parts: Entries) -> Entries:
    for part in parts:
        yield from part


def _fields(clip: Recording) -> dict[str, Any]:
    return {"label": clip.label, "split": clip.split, "group": clip.group, "name": clip.path.stem}


def _computed(pool: Executor, clips: list[Recording], compute: Callable[[Path], Any]) -> Entries:
    computed = pool.map(compute, [clip.path for clip in clips], chunksize=50)
    for clip, frames in zip(clips, ticks(computed, "computing", len(clips)), strict=True):
        yield _fields(clip), frames


def _frames(path: Path) -> Bytes:
    return audio_bytes(loudest_second(read_samples(path)))


def _whole(path: Path) -> Bytes:
    return audio_bytes(read_samples(path))


def _raw(path: Path, rate: int) -> Integers:
    return to_integers(loudest_second(read_samples(path)), rate)


def _noise(
    parts: list[tuple[str, str, Samples]], silent: list[Recording], compute: Callable[[Samples], Any]
) -> Entries:
    for split, name, samples in parts:
        yield {"label": NOISE, "split": split, "group": name, "name": name}, compute(samples)
    for clip in silent:
        yield _fields(clip) | {"label": NOISE}, compute(loudest_second(read_samples(clip.path)))


def _images(
    sets: Iterable[tuple[str, Path]], speakers: dict[str, str], found: Survey, settings: DataSettings
) -> Entries:
    for word, split, speaker, name, image in divided(sets, speakers, found.found.lists, settings):
        yield {"label": word, "split": split, "group": speaker, "name": name}, image


def _write_lists(work: Path, chosen: Chosen) -> None:
    """Write the splits as Speech Commands writes them, for other programs too; and what was left out."""
    for split, name in LISTS.items():
        lines = sorted(f"{key(clip)}\n" for clip in chosen.clips if clip.split == split)
        (work / name).write_text("".join(lines), encoding="utf-8")
    skipped = [f"{path}\t{reason}\n" for reason, paths in sorted(chosen.skipped.items()) for path in paths]
    (work / "skipped.txt").write_text("".join(skipped), encoding="utf-8")


def _described(settings: DataSettings, found: Survey, chosen: Chosen, work: Path) -> Dataset:
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for store in ("words", "images", "noise"):
        if (work / store).exists():
            for clip in FeatureStore(work / store).clips:
                if store != "noise" or clip.split == "test":
                    counts[clip.split][clip.label] += 1
    check_counts({(split, word): n for split, c in counts.items() for word, n in c.items()}, words_of(chosen.labels))
    return Dataset(
        sources=tuple(place.name for place in settings.folders),
        layout=found.found.layout,
        split=found.rule,
        protocol=settings.protocol,
        labels=chosen.labels,
        other_words=tuple(word for word in chosen.other_words if any(n[word] for n in counts.values())),
        apart=settings.protocol == "all" if settings.apart is None else settings.apart,
        counts={split: dict(sorted(n.items())) for split, n in counts.items()},
        skipped={reason: len(paths) for reason, paths in sorted(chosen.skipped.items())},
    )
