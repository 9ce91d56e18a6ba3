"""What a recipe's `network:` may say: one model of settings for each architecture, told apart by `kind`.

No Keras in here: reading a recipe must not cost the import of a training framework.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from voice.audio.features import FeatureSettings
from voice.events import RATE


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """What a network takes."""

    kind: Literal["logmel", "samples"]
    """logmel: ln(P + 1e-6), shape (batch, frames, mels). samples: audio in [-1, 1], shape (batch, samples)."""
    rate: int
    """Sampling rate of the audio, Hz."""
    published: FeatureSettings | None
    """The features of its paper, as near as the one feature definition comes; None for a network on samples."""
    n_published: int
    """Frames, or samples, of one second in its paper."""


class _Network(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def input(self) -> NetworkInput:
        """What the network takes."""
        return NetworkInput("logmel", RATE, FeatureSettings(), 98)

    @property
    def streamable(self) -> bool:
        """Whether no layer looks ahead of the frame it computes, so that the network can be run as a stream."""
        return False


class SeparableSettings(_Network):
    """The residual separable network of `separable.py`."""

    kind: Literal["separable"] = "separable"
    stem_channels: int = Field(80, gt=0, description="channels of the first convolution")
    stem_kernel: int = Field(5, gt=0, description="frames it looks at")
    stem_stride: int = Field(2, gt=0, description="frames between two of its outputs")
    blocks: tuple[tuple[int, int, int], ...] = Field(
        ((80, 9, 1), (80, 9, 1), (80, 11, 1), (96, 11, 2), (96, 9, 1), (96, 9, 1)),
        description="channels, depthwise kernel (frames) and stride of each residual block",
    )
    causal: bool = Field(False, description="no convolution looks ahead, so that the network can be run as a stream")
    head_channels: int = Field(128, gt=0, description="channels before the pooling")
    pooling: Literal["mean", "weighted"] = Field("mean", description="over time; weighted: learnt, by channel")
    dropout: float = Field(0.1, ge=0, lt=1, description="before the last layer")

    @property
    def streamable(self) -> bool:
        """Whether no layer looks ahead."""
        return self.causal


class BcResNetSettings(_Network):
    """BC-ResNet of `bc_resnet.py`: the most accurate for its number of parameters."""

    kind: Literal["bc_resnet"] = "bc_resnet"
    tau: float = Field(1.0, gt=0, multiple_of=0.125, description="width: 1, 1.5, 2, 3, 6 or 8 in the paper")
    dropout: float = Field(0.1, ge=0, lt=1, description="of whole channels, in each block")
    sub_bands: Literal[1, 5] = Field(5, description="of the normalisation; 1: plain batch normalisation")

    @property
    def input(self) -> NetworkInput:
        """Log-mel frames up to 8 kHz; the paper centres its frames, which makes 101 of one second."""
        return NetworkInput("logmel", RATE, FeatureSettings(f_min=0, f_max=8000), 101)


def _kind(value: Any) -> str:
    return value.get("kind", "separable") if isinstance(value, dict) else getattr(value, "kind", "")


NetworkSettings = Annotated[
    Annotated[SeparableSettings, Tag("separable")] | Annotated[BcResNetSettings, Tag("bc_resnet")],
    Discriminator(_kind),
]
"""The settings of any network; without `kind` those of the separable one."""
