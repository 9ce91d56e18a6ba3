"""What a bundle says of the data it was made from, and of what its figures were measured on."""

from typing import Any

from kws_training import cards
from kws_training.dataset import COMMANDS, Dataset

_COMPARABLE = {
    ("official", "A"): "the official lists of Speech Commands, unknown and silence as in the 12-class protocol of "
    "arXiv 1804.03209",
    ("hash", "B"): "the hash split of Speech Commands, 10 % unknown and silence as in TensorFlow's example",
    ("official", "all"): "the official lists of Speech Commands",
}
_PUBLISHED_TEST = (2567, 4074)
"""Clips of the ten commands in the testing lists of v0.01 and v0.02."""
_SPLITS = {
    "official": "the data set's own lists",
    "hash": "the hash rule of Speech Commands",
    "speaker": "other speakers than trained",
    "listed": "the data set's own division",
}

_SPOKEN = {
    "name": "synthetic speech of espeak-ng, or of flite where there is none",
    "licence": "made for this model",
    "attribution": "voices: espeak-ng; CMU kal and awb",
}


def measured_on(dataset: Dataset) -> str:
    """Return what test figures were measured on, for a results table."""
    if dataset.layout == "pack":
        return "visible test speakers of the data pack (not the official split)"
    published = _COMPARABLE.get((dataset.split, dataset.protocol))
    if published and is_complete(dataset):
        return published
    return f"test clips of {', '.join(dataset.sources)}: {_SPLITS[dataset.split]}"


def is_complete(dataset: Dataset) -> bool:
    """Return whether the test clips of the ten commands are as many as in the complete Speech Commands."""
    n_test = sum(dataset.counts.get("test", {}).get(word, 0) for word in COMMANDS)
    return dataset.layout in ("speech-commands", "kaggle") and n_test in _PUBLISHED_TEST


def data_records(dataset: Dataset) -> tuple[dict[str, Any], ...]:
    """Return the data sets of a training with licence and attribution, as far as they are known."""
    if dataset.layout == "pack":
        return (cards.SPEECH_COMMANDS, *cards.RUNNING_SPEECH)
    n_clips = sum(count for counts in dataset.counts.values() for count in counts.values())
    if dataset.layout in ("speech-commands", "kaggle"):
        named = {"name": f"Speech Commands ({', '.join(dataset.sources)})", "licence": "CC BY 4.0"}
        return ({**named, "attribution": "Google, P. Warden, arXiv:1804.03209", "clips": n_clips},)
    if dataset.sources == ("spoken",):
        return ({**_SPOKEN, "clips": n_clips},)
    unknown = {"licence": "not stated", "attribution": "not stated"}
    return ({"name": ", ".join(dataset.sources), **unknown, "clips": n_clips},)


def limits(dataset: Dataset) -> str:
    """Return what a reader of the figures must know."""
    if dataset.layout == "pack":
        return (
            "One word in one second. Half of the official test speakers are in the training data: figures can't be "
            "compared with published ones. Children and accents are few."
        )
    if dataset.sources == ("spoken",):
        return "Made of synthetic speech to try the trainer: its figures say nothing about people."
    return f"One word in one second, said as in {', '.join(dataset.sources)}."
