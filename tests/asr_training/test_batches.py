"""Batches and augmentation."""

from dataclasses import replace

import numpy as np
import pytest

from asr_training.augment import augment, bin_hertz, coded, mask, reverberate
from asr_training.batches import Part, epoch_plan, learnable, make_batch, training_batches
from asr_training.phones import Lexicon
from asr_training.settings import AugmentSettings
from voice.audio.features import FeatureSettings, mel_filters

FEATURES = FeatureSettings(mels=80, f_max=7600, offset=1e-9)
NO_NOISE = np.zeros((0, 80), np.float32)
RNG = np.random.default_rng


def test_an_epoch_hears_every_utterance_once_in_bounded_batches(cache, recipe):
    plan = epoch_plan(cache.split("train"), recipe, 3)
    heard = [utterance for batch in plan for utterance in batch]
    assert sorted(heard, key=str) == sorted(cache.split("train"), key=str)
    limit = recipe.schedule.batch_seconds * 100
    assert all(len(batch) * max(u.frames for u in batch) <= limit * 1.2 for batch in plan)


def test_weights_thin_out_a_corpus(cache, recipe):
    thinned = recipe.model_copy(update={"weights": {"tones": 0.5}})
    counts = [sum(map(len, epoch_plan(cache.split("train"), thinned, epoch))) for epoch in range(20)]
    assert 6 < np.mean(counts) < 12


def test_short_epochs_leave_out_long_utterances(cache, recipe):
    schedule = recipe.schedule.model_copy(update={"short_epochs": 1, "short_seconds": 0.7})
    short = recipe.model_copy(update={"schedule": schedule})
    heard = [utterance for batch in epoch_plan(cache.split("train"), short, 0) for utterance in batch]
    assert heard
    assert all(utterance.seconds <= 0.7 for utterance in heard)


def test_batches_are_the_same_from_any_position(cache, recipe):
    first = training_batches(cache, cache.split("train"), recipe, 0, 0)
    made = [next(first) for _ in range(5)]
    first.close()
    epoch, position, _ = made[2]
    later = training_batches(cache, cache.split("train"), recipe, epoch, position)
    again = next(later)
    later.close()
    assert again[:2] == made[3][:2]
    np.testing.assert_array_equal(again[2].features, made[3][2].features)


def test_padding_is_zero_and_lengths_count_label_frames(cache, recipe):
    batch = make_batch(cache, cache.split("train")[:4], recipe, None)
    assert batch.features.shape[1] % 8 == 0
    for i, utterance in enumerate(cache.split("train")[:4]):
        assert batch.n_frames[i] == recipe.network.label_frames(utterance.frames)
        assert not batch.features[i, utterance.frames :].any()


def test_augmentation_without_anything_changes_nothing_but_the_floor():
    still = AugmentSettings(tempo=0, warp=0, gain_db=0, noise=0, silence_frames=0, frequency_masks=0, time_masks=0)
    x = np.random.default_rng(1).normal(0, 2, (50, 80)).astype(np.float32)
    same = augment(x, np.zeros((0, 80), np.float32), still, FEATURES, np.random.default_rng(1))
    np.testing.assert_allclose(same, x, atol=1e-4)


def test_augmentation_is_finite_and_decided_by_the_seed():
    x = np.random.default_rng(1).normal(-5, 2, (120, 80)).astype(np.float32)
    noise = np.random.default_rng(2).normal(-6, 1, (40, 80)).astype(np.float32)
    settings = AugmentSettings(noise=1.0)
    one, two = (augment(x, noise, settings, FEATURES, np.random.default_rng(7)) for _ in range(2))
    assert np.all(np.isfinite(one))
    np.testing.assert_array_equal(one, two)


def test_masks_do_not_touch_the_original():
    x = np.random.default_rng(1).normal(0, 2, (50, 80)).astype(np.float32)
    before = x.copy()
    masked = mask(x, AugmentSettings(time_share=0.3), np.random.default_rng(1))
    np.testing.assert_array_equal(x, before)
    assert (masked != x).any()


def test_an_utterance_that_got_too_fast_keeps_its_own_speed(cache, recipe):
    utterance = replace(cache.split("train")[0], text="o" * 12)
    batch = make_batch(cache, [utterance], recipe, [1])
    assert batch.n_frames[0] == recipe.network.label_frames(utterance.frames)


def test_a_room_adds_a_tail_that_dies_away_by_sixty_decibels():
    impulse = np.zeros((60, 2), np.float32)
    impulse[5] = 1.0
    wet = reverberate(impulse, 0.3, 0.1)
    assert wet[:6].tolist() == impulse[:6].tolist()
    np.testing.assert_allclose(wet[6:, 0].sum(), 0.1, rtol=1e-3)
    np.testing.assert_allclose(wet[36, 0] / wet[6, 0], 1e-6, rtol=1e-2)


