"""From a training run to a bundle: LiteRT with parity gates, so that a wrong file is never written."""

import contextlib
import io
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from asr_training import checkpoint as checkpoints
from asr_training.bundles import Companion
from asr_training.cards import write_card
from asr_training.history import Stage, minutes_before, read_stages, stages_json
from asr_training.models.causal import build_step
from asr_training.models.settings import CausalSettings, NetworkSettings
from asr_training.phones import PHONE_LABELS
from asr_training.prepare import Cache
from asr_training.settings import Recipe
from asr_training.trainer import network_of
from voice.errors import DataError
from voice.models.backend import STREAM, WINDOW, Network, StreamingNetwork
from voice.models.bundle import Bundle, write_bundle

Precision = Literal["int8", "float32"]
Head = Literal["labels", "phones"]
"""The head of a network that a bundle's labels are read off."""

FLOAT_TOLERANCE = 1e-3
"""Largest difference of a float logit between Keras and LiteRT."""
INT8_AGREEMENT = 0.97
"""Smallest share of label frames on which int8 and float weights prefer the same label."""
_AGAIN = "nothing was written; check the converter's version"
ACCEPT_PER_CHARACTER = 1.2
"""The grammar's rejection until `asr-train tune` has measured it, nats."""
ALLOWED_OPERATORS = frozenset(
    "ABS ADD BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_TO CAST CONCATENATION CONV_2D COS CUMSUM DELEGATE "
    "DEPTHWISE_CONV_2D DEQUANTIZE DIV EXPAND_DIMS FILL FLOOR_MOD FULLY_CONNECTED GATHER GELU GREATER LESS LOGICAL_AND "
    "LOG LOGISTIC MAX_POOL_2D MAXIMUM MEAN MINIMUM MUL NEG PACK PAD QUANTIZE REDUCE_MAX REDUCE_PROD RELU RESHAPE "
    "REVERSE_V2 RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND SPLIT SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE "
    "STRIDED_SLICE SUB SUM TANH TRANSPOSE WHILE".split()
)
"""Builtin operators that tflite-runtime 2.14 knows too; nothing else may be in the file."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A converted network and how far it is from the original."""

    network: bytes
    """With int8 weights."""
    float_network: bytes
    parameters: int
    minutes: float
    """Training time."""
    largest_difference: float
    """Of a logit, float LiteRT against Keras."""
    agreement: float
    """Share of label frames with the same best label, int8 against Keras."""
    stages: tuple[Stage, ...] = ()
    """The recipes it was trained with, first to last."""
    head: Head = "labels"
    mean_of: tuple[str, ...] = ()
    """Names of the runs whose weights' mean it is, where they are several."""


