import numpy as np
import pytest

from kws_training.inputs import clips_for
from kws_training.models.settings import NetworkInput, SeparableSettings
from kws_training.settings import AugmentSettings, CommandsRecipe, OptimiserSettings
from kws_training.wave_batches import WaveBatches, WaveData
from kws_training.waveforms import loud_power, moved, with_gain, with_noise
from voice.errors import DataError

RNG = np.random.default_rng(0)
PLAIN = AugmentSettings(
    shift_frames=0, far_shift_frames=0, speed=0, noise_share=0, gain_db=(0.0, 0.0)
)  # nothing is varied
RECIPE = CommandsRecipe(optimiser=OptimiserSettings(batch=32), augment=PLAIN)


def tones(*hertz, rate=8000):
    time = np.arange(rate) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * f * time) for f in hertz]).astype(np.float32)


def test_a_shift_moves_samples_and_lets_zeros_in():
    clips = RNG.normal(size=(2, 100)).astype(np.float32)
    later = moved(clips, np.array([10.0, -10.0]), np.ones(2))
    assert np.allclose(later[0, 10:], clips[0, :90], atol=1e-6)
    assert np.allclose(later[1, :90], clips[1, 10:], atol=1e-6)
    assert not later[0, :10].any()
    assert not later[1, 90:].any()


def test_speed_resamples():
    faster = moved(tones(400), np.zeros(1), np.array([1.25]))[0]
    middle = faster[1000:7000]
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 8000 / 6000 == pytest.approx(500, abs=2)


def test_noise_stands_at_its_ratio_to_the_word():
    word = np.zeros((1, 8000), np.float32)
    word[0, 3000:5000] = RNG.normal(0, 0.1, 2000)
    noise = RNG.normal(0, 1, (1, 8000)).astype(np.float32)
    added = with_noise(word, noise, np.array([10.0])) - word
    assert 10 * np.log10(loud_power(word)[0] / np.mean(added**2)) == pytest.approx(10, abs=0.01)
    assert np.array_equal(with_noise(word, noise, np.array([np.inf])), word)


def test_noise_under_digital_silence_adds_nothing():
    silent = np.zeros((1, 800), np.float32)
    assert not with_noise(silent, np.ones((1, 800), np.float32), np.array([0.0])).any()


def test_gain_is_in_decibels_and_ends_at_full_scale():
    assert with_gain(tones(200), np.array([-20.0])).max() == pytest.approx(0.03, rel=0.01)
    assert with_gain(tones(200), np.array([40.0])).max() == 1


@pytest.fixture
def work(tree, prepared):
    return prepared(tree().words(("lights", "music", "timer")).root, labels="lights,music", samples_rate=8000)[1]


def test_batches_draw_every_label_and_are_the_same_again(work):
    batches = WaveBatches(WaveData(work, 8000), RECIPE, seed=3)
    waves, targets = batches(5)
    assert waves.shape == (32, 8000)
    assert targets.shape == (32, 5)  # silence, unknown, two words, and the third word for itself
    assert (np.abs(waves) <= 1).all()
    again, _ = WaveBatches(WaveData(work, 8000), RECIPE, seed=3)(5)
    assert np.array_equal(waves, again)
    drawn = sum(batches(n)[1].sum(axis=0) for n in range(5))
    assert (drawn > 0).tolist() == [True, False, True, True, True]


def test_unvaried_words_are_the_recordings(work):
    data = WaveData(work, 8000)
    waves, targets = WaveBatches(data, RECIPE, seed=3)(0)
    row = int(np.flatnonzero(targets.argmax(axis=1) == 2)[0])
    known, _ = data.fixed("train")
    assert np.abs(known - waves[row]).max(axis=1).min() < 1e-4


def test_variations_change_every_clip(work):
    varied = RECIPE.model_copy(update={"augment": AugmentSettings(babble_share=0.5)})
    data = WaveData(work, 8000)
    known, _ = data.fixed("train")
    waves, targets = WaveBatches(data, varied, seed=3)(0)
    for wave in waves[targets.argmax(axis=1) > 0]:
        assert np.abs(known - wave).max(axis=1).min() > 1e-3


def test_an_unseen_word_is_never_drawn(work):
    recipe = RECIPE.model_copy(update={"unseen": ("lights", "nothing")})
    batches = WaveBatches(WaveData(work, 8000), recipe, seed=3)
    assert sum(batches(n)[1].sum(axis=0) for n in range(5))[4] > 0  # timer is still there


def test_validation_holds_words_and_silence(work):
    waves, labels = WaveData(work, 8000).validation()
    assert len(waves) == len(labels)
    assert set(labels) == {0, 2, 3, 4}


def test_networks_get_samples_or_frames_by_what_they_take(work):
    waves = clips_for(work, NetworkInput("samples", 8000, None, 8000))
    frames = clips_for(work, SeparableSettings().input)
    assert (waves.shape, frames.shape) == ((8000, 1), (98, 40))
    for clips, one in ((waves, (8000,)), (frames, (98, 40))):
        assert clips.batches(RECIPE)()(0)[0].shape == (32, *one)
        assert clips.validation()[0].shape[1:] == one
        assert clips.speech("test").shape == (0, *one)
    assert waves.test()[1].tolist().count(2) == frames.test()[1].tolist().count(2) > 0
    assert 0 in waves.test()[1]


def test_another_rate_is_refused(work):
    with pytest.raises(DataError, match="samples at 8000 Hz, the network wants 16000 Hz"):
        WaveData(work, 16_000)


def test_a_work_folder_without_samples_says_how_to_get_them(tree, prepared):
    _, work = prepared(tree().words(("lights", "music")).root)
    with pytest.raises(DataError, match="--samples-rate 8000"):
        WaveData(work, 8000)
