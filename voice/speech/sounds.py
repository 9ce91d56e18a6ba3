"""The tones, made here: short sines with a soft attack, so that they please and cost nothing.

wake rises a fifth, end is one soft note, error falls a minor third (equal temperament on A4 = 440 Hz).
"""

from functools import cache

import numpy as np

from voice.events import RATE, Samples
from voice.speech.settings import Sound
from voice.speech.wav import encode

_NOTES: dict[Sound, tuple[tuple[int, float], ...]] = {
    "wake": ((3, 0.07), (10, 0.11)),
    "end": ((10, 0.10),),
    "error": ((3, 0.10), (0, 0.16)),
}
"""Semitones above A4 and seconds."""


def tone(sound: Sound, level_db: float) -> Samples:
    """Return a sound at 16 kHz, shape (n,), with its peak at `level_db` dB relative to full scale."""
    samples = np.concatenate([_note(440 * 2 ** (semitones / 12), seconds) for semitones, seconds in _NOTES[sound]])
    return (samples * (10 ** (level_db / 20) / np.max(np.abs(samples)))).astype(np.float32)


@cache
def tone_wav(sound: Sound, level_db: float) -> bytes:
    """Return a sound as a WAV file."""
    return encode(tone(sound, level_db), RATE)


def _note(frequency: float, seconds: float) -> Samples:
    t = np.arange(round(seconds * RATE)) / RATE
    partials = np.sin(2 * np.pi * frequency * t) + 0.2 * np.sin(4 * np.pi * frequency * t)
    envelope = np.minimum(1, t / 0.008) * np.exp(-4 * t / seconds) * np.minimum(1, (seconds - t) / 0.01)
    return (partials * envelope).astype(np.float32)
