"""The backbone's bundle: embeddings for LiteRT, and the network itself for the trainer of wake words."""

import tempfile
from pathlib import Path

import keras
import numpy as np

from kws_training import cards
from kws_training.export import GATES, allowed
from kws_training.feature_store import SETTINGS
from kws_training.litert import to_litert
from kws_training.models.backbone import embedder as lower_part
from kws_training.models.backbone import embeddings
from kws_training.models.settings import BackboneSettings
from kws_training.records import record, wake_data
from kws_training.settings import BackboneRecipe
from kws_training.trained import load_network, trained_parameters
from voice.errors import BundleError, DataError
from voice.models.backend import Network
from voice.models.bundle import Bundle, EmbeddingDecision, load_bundle, write_bundle

NAME = "backbone-en"
WINDOW = 400
"""Frames that the LiteRT file takes."""


def export_backbone(
    model: keras.Model,
    folder: Path,
    work: Path,
    recipe: BackboneRecipe,
    recipe_file: Path | None,
    wrong_phones: float,
    n_phones: int,
    minutes: float,
) -> Bundle:
    """Write the bundle.

    Args:
        model: the trained phone network.
        folder: of the bundle.
        work: of the stores, which say what it learnt from.
        recipe: that trained it.
        recipe_file: where the recipe stands.
        wrong_phones: share of the phones of dev speech.
        n_phones: that this was measured on.
        minutes: of the training.

    Raises:
        DataError: LiteRT disagrees with Keras. Nothing is written.
    """
    fixed = _fixed(model, recipe.network)
    network = to_litert(fixed, "int8")
    allowed(network)
    clip = np.random.default_rng(0).normal(-6, 3, (1, WINDOW, SETTINGS.mels)).astype(np.float32)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "model.tflite"
        path.write_bytes(network)
        found = Network(path).run(clip)[0]
        kept = Path(place) / "network.keras"
        model.save(kept)
        trainable = kept.read_bytes()
    difference = float(np.abs(found - keras.ops.convert_to_numpy(fixed(clip, training=False))).max())
    if not difference <= GATES["int8"].difference:
        raise DataError(f"LiteRT and Keras disagree by {difference:.2g}", fix="nothing was written; report this recipe")
    training = record(
        "kws-train backbone", recipe_file, recipe.optimiser.seed, minutes, trained_parameters(model), wake_data(work)
    )
    training["unseen"] = list(recipe.unseen)
    stride = recipe.network.stride
    manifest = {
        "id": NAME,
        "kind": "embedding",
        "version": "1.0.0",
        "description": "Embeddings of English speech that wake words are built on",
        "licence": "Apache-2.0; see the data's licences",
        "rate": SETTINGS.rate,
        "features": SETTINGS.model_dump(),
        "labels": [f"e{i}" for i in range(recipe.network.width)],
        "decision": EmbeddingDecision(
            window_frames=WINDOW, stride_frames=stride, reach_frames=recipe.network.reach, width=recipe.network.width
        ).model_dump(),
        "trainable": {"settings": recipe.network.model_dump(mode="json")},
        "training": training,
        "results": [
            {"name": "phones wrong", "value": round(wrong_phones, 4), "n": n_phones, "on": "dev speakers, best path"}
        ],
    }
    bundle = write_bundle(folder, manifest, network, trainable=trainable)
    cards.write_card(
        bundle, "`kws-train keyword` puts a small head on it.", "English; other languages are untested.", "int8"
    )
    return bundle


def _fixed(model: keras.Model, settings: BackboneSettings) -> keras.Model:
    """Return the trained network up to its embeddings for windows of one length, shape (batch, embeddings, width)."""
    inputs = keras.layers.Input((WINDOW, SETTINGS.mels), name="logmel")
    x = embeddings(inputs, settings)
    fixed = keras.Model(inputs, keras.layers.Reshape((WINDOW // settings.stride, settings.width))(x))
    fixed.set_weights(lower_part(model).get_weights())
    return fixed


def load_backbone(name_or_path: str | Path = NAME) -> tuple[Bundle, keras.Model, BackboneSettings]:
    """Return a backbone's bundle, its network and the settings that rebuild it.

    Raises:
        BundleError: there is none, or it can't be trained on.
    """
    bundle = load_bundle(name_or_path, "embedding")
    if bundle.trainable_path is None:
        raise BundleError(f"{bundle.folder} has no network to build on", fix="export it with `kws-train backbone`")
    settings = BackboneSettings.model_validate(bundle.manifest.trainable.settings if bundle.manifest.trainable else {})
    return bundle, load_network(bundle.trainable_path), settings
