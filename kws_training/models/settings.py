"""What a recipe's `network:` may say: one model of settings for each architecture, told apart by `kind`.

No Keras in here: reading a recipe must not cost the import of a training framework.
"""

import math
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


class BackboneSettings(BaseModel):
    """The causal embedding network of `backbone.py`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stem_channels: int = Field(64, gt=0, description="channels of the first convolution")
    stem_kernel: int = Field(5, gt=0, description="frames it looks at")
    stem_stride: int = Field(2, gt=0, description="frames between two of its outputs")
    blocks: tuple[tuple[int, int, int], ...] = Field(
        ((64, 9, 1), (96, 9, 2), (104, 9, 1), (104, 9, 1), (104, 9, 1), (104, 9, 1), (104, 9, 1)),
        description="channels, depthwise kernel (frames) and stride of each residual block",
    )
    width: int = Field(64, gt=0, description="of an embedding")

    @property
    def stride(self) -> int:
        """Feature frames from one embedding to the next."""
        return self.stem_stride * math.prod(stride for *_, stride in self.blocks)

    @property
    def reach(self) -> int:
        """Feature frames that an embedding depends on, its own included."""
        frames, scale = self.stem_kernel, self.stem_stride
        for _, kernel, stride in self.blocks:
            frames += (kernel - 1) * scale
            scale *= stride
        return frames


class HeadSettings(BaseModel):
    """A wake word's head on the embeddings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blocks: tuple[tuple[int, int], ...] = Field(
        ((48, 5), (40, 5), (40, 5)), description="channels and depthwise kernel (embeddings) of each block"
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="before the last layer")

    @property
    def reach(self) -> int:
        """Embeddings before the window that its convolutions look at."""
        return sum(kernel - 1 for _, kernel in self.blocks)


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


class DsTcResNetSettings(_Network):
    """Google's ds_tc_resnet, which is MatchboxNet's topology, of `ds_tc_resnet.py`; the defaults are the first's."""

    kind: Literal["ds_tc_resnet"] = "ds_tc_resnet"
    causal: bool = Field(False, description="no convolution looks ahead, so that the network can be run as a stream")
    channels: int = Field(64, gt=0, description="of the residual blocks")
    wide_channels: int = Field(128, gt=0, description="of the first and the last two blocks")
    kernels: tuple[int, ...] = Field((13, 15, 17), description="frames, of each residual block")
    repeats: int = Field(1, gt=0, description="separable convolutions of a residual block")
    dropout: float = Field(0.0, ge=0, lt=1, description="after each activation")

    @property
    def input(self) -> NetworkInput:
        """40 MFCC of 80 mel filters in the source; log-mel as used here."""
        return NetworkInput(
            "logmel", RATE, FeatureSettings(kind="mfcc", mels=80, f_min=20, f_max=7600, coefficients=40), 98
        )

    @property
    def streamable(self) -> bool:
        """Whether no layer looks ahead."""
        return self.causal


class TcResNetSettings(_Network):
    """TC-ResNet of `tc_resnet.py`: 8 with one block a stage, 14 with two."""

    kind: Literal["tc_resnet"] = "tc_resnet"
    width: float = Field(1.0, gt=0, description="multiplies every number of channels: k of the paper")
    blocks: int = Field(1, gt=0, description="residual blocks of each of the three stages")
    causal: bool = Field(False, description="no convolution looks ahead, so that the network can be run as a stream")
    dropout: float = Field(0.5, ge=0, lt=1, description="before the last layer")

    @property
    def input(self) -> NetworkInput:
        """40 MFCC in the paper; any features of a frame are channels here."""
        return NetworkInput("logmel", RATE, FeatureSettings(kind="mfcc", f_max=8000, coefficients=40), 98)

    @property
    def streamable(self) -> bool:
        """Whether no layer looks ahead."""
        return self.causal


HELLO_EDGE = FeatureSettings(kind="mfcc", window=640, hop=320, fft=1024, coefficients=10)
"""Of Hello Edge: 10 MFCC of 40 mel filters, 40 / 20 ms, 49 frames a second."""


