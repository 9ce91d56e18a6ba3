"""Features against librosa, and streaming against batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.features import FeatureSettings, FeatureStream, features, finished, mel_filters

librosa = pytest.importorskip("librosa", reason="librosa comes with the extras `dev` and `train`")

LOGMEL = FeatureSettings()
WIDE = FeatureSettings(mels=80, window=400, f_max=8000)
MFCC = FeatureSettings(kind="mfcc", coefficients=13)
SPECTROGRAM = FeatureSettings(kind="spectrogram", window=320, fft=320)
WAVEFORM = FeatureSettings(kind="waveform")


def recording(n: int = 24_000, seed: int = 0) -> np.ndarray:
    """Noise whose spectrum falls like speech, with a gliding tone."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / 16_000
    noise = np.cumsum(rng.normal(0, 1e-3, n)) * 0.1
    return (0.3 * np.sin(2 * np.pi * (200 + 600 * t) * t) + noise - noise.sum() / max(n, 1)).astype(np.float32)


def htk_mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127 * np.log1p(np.asarray(hertz, float) / 700)


def librosa_logmel(audio: np.ndarray, s: FeatureSettings) -> np.ndarray:
    """librosa's frames of `window` samples, zero-padded at the right as ours are, through librosa's HTK filters."""
    n = s.frames(len(audio))
    frames = librosa.util.frame(audio, frame_length=s.window, hop_length=s.hop)[:, :n].T
    window = librosa.filters.get_window("hann", s.window, fftbins=True)
    power = np.abs(np.fft.rfft(frames.astype(np.float64) * window, s.fft)) ** 2
    filters = librosa.filters.mel(
        sr=s.rate, n_fft=s.fft, n_mels=s.mels, fmin=s.f_min, fmax=s.f_max, htk=True, norm=None, dtype=np.float64
    )
    return np.log(power @ filters.T + s.offset)


@pytest.mark.parametrize("settings_", [LOGMEL, WIDE], ids=["40 mels", "80 mels"])
def test_mel_filters_are_librosas(settings_: FeatureSettings) -> None:
    s = settings_
    theirs = librosa.filters.mel(
        sr=s.rate, n_fft=s.fft, n_mels=s.mels, fmin=s.f_min, fmax=s.f_max, htk=True, norm=None, dtype=np.float64
    )
    # librosa draws its triangles in Hz between edges that are evenly spaced in HTK mel: ours are the same
    np.testing.assert_allclose(mel_filters(s).T, theirs, atol=2e-6)


@pytest.mark.parametrize("settings_", [LOGMEL, WIDE], ids=["40 mels", "80 mels"])
def test_logmel_is_librosas(settings_: FeatureSettings) -> None:
    audio = recording()
    np.testing.assert_allclose(features(audio, settings_), librosa_logmel(audio, settings_), atol=2e-3)


def test_logmel_is_librosas_whole_chain() -> None:
    """With a window as long as the FFT, librosa's own `melspectrogram` needs no help."""
    s = FeatureSettings(window=512)
    audio = recording()
    power = librosa.feature.melspectrogram(
        y=audio, sr=s.rate, n_fft=512, hop_length=s.hop, win_length=512, window="hann", center=False,
        n_mels=s.mels, fmin=s.f_min, fmax=s.f_max, htk=True, norm=None, power=2.0,
    )  # fmt: skip
    np.testing.assert_allclose(features(audio, s), np.log(power.T + s.offset), atol=2e-3)


def test_mfcc_is_librosas() -> None:
    audio = recording()
    logmel = librosa_logmel(audio, LOGMEL)
    expected = librosa.feature.mfcc(S=logmel.T, n_mfcc=13, dct_type=2, norm="ortho").T
    np.testing.assert_allclose(features(audio, MFCC), expected, atol=5e-3)


def test_the_spectrogram_is_librosas() -> None:
    """161 bins from 0 to 8 kHz, 20 ms windows every 10 ms."""
    audio = recording()
    theirs = np.abs(librosa.stft(audio, n_fft=320, hop_length=160, window="hann", center=False)) ** 2
    found = features(audio, SPECTROGRAM)
    assert found.shape == (149, 161)
    np.testing.assert_allclose(found, np.log(theirs.T + 1e-6), atol=2e-3)


def test_a_waveform_is_the_samples_ten_milliseconds_a_frame() -> None:
    audio = recording(1000)
    np.testing.assert_array_equal(features(audio, WAVEFORM).ravel(), audio[:960])
    assert WAVEFORM.bins == 160


@pytest.mark.parametrize("settings_", [LOGMEL, MFCC, SPECTROGRAM, WAVEFORM], ids=lambda s: s.kind)
def test_features_are_what_finishes_their_base(settings_: FeatureSettings) -> None:
    audio = recording()
    base = features(audio, settings_.base)
    np.testing.assert_array_equal(finished(base, settings_), features(audio, settings_))
    assert settings_.base.base == settings_.base


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=25),
    st.sampled_from([LOGMEL, WIDE, MFCC, SPECTROGRAM, WAVEFORM]),
)
def test_chunking_never_changes_a_bit(lengths: list[int], chosen: FeatureSettings) -> None:
    audio = recording(sum(lengths))
    stream, at, parts = FeatureStream(chosen), 0, []
    for length in lengths:
        parts.append(stream.process(audio[at : at + length]))
        at += length
    streamed = np.concatenate(parts)
    assert streamed.shape == (chosen.frames(len(audio)), chosen.bins)
    np.testing.assert_array_equal(streamed, features(audio, chosen))


def test_reset_begins_a_new_stream() -> None:
    stream, audio = FeatureStream(LOGMEL), recording(5000)
    stream.process(recording(777, seed=1))
    stream.reset()
    np.testing.assert_array_equal(stream.process(audio), features(audio, LOGMEL))


@pytest.mark.parametrize("n", [0, 1, 479])
def test_less_than_a_window_gives_no_frame(n: int) -> None:
    assert features(recording(n), LOGMEL).shape == (0, 40)
