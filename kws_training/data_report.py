"""What a data set is like: clips of each class and split, lengths, levels, copies, speakers; and what is wrong."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.clip_facts import ClipFacts, label_clashes, same_content
from kws_training.corpora import Recording
from kws_training.layouts import is_known
from kws_training.spectrograms import read_spectrograms
from kws_training.splits import SPLITS, shared_speakers
from kws_training.survey import Survey

Report = dict[str, Any]
_LISTED = 50
"""Files named of each kind; the counts are whole."""


def data_report(found: Survey, labels: Sequence[str] = ()) -> Report:
    """Return the report of a survey, as it goes into JSON.

    Args:
        found: the clips and what they are like.
        labels: which words are labels; empty: not chosen yet.
    """
    copies = same_content(found.clips, found.facts)
    return {
        "layout": found.found.layout,
        "split": found.rule,
        "labels": list(labels),
        "clips": len(found.clips),
        "classes": classes(found),
        "seconds": seconds(found),
        "clipped": _some([clip.path for clip in found.clips if found.facts[clip.path].is_clipped]),
        "silent": _some([clip.path for clip in found.clips if found.facts[clip.path].is_silent]),
        "duplicates": {
            "groups": len(copies),
            "clips": sum(len(group) - 1 for group in copies),
            "in_two_splits": sum(len({clip.split for clip in group}) > 1 for group in copies),
            "files": [[str(clip.path) for clip in group] for group in copies[:_LISTED]],
        },
        "under_two_labels": [
            [str(clip.path) for clip in group] for group in label_clashes(found.clips, found.facts)[:_LISTED]
        ],
        "speakers": speakers(found.clips),
        "skipped": {reason: _some(paths) for reason, paths in sorted(found.skipped.items())},
        "unlabelled": found.found.n_unlabelled,
        "spectrograms": {word: len(read_spectrograms(path)[0]) for word, path in found.found.spectrograms},
        "noise_recordings": len(found.found.noise),
    }


def classes(found: Survey) -> dict[str, dict[str, int]]:
    """Return clips of each class and split, and their speakers; a class without clips has zeros."""
    count = Counter((clip.label, clip.split) for clip in found.clips)
    who: dict[str, set[str]] = defaultdict(set)
    for clip in found.clips:
        who[clip.label].add(clip.group)
    return {
        word: {split: count[word, split] for split in SPLITS} | {"speakers": len(who[word])}
        for word in sorted(found.n_words)
    }


def seconds(found: Survey) -> dict[str, float]:
    """Return how long the clips are."""
    lengths = np.array([found.facts[clip.path].seconds for clip in found.clips])
    if not len(lengths):
        return {}
    named = zip(("shortest", "p5", "median", "p95", "longest"), (0, 5, 50, 95, 100), strict=True)
    return {name: round(float(np.percentile(lengths, at)), 3) for name, at in named} | {
        "hours": round(float(lengths.sum()) / 3600, 3),
        "below_one_second": int((lengths < 1).sum()),
        "above_one_second": int((lengths > 1).sum()),
    }


def speakers(clips: Sequence[Recording]) -> dict[str, Any]:
    """Return how many speakers there are, and who is in two splits."""
    known = [clip for clip in clips if is_known(clip.group)]
    shared = shared_speakers(clips)
    return {
        "known": len({clip.group for clip in known}),
        "clips_without": len(clips) - len(known),
        "by_split": {split: len({clip.group for clip in known if clip.split == split}) for split in SPLITS},
        "in_two_splits": dict(list(shared.items())[:_LISTED]),
        "n_in_two_splits": len(shared),
    }


def problems(report: Report) -> list[str]:
    """Return what must be put right before a figure can be believed, a line each."""
    found = []
    shared = report["speakers"]["in_two_splits"]
    if shared:
        speaker, splits = next(iter(shared.items()))
        n_shared = report["speakers"]["n_in_two_splits"]
        found.append(f"{n_shared} speakers are in two splits, {speaker!r} in {' and '.join(splits)}")
    if report["under_two_labels"] and report["layout"] == "folders":
        one, other = report["under_two_labels"][0][:2]
        found.append(f"one sound under two labels ({len(report['under_two_labels'])} times): {one} is also {other}")
    few = [word for word, count in report["classes"].items() if sum(count[split] for split in SPLITS) < 2]
    few = [word for word in few if word not in report["spectrograms"]]
    if few:
        found.append(f"fewer than two clips of {', '.join(few)}")
    return found


def written(report: Report) -> str:
    """Return the report as a table and some lines, for people."""
    rows = [f"{'class':16} {'train':>7} {'dev':>7} {'test':>7} {'speakers':>9}"]
    for word, count in report["classes"].items():
        rows.append(f"{word:16} {count['train']:7} {count['dev']:7} {count['test']:7} {count['speakers']:9}")
    total = {split: sum(count[split] for count in report["classes"].values()) for split in SPLITS}
    who, copies, length = report["speakers"], report["duplicates"], report["seconds"]
    rows.append(f"{'all':16} {total['train']:7} {total['dev']:7} {total['test']:7} {who['known']:9}")
    rows.append(f"layout {report['layout']}, split by {report['split']}")
    if length:
        rows.append(
            f"seconds: {length['shortest']} to {length['longest']}, median {length['median']}, {length['hours']} h; "
            f"{length['below_one_second']} clips below one second, {length['above_one_second']} above"
        )
    rows.append(
        f"clipped {report['clipped']['n']}, silent {report['silent']['n']}, copies {copies['clips']} "
        f"({copies['in_two_splits']} across splits), speaker not known of {who['clips_without']} clips"
    )
    if report["spectrograms"]:
        rows.append("spectrograms: " + ", ".join(f"{word} {n}" for word, n in sorted(report["spectrograms"].items())))
    rows += [f"skipped, {reason}: {some['n']}" for reason, some in report["skipped"].items()]
    rows += [f"  {file}" for some in report["skipped"].values() for file in some["files"][:5]]
    return "\n".join(rows)


def _some(paths: Sequence[Path]) -> dict[str, Any]:
    return {"n": len(paths), "files": [str(path) for path in paths[:_LISTED]]}


def examples(found: Survey) -> dict[str, Path]:
    """Return one clip of each class to draw: the first training clip of average loudness."""
    by_word: dict[str, list[tuple[Path, ClipFacts]]] = defaultdict(list)
    for clip in found.clips:
        if clip.split == "train":
            by_word[clip.label].append((clip.path, found.facts[clip.path]))
    chosen = {}
    for word, clips in sorted(by_word.items()):
        middle = np.median([facts.rms_db for _, facts in clips])
        chosen[word] = min(clips, key=lambda clip: abs(clip[1].rms_db - middle))[0]
    return chosen
