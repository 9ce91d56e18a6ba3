"""Reverberation of simulated rooms, on the power of log-mel frames.

A room is a box with walls that absorb more of the higher frequencies. Reflections up to 100 ms behind the direct sound
are mirror images of the source (Allen and Berkley, JASA 1979, 65:943); what comes later decays at the rate of Eyring's
formula (JASA 1930, 1:217). Their energies are summed by frame and mel filter and add up as power: phases, and what the
air absorbs, are left out.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from kws_training.feature_store import SETTINGS

Array = npt.NDArray[np.float64]
Batch = npt.NDArray[np.float32]
SPEED_OF_SOUND = 343.0  # m/s
_IMAGES_S = 0.1
_LAG_S = SETTINGS.hop / SETTINGS.rate
_N_ROOMS = 96
_OFFSET = np.float32(SETTINGS.offset)


@dataclass(frozen=True, slots=True)
class Room:
    """A box, what its walls absorb, and who speaks where."""

    size: tuple[float, float, float]
    """m."""
    source: tuple[float, float, float]
    microphone: tuple[float, float, float]
    absorption: Array
    """Share of the energy that a wall takes, for each mel filter, shape (mels,)."""

    def decay(self) -> Array:
        """Return the reverberation time T60 by Eyring's formula, s, shape (mels,)."""
        x, y, z = self.size
        return 0.161 * x * y * z / (2 * (x * y + y * z + z * x) * -np.log(1 - self.absorption))


def draw_room(rng: np.random.Generator, seconds: tuple[float, float]) -> Room:
    """Return a room of a home, its reverberation time at 1 kHz within `seconds` where walls can do it."""
    size = rng.uniform((2.5, 2.0, 2.3), (9.0, 7.0, 3.5))
    source, microphone = rng.uniform(0.3, size - 0.3), rng.uniform(0.3, size - 0.3)
    wanted = rng.uniform(*seconds) * (mel_hertz() / 1000) ** -rng.uniform(0.0, 0.3)
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[2] * size[0])
    absorption = np.clip(1 - np.exp(-0.161 * size.prod() / (surface * wanted)), 0.02, 0.95)
    return Room(tuple(size), tuple(source), tuple(microphone), absorption)


def energy_response(room: Room, n_lags: int) -> Array:
    """Return the energy that arrives in each frame from the direct sound on, which alone is 1, shape (lags, mels)."""
    distance, reflections = _images(room)
    direct = float(np.linalg.norm(np.subtract(room.source, room.microphone)))
    lag = ((distance - direct) / SPEED_OF_SOUND / _LAG_S).astype(np.intp)
    energy = (direct / distance)[:, None] ** 2 * (1 - room.absorption) ** reflections[:, None]  # (images, mels)
    response = np.zeros((n_lags, len(room.absorption)))
    n_early = min(n_lags, round(_IMAGES_S / _LAG_S))
    early = lag < n_early
    np.add.at(response, lag[early], energy[early])
    fall = 10 ** (-6 * _LAG_S / room.decay())  # of the energy, from frame to frame
    # The tail goes on from the mean of the last early frames, each carried to the end of the early part.
    last = range(max(0, n_early - 5), n_early)
    level = np.mean([response[at] * fall ** (n_early - at) for at in last], axis=0)
    response[n_early:] = level * fall ** np.arange(n_lags - n_early)[:, None]
    return response


def _images(room: Room) -> tuple[Array, npt.NDArray[np.intp]]:
    """Return distance (m) and number of reflections of the direct sound and the mirror images within reach."""
    direct = float(np.linalg.norm(np.subtract(room.source, room.microphone)))
    reach = direct + _IMAGES_S * SPEED_OF_SOUND
    offsets, bounces = [], []
    for length, source, microphone in zip(room.size, room.source, room.microphone, strict=True):
        n = np.arange(-int(reach // (2 * length)) - 1, int(reach // (2 * length)) + 2)
        offsets.append(np.concatenate([2 * n * length + source, 2 * n * length - source]) - microphone)
        bounces.append(np.concatenate([2 * np.abs(n), np.abs(n - 1) + np.abs(n)]))
    squares = [offset**2 for offset in offsets]
    distance = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    reflections = bounces[0][:, None, None] + bounces[1][:, None] + bounces[2]
    near = distance <= reach
    return distance[near], reflections[near]


@lru_cache(maxsize=4)
def responses(seconds: tuple[float, float], seed: int = 0) -> npt.NDArray[np.float32]:
    """Return the responses of many rooms, shape (rooms, lags, mels); a training draws from them."""
    rng = np.random.default_rng(seed)
    n_lags = max(2, round(seconds[1] / _LAG_S))
    return np.stack([energy_response(draw_room(rng, seconds), n_lags) for _ in range(_N_ROOMS)]).astype(np.float32)


def reverberate(clips: Batch, response: npt.NDArray[np.float32]) -> Batch:
    """Return clips as they sound in rooms.

    Args:
        clips: ln(P + 1e-6), shape (batch, frames, mels).
        response: of each clip's room, shape (batch, lags, mels).
    """
    power = np.maximum(np.exp(clips) - _OFFSET, 0)
    heard = power * response[:, :1]
    for lag in range(1, min(response.shape[1], clips.shape[1])):
        heard[:, lag:] += power[:, :-lag] * response[:, lag : lag + 1]
    return np.asarray(np.log(heard + _OFFSET), np.float32)


def mel_hertz() -> Array:
    """Return the centres of the mel filters, Hz, shape (mels,)."""
    low, high = 1127 * np.log1p(np.array([SETTINGS.f_min, SETTINGS.f_max]) / 700)
    return np.asarray(700 * (np.exp(np.linspace(low, high, SETTINGS.mels + 2)[1:-1] / 1127) - 1))