class _HelloEdge(_Network):
    """Of Hello Edge: MFCC are made in the network, of every second frame of 10 ms."""

    coefficients: int = Field(10, gt=0, description="MFCC kept")
    frame_step: int = Field(2, gt=0, description="one of so many frames is looked at; 1 for features of 20 ms")

    @property
    def input(self) -> NetworkInput:
        """10 MFCC of 20 ms; here of every second frame of 10 ms."""
        return NetworkInput("logmel", RATE, HELLO_EDGE, 49)


class DsCnnSettings(_HelloEdge):
    """DS-CNN of `ds_cnn.py`."""

    kind: Literal["ds_cnn"] = "ds_cnn"
    size: Literal["S", "M", "L"] = Field("S", description="of Hello Edge's table 6")


class CrnnSettings(_HelloEdge):
    """Convolution, two GRU layers and a dense one, of `crnn.py`."""

    kind: Literal["crnn"] = "crnn"
    size: Literal["S", "M", "L"] = Field("S", description="of Hello Edge")
    unroll: bool = Field(False, description="the frames become layers: as fast as it gets in LiteRT, slow to build")

    @property
    def streamable(self) -> bool:
        """No layer looks ahead: the convolution pads nothing, the GRU runs forward."""
        return True


class LstmSettings(_HelloEdge):
    """One LSTM layer, of `lstm.py`."""

    kind: Literal["lstm"] = "lstm"
    units: int = Field(118, gt=0, description="cells")
    unroll: bool = Field(False, description="the frames become layers: as fast as it gets in LiteRT, slow to build")

    @property
    def streamable(self) -> bool:
        """No layer looks ahead."""
        return True


class ResSettings(_Network):
    """res8 and res15 of `res.py`."""

    kind: Literal["res"] = "res"
    depth: Literal[8, 15] = Field(8, description="layers; 15 dilates instead of pooling")
    channels: int = Field(45, gt=0, description="feature maps; 19 for the paper's narrow networks")

    @property
    def input(self) -> NetworkInput:
        """40 MFCC, made in the network of as many mel filters as there are."""
        return NetworkInput("logmel", RATE, FeatureSettings(kind="mfcc", coefficients=40), 101)


class AttRnnSettings(_Network):
    """Att-RNN of `att_rnn.py`."""

    kind: Literal["att_rnn"] = "att_rnn"
    units: int = Field(64, gt=0, description="LSTM cells of each direction")
    dropout: float = Field(0.5, ge=0, lt=1, description="of the attended vector")
    unroll: bool = Field(False, description="the frames become layers: as fast as it gets in LiteRT, slow to build")

    @property
    def input(self) -> NetworkInput:
        """80 mel filters, 64 / 8 ms, 125 centred frames."""
        settings = FeatureSettings(window=1024, hop=128, fft=1024, mels=80, f_min=40, f_max=8000)
        return NetworkInput("logmel", RATE, settings, 125)


class KwtSettings(_Network):
    """Keyword Transformer of `kwt.py`; the heads are 1, 2 and 3 for KWT-1, 2 and 3."""

    kind: Literal["kwt"] = "kwt"
    heads: int = Field(1, gt=0, description="of 64 numbers each: the width of the network is 64 x heads")
    layers: int = Field(12, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1, description="of the attention's and the dense layers' outputs")

    @property
    def input(self) -> NetworkInput:
        """40 MFCC of 80 mel filters; the first layer projects each frame, so log-mel loses nothing."""
        return NetworkInput(
            "logmel", RATE, FeatureSettings(kind="mfcc", mels=80, f_min=20, f_max=7600, coefficients=40), 98
        )


class _Waveform(_Network):
    """On samples."""

    dropout: float = Field(0.0, ge=0, lt=1, description="before the last layer")

    @property
    def input(self) -> NetworkInput:
        """8,000 samples a second."""
        return NetworkInput("samples", 8000, None, 8000)