def test_phones_stand_in_where_the_lexicon_lacks_a_word(cache, recipe, tmp_path):
    (tmp_path / "d.dict").write_text("on AA N\noff AO F\n")
    chosen = cache.split("train")[:6]
    batch = make_batch(cache, chosen, recipe, None, Lexicon(tmp_path / "d.dict"))
    assert batch.phones_known.tolist() == [float(u.text != "go") for u in chosen]
    assert (batch.phones[:, 0] > 0).all()


def test_a_codec_takes_the_highs_and_adds_noise_in_proportion():
    power = np.exp(np.random.default_rng(1).normal(0, 1, (30, 80))).astype(np.float32)
    made = coded(power, FEATURES, 4000, 30)
    hertz = bin_hertz(FEATURES)
    assert hertz[0] > 20
    assert np.all(np.diff(hertz) > 0)
    high, low = hertz > 4600, hertz < 3900
    added = made - power
    assert (made[:, high] < 0.1 * power[:, high].mean()).all()
    assert (added[:, low] >= 0).all()
    np.testing.assert_allclose(coded(10 * power, FEATURES, 4000, 30), 10 * made, rtol=1e-5)
    kept = power[:, low].sum(axis=1) + power[:, ~low & ~high].sum(axis=1)
    share = added[:, low].sum(axis=1) / (kept * mel_filters(FEATURES).sum(axis=0)[low].sum())
    assert share.std() / share.mean() < 0.1  # a thousandth of each frame's own power


def test_speed_moves_pitch_and_length_tempo_only_length():
    still = AugmentSettings(
        tempo=0, warp=0, gain_db=0, noise=0, silence_frames=0, frequency_masks=0, time_masks=0, time_share=0
    )
    at = int(np.argmin(np.abs(bin_hertz(FEATURES) - 1000)))
    tone = np.full((100, 80), -10, np.float32)
    tone[:, at] = 0
    rng = np.random.default_rng(3)
    factor = 1 + 0.2 * np.random.default_rng(3).uniform(-1, 1, 3)[2]  # the third draw is the speed's
    fast = augment(tone, NO_NOISE, still.model_copy(update={"speed": 0.2}), FEATURES, rng)
    assert len(fast) == round(100 / factor)
    assert bin_hertz(FEATURES)[fast[5].argmax()] == pytest.approx(1000 * factor, rel=0.05)
    slow = augment(tone, NO_NOISE, still.model_copy(update={"tempo": 0.2}), FEATURES, np.random.default_rng(3))
    assert len(slow) != 100
    assert slow[5].argmax() == at


def test_a_waveform_is_altered_as_samples():
    waveform = FeatureSettings(kind="waveform")
    x = 0.1 * np.sin(np.arange(8000) / 5).reshape(50, 160).astype(np.float32)
    settings = AugmentSettings(noise=0, codec=1.0, gain_db=0, speed=0.0)
    coarse = augment(x, NO_NOISE, settings.model_copy(update={"frequency_masks": 0, "time_masks": 0}), waveform, RNG(1))
    error = coarse - x
    assert 0 < np.abs(error).max() < 0.04 * np.abs(x).max()  # 8 bit mu-law
    assert len(np.unique(np.abs(coarse))) <= 128


def test_every_process_makes_its_rows_of_the_same_batch(cache, recipe):
    chosen = cache.split("train")[:5]
    whole = make_batch(cache, chosen, recipe, [1, 2])
    parts = [make_batch(cache, chosen, recipe, [1, 2], part=Part(rank, 2)) for rank in (0, 1)]
    for rank, part in enumerate(parts):
        for i, text in enumerate(part.texts):
            row = rank + 2 * i
            assert text == whole.texts[row]
            n = min(part.features.shape[1], whole.features.shape[1])
            np.testing.assert_array_equal(part.features[i, :n], whole.features[row, :n])
    assert sum(part.label_frames for part in parts) == whole.label_frames
    idle = make_batch(cache, chosen[:1], recipe, [1], part=Part(1, 2))
    assert idle.counts.tolist() == [0.0]
    assert idle.label_frames == 0


def test_a_rounded_batch_means_the_same(cache, recipe):
    batch = make_batch(cache, cache.split("train")[:3], recipe, None)
    wide = batch.rounded(n_frames=128, n_rows=4, n_labels=32)
    assert wide.features.shape[:2] == (4, 128)
    assert wide.labels.shape == (4, 32)
    assert wide.label_frames == batch.label_frames
    assert wide.labels[3, 0] > 0  # CTC wants a label in every row


def test_an_error_in_the_thread_that_makes_batches_is_raised(cache, recipe):
    broken = [replace(utterance, corpus="gone") for utterance in cache.split("train")]
    source = training_batches(cache, broken, recipe, 0, 0)
    with pytest.raises(KeyError, match="gone"):
        next(source)
    source.close()


def test_what_has_more_labels_than_frames_is_not_learnt(cache, recipe):
    fits, fast = cache.split("train")[0], replace(cache.split("train")[1], text="o" * 40)
    assert learnable([fits, fast], recipe, None) == [fits]
