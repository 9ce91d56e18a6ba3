"""Which recordings train a classifier, and how they are divided: `kws-train prepare`, or `data:` of a recipe."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kws_training.dataset import Protocol

Layout = Literal["auto", "pack", "speech-commands", "kaggle", "folders"]
SplitRule = Literal["auto", "official", "hash", "speaker", "listed"]


class SpokenSettings(BaseModel):
    """Words said by the machine's synthesisers, to try the trainer on without a recording."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: tuple[str, ...] = Field(min_length=2, description="the labels")
    others: tuple[str, ...] = Field((), description="words that are `_unknown_`")
    n_voices: int = Field(40, ge=6, description="voices, which are the speakers")
    seed: int = 1


class DataSettings(BaseModel):
    """Where the clips are, what their labels are, and who of the speakers trains, validates and tests."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folders: tuple[Path, ...] = Field((), description="folders or archives (.tar.gz, .zip)")
    download: Literal["v1", "v2"] | None = Field(
        None, description="get Speech Commands first; v2 with 12 labels also its official test set"
    )
    spoken: SpokenSettings | None = Field(None, description="synthesise the words instead")
    layout: Layout = Field("auto", description="how the folders are laid out")
    labels: str = Field(
        "auto", description="12, 20, 30, 35, all, or words with commas; auto: 12, or all of own folders"
    )
    silence: bool | None = Field(None, description="a label `_silence_`; default: as the label set has it")
    unknown: bool | None = Field(None, description="a label `_unknown_`; default: as the label set has it")
    apart: bool | None = Field(None, description="the network learns each other word for itself; default: protocol all")
    split: SplitRule = Field("auto", description="auto: lists or split folders where there are some, else by speaker")
    protocol: Protocol = Field("all", description="unknown and silence: all clips, or counts by the papers' rules")
    test: Path | None = Field(None, description="folder or archive of an official test set, instead of the split's own")
    dev_share: float = Field(0.1, gt=0, lt=0.5, description="of the clips, split by speaker")
    test_share: float = Field(0.1, ge=0, lt=0.5, description="of the clips, split by speaker")
    speaker: str = Field("^(.+?)_nohash_", description="pattern of a file's name whose first group is its speaker")
    noise: tuple[Path, ...] = Field((), description="folders of noise, beside _background_noise_")
    speech: tuple[Path, ...] = Field((), description="folders of running speech, which is `_unknown_`")
    skip: tuple[Path, ...] = Field((), description="lists of clips of running speech to leave out")
    resample: bool = Field(False, description="take clips of another rate than 16 kHz too")
    drop_clashes: bool | None = Field(
        None, description="leave out clips that stand under two labels; default: in published sets only, else an error"
    )
    samples_rate: int = Field(0, ge=0, description="keep raw samples too, at this rate in Hz; 0: none")
    seed: int = Field(59185, description="of what is drawn")

    @field_validator("labels", mode="before")
    @classmethod
    def _written_as_a_list(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return ",".join(map(str, value))
        return str(value) if isinstance(value, int) else value

    @field_validator("speaker")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            n_groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"no pattern: {error}") from error
        if n_groups < 1:
            raise ValueError("the pattern needs a group for the speaker, as in ^([a-z]+)_")
        return value
