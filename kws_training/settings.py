"""What a recipe in `config/kws/*.yaml` may say."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kws_training.data_settings import DataSettings
from kws_training.models.settings import BackboneSettings, HeadSettings, NetworkSettings, SeparableSettings
from voice.errors import ConfigError
from voice.yaml12 import read_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AugmentSettings(_Strict):
    """How a training clip is varied."""

    shift_frames: int = Field(10, ge=0, description="usual shift, +- frames")
    far_shift_frames: int = Field(25, ge=0, description="shift of a quarter of the clips, +- frames")
    speed: float = Field(0.12, ge=0, lt=1, description="speed change, +- share")
    warp: float = Field(0.06, ge=0, lt=0.5, description="frequency warp, +- share of the mel index: another pitch")
    noise_share: float = Field(0.75, ge=0, le=1, description="share of the clips that get noise")
    snr_db: tuple[float, float] = Field((0.0, 40.0), description="signal to noise ratio, dB")
    babble_share: float = Field(0.0, ge=0, le=1, description="of the noise: several people who talk at once")
    room_share: float = Field(0.0, ge=0, le=1, description="share of the clips that get reverberation")
    room: Literal["tail", "shoebox"] = Field("tail", description="a diffuse tail, or simulated rooms (rooms.py)")
    room_seconds: tuple[float, float] = Field((0.2, 0.8), description="reverberation time T60")
    direct_db: tuple[float, float] = Field(
        (-3.0, 12.0), description="direct sound to a diffuse tail, dB: the less, the farther from the microphone"
    )
    gain_db: tuple[float, float] = Field((-30.0, 10.0), description="level change, dB")
    tilt_db: float = Field(6.0, ge=0, description="spectral tilt and colour of the microphone, +- dB")
    codec_share: float = Field(
        0.0, ge=0, le=1, description="share of the clips that come through a narrow, coarse codec"
    )
    time_masks: int = Field(2, ge=0)
    time_mask_frames: int = Field(14, ge=0, description="longest time mask, frames")
    mel_masks: int = Field(2, ge=0)
    mel_mask_bins: int = Field(5, ge=0, description="widest frequency mask, mel filters")


class OptimiserSettings(_Strict):
    """How the weights are found: optimiser, learning rate over time, when to stop, mean of the weights."""

    kind: Literal["adam", "adamw", "sgd"] = "adamw"
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    nesterov: bool = Field(False, description="sgd looks ahead along its momentum")
    steps: int = Field(12_000, gt=0)
    batch: int = Field(128, gt=0)
    steps_per_epoch: int = Field(500, gt=0, description="steps between two validations and checkpoints")
    schedule: Literal["cosine", "step", "plateau"] = Field("cosine", description="the learning rate after the warm-up")
    peak_rate: float = Field(4e-3, gt=0, description="highest learning rate")
    warmup_steps: int = Field(500, ge=0, description="over which the rate rises from 0")
    final_share: float = Field(0.01, ge=0, le=1, description="cosine: share of the peak rate at the last step")
    falls: tuple[tuple[int, float], ...] = Field(
        ((8000, 0.1), (10_000, 0.01)), description="step: from this step on this share of the peak rate"
    )
    plateau_epochs: int = Field(3, gt=0, description="plateau: epochs without a better one before the rate falls")
    plateau_factor: float = Field(0.5, gt=0, lt=1, description="plateau: what the rate is multiplied by")
    stop_epochs: int = Field(0, ge=0, description="epochs without a better one before training ends; 0: never")
    keep: Literal["best", "last"] = Field("best", description="which epoch is used")
    weight_decay: float = Field(0.01, ge=0, description="decoupled, times the rate; adam has none")
    clip_norm: float = Field(1.0, ge=0, description="longest gradient of one weight tensor; 0: any")
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    mixup: float = Field(0.0, ge=0, description="alpha of mixup; 0: none")
    ema: float = Field(0.999, ge=0, lt=1, description="momentum of the mean of the weights; 0: no mean")
    tensorboard: bool = Field(False, description="write event files to RUN/tensorboard")
    seed: int = 1


class TeacherSettings(_Strict):
    """How much a trained network's opinion counts (`--teacher RUN`)."""

    share: float = Field(0.7, ge=0, le=1, description="the rest is the label's")
    temperature: float = Field(1.5, gt=0, description="above 1 the teacher's doubts weigh more")


