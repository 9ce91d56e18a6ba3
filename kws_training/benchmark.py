"""`kws-train benchmark`: several networks trained and measured under one protocol, and the tables of it.

OUT/<network>/           the training of one, see `checkpoints.py`; result.json when it is measured
OUT/benchmark.json|csv|md, accuracy.png, epochs.png
"""

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kws_training.commands import decide, merged, train_commands
from kws_training.dataset import read_dataset
from kws_training.evaluate import balanced, wilson
from kws_training.inputs import clips_for
from kws_training.litert import to_litert
from kws_training.models.zoo import ZOO
from kws_training.multiplies import multiplies
from kws_training.report import say
from kws_training.settings import CommandsRecipe, read_recipe, with_steps
from voice.errors import ConfigError, DataError, EarshotError
from voice.models.backend import Network
from voice.yaml12 import parse_yaml

Row = dict[str, Any]
SETS = {
    "zoo": "separable,BC-ResNet-1,BC-ResNet-1.5,BC-ResNet-2,BC-ResNet-3,BC-ResNet-6,BC-ResNet-8,ds_tc_resnet,"
    "MatchboxNet-3x2x64,TC-ResNet8,TC-ResNet14-1.5,DS-CNN-S,DS-CNN-M,DS-CNN-L,CRNN-S,LSTM,res8,res15,Att-RNN,KWT-1",
    "predecessors": "M5,M18,light CNN,MNIST CNN,VGG16,Inception v3,ResNet50,"
    "VGG16:weights=imagenet,Inception v3:weights=imagenet,ResNet50:weights=imagenet",
    "small": "separable,BC-ResNet-1,BC-ResNet-1.5,ds_tc_resnet,MatchboxNet-3x2x64,TC-ResNet8,TC-ResNet14-1.5,DS-CNN-S,"
    "DS-CNN-M,CRNN-S,LSTM,res8,m5,light CNN,MNIST CNN",
}
"""Names that stand for several networks: those of papers, those that the predecessors of this trainer compared, and
those of either that two cores train in a minute or two each."""
_RUNS = 200  # of a network, for its latency


@dataclass(frozen=True, slots=True)
class Entry:
    """A network of the benchmark."""

    name: str
    recipe: CommandsRecipe


def from_models(names: str, base: CommandsRecipe) -> list[Entry]:
    """Return entries for `a,b:key=value,c`: networks with the base recipe's data, variation and optimiser.

    A name is a kind of network, one of a paper (`models/zoo.py`), or one of `SETS`, which stands for several.

    Raises:
        ConfigError: there is no such network, or a key or value of it is wrong.
    """
    parts = [part.strip() for part in _outside_brackets(names)]
    wanted = [name for part in parts for name in (_outside_brackets(SETS[part]) if part in SETS else [part])]
    return [Entry(name, _with_network(name, _network(name), base)) for name in wanted]


def _network(name: str) -> dict[str, Any]:
    """Return the settings of `name:key=value:...`."""
    kind, *changes = name.split(":")
    is_kind = any(p.settings.kind == kind for p in ZOO)
    published = next((p.settings for p in ZOO if p.name.casefold() == kind.casefold() and not is_kind), None)
    network = {"kind": kind} if published is None else published.model_dump()
    network.pop("frame_step", None)  # of the paper's features
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise ConfigError(f"--models {name}: {change!r} is no key=value", fix="give such as bc_resnet:tau=2")
        network[key] = parse_yaml(value, where=f"--models {name}")
    return network


