"""The networks beside their papers: what was published, and the table that compares it with what is built.

`python -m kws_training.models.zoo` prints the table of kws_training/README.md; a test compares them.
"""

from dataclasses import dataclass
from math import prod

from kws_training.models.settings import (
    AttRnnSettings,
    BcResNetSettings,
    CrnnSettings,
    DsCnnSettings,
    DsTcResNetSettings,
    KwtSettings,
    LightCnnSettings,
    LstmSettings,
    M5Settings,
    M18Settings,
    MnistCnnSettings,
    NetworkSettings,
    ResSettings,
    SeparableSettings,
    TcResNetSettings,
    TransferSettings,
)


@dataclass(frozen=True, slots=True)
class Published:
    """A network as its paper has it."""

    name: str
    settings: NetworkSettings
    paper: str
    """Where; `own` for ours."""
    parameters: str = "-"
    """As printed there, trainable ones."""
    multiplies: str = "-"
    """As printed there; halved where the paper counts two operations for one."""
    shape: tuple[int, int, int] = (98, 40, 12)
    """Frames, mel filters and classes that the figures are for; samples, 1 and classes."""


_EDGE = (49, 40, 12)
_BC = (101, 40, 12)
_MATCHBOX = (128, 64, 30)
_IMAGE = (99, 161, 12)

ZOO = (
    Published("separable", SeparableSettings(), "own"),
    Published("BC-ResNet-1", BcResNetSettings(tau=1), "2106.04140", "9.2k", "3.1M", _BC),
    Published("BC-ResNet-1.5", BcResNetSettings(tau=1.5), "2106.04140", "17.2k", "5.5M", _BC),
    Published("BC-ResNet-2", BcResNetSettings(tau=2), "2106.04140", "27.3k", "8.5M", _BC),
    Published("BC-ResNet-3", BcResNetSettings(tau=3), "2106.04140", "54.2k", "16.2M", _BC),
    Published("BC-ResNet-6", BcResNetSettings(tau=6), "2106.04140", "188k", "53.1M", _BC),
    Published("BC-ResNet-8", BcResNetSettings(tau=8), "2106.04140", "321k", "89.1M", _BC),
    Published("ds_tc_resnet", DsTcResNetSettings(), "2005.06720", "75k", "6.8M"),
    Published("MatchboxNet-3x1x64", DsTcResNetSettings(), "2004.08531", "77k", "9.3M", _MATCHBOX),
    Published("MatchboxNet-3x2x64", DsTcResNetSettings(repeats=2), "2004.08531", "93k", "11.3M", _MATCHBOX),
    Published(
        "MatchboxNet-6x2x64",
        DsTcResNetSettings(repeats=2, kernels=(13, 15, 17, 19, 21, 23)),
        "2004.08531",
        "140k",
        "17.1M",
        _MATCHBOX,
    ),
    Published("TC-ResNet8", TcResNetSettings(), "1904.03814", "66k", "1.5M"),
    Published("TC-ResNet14-1.5", TcResNetSettings(blocks=2, width=1.5), "1904.03814", "305k", "6.7M"),
    Published("DS-CNN-S", DsCnnSettings(frame_step=1), "1711.07128", "23,756", "2.7M", _EDGE),
    Published("DS-CNN-M", DsCnnSettings(size="M", frame_step=1), "1711.07128", "140k", "9.8M", _EDGE),
    Published("DS-CNN-L", DsCnnSettings(size="L", frame_step=1), "1711.07128", "420k", "28M", _EDGE),
    Published("CRNN-S", CrnnSettings(frame_step=1), "1711.07128", "-", "1.5M", _EDGE),
    Published("CRNN-M", CrnnSettings(size="M", frame_step=1), "1711.07128", "-", "3.8M", _EDGE),
    Published("CRNN-L", CrnnSettings(size="L", frame_step=1), "1711.07128", "-", "9.65M", _EDGE),
    Published("LSTM", LstmSettings(frame_step=1), "1711.07128", "-", "2.95M", _EDGE),
    Published("res8", ResSettings(depth=8), "1710.10361", "110k", "30M", _BC),
    Published("res15", ResSettings(depth=15), "1710.10361", "238k", "894M", _BC),
    Published("Att-RNN", AttRnnSettings(), "1808.08929", "202k", "22.3M", (125, 80, 12)),
    Published("KWT-1", KwtSettings(heads=1), "2104.00769", "607k"),
    Published("KWT-2", KwtSettings(heads=2), "2104.00769", "2,394k"),
    Published("KWT-3", KwtSettings(heads=3), "2104.00769", "5,361k"),
    Published("M5, tutorial", M5Settings(), "PyTorch tutorial", "26,915", "-", (8000, 1, 35)),
    Published("M5", M5Settings(channels=(128, 128, 256, 512), stride=4), "1610.00087", "0.5M", "-", (8000, 1, 10)),
    Published("M18", M18Settings(), "1610.00087", "3.7M", "-", (8000, 1, 10)),
    Published("light CNN", LightCnnSettings(), "predecessor", "723,454", "-", _IMAGE),
    Published("MNIST CNN", MnistCnnSettings(), "predecessor", "54,929,868", "-", _IMAGE),
    Published("VGG16", TransferSettings(backbone="vgg16"), "predecessor", "23,659,340", "-", _IMAGE),
    Published("Inception v3", TransferSettings(backbone="inception_v3"), "predecessor", "29,137,068", "-", _IMAGE),
    Published("ResNet50", TransferSettings(backbone="resnet50"), "predecessor", "75,029,516", "-", _IMAGE),
)


def recipe(settings: NetworkSettings) -> str:
    """Return what a recipe's `network:` says for these settings."""
    changed = {key: value for key, value in settings if value != type(settings).model_fields[key].default}
    changed.pop("frame_step", None)  # of the features that the figures are for
    words = [f"kind: {settings.kind}", *(f"{key}: {_yaml(value)}" for key, value in changed.items())]
    return "{" + ", ".join(words) + "}"


def _yaml(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def row(published: Published) -> str:
    """Return the line of the table; builds the network."""
    from kws_training.models import build  # noqa: PLC0415
    from kws_training.multiplies import multiplies  # noqa: PLC0415

    model = build(published.settings, *published.shape)
    n_trainable = sum(prod(weight.shape) for weight in model.trainable_variables)
    paper = f"arXiv {published.paper}" if published.paper[0].isdigit() else published.paper
    size = f"{published.shape[0]} x {published.shape[1]} -> {published.shape[2]}"
    cells = (published.name, f"`{recipe(published.settings)}`", paper, size, f"{n_trainable:,}", published.parameters)
    return f"| {' | '.join((*cells, f'{multiplies(model) / 1e6:.2f}M', published.multiplies))} |"


def table() -> str:
    """Return the whole table as Markdown; builds every network."""
    head = "| name | `network:` | paper | input -> classes | parameters | published | multiplies | published |"
    return "\n".join([head, "|---|---|---|---|---|---|---|---|", *map(row, ZOO)])


if __name__ == "__main__":
    print(table())
