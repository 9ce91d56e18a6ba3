"""The one feature definition, in numpy, for training and run time: log-mel, MFCC, log spectrogram, waveform.

Frames start at sample 0 without centring: frame i covers samples [i * hop, i * hop + window), zero-padded to `fft`.
A waveform comes in frames too, [i * hop, (i + 1) * hop), so that every kind has one time axis.
Batch is streaming with one chunk; chunking never changes a bit, because every matrix product has the same shape.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from voice.events import RATE, Samples

Features = npt.NDArray[np.float32]
"""Feature vectors, shape (frames, bins)."""

_ROWS = 8  # frames per matrix product; 80 ms at a 10 ms hop


class FeatureSettings(BaseModel):
    """What a feature vector is. A bundle carries it, so run time computes what training computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["logmel", "mfcc", "spectrogram", "waveform"] = "logmel"
    rate: int = Field(RATE, gt=0, description="sampling rate, Hz")
    window: int = Field(480, gt=0, description="Hann window length, samples")
    hop: int = Field(160, gt=0, description="frame step, samples")
    fft: int = Field(512, gt=0, description="FFT length, samples")
    mels: int = Field(40, gt=0, description="mel filters")
    f_min: float = Field(20.0, ge=0, description="lower edge of the first filter, Hz")
    f_max: float = Field(4000.0, gt=0, description="upper edge of the last filter, Hz")
    offset: float = Field(1e-6, gt=0, description="added to the power before the logarithm")
    coefficients: int = Field(13, gt=0, description="cepstral coefficients kept (kind mfcc)")

    @model_validator(mode="after")
    def _consistent(self) -> "FeatureSettings":
        if self.kind == "waveform":
            return self
        if self.window > self.fft:
            raise ValueError(f"window {self.window} is longer than fft {self.fft}")
        if self.kind != "spectrogram" and not self.f_min < self.f_max <= self.rate / 2:
            raise ValueError(f"need f_min < f_max <= {self.rate / 2:g} Hz")
        if self.kind == "mfcc" and self.coefficients > self.mels:
            raise ValueError(f"{self.coefficients} coefficients from {self.mels} mel filters")
        return self

    @property
    def bins(self) -> int:
        """Length of a feature vector."""
        if self.kind == "spectrogram":
            return self.fft // 2 + 1
        return {"logmel": self.mels, "mfcc": self.coefficients, "waveform": self.hop}[self.kind]

    @property
    def base(self) -> "FeatureSettings":
        """What `finished` makes these features of: log-mel for MFCC, themselves otherwise."""
        coefficients = FeatureSettings.model_fields["coefficients"].default
        changes = {"kind": "logmel", "coefficients": coefficients} if self.kind == "mfcc" else {}
        return self.model_copy(update=changes)

    def frames(self, n_samples: int) -> int:
        """Whole frames in `n_samples` samples."""
        window = self.hop if self.kind == "waveform" else self.window
        return max(0, (n_samples - window) // self.hop + 1)


class FeatureStream:
    """Features of a stream, chunk by chunk.

    Args:
        settings: what to compute.
    """

    def __init__(self, settings: FeatureSettings) -> None:
        self.settings = settings
        self._rest = np.zeros(0, np.float32)

    def process(self, samples: Samples) -> Features:
        """Return the frames completed by `samples`, shape (frames, bins); the rest is kept for the next call."""
        settings = self.settings
        audio = np.concatenate([self._rest, np.asarray(samples, np.float32)])
        n_frames = settings.frames(len(audio))
        self._rest = audio[n_frames * settings.hop :].copy()
        if n_frames == 0:
            return np.zeros((0, settings.bins), np.float32)
        return _features(audio, n_frames, settings)

    def reset(self) -> None:
        """Forget the samples kept from earlier chunks."""
        self._rest = np.zeros(0, np.float32)


def features(samples: Samples, settings: FeatureSettings) -> Features:
    """Return the features of a whole recording, shape (frames, bins)."""
    return FeatureStream(settings).process(samples)


def mel_power(samples: Samples, settings: FeatureSettings) -> Features:
    """Return mel-filtered power, shape (frames, mels): augmentation adds noise in this domain."""
    return _mel_power(np.asarray(samples, np.float32), settings.frames(len(samples)), settings)


def finished(base: Features, settings: FeatureSettings) -> Features:
    """Return features, shape (frames, bins), from those of `settings.base`: training alters these before."""
    if settings.kind != "mfcc":
        return base
    return _product(base, _dct(settings.mels, settings.coefficients))


def _features(audio: Samples, n_frames: int, settings: FeatureSettings) -> Features:
    if settings.kind == "waveform":
        return audio[: n_frames * settings.hop].reshape(n_frames, settings.hop).copy()
    power = _power if settings.kind == "spectrogram" else _mel_power
    return finished(np.log(power(audio, n_frames, settings) + np.float32(settings.offset)), settings)


def _mel_power(audio: Samples, n_frames: int, settings: FeatureSettings) -> Features:
    if n_frames == 0:
        return np.zeros((0, settings.mels), np.float32)
    return _product(_power(audio, n_frames, settings), mel_filters(settings))


def _power(audio: Samples, n_frames: int, settings: FeatureSettings) -> Features:
    """Return |X|^2, shape (frames, fft / 2 + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(audio, settings.window)[:: settings.hop][:n_frames]
    spectrum = np.fft.rfft(windows * hann(settings.window), settings.fft, axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def _product(rows: Features, matrix: Features) -> Features:
    """Multiply in blocks of `_ROWS` rows: equal shapes give equal bits, however the stream was chunked."""
    n = len(rows)
    padded = np.zeros((-(-n // _ROWS) * _ROWS, rows.shape[1]), np.float32)
    padded[:n] = rows
    blocks = padded.reshape(-1, _ROWS, rows.shape[1])
    return np.matmul(blocks, matrix).reshape(-1, matrix.shape[1])[:n]


@lru_cache
def hann(length: int) -> Samples:
    """Periodic Hann window, shape (length,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


@lru_cache
def mel_filters(settings: FeatureSettings) -> Features:
    """Triangular filters of peak 1, linear in Hz, evenly spaced in mel = 1127 ln(1 + f / 700).

    Returns:
        Shape (fft / 2 + 1, mels).
    """
    hertz = np.arange(settings.fft // 2 + 1) * settings.rate / settings.fft
    mel_edges = np.linspace(_mel(settings.f_min), _mel(settings.f_max), settings.mels + 2)
    edges = 700 * (np.exp(mel_edges / 1127) - 1)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (hertz[:, None] - left) / (centre - left)
    falling = (right - hertz[:, None]) / (right - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hertz: float) -> float:
    return float(1127 * np.log1p(hertz / 700))


@lru_cache
def _dct(n_inputs: int, n_outputs: int) -> Features:
    """Orthonormal DCT-II, shape (n_inputs, n_outputs)."""
    angles = np.pi / n_inputs * (np.arange(n_inputs)[:, None] + 0.5) * np.arange(n_outputs)
    matrix = np.cos(angles) * np.sqrt(2 / n_inputs)
    matrix[:, 0] /= np.sqrt(2)
    return matrix.astype(np.float32)
