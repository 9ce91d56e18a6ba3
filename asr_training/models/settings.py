"""What a recipe's `network:` may say: one model of settings for each architecture, told apart by `kind`.

No Keras in here: reading a recipe must not cost the import of a training framework.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

Precision = Literal["float32", "mixed_bfloat16"]


class _Network(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    phone_block: int = Field(0, ge=0, description="block after which a second head learns phones; 0 for none")
    inter_block: int = Field(0, ge=0, description="block after which a head learns the labels already; 0 for none")
    precision: Precision = Field(
        "float32", description="of the large products in training; the exported network is the same"
    )

    @property
    def subsampling(self) -> int:
        """Feature frames in an encoder frame; a batch's length is a multiple of it."""
        return 8

    @property
    def labels_per_frame(self) -> int:
        """Label frames that an encoder frame gives."""
        return 2

    @property
    def streamable(self) -> bool:
        """Whether no layer looks further ahead than the encoder frame it computes."""
        return False

    def label_frames(self, n_frames: int) -> int:
        """Return the label frames of `n_frames` feature frames."""
        return -(-n_frames // self.subsampling) * self.labels_per_frame

    def exact(self) -> "NetworkSettings":
        """Return the settings of the network that is exported: the same weights, in float32, nothing dropped."""
        still = {name: 0.0 for name in type(self).model_fields if "dropout" in name}
        return self.model_copy(update={**still, "precision": "float32"})  # type: ignore[return-value]

    @model_validator(mode="after")
    def _blocks_exist(self) -> "_Network":
        most = getattr(self, "blocks", 0)
        for name in ("phone_block", "inter_block"):
            if getattr(self, name) > most:
                raise ValueError(f"{name} {getattr(self, name)} of a network of {most} blocks")
        return self


class ConvolutionalSettings(_Network):
    """The default: gated separable convolutions, of `convolutional.py`."""

    kind: Literal["convolutional"] = "convolutional"
    channels: int = Field(192, gt=0, description="width of the encoder")
    blocks: int = Field(12, gt=0, description="convolution blocks at 12.5 Hz")
    kernel: int = Field(11, gt=0, description="taps of each depthwise convolution")
    expansion: int = Field(3, gt=0, description="inner width of a block, as a multiple of channels")
    stem: int = Field(32, gt=0, description="channels of the first strided convolution")
    dropout: float = Field(0.05, ge=0, lt=1, description="on each block's output, in training")


class CausalSettings(ConvolutionalSettings):
    """The default without a look ahead, which runs as a stream: `causal.py`."""

    kind: Literal["causal"] = "causal"  # type: ignore[assignment]
    memory_seconds: float = Field(1.0, gt=0, description="audio that the learnt mean spectrum of the start is worth, s")
    step_frames: int = Field(32, gt=0, multiple_of=8, description="feature frames of a step of the exported stream")

    @property
    def streamable(self) -> bool:
        """Every layer looks back only."""
        return True


class _Strided(_Network):
    """With a choice of frame rates."""

    stride: Literal[4, 8] = Field(8, description="feature frames in an encoder frame")
    label_rate: Literal[1, 2] = Field(2, description="label frames of an encoder frame; 1 at stride 4 is 25 Hz, too")

    @property
    def subsampling(self) -> int:
        """Feature frames in an encoder frame."""
        return self.stride

    @property
    def labels_per_frame(self) -> int:
        """Label frames that an encoder frame gives."""
        return self.label_rate


class ConformerSettings(_Strided):
    """Self-attention and convolution, of `conformer.py`; the defaults are Conformer (S) behind 8x subsampling."""

    kind: Literal["conformer"] = "conformer"
    channels: int = Field(144, gt=0, description="width of the encoder")
    blocks: int = Field(16, gt=0, description="Conformer blocks")
    heads: int = Field(4, gt=0, description="of the attention; each of an even width")
    kernel: int = Field(15, gt=0, description="taps of the depthwise convolution")
    expansion: int = Field(4, gt=0, description="inner width of the feed-forward modules, as a multiple of channels")
    stem: int = Field(32, gt=0, description="channels of the first strided convolution")
    dropout: float = Field(0.1, ge=0, lt=1, description="on each module's output, in training")

    @model_validator(mode="after")
    def _heads_fit(self) -> "ConformerSettings":
        if self.channels % (2 * self.heads):
            raise ValueError(f"channels {self.channels} are no multiple of 2 x {self.heads} heads")
        return self


class CitrinetSettings(_Network):
    """Residual separable convolutions with squeeze-and-excitation, of `citrinet.py`; the defaults are Citrinet-256."""

    kind: Literal["citrinet"] = "citrinet"
    channels: int = Field(256, gt=0, multiple_of=8, description="of every block")
    kernels: tuple[int, ...] = Field(
        (11, 13, 15, 17, 19, 21, 13, 15, 17, 19, 21, 23, 25, 25, 27, 29, 31, 33, 35, 37, 39),
        min_length=3,
        description="taps of each block's convolutions; three equal parts of them follow a stride of 2 each",
    )
    gamma: float = Field(0.25, gt=0, le=1, description="scale of the kernels: gamma of the paper")
    repeats: int = Field(5, gt=0, description="separable convolutions of a block")
    last_channels: int = Field(640, gt=0, description="of the last convolution")
    label_rate: Literal[1, 2] = Field(2, description="label frames of an encoder frame, which is 80 ms")
    dropout: float = Field(0.1, ge=0, lt=1, description="after each activation")

    @model_validator(mode="after")
    def _heads_at_the_last_rate(self) -> "CitrinetSettings":
        first = 2 * -(-self.blocks // 3) + 1
        for name in ("phone_block", "inter_block"):
            if 0 < getattr(self, name) < first:
                raise ValueError(f"{name} {getattr(self, name)}: the frames are longer from block {first} on only")
        return self

    @property
    def blocks(self) -> int:
        """Residual blocks."""
        return len(self.kernels)

    @property
    def labels_per_frame(self) -> int:
        """Label frames that an encoder frame gives."""
        return self.label_rate


class DeepSpeech2Settings(_Network):
    """Two 2-D convolutions and recurrent layers, of `deep_speech2.py`."""

    kind: Literal["deep_speech2"] = "deep_speech2"
    filters: int = Field(32, gt=0, description="of the convolutions")
    units: int = Field(256, gt=0, description="GRU cells of each direction")
    blocks: int = Field(4, gt=0, description="recurrent layers")
    bidirectional: bool = Field(True, description="False looks back only in the recurrent layers")
    stride: Literal[2, 4] = Field(4, description="feature frames in a label frame")
    dropout: float = Field(0.0, ge=0, lt=1, description="after each recurrent layer")

    @property
    def subsampling(self) -> int:
        """Feature frames in an encoder frame."""
        return self.stride

    @property
    def labels_per_frame(self) -> int:
        """One label frame an encoder frame."""
        return 1


class HeyJetsonSettings(_Network):
    """Hey-Jetson's network, of `hey_jetson.py`."""

    kind: Literal["hey_jetson"] = "hey_jetson"
    filters: int = Field(256, gt=0, description="of each convolution")
    kernel: int = Field(5, gt=0, description="taps of each convolution")
    units: int = Field(256, gt=0, description="GRU cells of each direction")
    blocks: int = Field(7, gt=0, description="bidirectional recurrent layers")
    activation: Literal["relu", "tanh"] = Field("relu", description="of the GRU's candidate")
    dense_units: int = Field(1024, gt=0, description="of the first time-distributed dense layer")
    dropout: float = Field(0.0, ge=0, lt=1, description="before the attention")
    recurrent_dropout: float = Field(0.1, ge=0, lt=1, description="of the GRU's state, in training")

    @property
    def subsampling(self) -> int:
        """Two frames of 10 ms."""
        return 2

    @property
    def labels_per_frame(self) -> int:
        """One label frame an encoder frame."""
        return 1


class ResidualGruSettings(_Network):
    """Residual 2-D convolutions and bidirectional GRU, of `residual_gru.py`; the defaults are the predecessor's."""

    kind: Literal["residual_gru"] = "residual_gru"
    filters: int = Field(32, gt=0, description="of the convolutions")
    residuals: int = Field(3, gt=0, description="residual blocks")
    units: int = Field(512, gt=0, description="GRU cells of each direction, and width of the dense layers")
    blocks: int = Field(5, gt=0, description="bidirectional recurrent layers")
    dropout: float = Field(0.1, ge=0, lt=1, description="in every block")

    @property
    def subsampling(self) -> int:
        """Two frames of 10 ms."""
        return 2

    @property
    def labels_per_frame(self) -> int:
        """One label frame an encoder frame."""
        return 1


def _kind(value: Any) -> str:
    return value.get("kind", "convolutional") if isinstance(value, dict) else getattr(value, "kind", "")


NetworkSettings = Annotated[
    Annotated[ConvolutionalSettings, Tag("convolutional")]
    | Annotated[CausalSettings, Tag("causal")]
    | Annotated[ConformerSettings, Tag("conformer")]
    | Annotated[CitrinetSettings, Tag("citrinet")]
    | Annotated[DeepSpeech2Settings, Tag("deep_speech2")]
    | Annotated[HeyJetsonSettings, Tag("hey_jetson")]
    | Annotated[ResidualGruSettings, Tag("residual_gru")],
    Discriminator(_kind),
]
"""The settings of any network; without `kind` those of the convolutional one."""
