"""The backbone and heads on it: causal, the same in steps as in one piece, and taught by what is said."""

import json
import shutil

import numpy as np
import pytest

from kws_training.feature_store import write_store
from kws_training.models.settings import BackboneSettings, HeadSettings
from kws_training.settings import BackboneRecipe, WordRecipe

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

N_MELS = 40
SMALL = BackboneSettings(stem_channels=8, stem_kernel=5, blocks=((8, 5, 1), (12, 5, 2), (12, 5, 1)), width=6)
HEAD = HeadSettings(blocks=((8, 3), (6, 3)), dropout=0.0)
SPEECH = np.random.default_rng(0).integers(10, 180, (1600, N_MELS)).astype(np.uint8)


def randomised(model):
    """Give the batch normalisation statistics that aren't zeros and ones."""
    import keras

    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.get_weights()[0].shape
            layer.set_weights(
                [rng.uniform(0.5, 1.5, shape), *rng.normal(0, 0.3, (2, *shape)), rng.uniform(0.5, 2, shape)]
            )
    return model


@pytest.fixture
def trained():
    import keras

    from kws_training.models.backbone import phone_network

    keras.utils.set_random_seed(3)
    return randomised(phone_network(SMALL, N_MELS, 40))


@pytest.fixture
def head():
    import keras

    from kws_training.models.backbone import head_network

    keras.utils.set_random_seed(4)
    return randomised(head_network(HEAD, SMALL.width, 10))


