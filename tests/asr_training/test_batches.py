"""Batches and augmentation."""

from dataclasses import replace

import numpy as np

from asr_training.augment import augment, mask, reverberate
from asr_training.batches import epoch_plan, make_batch, training_batches
from asr_training.phones import Lexicon
from asr_training.settings import AugmentSettings
from voice.audio.features import FeatureSettings

FEATURES = FeatureSettings(mels=80, f_max=7600, offset=1e-9)


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
