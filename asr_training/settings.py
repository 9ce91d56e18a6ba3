"""The training recipe: a YAML file, strictly checked."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asr_training.manifest import Limits
from voice.audio.features import FeatureSettings
from voice.errors import ConfigError
from voice.yaml12 import read_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSettings(_Strict):
    """Size of the encoder."""

    channels: int = Field(192, gt=0, description="width of the encoder")
    blocks: int = Field(12, gt=0, description="convolution blocks at 12.5 Hz")
    kernel: int = Field(11, gt=0, description="taps of each depthwise convolution")
    expansion: int = Field(3, gt=0, description="inner width of a block, as a multiple of channels")
    stem: int = Field(32, gt=0, description="channels of the first strided convolution")
    dropout: float = Field(0.05, ge=0, lt=1, description="on each block's output, in training")
    phone_block: int = Field(0, ge=0, description="block after which a second head learns phones; 0 for none")
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        "float32", description="of the large products in training; the exported network is the same"
    )


class AugmentSettings(_Strict):
    """What happens to the features of a training utterance, each time anew."""

    tempo: float = Field(0.12, ge=0, lt=0.5, description="largest change of speed, as a share")
    warp: float = Field(
        0.1, ge=0, lt=0.5, description="largest scaling of the mel axis, as a share (vocal tract length)"
    )
    gain_db: float = Field(10.0, ge=0, description="largest change of level, dB")
    noise: float = Field(0.35, ge=0, le=1, description="share of utterances with noise")
    snr_db: tuple[float, float] = Field((5.0, 25.0), description="range of the signal-to-noise ratio, dB")
    room: float = Field(0.0, ge=0, le=1, description="share of utterances with a reverberant tail")
    silence_frames: int = Field(50, ge=0, description="most frames of background added at each end")
    frequency_masks: int = Field(2, ge=0, description="SpecAugment: bands masked")
    frequency_width: int = Field(20, ge=0, description="SpecAugment: widest band, mel channels")
    time_masks: int = Field(4, ge=0, description="SpecAugment: stretches masked")
    time_share: float = Field(0.04, ge=0, lt=1, description="SpecAugment: longest stretch, share of the utterance")


class ScheduleSettings(_Strict):
    """How long and how fast to learn."""

    steps: int = Field(20_000, gt=0, description="optimizer steps")
    batch_seconds: float = Field(70.0, gt=0, description="audio in a batch, padding included, s")
    peak: float = Field(1.5e-3, gt=0, description="highest learning rate")
    warm_up: int = Field(300, ge=0, description="steps of linear warm-up")
    weight_decay: float = Field(1e-3, ge=0, description="AdamW's decoupled decay")
    clip: float = Field(1.0, gt=0, description="global norm of the gradient")
    ema: float = Field(0.999, gt=0, lt=1, description="decay of the averaged weights")
    phone_weight: float = Field(0.3, ge=0, lt=1, description="share of the phone head's loss, where there is one")
    short_epochs: int = Field(1, ge=0, description="first epochs with short utterances only")
    short_seconds: float = Field(4.0, gt=0, description="what counts as short, s")
    evaluate_every: int = Field(400, gt=0, description="steps between two looks at the dev part")
    checkpoint_minutes: float = Field(4.0, gt=0, description="minutes between two checkpoints")


class Recipe(_Strict):
    """Everything that decides what is learnt."""

    name: str = "asr-en"
    seed: int = 1
    features: FeatureSettings = FeatureSettings(window=400, mels=80, f_max=7600.0)
    network: NetworkSettings = NetworkSettings()
    augment: AugmentSettings = AugmentSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    filters: Limits = Limits()
    weights: dict[str, float] = Field(
        default_factory=dict, description="how often a corpus is heard in an epoch; 1 where not listed"
    )
    pad_frames: int = Field(64, gt=0, multiple_of=8, description="the exported network's time bucket, frames")


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a YAML file.

    Raises:
        ConfigError: it can't be read, or a key or value is wrong.
    """
    try:
        return Recipe.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in detail["loc"]) or "recipe"
        problem = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"]
        raise ConfigError(f"{path}: {where}: {problem}", fix="correct the recipe") from error