def export_run(
    run: Path, recipe: Recipe, cache: Cache, head: Head = "labels", *, mean_with: Sequence[Path] = ()
) -> Exported:
    """Convert the averaged weights of a run, compared on a short, a usual and a long utterance of the cache.

    Args:
        run: folder of the run.
        recipe: of the run.
        cache: supplies the utterances.
        head: whose logits the network shall give; what only the other heads need is left out.
        mean_with: runs from which this one went on, or which went on from the same: the network gets the mean of all
            their weights (Wortsman et al., "Model soups", ICML 2022, section 2, uniform soup).

    Raises:
        DataError: there is no checkpoint or no such head, another run's network differs, or the conversion isn't
            faithful.
    """
    of_phones = head == "phones" and recipe.units != "phones"
    if of_phones and not recipe.network.phone_block:
        raise DataError(f"{run}: no phone head", fix="train with `phone_block` in the recipe's network")
    runs = [run, *mean_with]
    saved = [_saved(each) for each in runs]
    plain = recipe.network.exact()
    whole = network_of(recipe.model_copy(update={"network": plain}), batch_size=1)
    whole.set_weights(_mean_weights(runs, saved, recipe))
    # Of the outputs, the labels' come first, then the phones'; the heads that aren't exported only help to learn.
    network = keras.Model(whole.input, whole.outputs[1 if of_phones else 0])
    step = build_step(whole, plain, phones=of_phones) if isinstance(plain, CausalSettings) else None
    by_length = sorted(cache.split("dev") or cache.utterances, key=lambda utterance: utterance.frames)
    *others, probe = (cache.features(by_length[i]) for i in sorted({0, len(by_length) // 2, len(by_length) - 1}))
    stages = tuple(read_stages(run)) or (Stage(from_step=0, recipe=recipe),)
    minutes = saved[0].position.seconds / 60 + minutes_before(stages)
    exported = convert(network, probe, plain, others=others, minutes=minutes, step=step)
    mean_of = tuple(each.name for each in runs) if mean_with else ()
    return replace(exported, stages=stages, head="phones" if of_phones else "labels", mean_of=mean_of)


def _saved(run: Path) -> checkpoints.Checkpoint:
    saved = checkpoints.load(run)
    if saved is None:
        raise DataError(f"{run}: no checkpoint", fix="run `asr-train train` first")
    return saved


def _mean_weights(
    runs: Sequence[Path], saved: Sequence[checkpoints.Checkpoint], recipe: Recipe
) -> list[npt.NDArray[Any]]:
    """Return the mean of the weights that runs of one network would export."""
    if recipe.schedule.average == "snapshots":
        found = [checkpoints.mean_of_snapshots(run) for run in runs]
    else:
        found = [each.averaged for each in saved]
    shapes = [[array.shape for array in weights] for weights in found]
    for run, own in zip(runs, shapes, strict=True):
        if own != shapes[0]:
            raise DataError(f"{run}: another network than {runs[0]}'s", fix="give runs that went on from each other")
    return [np.mean(arrays, axis=0) for arrays in zip(*found, strict=True)]


def convert(
    network: keras.Model,
    probe: npt.NDArray[np.float32],
    settings: NetworkSettings,
    *,
    others: Sequence[npt.NDArray[np.float32]] = (),
    minutes: float = 0.0,
    step: keras.Model | None = None,
) -> Exported:
    """Return the network as LiteRT, with float weights and with dynamic-range int8.

    Args:
        network: of batch size 1.
        probe: features to compare on, shape (frames, bins).
        settings: of the network.
        others: features of further utterances to compare on.
        minutes: training time, for the record.
        step: the same network in steps, see `asr_training.models.causal`; becomes a second signature.

    Raises:
        DataError: outputs aren't finite, differ from Keras, or an operator isn't builtin.
    """
    large = data = b""
    difference, n_equal, n_frames = 0.0, 0.0, 0
    for each in (probe, *others):
        features = _padded(each, settings.subsampling)
        expected = np.asarray(network(features, training=False))
        if not np.all(np.isfinite(expected)):
            raise DataError("the network gives values that aren't finite", fix="train again with a lower peak rate")
        large = large or _to_litert(network, step, small=False)
        data = data or _to_litert(network, step, small=True)
        exact, quantised = _run(large, features), _run(data, features)
        difference = max(difference, float(np.max(np.abs(exact - expected))))
        if step:
            difference = max(difference, _streamed_difference(large, features, expected))
        if not np.all(np.isfinite(quantised)):
            raise DataError("the converted network gives values that aren't finite", fix=_AGAIN)
        n_real = settings.label_frames(len(each))
        n_equal += float(np.sum(quantised.argmax(-1)[0, :n_real] == expected.argmax(-1)[0, :n_real]))
        n_frames += n_real
    agreement = n_equal / n_frames
    _gate(difference, agreement, operators(data) | operators(large))
    return Exported(data, large, network.count_params(), minutes, difference, agreement)


def _padded(features: npt.NDArray[np.float32], multiple: int) -> npt.NDArray[np.float32]:
    """Return features as a batch of one whose length is a multiple, shape (1, frames, bins)."""
    padded = np.zeros((1, -(-len(features) // multiple) * multiple, features.shape[1]), np.float32)
    padded[0, : len(features)] = features
    return padded


def operators(network: bytes) -> set[str]:
    """Return the names of the operators in a LiteRT file, loops' bodies and all signatures included."""
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415 - the file's format
    from tensorflow.lite.tools import flatbuffer_utils  # noqa: PLC0415

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    codes = flatbuffer_utils.convert_bytearray_to_object(bytearray(network)).operatorCodes
    return {
        code.customCode.decode() if code.customCode else names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        for code in codes
    }


def write(
    folder: Path,
    exported: Exported,
    recipe: Recipe,
    cache: Cache,
    results: list[dict[str, Any]],
    language: Companion | None = None,
    *,
    precision: Precision = "int8",
    lexicon: Companion | None = None,
) -> Bundle:
    """Write the bundle and its card.

    Args:
        folder: where.
        exported: the network.
        recipe: supplies features and decision.
        cache: supplies the list of corpora.
        results: the manifest's `results`.
        language: word n-grams to go with it.
        precision: of the weights; float32 is four times as large.
        lexicon: pronunciations to go with it, needed where the labels are phones.

    Raises:
        BundleError: the manifest is not valid, as that of phones without a lexicon, or the disk refuses.
        DataError: the disk refuses the card.
    """
    hop_ms = 1000 * recipe.features.hop / recipe.features.rate
    of_phones = exported.head == "phones" or recipe.units == "phones"
    manifest = {
        "id": recipe.name,
        "kind": "asr",
        "version": "1",
        "description": f"English {'phone' if of_phones else 'character'} CTC for commands and free speech",
        "licence": "CC BY-SA 4.0",
        "rate": recipe.features.rate,
        "features": recipe.features.model_dump(),
        "labels": PHONE_LABELS if of_phones else recipe.labels,
        "decision": {
            "kind": "asr",
            "blank": 0,
            "units": "phones" if of_phones else "characters",
            "stride_ms": hop_ms * recipe.network.subsampling / recipe.network.labels_per_frame,
            "pad_frames": recipe.pad_frames,
            "accept_per_character": ACCEPT_PER_CHARACTER,
        },
        "training": {
            "command": _COMMAND + (f"; the mean of {' and '.join(exported.mean_of)}" if exported.mean_of else ""),
            "recipe": stages_json(list(exported.stages)),
            "commit": commit(),
            "seed": recipe.seed,
            "minutes": round(exported.minutes, 1),
            "parameters": exported.parameters,
            "data": data_sources(cache, recipe),
        },
        "results": results,
    }
    if language:
        manifest["language"] = language.record
    if lexicon:
        manifest["lexicon"] = lexicon.record
    network = exported.network if precision == "int8" else exported.float_network
    words, spoken = language.data if language else None, lexicon.data if lexicon else None
    bundle = write_bundle(folder, manifest, network, words, lexicon=spoken)
    write_card(bundle)
    return bundle


def data_sources(cache: Cache, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the manifest's list of corpora: what of the training split was heard."""
    clips: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    licences: dict[str, str] = {}
    for utterance in cache.split("train"):
        if recipe.weights.get(utterance.corpus, 1.0) > 0:
            clips[utterance.corpus] += 1
            seconds[utterance.corpus] += utterance.seconds
            licences[utterance.corpus] = utterance.licence
    return [
        {
            "name": corpus,
            "licence": licences[corpus],
            "attribution": _attribution(corpus),
            "hours": round(seconds[corpus] / 3600, 2),
            "clips": clips[corpus],
        }
        for corpus in sorted(clips)
    ]


def commit() -> str:
    """Return the checkout's commit, `unknown` outside of one."""
    try:
        done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _to_litert(network: keras.Model, step: keras.Model | None, *, small: bool) -> bytes:
    """Return the network, and its step as a second signature, as a LiteRT file, in dynamic-range int8 where `small`."""
    with tempfile.TemporaryDirectory() as folder:
        if step is None:
            converter = _quiet(lambda: tf.lite.TFLiteConverter.from_keras_model(network))
        else:
            _save(network, step, folder)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[WINDOW, STREAM])
        if small:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # for tflite-runtime 2.14
        return _quiet(converter.convert)


def _save(network: keras.Model, step: keras.Model, folder: str) -> None:
    """Write a SavedModel with both; the engine's main graph is the first by name, the whole utterance."""
    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.track(step)
    whole = tf.TensorSpec(network.inputs[0].shape, tf.float32, name="features")
    archive.add_endpoint(WINDOW, lambda features: {"logits": network(features, training=False)}, [whole])
    names = ["logits", *(f"new_{past.name}" for past in step.inputs[1:])]
    archive.add_endpoint(
        STREAM,
        lambda *arrays: dict(zip(names, step(list(arrays), training=False), strict=True)),
        [tf.TensorSpec(tensor.shape, tf.float32, name=tensor.name) for tensor in step.inputs],
    )
    archive.write_out(folder, verbose=False)


def _run(data: bytes, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(data)
        return Network(path).run(features)[0]


def _streamed_difference(data: bytes, features: npt.NDArray[np.float32], whole: npt.NDArray[np.float32]) -> float:
    """Return how far the stream's logits are from the whole utterance's, over the steps that it fills."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(data)
        network = StreamingNetwork(path)
        size = network.frames_shape[1]
        n_steps = features.shape[1] // size
        steps = [network.step(features[:, i * size : (i + 1) * size]) for i in range(n_steps)]
    streamed = np.concatenate(steps) if steps else np.zeros((0, whole.shape[-1]), np.float32)
    return float(np.max(np.abs(streamed - whole[0, : len(streamed)]), initial=0.0))


def _gate(difference: float, agreement: float, found: set[str]) -> None:
    if not difference <= FLOAT_TOLERANCE:
        raise DataError(f"LiteRT differs from Keras by {difference:.3g}, allowed {FLOAT_TOLERANCE:g}", fix=_AGAIN)
    if agreement < INT8_AGREEMENT:
        raise DataError(f"int8 agrees on {agreement:.1%} of frames, needed {INT8_AGREEMENT:.0%}", fix=_AGAIN)
    if strange := found - ALLOWED_OPERATORS:
        raise DataError(f"operators outside the allowed ones: {sorted(strange)}", fix=_AGAIN)


def _quiet(work: Callable[[], Any]) -> Any:
    """Run the converter, which prints the signature, without its words on standard output."""
    with contextlib.redirect_stdout(io.StringIO()):
        return work()


def _attribution(corpus: str) -> str:
    return _SENTENCES if corpus.startswith("synthetic") else _ATTRIBUTION.get(corpus, "see the corpus")


_COMMAND = "asr-train train --recipe RECIPE --cache CACHE --run RUN --minutes MINUTES, once for each stage of `recipe`"
_SENTENCES = (
    "voices of espeak-ng, flite and festival; sentences: generated, SLURP (E. Bastianelli et al. 2020, CC BY 4.0), "
    "CLINC OOS (S. Larson et al. 2019, CC BY 3.0), Home Assistant intents (CC BY 4.0), Snips NLU (CC0)"
)
_DELTA = "Mozilla Common Voice, clips of release deltas 13.0, 17.0 to 20.0"
_LIBRISPEECH = "V. Panayotov et al., LibriSpeech, ICASSP 2015"
_ATTRIBUTION = {
    "LibriSpeech": _LIBRISPEECH,
    "librispeech_train_clean_100_part": _LIBRISPEECH,
    "librispeech_clean100_more": _LIBRISPEECH,
    "librispeech_clean100_three": _LIBRISPEECH,
    "minds14": "D. Gerz et al., MInDS-14, EMNLP 2021 (PolyAI)",
    "vctk_p239": "J. Yamagishi et al., CSTR VCTK Corpus, University of Edinburgh",
    "common_voice_delta13": _DELTA,
    "common_voice_delta17": _DELTA,
    "common_voice_delta18": _DELTA,
    "common_voice_delta19": _DELTA,
    "common_voice_untranscribed": f"{_DELTA}; transcripts by the bundle before",
    "common_voice": "Mozilla Common Voice",
    "commonvoice_6_1_en_sample100": "Mozilla Common Voice",
    "commonvoice_en_puri": "Mozilla Common Voice",
    "speechocean762": "J. Zhang et al., speechocean762, Interspeech 2021",
    "rhasspy_cathy_arctic": "Rhasspy",
    "LJSpeech-1.1": "Keith Ito, The LJ Speech Dataset",
    "free_spoken_digits": "Z. Jackson et al., Free Spoken Digit Dataset",
    "speech_commands_words": "P. Warden: Speech Commands, arXiv:1804.03209",
}
