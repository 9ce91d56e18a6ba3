"""Simulated rooms against what can be worked out by hand."""

import numpy as np
import pytest

from kws_training.rooms import SPEED_OF_SOUND, Room, draw_room, energy_response, responses, reverberate

DEAF = np.full(40, 1 - 1e-9)


def test_one_reflection_by_hand():
    """A floor 3 m below source and microphone, 2 m apart: the image is 6.32 m away and comes 12.6 ms later."""
    absorption = np.full(40, 0.4)
    room = Room((200, 200, 200), (100, 100, 3), (102, 100, 3), absorption)
    response = energy_response(room, 10)
    assert np.hypot(2, 6) / SPEED_OF_SOUND - 2 / SPEED_OF_SOUND == pytest.approx(0.0126, abs=1e-4)
    assert response[0] == pytest.approx(1)
    assert response[1] == pytest.approx(0.6 * 4 / 40)
    assert response[2:10] == pytest.approx(0, abs=1e-9)


def test_walls_that_take_everything_are_no_room():
    response = energy_response(Room((4, 5, 3), (1, 1, 1), (2, 3, 1.5), DEAF), 30)
    assert response[0] == pytest.approx(1)
    assert response[1:] == pytest.approx(0, abs=1e-6)


def test_the_energy_falls_by_sixty_decibels_in_the_reverberation_time():
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(12):
        room = draw_room(rng, (0.4, 0.6))
        response = energy_response(room, 60)
        left = 10 * np.log10(np.cumsum(response[::-1], axis=0)[::-1])  # Schroeder's backward integral
        slope = (left[4] - left[20]) / (16 * 0.01)  # dB/s
        errors.append(np.median(60 / slope / room.decay()))
    assert np.median(errors) == pytest.approx(1, abs=0.2)


def test_farther_away_there_is_more_room_beside_the_direct_sound():
    near, far = ((2, 2, 1.5), (2.5, 2, 1.5)), ((2, 2, 1.5), (6, 4, 1.5))
    totals = [energy_response(Room((8, 6, 3), *places, np.full(40, 0.2)), 50)[1:].sum() for places in (near, far)]
    assert totals[1] > 10 * totals[0]


def test_the_rooms_are_the_same_in_every_process_and_their_times_are_within_the_settings():
    rooms = responses((0.2, 0.8))
    assert rooms.shape == (96, 80, 40)
    assert np.array_equal(rooms, responses.__wrapped__((0.2, 0.8)))
    assert np.isfinite(rooms).all()
    rng = np.random.default_rng(0)
    times = [np.interp(1000, np.linspace(80, 3900, 40), draw_room(rng, (0.2, 0.8)).decay()) for _ in range(50)]
    assert 0.15 < min(times) < 0.4 < max(times) < 1.1


def test_silence_stays_silence():
    silence = np.full((2, 98, 40), np.log(np.float32(1e-6)), np.float32)
    assert reverberate(silence, responses((0.2, 0.8))[:2]) == pytest.approx(silence, abs=1e-4)
