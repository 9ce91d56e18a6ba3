"""A model is a folder that knows its labels, features, decision rule, checksum, data and measured results.

    computer/
      bundle.json     this schema; strict, versioned
      model.tflite    the network, checked against `model.sha256`
      language.bin    a recogniser's word n-grams, optional, checked against `language.sha256`
      lexicon.bin     how words are pronounced, of a recogniser of phones, checked against `lexicon.sha256`
      network.keras   the network as Keras keeps it, to build others on, optional, checked against `trainable.sha256`
      README.md       the model card, optional

Nothing in a bundle is executed and nothing is pickled.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from voice.audio.features import FeatureSettings
from voice.decoding.confidence import WordConfidence
from voice.errors import BundleError

BUNDLE_FORMAT = 1
SHIPPED = Path(__file__).parent.parent / "bundles"
"""The bundles that come with Earshot, one folder each."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelFile(_Strict):
    """The network's file, relative to the bundle."""

    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+\.tflite$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)


class WakeDecision(_Strict):
    """When a wake word counts as heard."""

    kind: Literal["wake"] = "wake"
    window_frames: int = Field(gt=0, description="feature frames that a look depends on")
    step_frames: int = Field(gt=0, description="frames between two looks")
    stream: bool = Field(False, description="the network takes steps and keeps its past, see `StreamingNetwork`")
    threshold: float = Field(gt=0, lt=1, description="of the smoothed score")
    smoothing_steps: int = Field(gt=0, description="looks averaged")
    refractory_ms: int = Field(ge=0, description="no second detection within")


class StreamDecision(_Strict):
    """How a network that takes steps of a stream is run, and when a command in a stream counts as heard."""

    step_frames: int = Field(gt=0, description="feature frames of a step")
    window_steps: int = Field(gt=0, description="steps that the network pools over")
    smoothing_steps: int = Field(5, gt=0, description="steps whose probabilities are averaged")
    refractory_ms: int = Field(1000, ge=0, description="no second command within")


class CommandsDecision(_Strict):
    """When a one-word command counts as known."""

    kind: Literal["commands"] = "commands"
    window_frames: int = Field(gt=0, description="feature frames the network looks at")
    temperature: float = Field(gt=0, description="divides the logits before the softmax")
    threshold: float = Field(gt=0, lt=1, description="of the calibrated probability")
    silence: str = Field(description="label of no speech")
    unknown: str = Field(description="label of any other word")
    stream: StreamDecision | None = Field(None, description="of a causal network; its file has a signature for steps")


class AsrDecision(_Strict):
    """How the network's frames become text."""

    kind: Literal["asr"] = "asr"
    blank: int = Field(ge=0, description="index of the CTC blank in `labels`")
    units: Literal["characters", "phones"] = Field("characters", description="what the labels are")
    stride_ms: float = Field(gt=0, description="time between two label frames")
    pad_frames: int = Field(gt=0, description="feature frames are zero-padded to a multiple of this")
    accept_per_character: float = Field(
        gt=0, description="reject a sentence whose loss against free recognition is larger, nats per character"
    )
    confidence: WordConfidence | None = Field(None, description="calibration of the words, of the bundle's own decoder")


class EmbeddingDecision(_Strict):
    """What the network of wake words gives: an embedding of what was just said, every few frames."""

    kind: Literal["embedding"] = "embedding"
    window_frames: int = Field(gt=0, description="feature frames that the file takes")
    stride_frames: int = Field(gt=0, description="feature frames from one embedding to the next")
    reach_frames: int = Field(gt=0, description="feature frames that an embedding depends on")
    width: int = Field(gt=0, description="numbers of an embedding")


class TrainableFile(_Strict):
    """The same network as Keras keeps it, to build others on it; relative to the bundle."""

    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+\.keras$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    settings: dict[str, Any] = Field(description="what `kws_training` builds it from")


class DataSource(_Strict):
    """One corpus or text that the model was made from."""

    name: str
    licence: str
    attribution: str
    hours: float | None = None
    clips: int | None = None


class LanguageModel(_Strict):
    """Word n-grams beside a recogniser's network, and how much they count."""

    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+\.bin$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    weight: float = Field(ge=0, description="of its log-probabilities")
    word_bonus: float = Field(description="for each word, nats")
    data: tuple[DataSource, ...] = ()


class LexiconFile(_Strict):
    """How words are pronounced, `voice.decoding.pronounce.Pronunciations`; beside a recogniser of phones."""

    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+\.bin$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    data: tuple[DataSource, ...] = ()


class Training(_Strict):
    """How to make the model again."""

    command: str
    recipe: str
    commit: str
    seed: int
    minutes: float = Field(ge=0)
    parameters: int = Field(gt=0, description="trainable parameters")
    data: tuple[DataSource, ...]
    unseen: tuple[str, ...] = Field((), description="words kept out of the training, to measure rejection by")


