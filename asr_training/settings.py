"""The training recipe: a YAML file, strictly checked."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from asr_training.manifest import Limits
from asr_training.models.settings import ConvolutionalSettings, NetworkSettings
from voice.audio.features import FeatureSettings
from voice.decoding.phones import PHONES
from voice.errors import ConfigError
from voice.text import ENGLISH_CHARACTERS
from voice.yaml12 import read_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AugmentSettings(_Strict):
    """What happens to the features of a training utterance, each time anew."""

    tempo: float = Field(0.12, ge=0, lt=0.5, description="largest change of tempo, as a share; the pitch stays")
    speed: float = Field(0.0, ge=0, lt=0.5, description="largest change of speed, as a share; the pitch goes along")
    warp: float = Field(
        0.1, ge=0, lt=0.5, description="largest scaling of the mel axis, as a share (vocal tract length)"
    )
    gain_db: float = Field(10.0, ge=0, description="largest change of level, dB")
    noise: float = Field(0.35, ge=0, le=1, description="share of utterances with noise")
    snr_db: tuple[float, float] = Field((5.0, 25.0), description="range of the signal-to-noise ratio, dB")
    room: float = Field(0.0, ge=0, le=1, description="share of utterances with a reverberant tail")
    codec: float = Field(0.0, ge=0, le=1, description="share of utterances through a codec: low-pass, coarse samples")
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
    shape: Literal["cosine", "noam"] = Field(
        "cosine", description="after the warm-up; cosine ends at 1 % of the peak, noam falls with the root of the step"
    )
    warm_up: int = Field(300, ge=0, description="steps of linear warm-up")
    weight_decay: float = Field(1e-3, ge=0, description="AdamW's decoupled decay")
    clip: float = Field(1.0, gt=0, description="global norm of the gradient")
    ema: float = Field(0.999, gt=0, lt=1, description="decay of the averaged weights")
    phone_weight: float = Field(0.3, ge=0, lt=1, description="share of the phone head's loss, where there is one")
    inter_weight: float = Field(0.3, ge=0, lt=1, description="share of the intermediate label head's loss, likewise")
    consistency: float = Field(
        0.0, ge=0, description="weight of the consistency between two maskings of an utterance; 0 makes one only"
    )
    average: Literal["ema", "snapshots"] = Field(
        "ema", description="weights that are exported: the moving average, or the mean of the last snapshots"
    )
    snapshots: int = Field(0, ge=0, description="snapshots of the weights that are kept; 0 for none")
    snapshot_every: int = Field(500, gt=0, description="steps between two snapshots")
    short_epochs: int = Field(1, ge=0, description="first epochs with short utterances only")
    short_seconds: float = Field(4.0, gt=0, description="what counts as short, s")
    evaluate_every: int = Field(400, gt=0, description="steps between two looks at the dev part")
    checkpoint_minutes: float = Field(4.0, gt=0, description="minutes between two checkpoints")
    tensorboard: bool = Field(False, description="write event files for TensorBoard beside the log")

    @model_validator(mode="after")
    def _consistent(self) -> "ScheduleSettings":
        if self.average == "snapshots" and not self.snapshots:
            raise ValueError("average: snapshots needs snapshots: 1 or more")
        return self


class Recipe(_Strict):
    """Everything that decides what is learnt."""

    name: str = "asr-en"
    seed: int = 1
    features: FeatureSettings = FeatureSettings(window=400, mels=80, f_max=7600.0)
    units: Literal["characters", "phones"] = Field("characters", description="what the labels are")
    alphabet: str = Field(
        "".join(ENGLISH_CHARACTERS[1:]),
        min_length=1,
        description="characters, where they are the units, in label order",
    )
    network: NetworkSettings = ConvolutionalSettings()
    augment: AugmentSettings = AugmentSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    filters: Limits = Limits()
    weights: dict[str, float] = Field(
        default_factory=dict, description="how often a corpus is heard in an epoch; 1 where not listed"
    )
    share: float = Field(
        1.0, gt=0, le=1, description="of each corpus' training speech that is learnt, to see what more of it brings"
    )
    whole: tuple[str, ...] = Field((), description="corpora that `share` leaves as they are, such as synthetic ones")
    pad_frames: int = Field(64, gt=0, multiple_of=8, description="the exported network's time bucket, frames")

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if len(set(self.alphabet)) != len(self.alphabet):
            raise ValueError("alphabet: a character stands twice")
        if self.units == "phones" and self.network.phone_block:
            raise ValueError("the labels are phones: take inter_block instead of phone_block")
        both = bool(self.network.phone_block) and bool(self.network.inter_block)
        if both and self.schedule.phone_weight + self.schedule.inter_weight >= 1:
            raise ValueError("phone_weight and inter_weight leave nothing for the labels")
        return self

    @property
    def needs_lexicon(self) -> bool:
        """Whether anything in it is learnt from pronunciations."""
        return self.units == "phones" or self.network.phone_block > 0

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the main head, the blank first."""
        return ("<blank>", *(PHONES if self.units == "phones" else self.alphabet))


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