class CommandsRecipe(_Strict):
    """Train the one-word command classifier."""

    data: DataSettings | None = Field(None, description="what `train` prepares first; without it, `prepare` did")
    unseen: tuple[str, ...] = Field((), description="other words kept out of training, to measure rejection by")
    image_share: float = Field(0.6, ge=0, le=1, description="share drawn from spectrograms, equal for every class")
    unknown_share: float = Field(0.22, gt=0, lt=1)
    silence_share: float = Field(0.08, gt=0, lt=1)
    speech_share: float = Field(0.4, ge=0, le=1, description="of unknown: one-second cuts of running speech")
    isolated_share: float = Field(0.0, ge=0, le=1, description="of those cuts: a piece alone, the rest made quiet")
    spliced_share: float = Field(0.0, ge=0, le=1, description="of unknown: the front of one word, the end of another")
    other_words_apart: bool = Field(True, description="each other word is a target of its own, merged after training")
    teacher: TeacherSettings = TeacherSettings()
    max_false_commands: float = Field(0.01, gt=0, lt=1, description="share of unknown speech that may pass")
    network: NetworkSettings = SeparableSettings()
    augment: AugmentSettings = AugmentSettings()
    optimiser: OptimiserSettings = OptimiserSettings()


class BackboneRecipe(_Strict):
    """Train the embedding network that wake words stand on."""

    unseen: tuple[str, ...] = Field(
        ("alexa", "athena", "operator"), description="wake words whose clips are kept out, to be tried as new ones"
    )
    synthetic: tuple[str, ...] = Field(("synthetic",), description="stores of synthetic speech")
    shares: dict[str, float] = Field({"synthetic": 0.6}, description="of a store heard in an epoch; 1 where not named")
    words: tuple[str, ...] = Field(("words", "images", "wake"), description="stores of single words")
    words_share: float = Field(0.3, ge=0, lt=1, description="of a batch's audio: single words")
    short_epochs: int = Field(1, ge=0, description="first epochs with short utterances only: they are aligned sooner")
    short_frames: int = Field(350, gt=0, description="what counts as short")
    longest_frames: int = Field(1600, gt=0, description="longer utterances are left out")
    dev_frames: int = Field(600, gt=0, description="longest utterance of the validation")
    batch_frames: int = Field(12_000, gt=0, description="of a batch, padding included")
    silence_frames: int = Field(30, ge=0, description="most silence before an utterance")
    network: BackboneSettings = BackboneSettings()
    augment: AugmentSettings = AugmentSettings(
        noise_share=0.6,
        snr_db=(3.0, 40.0),
        room_share=0.25,
        room="tail",
        room_seconds=(0.15, 0.6),
        speed=0.12,
        warp=0.1,
        gain_db=(-25.0, 8.0),
        time_masks=2,
        time_mask_frames=12,
        mel_mask_bins=5,
    )
    optimiser: OptimiserSettings = OptimiserSettings(
        steps=12_000, steps_per_epoch=1000, peak_rate=4e-3, warmup_steps=500, ema=0.998, seed=1
    )


class KeywordRecipe(_Strict):
    """Train a wake word."""

    window_frames: int = Field(112, gt=0, description="frames the network looks at")
    step_frames: int = Field(8, gt=0, description="frames between two looks")
    late_frames: int = Field(20, ge=0, description="latest end of a positive window after the word, frames")
    smoothing_steps: int = Field(2, gt=0, description="looks averaged")
    refractory_ms: int = Field(1500, ge=0, description="no second detection within")
    positive_share: float = Field(0.3, gt=0, lt=1)
    real_share: float = Field(0.5, ge=0, le=1, description="of the positives: recordings of people")
    tracts: tuple[float, ...] = Field(
        (1.0, 0.88, 0.94, 1.06, 1.13, 1.22), description="training recordings are resampled by these"
    )
    n_synthetic_words: int = Field(2500, ge=0)
    n_synthetic_sentences: int = Field(3000, ge=0, description="the word and a command in one breath")
    n_near_misses: int = Field(2500, ge=0)
    n_synthetic_fluent: int = Field(2000, ge=0, description="further sentences, of the most natural voices")
    mining_steps: tuple[int, ...] = Field(
        (3500, 3500, 3500),
        description="of each round that trains, then looks for false accepts and missed words; the last training has "
        "the optimiser's steps",
    )
    false_accepts_per_hour: float = Field(0.25, gt=0, description="the threshold is calibrated to it on dev speech")
    weights: Literal["float32", "float16", "int8"] = Field("int8", description="how the bundle stores them")
    network: NetworkSettings = SeparableSettings(
        stem_channels=40,
        blocks=((40, 9, 1), (40, 9, 1), (56, 9, 2), (56, 9, 1), (56, 9, 1)),
        head_channels=80,
        pooling="weighted",
    )
    augment: AugmentSettings = AugmentSettings(
        shift_frames=0,
        far_shift_frames=0,
        speed=0.15,
        warp=0.1,
        room_share=0.3,
        time_masks=1,
        time_mask_frames=8,
        mel_mask_bins=4,
    )
    optimiser: OptimiserSettings = OptimiserSettings(
        steps=2_500, steps_per_epoch=500, peak_rate=3e-3, warmup_steps=200, label_smoothing=0.005, ema=0.995
    )


