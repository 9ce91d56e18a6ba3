"""`asr-train plot`: pictures of a recording, as a recogniser sees it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from asr_training.align import Aligner
from asr_training.long_audio import log_probs_of
from asr_training.prepare import read_audio
from voice.audio.features import FeatureSettings, features
from voice.decoding.alignment import LEAD_FRAMES, Alignment, Span
from voice.errors import DataError
from voice.events import Samples, Segment
from voice.stages import LogProbs
from voice.text import Alphabet, normalise

LONGEST_S = 30.0
"""More can't be read in a picture."""
SPECTROGRAM = FeatureSettings(kind="spectrogram", window=320, hop=160, fft=320)
LOGMEL = FeatureSettings(window=400, mels=80, f_max=7600.0)
MFCC = FeatureSettings(kind="mfcc", window=400, mels=80, f_max=7600.0)
_DB = 10 / np.log(10)  # features are natural logarithms of power
_RANGE_DB = 80  # below the loudest cell
_SURFACE = (160, 81)  # most frames and bins of the three-dimensional picture
_SHOWN = 0.02  # a label's row is drawn where it gets this probability somewhere
_INK, _WAVE, _WORD, _LABEL = "#1f2430", "#2563a8", "#c2541b", "#4ee0a0"


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording and what a recogniser makes of it."""

    title: str
    samples: Samples
    rate: int
    alphabet: Alphabet
    log_probs: LogProbs
    stride: float
    """Seconds between two label frames."""
    alignment: Alignment | None
    begin: float = 0.0
    """Where in the file the pictures begin, seconds."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate


def hear(
    path: Path, aligner: Aligner, *, text: str | None = None, start: float = 0.0, end: float | None = None
) -> Heard:
    """Return a recording, or a part of it, and what a recogniser makes of it.

    Args:
        path: the recording.
        aligner: with the recogniser.
        text: what is said; None takes what the recogniser reads.
        start: of the part, seconds.
        end: of the part; None: the recording's.

    Raises:
        DataError: it can't be read, is too long for a picture, or the text does not fit.
    """
    recogniser = aligner.recogniser
    rate = recogniser.features.rate
    samples = read_audio(path, rate)
    samples = samples[round(start * rate) : None if end is None else round(end * rate)]
    seconds = len(samples) / rate
    if not SPECTROGRAM.window < len(samples) <= LONGEST_S * rate:
        fix = f"choose a part of at most {LONGEST_S:g} s with --start and --end"
        raise DataError(f"{path}: {seconds:.2f} s to draw", fix=fix)
    log_probs = log_probs_of(aligner.recogniser, samples)
    said = text if text is not None else recogniser.transcribe(Segment(samples, 0, rate)).text
    found = aligner.align(log_probs, said) if normalise(said) or text is not None else None
    title = f"{path.name}: {said}" if said else path.name
    return Heard(title, samples, rate, recogniser.alphabet, log_probs, recogniser.stride_seconds, found, start)


def draw(heard: Heard, folder: Path) -> list[Path]:
    """Write all pictures of a recording and return their files.

    Raises:
        DataError: the disk refuses.
    """
    pictures = {
        "waveform": waveform,
        "spectrogram": spectrogram,
        "spectrogram_3d": surface,
        "mfcc": mfcc,
        "posteriors": posteriors,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            picture(heard).savefig(folder / f"{name}.png")
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror or error}", fix="free disk space or choose another folder"
        ) from error
    return [folder / f"{name}.png" for name in pictures]


def waveform(heard: Heard) -> Figure:
    """Return the samples over time, with the words above them."""
    figure, (axes,) = _figure(heard, 1, 3.0)
    times = heard.begin + np.arange(len(heard.samples)) / heard.rate
    axes.plot(times, heard.samples, linewidth=0.5, color=_WAVE)
    size = max(0.05, 1.25 * float(np.abs(heard.samples).max()))
    axes.set_ylim(-size, size)
    axes.set_ylabel("amplitude")
    _words(heard, axes)
    return figure


def spectrogram(heard: Heard) -> Figure:
    """Return power over time and frequency: 161 linear bins of 20 ms windows, and 80 mel bins."""
    figure, (linear, mel) = _figure(heard, 2, 5.6)
    _image(heard, linear, figure, _DB * features(heard.samples, SPECTROGRAM), top=heard.rate / 2000, label="dB")
    linear.set_ylabel("kHz")
    _words(heard, linear)
    _image(heard, mel, figure, _DB * features(heard.samples, LOGMEL), top=LOGMEL.mels, label="dB")
    mel.set_ylabel("mel bin")
    return figure


