"""A wake word's bundle: backbone and head as one network that takes steps, refused where it isn't the one trained."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kws_training.embedded import Embedder
from kws_training.export import GATES, allowed
from kws_training.feature_store import SETTINGS, Bytes, to_logmel
from kws_training.few_shot import covered, scores
from kws_training.litert import to_litert
from kws_training.models.backbone import embedder as lower_part
from kws_training.models.backbone import join, keyword_network
from kws_training.models.settings import BackboneSettings
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.streaming import streaming
from voice.errors import DataError
from voice.models.backend import StreamingNetwork
from voice.models.bundle import Bundle, write_bundle


def reach_frames(backbone: BackboneSettings, recipe: WordRecipe, n_pooled: int) -> int:
    """Return the feature frames that a look depends on."""
    return backbone.reach + (covered(recipe, n_pooled) - 1) * backbone.stride


def export_word(
    folder: Path,
    manifest: dict[str, Any],
    trained: keras.Model,
    head: keras.Model,
    backbone: BackboneSettings,
    recipe: WordRecipe,
    n_pooled: int,
    speech: Bytes,
) -> Bundle:
    """Write the bundle of a trained head.

    Args:
        folder: of the bundle.
        manifest: `Manifest` without `format` and `model`.
        trained: the phone network.
        head: the trained head.
        backbone: settings of the first.
        recipe: of the second.
        n_pooled: embeddings that it pools over.
        speech: what both are compared on, some tens of seconds.

    Raises:
        DataError: LiteRT disagrees with Keras, or needs an operation that isn't built in. Nothing is written.
    """
    network = keyword_network(backbone, recipe.head, n_pooled * backbone.stride, SETTINGS.mels)
    join(trained, head, network)
    stream = streaming(network, recipe.step_frames // backbone.stride)
    flatbuffer = to_litert(None, recipe.weights, stream=stream)
    allowed(flatbuffer)
    frames = speech[: len(speech) // recipe.step_frames * recipe.step_frames]
    after = reach_frames(backbone, recipe, n_pooled) // recipe.step_frames + 1
    expected = scores(head, Embedder(lower_part(trained), backbone).stream(frames), covered(recipe, n_pooled))
    looks = expected[recipe.step_frames // backbone.stride - 1 :: recipe.step_frames // backbone.stride]
    found = _scores_of(flatbuffer, to_logmel(frames), recipe.step_frames)
    difference = float(np.abs(_logits(found) - _logits(looks))[after:].max())
    say(f"{recipe.weights}: scores differ by {difference:.2g} (log odds), {len(flatbuffer)} bytes")
    if not difference <= GATES[recipe.weights].difference:
        raise DataError(f"LiteRT and Keras disagree by {difference:.2g}", fix="nothing was written; report this recipe")
    return write_bundle(folder, manifest, flatbuffer)


def _scores_of(flatbuffer: bytes, frames: Any, step_frames: int) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(flatbuffer)
        engine = StreamingNetwork(path)
        steps = frames.reshape(-1, 1, step_frames, frames.shape[-1])
        logits = np.array([float(engine.step(step).reshape(-1)[0]) for step in steps])
    return 1 / (1 + np.exp(np.clip(-logits, None, 80)))


def _logits(probabilities: Any) -> Any:
    kept = np.clip(probabilities, 0.018, 0.982)  # what lies beyond decides nothing
    return np.log(kept / (1 - kept))