def test_backbone_doesnt_look_ahead(trained):
    from kws_training.models.backbone import embedder

    network = embedder(trained)
    clip = np.random.default_rng(0).normal(-6, 3, (1, 160, N_MELS)).astype(np.float32)
    other = clip.copy()
    other[:, 80:] += 1
    before, after = np.array(network(clip)), np.array(network(other))
    assert np.array_equal(before[:, : 80 // SMALL.stride], after[:, : 80 // SMALL.stride])
    assert not np.allclose(before[:, 80 // SMALL.stride], after[:, 80 // SMALL.stride])


def test_stream_in_blocks_is_the_stream_in_one_piece(trained, monkeypatch):
    from kws_training import embedded
    from kws_training.models.backbone import embedder

    whole = embedded.Embedder(embedder(trained), SMALL)
    expected = whole.stream(SPEECH)
    monkeypatch.setattr(embedded, "_BLOCK", 400)
    assert np.allclose(whole.stream(SPEECH), expected, atol=0.02)


def test_blocks_begin_as_early_as_a_far_reaching_backbone_wants(monkeypatch):
    from kws_training import embedded
    from kws_training.models.backbone import embedder, phone_network

    far = BackboneSettings(stem_channels=4, stem_stride=3, blocks=((4, 61, 1), (4, 41, 1)), width=6)
    assert far.reach == 5 + 3 * (60 + 40)
    network = randomised(phone_network(far, N_MELS, 40))
    whole = embedded.Embedder(embedder(network), far)
    expected = whole.stream(SPEECH)
    assert expected.shape == (len(SPEECH) // 3, 6)
    monkeypatch.setattr(embedded, "_BLOCK", 100)
    assert np.allclose(whole.stream(SPEECH)[far.reach :], expected[far.reach :], atol=0.02)


def test_head_in_one_network_gives_what_it_gives_on_embeddings(trained, head):
    from kws_training.embedded import Embedder
    from kws_training.feature_store import to_logmel
    from kws_training.few_shot import covered, scores
    from kws_training.models.backbone import embedder, join, keyword_network

    recipe = WordRecipe(head=HEAD, pooled=10)
    stream = Embedder(embedder(trained), SMALL).stream(SPEECH)
    expected = scores(head, stream, covered(recipe, 10))
    network = keyword_network(SMALL, HEAD, 400, N_MELS)  # pools over 100: the weights of the pooling differ
    assert network.output_shape == (None, 1)
    network = keyword_network(SMALL, HEAD, 10 * SMALL.stride, N_MELS)
    join(trained, head, network)
    assert len(expected) == len(SPEECH) // SMALL.stride
    assert not expected[: covered(recipe, 10) - 1].any()
    assert network(to_logmel(SPEECH[None, :40])).shape == (1, 1)


def test_exported_steps_score_as_the_head_was_trained(trained, head, tmp_path):
    from kws_training.word_export import export_word, reach_frames
    from voice.events import Chunk
    from voice.models.wake import StreamingWakeDetector

    recipe = WordRecipe(head=HEAD, pooled=10, weights="float32")
    reach = reach_frames(SMALL, recipe, 10)
    manifest = {
        "id": "hey_luna",
        "kind": "wake",
        "version": "1",
        "licence": "x",
        "rate": 16000,
        "features": {},
        "labels": ["hey_luna"],
        "decision": {
            "kind": "wake",
            "window_frames": reach,
            "step_frames": 8,
            "stream": True,
            "threshold": 0.5,
            "smoothing_steps": 1,
            "refractory_ms": 1000,
        },
        "training": {
            "command": "c",
            "recipe": "r",
            "commit": "c",
            "seed": 1,
            "minutes": 0,
            "parameters": 1,
            "data": [],
        },
    }
    bundle = export_word(tmp_path / "b", manifest, trained, head, SMALL, recipe, 10, SPEECH)  # its gate compares
    samples = np.random.default_rng(1).normal(0, 0.1, 3 * 16000).astype(np.float32)
    found = []
    for size in (160, 1000, 16000):
        detector = StreamingWakeDetector(bundle)
        parts = [Chunk(samples[at : at + size], at) for at in range(0, len(samples), size)]
        found.append([score for part in parts for score in detector.scores(part)])
    assert len(found[0]) > 20
    assert found[0] == found[1] == found[2]  # chunking never changes a score


def test_a_stream_begins_after_silence(trained, head, tmp_path):
    from kws_training.litert import to_litert
    from kws_training.models.backbone import join, keyword_network
    from kws_training.streaming import streaming
    from voice.models.backend import StreamingNetwork

    network = keyword_network(SMALL, HEAD, 40, N_MELS)
    join(trained, head, network)
    (tmp_path / "m.tflite").write_bytes(to_litert(None, "float32", stream=streaming(network, 2)))
    engine = StreamingNetwork(tmp_path / "m.tflite")
    silence = np.full((1, 8, N_MELS), -13.8, np.float32)
    engine.settle(silence, 40)
    first = engine.step(silence)
    engine.step(np.zeros((1, 8, N_MELS), np.float32))
    engine.reset()
    assert np.array_equal(engine.step(silence), first)
    assert np.allclose(engine.step(silence), first, atol=1e-5)


def store(folder, n, label, rng, *, frames=120, split="train", end=90):
    entries = [
        (
            {"label": label, "split": split, "group": f"s{i}", "name": f"{label} {i}", "keyword_end": end},
            rng.integers(10, 150, (frames, N_MELS)).astype(np.uint8),
        )
        for i in range(n)
    ]
    write_store(folder, entries)


@pytest.fixture
def work(tmp_path):
    """Stores in which the phrase is a tone in five filters and all else isn't."""
    rng = np.random.default_rng(5)
    work = tmp_path / "work"
    store(work / "speech", 40, "speech", rng, frames=500)
    store(work / "noise", 4, "noise", rng, frames=300)
    store(work / "words", 10, "yes", rng)
    store(work / "wake", 10, "alexa", rng)
    run = tmp_path / "run"
    entries = []
    for i in range(40):
        frames = rng.integers(10, 100, (150, N_MELS)).astype(np.uint8)
        said = i < 30
        if said:
            frames[50:80, 5:10] = 220
            frames[80:110, 25:30] = 220
        fields = {"label": "keyword" if said else "near-miss", "split": "train", "group": "v", "name": f"{i}"}
        entries.append(({**fields, "keyword_end": 110 if said else -1}, frames))
    write_store(run / "spoken", entries)
    return work, run


def test_word_is_learnt_and_goes_on_where_it_was_stopped(work, trained):
    from kws_training.word_training import train_word

    stores, run = work
    recipe = WordRecipe(
        head=HEAD, pooled=18, copies=2, rounds=2, steps=60, batch=64, tune_rounds=1, tune_steps=12, tune_batch=12
    )
    _, n_pooled, first = train_word("hey luna", stores, run, recipe, trained, SMALL)
    assert n_pooled == 18
    assert first.hours == pytest.approx(_judging_hours(stores), abs=0.01)
    assert json.loads((run / "word.json").read_text())["threshold"] == first.threshold
    made = {path: path.stat().st_mtime_ns for path in run.glob("*.h5")} | {run / "head.keras": 0}
    _, _, again = train_word("hey luna", stores, run, recipe, trained, SMALL)
    assert again == first
    assert all(path.stat().st_mtime_ns == at for path, at in made.items() if at)


def _judging_hours(stores):
    from kws_training.word_sources import judging_clips

    return (
        sum(clip.n_frames for _, clips in judging_clips(stores, stores.parent / "run").values() for clip in clips)
        / 360_000
    )


def test_nobody_judges_who_was_learnt_from(work):
    from kws_training.word_sources import judging_clips, negative_clips

    learnt = {clip.group for clip in negative_clips(*work, "hey luna")["speech"][1]}
    judges = {clip.group for clip in judging_clips(*work)["speech"][1]}
    assert learnt
    assert judges
    assert not learnt & judges


def test_joined_frames_are_those_of_the_clips(work):
    from kws_training.embedded import Joined
    from kws_training.feature_store import FLOOR, FeatureStore

    words = FeatureStore(work[0] / "words")
    joined = Joined(words, words.clips)
    whole = np.concatenate([words[clip] for clip in words.clips])
    assert np.array_equal(np.concatenate(list(joined.stretches(100))), whole)
    assert np.array_equal(joined.ending(250, 70), whole[180:250])
    assert np.array_equal(joined.ending(30, 50)[:20], np.full((20, N_MELS), FLOOR))
    assert np.array_equal(joined.ending(30, 50)[20:], whole[:30])


def test_best_look_loss_wants_yes_at_the_end_and_no_elsewhere():
    from kws_training.tune import BestLook

    yes, no = np.full((1, 20, 1), -6.0, np.float32), np.array([[0.0, 10, 13]], np.float32)
    said = np.array([[1.0, 10, 13]], np.float32)
    at_end, at_part = yes.copy(), yes.copy()
    at_end[0, 12], at_part[0, 3] = 6, 6
    loss = BestLook()
    assert float(loss(said, at_end)) < 0.01 < float(loss(said, at_part))
    assert float(loss(no, yes)) < 0.01 < float(loss(no, at_end))


def test_ctc_loss_is_the_same_as_keras_own(trained):
    import keras

    from kws_training.backbone import CtcLoss

    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1, (2, 12, 40)).astype(np.float32)
    targets = np.array([[12, 3, 4, 4, 0], [9, 7, 0, 0, 0]], np.int32)
    labels, n_labels, n_frames = targets[:, 1:], np.array([3, 1]), targets[:, 0]
    expected = np.array(keras.ops.ctc_loss(labels, logits, n_labels, n_frames, mask_index=0)) / n_labels
    assert np.allclose(np.array(CtcLoss(reduction=None)(targets, logits)), expected, rtol=1e-4)


def test_backbone_batches_are_alike_and_say_what_is_said(tmp_path):
    from kws_training.backbone_data import BackboneBatches, Utterance
    from kws_training.feature_store import FeatureStore

    rng = np.random.default_rng(5)
    for name, frames in (("speech", 200), ("words", 98), ("noise", 300)):
        store(tmp_path / name, 12, name, rng, frames=frames)
    found = [
        Utterance(name, clip, (1, 2, 3) if name == "words" else (4, 5, 6, 7))
        for name in ("speech", "words")
        for clip in FeatureStore(tmp_path / name).clips
    ]
    batches = BackboneBatches(tmp_path, found, BackboneRecipe(batch_frames=1600, network=SMALL, words=("words",)))
    clips, labels = batches(3)
    again, _ = batches(3)
    assert np.array_equal(clips, again)
    assert clips.shape[1] % (4 * SMALL.stride) == 0
    assert {tuple(row[1:5]) for row in labels} >= {(4, 5, 6, 7)}
    assert any(tuple(row[1:4]) == (1, 2, 3) for row in labels)  # rows of words stand beside them
    assert (labels[:, 0] <= clips.shape[1] // SMALL.stride).all()
    assert (labels[:, 0] > (labels[:, 1:] > 0).sum(axis=1)).all()


def test_backbone_bundle_can_be_built_on(trained, tmp_path):
    from kws_training.backbone_export import export_backbone, load_backbone

    (tmp_path / "work").mkdir()
    recipe = BackboneRecipe(network=SMALL)
    bundle = export_backbone(trained, tmp_path / "b", tmp_path / "work", recipe, None, 0.5, 100, 1.0)
    again, network, settings = load_backbone(tmp_path / "b")
    assert bundle.manifest == again.manifest
    assert settings == SMALL
    assert all(np.array_equal(a, b) for a, b in zip(trained.get_weights(), network.get_weights(), strict=True))
    (tmp_path / "b" / "network.keras").write_bytes(b"cut")
    from voice.errors import BundleError

    with pytest.raises(BundleError, match="checksum differs"):
        load_backbone(tmp_path / "b")


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng speaks the takes")
def test_template_hears_the_phrase_and_no_other(tmp_path, work):
    """On the shipped backbone: three takes of a synthetic speaker, tried on others of the same."""
    from kws_training.backbone_export import load_backbone
    from kws_training.embedded import Embedder
    from kws_training.feature_store import audio_bytes
    from kws_training.few_shot import covered, scores
    from kws_training.keyword_data import word_end
    from kws_training.models.backbone import embedder
    from kws_training.synthesis import Style, synthesise
    from kws_training.template import HEAD as TEMPLATE
    from kws_training.word_training import match_word

    def spoken(text, pace, pitch):
        silence = np.zeros(4000, np.float32)
        said = synthesise(text, Style("espeak-ng:en-us+m3", words_per_minute=pace, pitch=pitch))
        return audio_bytes(np.concatenate([silence, said, silence]))

    stores, run = work
    talk = [spoken("what time is it in the kitchen and who put the milk there", pace, 50) for pace in (150, 170, 190)]
    fields = {"label": "speech", "name": "talk", "keyword_end": -1}
    rows = [({**fields, "group": f"{i}", "split": "train" if i % 2 else "dev"}, talk[i % 3]) for i in range(20)]
    write_store(stores / "speech", rows)
    takes = [spoken("hey luna", pace, 45) for pace in (150, 165, 180)]
    fields = {"label": "keyword", "split": "train", "group": "me"}
    write_store(
        run / "takes", [({**fields, "name": f"{i}", "keyword_end": word_end(t)}, t) for i, t in enumerate(takes)]
    )
    _, trained, settings = load_backbone()
    recipe = WordRecipe(head=TEMPLATE, tracts=(1.0,))
    head, n_pooled, _ = match_word("hey luna", stores, run, recipe, trained, settings)
    embed = Embedder(embedder(trained), settings)

    def best(frames):
        padded = np.pad(frames, ((300, 20), (0, 0)), constant_values=8)
        return scores(head, embed.stream(padded), covered(recipe, n_pooled)).max()

    heard = [best(spoken("hey luna", pace, pitch)) for pace in (145, 160, 175) for pitch in (40, 55)]
    others = [best(spoken(text, 165, 45)) for text in ("good morning", "call mister brown", "hey john", "a lute")]
    assert min(heard) > max(others)


def test_template_wants_three_takes(work, trained):
    from kws_training.template import HEAD as TEMPLATE
    from kws_training.word_training import match_word
    from voice.errors import DataError

    with pytest.raises(DataError, match="wants 3 takes, here are 0"):
        match_word("hey luna", *work, WordRecipe(head=TEMPLATE), trained, SMALL)


def test_ones_own_sound_is_learnt_from_and_judges(work, tmp_path):
    import soundfile

    from kws_training.word_sources import judging_clips, negative_clips, prepare_phrase
    from voice.errors import DataError

    stores, run = work
    recipe = WordRecipe(n_alone=0, n_sentences=0, n_near=0)
    (tmp_path / "room").mkdir()
    soundfile.write(tmp_path / "room" / "tv.wav", np.random.default_rng(0).normal(0, 0.1, 16000 * 10), 16000)
    prepare_phrase("hey luna", (), run, recipe, negatives=[tmp_path / "room"])
    [learnt] = negative_clips(stores, run, "hey luna")["own"][1]
    [judge] = judging_clips(stores, run)["own"][1]
    assert learnt.n_frames + judge.n_frames == 998
    assert judge.n_frames == pytest.approx(0.35 * 998, abs=2)
    soundfile.write(tmp_path / "room" / "wrong-wake.wav", np.random.default_rng(1).normal(0, 0.1, 41600), 16000)
    prepare_phrase("hey luna", (), run.with_name("run2"), recipe, negatives=[tmp_path / "room"])
    assert [c.n_frames for c in negative_clips(stores, run.with_name("run2"), "hey luna")["own"][1]] == [648, 258]
    assert [c.n_frames for c in judging_clips(stores, run.with_name("run2"))["own"][1]] == [350]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no audio"):
        prepare_phrase("hey luna", (), tmp_path / "other", recipe, negatives=[tmp_path / "empty"])