class M5Settings(_Waveform):
    """M5 on the raw waveform, of `waveform.py`; the defaults are the narrow one of PyTorch's tutorial."""

    kind: Literal["m5"] = "m5"
    channels: tuple[int, int, int, int] = Field(
        (32, 32, 64, 64), description="of each convolution; 128, 128, 256, 512 in the paper"
    )
    stride: int = Field(16, gt=0, description="samples between two outputs of the first convolution; 4 in the paper")


class M18Settings(_Waveform):
    """M18 on the raw waveform, of `waveform.py`."""

    kind: Literal["m18"] = "m18"
    channels: int = Field(64, gt=0, description="of the first stage; doubled at each of the three that follow")


class LightCnnSettings(_Network):
    """The light CNN of the transfer-learning predecessor, of `light_cnn.py`."""

    kind: Literal["light_cnn"] = "light_cnn"
    dropout: float = Field(0.2, ge=0, lt=1, description="after each pooling")

    @property
    def input(self) -> NetworkInput:
        """A log spectrogram of 161 frequencies, 20 / 10 ms, 99 frames; log-mel here."""
        return NetworkInput("logmel", RATE, FeatureSettings(window=320, f_min=0, f_max=8000), 99)


class MnistCnnSettings(_Network):
    """The CNN of the MNIST tutorials as the transfer-learning predecessor had it, of `mnist_cnn.py`."""

    kind: Literal["mnist_cnn"] = "mnist_cnn"
    units: int = Field(1024, gt=0, description="of the dense layer")

    @property
    def input(self) -> NetworkInput:
        """A log spectrogram of 161 frequencies, 20 / 10 ms, 99 frames; log-mel here."""
        return NetworkInput("logmel", RATE, FeatureSettings(window=320, f_min=0, f_max=8000), 99)


class TransferSettings(_Network):
    """A network for photographs, on the spectrogram as an image, of `transfer.py`."""

    kind: Literal["transfer"] = "transfer"
    backbone: Literal["vgg16", "inception_v3", "resnet50"] = "vgg16"
    weights: str = Field(
        "scratch",
        description="scratch; imagenet, which downloads them; or a file as keras.applications publishes it (notop)",
    )
    frozen: bool = Field(False, description="the backbone stays as it is, only the dense layers learn")
    units: int = Field(1024, gt=0, description="of each dense layer")

    @property
    def pretrained(self) -> bool:
        """Whether the backbone starts with weights of ImageNet."""
        return self.weights != "scratch"

    @property
    def input(self) -> NetworkInput:
        """A log spectrogram of 161 frequencies, 20 / 10 ms, 99 frames; log-mel here."""
        return NetworkInput("logmel", RATE, FeatureSettings(window=320, f_min=0, f_max=8000), 99)


def _kind(value: Any) -> str:
    return value.get("kind", "separable") if isinstance(value, dict) else getattr(value, "kind", "")


NetworkSettings = Annotated[
    Annotated[SeparableSettings, Tag("separable")]
    | Annotated[BcResNetSettings, Tag("bc_resnet")]
    | Annotated[DsTcResNetSettings, Tag("ds_tc_resnet")]
    | Annotated[TcResNetSettings, Tag("tc_resnet")]
    | Annotated[DsCnnSettings, Tag("ds_cnn")]
    | Annotated[CrnnSettings, Tag("crnn")]
    | Annotated[LstmSettings, Tag("lstm")]
    | Annotated[ResSettings, Tag("res")]
    | Annotated[AttRnnSettings, Tag("att_rnn")]
    | Annotated[KwtSettings, Tag("kwt")]
    | Annotated[M5Settings, Tag("m5")]
    | Annotated[M18Settings, Tag("m18")]
    | Annotated[LightCnnSettings, Tag("light_cnn")]
    | Annotated[MnistCnnSettings, Tag("mnist_cnn")]
    | Annotated[TransferSettings, Tag("transfer")],
    Discriminator(_kind),
]
"""The settings of any network; without `kind` those of the separable one."""
