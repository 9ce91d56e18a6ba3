import numpy as np
import pytest

from kws_training.augment import (
    SILENCE,
    add_gain,
    add_noise,
    add_room,
    by_codec,
    disturb,
    mask,
    move,
    vary,
    warp_frequency,
)
from kws_training.feature_store import SETTINGS
from kws_training.settings import AugmentSettings
from kws_training.telephone import by_telephone
from voice.audio.features import features
from voice.events import RATE

RNG = np.random.default_rng(0)
CLIPS = RNG.uniform(-8, 4, (3, 98, 40)).astype(np.float32)
ONES = np.ones(3)


def test_a_shift_moves_frames_and_lets_silence_in():
    moved = move(CLIPS, 5 * ONES, ONES)
    assert np.allclose(moved[:, 5:], CLIPS[:, :-5], atol=1e-4)
    assert (moved[:, :5] == SILENCE).all()


def test_moving_by_nothing_changes_nothing():
    assert np.allclose(move(CLIPS, 0 * ONES, ONES), CLIPS, atol=1e-4)
    assert np.allclose(warp_frequency(CLIPS, ONES), CLIPS, atol=1e-4)


def test_faster_speech_is_shorter():
    clip = np.full((1, 98, 40), SILENCE, np.float32)
    clip[:, 30:70] = 0
    fast = move(clip, np.zeros(1), np.array([1.25]))
    assert (fast[0, :, 0] > -1).sum() == pytest.approx(32, abs=2)


def test_noise_adds_as_power():
    speech, noise = np.zeros((1, 98, 40), np.float32), np.full((1, 98, 40), -3, np.float32)
    mixed = add_noise(speech, noise, np.array([10.0]))
    assert mixed == pytest.approx(np.log(1 + 0.1), abs=1e-4)
    assert add_noise(speech, noise, np.array([np.inf])) == pytest.approx(0, abs=1e-6)


def test_a_room_adds_a_tail_that_falls_by_sixty_decibels_in_its_time():
    click = np.full((1, 98, 40), SILENCE, np.float32)
    click[:, 10] = 10
    heard = np.exp(add_room(click, np.array([0.5]), np.array([0.0])).astype(np.float64))
    assert (heard[0, :10] < 1.1e-6).all()
    assert heard[0, 10, 0] == pytest.approx(np.exp(10), rel=1e-3)
    assert heard[0, 11:, 0].sum() == pytest.approx(np.exp(10), rel=0.01)
    assert 10 * np.log10(heard[0, 11, 0] / heard[0, 61, 0]) == pytest.approx(60, abs=1)


def test_a_gain_of_ten_decibels_is_ten_times_the_power():
    assert add_gain(CLIPS[:1] * 0, np.array([10.0])) == pytest.approx(np.log(10), abs=1e-4)


def test_silence_stays_silence_whatever_the_gain():
    silence = np.full((1, 98, 40), SILENCE, np.float32)
    assert add_gain(silence, np.array([40.0])) == pytest.approx(SILENCE, abs=0.05)


def test_masks_hide_at_most_what_the_settings_allow():
    settings = AugmentSettings(time_masks=1, time_mask_frames=10, mel_masks=0)
    changed = (mask(RNG, CLIPS, settings) != CLIPS).all(axis=2).sum(axis=1)
    assert (changed <= 10).all()


def test_variation_keeps_shape_and_is_finite_and_repeatable():
    first = vary(np.random.default_rng(3), CLIPS, CLIPS, AugmentSettings())
    again = vary(np.random.default_rng(3), CLIPS, CLIPS, AugmentSettings())
    assert first.shape == CLIPS.shape
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)


def test_simulated_rooms_add_a_tail_and_leave_the_rest():
    settings = AugmentSettings(room="shoebox", room_share=1.0, noise_share=0, gain_db=(0, 0), tilt_db=0, time_masks=0)
    settings = settings.model_copy(update={"mel_masks": 0})
    click = np.full((8, 98, 40), SILENCE, np.float32)
    click[:, 20] = 5
    heard = disturb(np.random.default_rng(1), click, click, settings)
    assert np.allclose(heard[:, :20], SILENCE, atol=1e-3)
    assert (heard[:, 20] >= 5 - 1e-4).all()
    assert (heard[:, 21:40] > SILENCE + 1).all()
    assert not np.allclose(heard[0, 21:], heard[1, 21:])


def test_a_codec_leaves_on_features_what_a_telephone_leaves_of_the_sound():
    time = np.arange(2 * RATE) / RATE
    loud = 1.1 + np.sin(2 * np.pi * 3 * time)
    voice = sum(np.sin(2 * np.pi * 140 * n * time + n * n) / n for n in range(1, 28))  # up to 3,780 Hz
    sound = (0.05 * loud * voice).astype(np.float32)
    before = features(sound, SETTINGS)
    heard = features(by_telephone(sound, (300, 3400)), SETTINGS)[: len(before)]
    made = by_codec(before[None], np.array([[300.0, 3400.0]]), np.array([38.0]))[0, : len(heard)]
    inside = slice(8, 36)  # filters that lie between the edges
    assert np.abs(made - heard)[:, inside].mean() < 0.3  # ln: 1.3 dB
    assert (before[: len(made)] - made)[:, [0, 1, 39]].mean() > 3
    coarse = by_codec(before[None], np.array([[50.0, 4200.0]]), np.array([6.0]))[0]
    assert (coarse >= before - 0.2).all()
    assert coarse.min() > before.min() + 1  # what was quiet is filled


def test_only_the_share_that_settings_name_goes_through_a_codec():
    plain = {"noise_share": 0.0, "gain_db": (0.0, 0.0), "tilt_db": 0.0, "time_masks": 0, "mel_masks": 0}
    clips = np.random.default_rng(2).normal(-2, 1, (400, 20, 40)).astype(np.float32)
    kept = disturb(np.random.default_rng(1), clips, clips, AugmentSettings(**plain))
    some = disturb(np.random.default_rng(1), clips, clips, AugmentSettings(**plain, codec_share=0.25))
    changed = np.abs(some - kept).max(axis=(1, 2)) > 0.1
    assert 0.2 < changed.mean() < 0.3
    assert np.array_equal(some[~changed], kept[~changed])


def test_the_farther_the_more_of_the_room_is_heard():
    clip = np.full((64, 98, 40), SILENCE, np.float32)
    clip[:, 20:30] = 0
    options = {"noise_share": 0.0, "gain_db": (0.0, 0.0), "tilt_db": 0.0, "time_masks": 0, "mel_masks": 0}

    def tail(direct_db):
        settings = AugmentSettings(**options, room_share=1.0, direct_db=(direct_db, direct_db))
        return disturb(np.random.default_rng(3), clip, clip, settings)[:, 35:60].mean()

    assert tail(-9.0) > tail(0.0) + 1.5 > tail(12.0) + 3