def surface(heard: Heard) -> Figure:
    """Return the spectrogram as a landscape: time, frequency, level."""
    level = _DB * features(heard.samples, SPECTROGRAM)
    level = np.maximum(level, level.max() - _RANGE_DB)
    steps = [max(1, -(-size // most)) for size, most in zip(level.shape, _SURFACE, strict=True)]
    level = _coarser(level, *steps)
    times = heard.begin + np.arange(level.shape[0]) * steps[0] * SPECTROGRAM.hop / heard.rate
    hertz = np.arange(level.shape[1]) * steps[1] * heard.rate / SPECTROGRAM.fft / 1000
    figure = Figure(figsize=(10, 6.5), dpi=110, layout="constrained")
    axes: Any = figure.add_subplot(projection="3d")
    x, y = np.meshgrid(times, hertz, indexing="ij")
    axes.plot_surface(x, y, level, cmap="magma", rcount=_SURFACE[0], ccount=_SURFACE[1], linewidth=0, antialiased=False)
    axes.set(xlabel="s", ylabel="kHz", zlabel="dB")
    axes.set_box_aspect((2.2, 1.2, 0.7), zoom=1.25)
    axes.view_init(elev=38, azim=-65)
    figure.suptitle(heard.title, fontsize=10, wrap=True)
    return figure


def mfcc(heard: Heard) -> Figure:
    """Return the 13 cepstral coefficients; the first, which is the level, as a curve of its own."""
    figure, (level, shape) = _figure(heard, 2, 4.6)
    frames = features(heard.samples, MFCC)
    times = heard.begin + (np.arange(len(frames)) * MFCC.hop + MFCC.window / 2) / heard.rate
    level.plot(times, frames[:, 0], color=_WAVE, linewidth=1)
    level.set_ylabel("coefficient 0")
    low, high = frames[:, 0].min(), frames[:, 0].max()
    level.set_ylim(low, high + 0.4 * max(1.0, high - low))
    _words(heard, level)
    far = float(np.percentile(np.abs(frames[:, 1:]), 99))
    image = shape.imshow(
        frames[:, 1:].T,
        aspect="auto",
        origin="lower",
        cmap="RdBu_r",
        vmin=-far,
        vmax=far,
        extent=(heard.begin, heard.begin + heard.seconds, 0.5, MFCC.coefficients - 0.5),
    )
    shape.set_ylabel("coefficient")
    figure.colorbar(image, ax=[level, shape], aspect=40)
    return figure


def posteriors(heard: Heard) -> Figure:
    """Return the probability of each label over time, and on it where the alignment puts each label of the text.

    The probabilities are drawn `LEAD_FRAMES` early, so that a peak lies on the sound that it follows.
    """
    probabilities = np.exp(heard.log_probs)  # (frames, labels)
    spans = heard.alignment.labels if heard.alignment else ()
    wanted = {span.text for span in spans}
    labels = [
        i
        for i, label in enumerate(heard.alphabet.labels)
        if label in wanted or (len(probabilities) and probabilities[:, i].max() >= _SHOWN)
    ]
    rows = {heard.alphabet.labels[i]: row for row, i in enumerate(labels)}
    figure, (axes,) = _figure(heard, 1, 1.6 + 0.2 * len(labels))
    first = heard.begin - LEAD_FRAMES * heard.stride
    image = axes.imshow(
        probabilities[:, labels].T,
        aspect="auto",
        origin="lower",
        cmap="magma",
        vmin=0,
        vmax=1,
        interpolation="nearest",
        extent=(first, first + len(probabilities) * heard.stride, -0.5, len(labels) - 0.5),
    )
    names = {" ": "space", heard.alphabet.labels[heard.alphabet.blank]: "blank"}
    axes.set_yticks(range(len(labels)), [names.get(label, label) for label in rows])
    for span in spans:
        place = (heard.begin + span.start, rows[span.text] - 0.5)
        axes.add_patch(Rectangle(place, span.end - span.start, 1, fill=False, edgecolor=_LABEL, linewidth=0.9))
    axes.set_ylim(-0.5, (len(labels) + 0.1) / 0.87)
    axes.set_xlim(heard.begin, heard.begin + heard.seconds)
    axes.set_xlabel(f"s; probabilities {1000 * LEAD_FRAMES * heard.stride:.0f} ms early, where their sounds are")
    _words(heard, axes)
    figure.colorbar(image, ax=axes, aspect=40, label="probability")
    return figure


def _figure(heard: Heard, n_rows: int, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(max(8.0, min(24.0, 2.4 * heard.seconds)), height), dpi=110, layout="constrained")
    axes = figure.subplots(n_rows, 1, squeeze=False, sharex=True)[:, 0]
    for one in axes:
        one.set_xlim(heard.begin, heard.begin + heard.seconds)
        one.tick_params(labelsize=8)
    axes[-1].set_xlabel("s")
    figure.suptitle(heard.title, fontsize=10, wrap=True)
    return figure, axes


def _image(heard: Heard, axes: Any, figure: Figure, level: Any, *, top: float, label: str) -> None:
    """Draw a spectrogram, 80 dB down from its loudest cell."""
    image = axes.imshow(
        level.T,
        aspect="auto",
        origin="lower",
        cmap="magma",
        vmin=level.max() - _RANGE_DB,
        vmax=level.max(),
        extent=(heard.begin, heard.begin + heard.seconds, 0, top),
    )
    figure.colorbar(image, ax=axes, aspect=20, label=label)


def _words(heard: Heard, axes: Any) -> None:
    """Write the words of the alignment along the upper edge, each over its time."""
    for span in heard.alignment.words if heard.alignment else ():
        _word(span, heard.begin, axes)


def _word(span: Span, begin: float, axes: Any) -> None:
    start, end = begin + span.start, begin + span.end
    high = axes.get_xaxis_transform()
    axes.plot([start, end], [0.9, 0.9], transform=high, color=_WORD, linewidth=2, solid_capstyle="butt")
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    axes.text(
        (start + end) / 2, 0.94, span.text, transform=high, ha="center", va="bottom", fontsize=8, color=_INK, bbox=box
    )


def _coarser(level: Any, n_frames: int, n_bins: int) -> Any:
    """Return the loudest cell of each block: an average would flatten the harmonics."""
    frames, bins = (size // step * step for size, step in zip(level.shape, (n_frames, n_bins), strict=True))
    blocks = level[:frames, :bins].reshape(frames // n_frames, n_frames, bins // n_bins, n_bins)
    return blocks.max(axis=(1, 3))