class Result(_Strict):
    """One measured figure with its 95 % interval."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    on: str = Field(description="what it was measured on")


class Manifest(_Strict):
    """The contents of `bundle.json`."""

    format: Literal[1]
    id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    kind: Literal["wake", "commands", "asr", "embedding"]
    version: str
    description: str = ""
    licence: str
    rate: int = Field(gt=0)
    features: FeatureSettings
    labels: tuple[str, ...] = Field(min_length=1)
    decision: WakeDecision | CommandsDecision | AsrDecision | EmbeddingDecision = Field(discriminator="kind")
    model: ModelFile
    trainable: TrainableFile | None = None
    language: LanguageModel | None = None
    lexicon: LexiconFile | None = None
    training: Training
    results: tuple[Result, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        if self.decision.kind != self.kind:
            raise ValueError(f"a {self.kind} bundle with a decision of kind {self.decision.kind}")
        if self.features.rate != self.rate:
            raise ValueError(f"features at {self.features.rate} Hz in a bundle of {self.rate} Hz")
        if self.language and self.kind != "asr":
            raise ValueError(f"a {self.kind} bundle with a language model")
        of_phones = isinstance(self.decision, AsrDecision) and self.decision.units == "phones"
        if of_phones and not self.lexicon:
            raise ValueError("a recogniser of phones without a lexicon (`asr-train export --lexicon`)")
        if self.lexicon and not of_phones:
            raise ValueError("a lexicon in a bundle whose labels aren't phones")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("a label stands twice")
        return self


class Bundle:
    """A verified model folder.

    Args:
        folder: where `bundle.json` is.

    Raises:
        BundleError: it is missing, malformed, incomplete or altered.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = _read_manifest(folder)
        self.model_path = folder / self.manifest.model.file
        _verify(self.model_path, self.manifest.model)
        self.language_path = self._beside(self.manifest.language)
        self.lexicon_path = self._beside(self.manifest.lexicon)
        self.trainable_path = self._beside(self.manifest.trainable)

    def _beside(self, expected: LanguageModel | LexiconFile | TrainableFile | None) -> Path | None:
        """Return the path of a file beside the network, verified; None where the bundle has none."""
        if expected is None:
            return None
        path = self.folder / expected.file
        _verify(path, expected)
        return path


def load_bundle(name_or_path: str | Path, kind: str | None = None) -> Bundle:
    """Return the bundle at a path, or the shipped one of that name.

    Args:
        name_or_path: a folder, `~` being the user's own, or a folder's name in `voice/bundles`.
        kind: what it must be: wake, commands, asr or embedding; None accepts any.

    Raises:
        BundleError: there is none, it is broken, or of another kind.
    """
    folder = Path(name_or_path)
    with suppress(RuntimeError):  # there is no such user: it may be a name
        folder = folder.expanduser()
    if not folder.is_dir():
        folder = SHIPPED / str(name_or_path)
    if not folder.is_dir():
        known = ", ".join(sorted(path.name for path in shipped_bundles())) or "none"
        raise BundleError(f"no bundle {str(name_or_path)!r}", fix=f"give a folder or one of: {known}")
    bundle = Bundle(folder)
    if kind and bundle.manifest.kind != kind:
        raise BundleError(f"{folder} is a {bundle.manifest.kind} bundle", fix=f"give a {kind} bundle")
    return bundle


def shipped_bundles() -> list[Path]:
    """Return the folders of the shipped bundles, in the order of their names."""
    return sorted(path.parent for path in SHIPPED.glob("*/bundle.json"))


def write_bundle(
    folder: Path,
    manifest: dict[str, Any],
    network: bytes,
    language: bytes | None = None,
    trainable: bytes | None = None,
    *,
    lexicon: bytes | None = None,
) -> Bundle:
    """Write a bundle, network first, so that an interrupted write never looks whole.

    Args:
        folder: made where it is missing.
        manifest: `Manifest` without `format`, `model` and the files beside it, which are filled in here.
        network: the LiteRT flatbuffer.
        language: the file of the word n-grams; `manifest["language"]` then has the rest.
        trainable: the network as Keras keeps it; `manifest["trainable"]` then has its settings.
        lexicon: the file of pronunciations; `manifest["lexicon"]` then has its data.

    Raises:
        BundleError: the manifest is not valid or the disk refuses.
    """
    record = {**manifest, "format": BUNDLE_FORMAT, "model": _file("model.tflite", network)}
    beside = {
        "language": ("language.bin", language),
        "trainable": ("network.keras", trainable),
        "lexicon": ("lexicon.bin", lexicon),
    }
    given = {key: (name, data) for key, (name, data) in beside.items() if data is not None}
    for key, (name, data) in given.items():
        record[key] = {**manifest[key], **_file(name, data)}
    try:
        checked = Manifest.model_validate(record)
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / "model.tflite", network)
        for name, data in given.values():
            _replace(folder / name, data)
        _replace(folder / "bundle.json", (checked.model_dump_json(indent=2) + "\n").encode())
    except ValidationError as error:
        raise BundleError(f"{folder}: {_first(error)}", fix="correct the manifest") from error
    except OSError as error:
        raise BundleError(f"{folder}: {error.strerror}", fix="free disk space or choose another folder") from error
    return Bundle(folder)


def _file(name: str, data: bytes) -> dict[str, Any]:
    return {"file": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _replace(path: Path, data: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(data)
    part.replace(path)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / "bundle.json"
    try:
        return Manifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BundleError(
            f"{path}: {error.strerror}", fix="point at a folder that `kws-train` or `asr-train` exported"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: not JSON ({error})", fix="export the bundle again") from error
    except ValidationError as error:
        raise BundleError(f"{path}: {_first(error)}", fix="export the bundle again") from error


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    where = ".".join(str(part) for part in detail["loc"])
    return f"{where}: {detail['msg']}" if where else str(detail["msg"])


def _verify(path: Path, expected: ModelFile | LanguageModel | LexiconFile | TrainableFile) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}", fix="export or install the bundle again") from error
    if hashlib.sha256(data).hexdigest() != expected.sha256:
        raise BundleError(
            f"{path}: checksum differs from bundle.json", fix="the file was altered or cut; install it again"
        )
