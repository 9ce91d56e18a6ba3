"""Variations of log-mel clips, on whole batches of shape (batch, frames, mels) in ln(P + 1e-6).

Noise adds as power: ln(exp(a) + exp(b)). A gain of g dB moves ln P by g ln(10) / 10.
"""

import numpy as np
import numpy.typing as npt

from kws_training.feature_store import SETTINGS
from kws_training.rooms import mel_hertz, responses, reverberate
from kws_training.settings import AugmentSettings
from voice.audio.features import mel_filters

Batch = npt.NDArray[np.float32]
OFFSET = np.float32(SETTINGS.offset)
SILENCE = np.float32(np.log(SETTINGS.offset))
_CODEC_HERTZ = ((50.0, 350.0), (3000.0, 4200.0))
"""Where a codec's band begins and ends; the features end at 4 kHz."""
_CODEC_SNR_DB = (18.0, 38.0)
_DB = np.float32(np.log(10) / 10)


def move(clips: Batch, shift: npt.NDArray[np.float64], speed: npt.NDArray[np.float64]) -> Batch:
    """Return clips shifted by `shift` frames (positive: later) and played at `speed`; digital silence comes in.

    Args:
        clips: shape (batch, frames, mels).
        shift: shape (batch,), whole or broken frames.
        speed: shape (batch,); above 1 shortens the words.
    """
    n_frames = clips.shape[1]
    centre = (n_frames - 1) / 2
    at = (np.arange(n_frames) - centre - shift[:, None]) * speed[:, None] + centre  # (batch, frames)
    outside = (at < 0) | (at > n_frames - 1)
    at = np.clip(at, 0, n_frames - 1)
    before = np.minimum(at.astype(np.intp), n_frames - 2)
    share = (at - before).astype(np.float32)[..., None]
    row = np.arange(len(clips))[:, None]
    moved = clips[row, before] * (1 - share) + clips[row, before + 1] * share
    moved[outside] = SILENCE
    return moved


def warp_frequency(clips: Batch, factor: npt.NDArray[np.float64]) -> Batch:
    """Return clips whose mel axis is stretched by `factor`, shape (batch,): other vocal tract lengths."""
    n_mels = clips.shape[2]
    at = np.clip(np.arange(n_mels) * factor[:, None], 0, n_mels - 1)  # (batch, mels)
    # A product with a matrix of at most two entries a column is ten times as fast as gathering.
    weights = np.maximum(1 - np.abs(np.arange(n_mels)[:, None] - at[:, None, :]), 0)  # (batch, mels, mels)
    return np.asarray(clips @ weights.astype(np.float32))


def add_room(clips: Batch, seconds: npt.NDArray[np.float64], direct_db: npt.NDArray[np.float64]) -> Batch:
    """Return clips with a diffuse tail that decays exponentially (Polack's model), on power: phases are not kept.

    Args:
        clips: shape (batch, frames, mels).
        seconds: reverberation time T60, shape (batch,).
        direct_db: ratio of the direct sound to the whole tail, shape (batch,).
    """
    n_frames = clips.shape[1]
    fall = (6 * np.log(10) * SETTINGS.hop / SETTINGS.rate / seconds).astype(np.float32)[:, None, None]  # ln, a frame
    lag = (np.arange(n_frames)[:, None] - np.arange(n_frames)).astype(np.float32)
    share = (10 ** (-direct_db / 10)).astype(np.float32)[:, None, None] * (np.exp(fall) - 1)
    mixing = np.where(lag > 0, share * np.exp(-fall * np.maximum(lag, 0)), lag == 0)
    power = np.maximum(np.exp(clips) - OFFSET, 0)
    return np.log(mixing @ power + OFFSET)


def add_noise(clips: Batch, noise: Batch, snr_db: npt.NDArray[np.float64]) -> Batch:
    """Return clips with noise at a ratio of the clip's loud frames (90th percentile) to the noise's mean power.

    Args:
        clips: shape (batch, frames, mels).
        noise: the same shape.
        snr_db: shape (batch,); infinity adds nothing.
    """
    power, noise_power = np.exp(clips), np.exp(noise)
    loud = np.quantile(power.sum(axis=2), 0.9, axis=1)
    mean = noise_power.sum(axis=2).mean(axis=1)
    scale = (loud / mean * 10 ** (-snr_db / 10)).astype(np.float32)
    return np.log(power + noise_power * scale[:, None, None])


def add_gain(clips: Batch, gain_db: npt.NDArray[np.float64]) -> Batch:
    """Return clips made louder by `gain_db`, shape (batch,) or (batch, mels); the offset 1e-6 stays in place."""
    gain = gain_db.reshape(len(clips), 1, -1).astype(np.float32)
    power = np.maximum(np.exp(clips) - OFFSET, 0) * np.exp(gain * _DB)
    return np.log(power + OFFSET)