def _outside_brackets(text: str) -> list[str]:
    """Return what stands between the commas that are in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def from_recipes(paths: Iterable[Path], n_steps: int | None = None) -> list[Entry]:
    """Return an entry for each recipe, by the name of its file; with `n_steps` all train for the same time."""
    found = []
    for path in paths:
        recipe = read_recipe(path, CommandsRecipe)
        found.append(Entry(path.stem, recipe if n_steps is None else with_steps(recipe, n_steps)))
    return found


def benchmark(entries: Sequence[Entry], work: Path, out: Path, told: Callable[[Row], None]) -> list[Row]:
    """Train and measure every entry; one that is measured already is only read, one that fails is told.

    Args:
        entries: names are folders, so each stands once.
        work: what `prepare` wrote.
        out: for trainings and results.
        told: called with each row as it is finished.

    Returns:
        A row for each entry; a failed one has only `model` and `failed`.
    """
    names = [_slug(entry.name) for entry in entries]
    if len(set(names)) < len(names):
        raise ConfigError("a model stands twice", fix="name each once")
    rows = []
    for entry, name in zip(entries, names, strict=True):
        folder = out / name
        try:
            row = _before(folder, entry) or _measured(entry, work, folder)
        except EarshotError as error:
            row = {"model": entry.name, "failed": str(error)}
        rows.append(row)
        told(row)
        keras.utils.clear_session(free_memory=True)
    return rows


def _measured(entry: Entry, work: Path, folder: Path) -> Row:
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        model = train_commands(work, folder, entry.recipe)
    finally:
        seconds = _add_seconds(folder, time.monotonic() - started)
    epochs = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    row = {
        "model": entry.name,
        "pretrained": _pretrained(entry.recipe),
        **sizes(model),
        **_epoch("", _best(epochs)),
        **_epoch("first_", epochs[0]),
        **_test(model, work, entry.recipe),
        "seconds": round(seconds, 1),
        "epochs": len(epochs),
        **litert(model),
    }
    record = {"recipe": entry.recipe.model_dump(mode="json"), "row": row, "epochs": epochs}
    try:
        (folder / "result.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}", fix="free disk space and run it again; it goes on") from error
    return row


def _before(folder: Path, entry: Entry) -> Row | None:
    """Return the row of a finished entry.

    Raises:
        ConfigError: it was finished with another recipe.
    """
    path = folder / "result.json"
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["recipe"] != entry.recipe.model_dump(mode="json"):
        raise ConfigError(f"{folder} was measured with another recipe", fix="take another --out")
    return record["row"]


def protocol(work: Path, entries: Sequence[Entry]) -> str:
    """Return what the entries had in common, in a sentence."""
    dataset = read_dataset(work)
    settings = [entry.recipe.optimiser for entry in entries]
    steps = sorted({s.steps for s in settings})
    batches = sorted({s.batch for s in settings})
    counts = {split: sum(words.values()) for split, words in dataset.counts.items()}
    clips = ", ".join(f"{split} {n:,} clips" for split, n in counts.items()) or "split by speaker"
    return (
        f"{len(dataset.labels)} labels ({len(dataset.targets)} targets), {clips}; "
        f"{' or '.join(f'{n:,}' for n in steps)} steps of {' or '.join(map(str, batches))} clips with augmentation, so "
        "training accuracy is of varied clips. The epoch with the best validation accuracy counts. Test labels are "
        "balanced: unknown and silence as often as a word. Times are of this machine."
    )


def histories(entries: Sequence[Entry], out: Path) -> dict[str, list[Row]]:
    """Return the epochs of every finished entry."""
    found = {}
    for entry in entries:
        path = out / _slug(entry.name) / "result.json"
        if path.exists():
            epochs = json.loads(path.read_text(encoding="utf-8"))["epochs"]
            found[entry.name] = [_epoch("", epoch) for epoch in epochs]
    return found


def sizes(model: keras.Model) -> Row:
    """Return how many numbers a network has and how many multiplications a second of audio costs."""
    trainable, fixed = (
        sum(int(np.prod(weight.shape)) for weight in weights)
        for weights in (model.trainable_weights, model.non_trainable_weights)
    )
    return {
        "total_parameters": trainable + fixed,
        "parameters": trainable,
        "fixed_parameters": fixed,
        "multiplies": multiplies(model),
    }


def litert(model: keras.Model) -> Row:
    """Return the size of the float LiteRT file, and the median CPU milliseconds of a run on one thread, in process.

    Both None where LiteRT's built-in operations can't express the network.
    """
    from tensorflow.lite.python.convert_phase import ConverterError  # noqa: PLC0415 - slow to import

    try:
        network = to_litert(model)
    except (ConverterError, ValueError, RuntimeError) as error:
        say(f"no LiteRT file: {str(error).splitlines()[0]}")
        return {"litert_bytes": None, "litert_ms": None}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "model.tflite"
        path.write_bytes(network)
        engine = Network(path)
        clip = np.zeros((1, *model.input_shape[1:]), np.float32)
        for _ in range(_RUNS // 10):
            engine.run(clip)
        times = []
        for _ in range(_RUNS):
            started = time.process_time()
            engine.run(clip)
            times.append(1000 * (time.process_time() - started))
    return {"litert_bytes": len(network), "litert_ms": round(float(np.median(times)), 4)}


def _test(model: keras.Model, work: Path, recipe: CommandsRecipe) -> Row:
    """Return accuracy on the test speakers, labels balanced; nothing where the data set has no test split."""
    data = clips_for(work, recipe.network.input)
    dataset, (clips, labels) = data.dataset, data.test()
    if not len(labels):
        return {"test_accuracy": None, "test_low": None, "test_high": None, "test_clips": 0}
    kept = balanced(labels, [i for i in (dataset.silence, dataset.unknown) if i is not None])
    decided = merged(model, dataset, decide(model, work, recipe).unknown_bias)
    parts = [np.asarray(decided(clips[kept[i : i + 256]], training=False)) for i in range(0, len(kept), 256)]
    right = np.concatenate(parts).argmax(axis=1) == labels[kept]
    share = wilson(int(right.sum()), len(kept))
    return {"test_accuracy": share.value, "test_low": share.low, "test_high": share.high, "test_clips": share.n}


def _best(epochs: list[Row]) -> Row:
    return max(epochs, key=lambda epoch: epoch["val_labels"])


def _epoch(prefix: str, epoch: Row) -> Row:
    return {
        f"{prefix}train_accuracy": epoch["labels"],
        f"{prefix}train_loss": epoch["loss"],
        f"{prefix}validation_accuracy": epoch["val_labels"],
        f"{prefix}validation_loss": epoch["val_loss"],
    }


def _pretrained(recipe: CommandsRecipe) -> bool:
    return bool(getattr(recipe.network, "pretrained", False))


def _with_network(name: str, network: dict[str, Any], base: CommandsRecipe) -> CommandsRecipe:
    from pydantic import ValidationError  # noqa: PLC0415 - for its error only

    try:
        return CommandsRecipe.model_validate({**base.model_dump(), "network": network})
    except ValidationError as error:
        detail = error.errors()[0]
        if detail["type"] == "union_tag_invalid":
            raise ConfigError(f"--models {name}: there is no such network", fix=_nearest(network["kind"])) from error
        raise ConfigError(f"--models {name}: {detail['msg']}", fix="correct it") from error


def _nearest(name: str) -> str:
    """Return advice that names the networks that there are, or the one that was likely meant."""
    known = {known.casefold(): known for p in ZOO for known in (p.name, p.settings.kind)} | {key: key for key in SETS}
    near = get_close_matches(name.casefold(), known, 1)
    return f"did you mean {known[near[0]]!r}?" if near else f"one of {', '.join(sorted(known.values()))}"


def _add_seconds(folder: Path, seconds: float) -> float:
    """Add to the time that the training took before it was interrupted; return the sum."""
    path = folder / "seconds.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else 0.0
    path.write_text(json.dumps(before + seconds), encoding="utf-8")
    return before + seconds


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.=_-]+", "-", name)