class WordRecipe(_Strict):
    """Train a wake word's head on the backbone's embeddings."""

    seed: int = 1
    n_alone: int = Field(1200, ge=0, description="synthetic clips of the phrase alone")
    n_sentences: int = Field(800, ge=0, description="synthetic clips of the phrase and a command in one breath")
    n_near: int = Field(1500, ge=0, description="synthetic clips of phrases that sound alike")
    copies: int = Field(4, gt=0, description="variations of each clip: rooms, noise, level, speed, voice")
    take_copies: int = Field(60, gt=0, description="variations of each take at most")
    take_share: float = Field(0.5, ge=0, le=1, description="of the positives, where there are takes")
    tracts: tuple[float, ...] = Field((0.88, 0.94, 1.0, 1.06, 1.13, 1.22), description="takes are resampled by these")
    late_frames: int = Field(20, ge=0, description="latest end of a positive window after the phrase, frames")
    pooled: int = Field(0, ge=0, description="embeddings a look pools over; 0: as long as the phrase lasts")
    step_frames: int = Field(8, gt=0, description="frames between two looks")
    smoothing_steps: int = Field(2, gt=0, description="looks averaged")
    refractory_ms: int = Field(1500, ge=0, description="no second detection within")
    rounds: int = Field(3, gt=0, description="trainings; before each but the first, false accepts are looked for")
    steps: int = Field(800, gt=0, description="of a round")
    batch: int = Field(320, gt=0)
    positive_share: float = Field(0.25, gt=0, lt=1)
    near_share: float = Field(0.35, ge=0, lt=1, description="of a batch: phrases that sound alike")
    mined_share: float = Field(0.6, ge=0, le=1, description="of the other negatives: false accepts")
    peak_rate: float = Field(3e-3, gt=0)
    label_smoothing: float = Field(0.005, ge=0, lt=0.5)
    tune_rounds: int = Field(3, ge=0, description="trainings of backbone and head together, after the head's own")
    tune_steps: int = Field(300, gt=0, description="of each")
    tune_batch: int = Field(64, gt=0, description="whole clips of such a step")
    tune_mined: int = Field(6000, gt=0, description="false accepts that such a round learns from at most")
    tune_rate: float = Field(1.5e-3, gt=0)
    false_accepts_per_hour: float = Field(0.2, gt=0, description="the threshold is calibrated to it")
    weights: Literal["float32", "float16", "int8"] = Field("int8", description="how the bundle stores them")
    head: HeadSettings = HeadSettings()
    augment: AugmentSettings = AugmentSettings(
        noise_share=0.7,
        snr_db=(0.0, 35.0),
        room_share=0.35,
        room_seconds=(0.15, 0.7),
        direct_db=(-9.0, 12.0),
        speed=0.15,
        warp=0.1,
        gain_db=(-25.0, 8.0),
        codec_share=0.15,
        time_masks=1,
        time_mask_frames=6,
        mel_mask_bins=4,
    )


Recipe = TypeVar("Recipe", bound=BaseModel)


def with_steps(recipe: CommandsRecipe, n_steps: int) -> CommandsRecipe:
    """Return a recipe of another length: warm-up, epochs, falls and the reach of the weights' mean in proportion."""
    before = recipe.optimiser
    share = n_steps / before.steps
    changed = {
        "steps": n_steps,
        "warmup_steps": round(before.warmup_steps * share),
        "steps_per_epoch": min(before.steps_per_epoch, max(1, n_steps // 8)),
        "falls": tuple((round(step * share), to) for step, to in before.falls),
        "ema": max(0.0, 1 - (1 - before.ema) / min(1.0, share)) if before.ema else 0.0,
    }
    return recipe.model_copy(update={"optimiser": before.model_copy(update=changed)})


def read_recipe(path: Path, kind: type[Recipe]) -> Recipe:
    """Return a recipe.

    Raises:
        ConfigError: it can't be read, or a key or value is wrong; names file and key.
    """
    document: Any = read_yaml(path)
    try:
        return kind.model_validate(document or {})
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            raise ConfigError(f"{path}: {where}: no such key", fix=_nearest(kind, detail["loc"])) from error
        raise ConfigError(f"{path}: {where}: {detail['msg']}", fix="correct the recipe") from error


def _nearest(kind: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """Return advice that names the valid key next to a wrong one."""
    models = [kind]
    for part in place[:-1]:  # a key, an index, or the kind of a union's member
        tagged = [model for model in models if part in _tags(model)]
        inner = [
            m for model in models if part in model.model_fields for m in _models(model.model_fields[part].annotation)
        ]
        models = inner or tagged or models
    known = sorted({name for model in models for name in model.model_fields})
    near = get_close_matches(str(place[-1]), known, 1)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()