def colour(rng: np.random.Generator, n_clips: int, n_mels: int, most_db: float) -> npt.NDArray[np.float64]:
    """Return random microphone responses in dB, shape (n_clips, n_mels): a tilt and two slow waves."""
    place = np.linspace(-1, 1, n_mels)
    tilt, low, high = rng.uniform(-most_db, most_db, (3, n_clips, 1))
    phase = rng.uniform(0, 2 * np.pi, (2, n_clips, 1))
    waves = low / 3 * np.sin(np.pi * place + phase[0]) + high / 4 * np.sin(2 * np.pi * place + phase[1])
    return np.asarray(tilt * place / 2 + waves)


def by_codec(clips: Batch, band: npt.NDArray[np.float64], snr_db: npt.NDArray[np.float64]) -> Batch:
    """Return clips as a telephone or a low bit rate leaves them: a part of the band, and coarse samples.

    A mu-law sample's error is in proportion to the sample (ITU-T G.711: 38 dB below it at any level), so each frame
    gets white noise that far below its own power. The band's edges fall by 60 dB within an eighth of their frequency.

    Args:
        clips: shape (batch, frames, mels).
        band: lowest and highest frequency that passes, Hz, shape (batch, 2).
        snr_db: of each frame, shape (batch,).
    """
    hertz, white = mel_hertz(), mel_filters(SETTINGS).sum(axis=0)
    beyond = np.maximum(band[:, :1] / hertz - 1, hertz / band[:, 1:] - 1)  # as a share of the edge
    passes = 10 ** (-np.clip(48 * beyond, 0, 10)).astype(np.float32)[:, None, :]
    power = np.maximum(np.exp(clips) - OFFSET, 0)
    level = power.sum(axis=2, keepdims=True) / white.sum() * (10 ** (-snr_db / 10)).astype(np.float32)[:, None, None]
    return np.log((power + level * white) * passes + OFFSET)


def mask(rng: np.random.Generator, clips: Batch, settings: AugmentSettings) -> Batch:
    """Return clips with bars of frames and mel filters set to the clip's mean (SpecAugment, arXiv 1904.08779)."""
    mean = clips.mean(axis=(1, 2), keepdims=True)
    hidden = _bars(rng, len(clips), clips.shape[1], settings.time_masks, settings.time_mask_frames)[:, :, None]
    hidden = hidden | _bars(rng, len(clips), clips.shape[2], settings.mel_masks, settings.mel_mask_bins)[:, None, :]
    return np.where(hidden, mean, clips)


def vary(rng: np.random.Generator, clips: Batch, noise: Batch, settings: AugmentSettings) -> Batch:
    """Return a batch varied in every way that the settings name."""
    n_clips = len(clips)
    far = rng.random(n_clips) < 0.25
    reach = np.where(far, settings.far_shift_frames, settings.shift_frames)
    shift = rng.uniform(-1, 1, n_clips) * reach
    speed = 1 + rng.uniform(-settings.speed, settings.speed, n_clips)
    varied = move(clips, np.rint(shift), speed)
    varied = warp_frequency(varied, 1 + rng.uniform(-settings.warp, settings.warp, n_clips))
    return disturb(rng, varied, noise, settings)


def disturb(rng: np.random.Generator, clips: Batch, noise: Batch, settings: AugmentSettings) -> Batch:
    """Return clips in rooms, with noise, another level and microphone, by codecs, and masks; their timing stays."""
    n_clips, _, n_mels = clips.shape
    far = np.flatnonzero(rng.random(n_clips) < settings.room_share)
    if len(far):
        clips = clips.copy()
        clips[far] = _in_rooms(rng, clips[far], settings)
    noisy = rng.random(n_clips) < settings.noise_share
    snr_db = np.where(noisy, rng.uniform(*settings.snr_db, n_clips), np.inf)
    gain_db = rng.uniform(*settings.gain_db, (n_clips, 1)) + colour(rng, n_clips, n_mels, settings.tilt_db)
    clips = add_gain(add_noise(clips, noise, snr_db), gain_db)
    if settings.codec_share:
        coded = np.flatnonzero(rng.random(n_clips) < settings.codec_share)
        band = np.stack([rng.uniform(*edge, len(coded)) for edge in _CODEC_HERTZ], axis=1)
        clips[coded] = by_codec(clips[coded], band, rng.uniform(*_CODEC_SNR_DB, len(coded)))
    return mask(rng, clips, settings)


def _in_rooms(rng: np.random.Generator, clips: Batch, settings: AugmentSettings) -> Batch:
    if settings.room == "shoebox":
        rooms = responses(settings.room_seconds)
        return reverberate(clips, rooms[rng.integers(len(rooms), size=len(clips))])
    return add_room(
        clips, rng.uniform(*settings.room_seconds, len(clips)), rng.uniform(*settings.direct_db, len(clips))
    )


def _bars(rng: np.random.Generator, n_clips: int, length: int, n_bars: int, longest: int) -> npt.NDArray[np.bool_]:
    place = np.arange(length)
    hidden = np.zeros((n_clips, length), np.bool_)
    for _ in range(n_bars):
        width = rng.integers(0, longest + 1, (n_clips, 1))
        start = rng.integers(0, length, (n_clips, 1))
        hidden |= (place >= start) & (place < start + width)
    return hidden
