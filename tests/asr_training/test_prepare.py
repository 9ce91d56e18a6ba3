"""The feature cache: what goes in, what is left out, and what happens when it breaks off."""

import json

import numpy as np
import pytest
import soundfile

from asr_training.levels import clipped_share, loudest_db
from asr_training.manifest import Limits
from asr_training.prepare import Cache, prepare, read_audio
from asr_training.settings import Recipe
from voice.audio.features import FeatureSettings, features
from voice.errors import ConfigError, DataError


def test_cached_features_are_the_run_time_features(corpus, cache, recipe):
    utterance = cache.split("train")[3]
    expected = features(read_audio(corpus / "tones" / utterance.audio, 16_000), recipe.features)
    np.testing.assert_allclose(cache.features(utterance), expected, atol=0.02)


def test_splits_and_noise_are_there(cache):
    assert (len(cache.split("train")), len(cache.split("dev"))) == (18, 6)
    assert cache.noise.shape == (198, 80)


def test_preparing_again_skips_what_is_there(corpus, cache, recipe):
    said = []
    prepare([corpus], cache.folder, recipe.features, said.append)
    assert said == ["tones: already prepared"]


def test_an_unreadable_clip_is_reported_and_left_out(corpus, recipe, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    line = (corpus / "tones" / "manifest.jsonl").read_text().splitlines()[0]
    (folder / "manifest.jsonl").write_text(line + "\n" + line.replace("0.wav", "broken.wav") + "\n")
    (folder / "0.wav").write_bytes((corpus / "tones" / "0.wav").read_bytes())
    (folder / "broken.wav").write_text("not audio")
    said = []
    prepare([folder], tmp_path / "cache", recipe.features, said.append)
    assert said[0].startswith("data: 1 utterances")
    assert "1 with unreadable audio" in said[0]


def test_an_empty_cache_and_other_features_are_refused(cache, tmp_path):
    with pytest.raises(DataError, match="asr-train prepare"):
        Cache(tmp_path, Recipe().features)
    with pytest.raises(DataError, match="other features"):
        Cache(cache.folder, FeatureSettings())


def utterance(name, samples, text="go", rate=16_000, **more):
    return {"name": name, "samples": samples, "text": text, "rate": rate, **more}


def corpus_of(folder, *utterances):
    """A corpus of made-up recordings."""
    folder.mkdir(parents=True)
    lines = []
    for number, wanted in enumerate(utterances):
        soundfile.write(folder / f"{wanted['name']}.wav", wanted["samples"], wanted["rate"])
        seconds = len(wanted["samples"]) / wanted["rate"]
        entry = {"audio": f"{wanted['name']}.wav", "text": wanted["text"], "speaker": f"s{number}", "corpus": "c"}
        lines.append(json.dumps({**entry, "duration": seconds, "rate": wanted["rate"]}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def tone(seconds, level=0.3, hertz=700, rate=16_000):
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def reported(folder, name="data"):
    first, *rest = (folder / f"{name}.report.jsonl").read_text().splitlines()
    return json.loads(first), {json.loads(line)["audio"]: json.loads(line)["reason"] for line in rest}


def test_every_filter_leaves_out_counts_and_lists(tmp_path, recipe):
    data = corpus_of(
        tmp_path / "data",
        utterance("good", tone(1)),
        utterance("tiny", tone(0.1)),
        utterance("long", tone(60), "a long story"),
        utterance("silent", np.zeros(16_000)),
        utterance("clipped", np.clip(tone(1, 3.0), -1, 1)),
        utterance("turned_down", 0.2 * np.clip(tone(1, 3.0), -1, 1)),
        utterance("narrow", tone(1, rate=6000), rate=6000),
        utterance("chinese", tone(1), "\u5317\u4eac hello"),
        utterance("slow", tone(12), "hello world"),
        utterance("fast", tone(0.5), "too much to say in half a second"),
        utterance("accent", tone(1), "Caf\u00e9 21"),
    )
    said = []
    prepare([data], tmp_path / "cache", recipe.features, said.append, limits=Limits(quietest_db=-60))
    counts, reasons = reported(tmp_path / "cache")
    assert counts["kept"] == 2
    assert sum(counts["left_out"].values()) == len(reasons) == 9
    assert reasons == {
        "tiny.wav": "shorter than 0.25 s",
        "long.wav": "longer than 17 s",
        "silent.wav": "quieter than -60 dB",
        "clipped.wav": "with more than 2% of their samples clipped",
        "turned_down.wav": "with more than 2% of their samples clipped",
        "narrow.wav": "sampled below 8000 Hz",
        "chinese.wav": "with letters outside the alphabet",
        "slow.wav": "with too little text for their length",
        "fast.wav": "with too much text for their length",
    }
    assert "2 utterances" in said[0]
    assert "2 with more than 2% of their samples clipped" in said[0]
    texts = {utterance.text for utterance in Cache(tmp_path / "cache", recipe.features).utterances}
    assert texts == {"go", "cafe twenty one"}


def test_limits_of_the_recipe_decide(tmp_path, recipe):
    data = corpus_of(tmp_path / "data", utterance("a", tone(1)), utterance("long", tone(60), "a story " * 20))
    prepare([data], tmp_path / "cache", recipe.features, lambda line: None, limits=Limits(longest=90))
    assert [u.audio for u in Cache(tmp_path / "cache", recipe.features).utterances] == ["a.wav", "long.wav"]


def test_scores_of_an_alignment_count_where_there_are_any(tmp_path, recipe):
    data = corpus_of(tmp_path / "data", *(utterance(name, tone(1)) for name in ("right", "wrong", "unknown")))
    aligned = tmp_path / "aligned"
    aligned.mkdir()
    lines = [{"audio": "../data/right.wav", "score": 0.9}, {"audio": "../data/wrong.wav", "score": 0.1}]
    (aligned / "alignment.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    prepare(
        [data], tmp_path / "cache", recipe.features, lambda line: None,
        limits=Limits(alignment=0.3), alignments=aligned,
    )  # fmt: skip
    counts, reasons = reported(tmp_path / "cache")
    assert counts["kept"] == 2
    assert reasons == {"wrong.wav": "whose alignment scores below 0.3"}
    with pytest.raises(DataError, match="asr-train align"):
        prepare([data], tmp_path / "cache", recipe.features, lambda line: None, alignments=tmp_path)


def test_what_was_computed_before_an_interruption_is_kept(tmp_path, recipe, monkeypatch):
    from asr_training import parts
    from asr_training import prepare as module

    monkeypatch.setattr(parts, "_FLUSH_EVERY", 2)
    data = corpus_of(tmp_path / "data", *(utterance(f"{i}", tone(0.5, hertz=300 + 100 * i)) for i in range(7)))
    read, names = module.read_recording, []

    def until_the_sixth(path):
        if len(names) == 5:
            raise KeyboardInterrupt
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(module, "read_recording", until_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        prepare([data], tmp_path / "cache", recipe.features, lambda line: None)
    with (tmp_path / "cache" / "data.log.part").open("a") as log:
        log.write('{"audio": "cut sh')
    with (tmp_path / "cache" / "data.frames.part").open("ab") as frames:
        frames.write(b"rows that no log knows")
    monkeypatch.setattr(module, "read_recording", lambda path: names.append(path.name) or read(path))
    said = []
    prepare([data], tmp_path / "cache", recipe.features, said.append)
    assert said[0] == "data: going on after 4 utterances"
    assert names == [f"{i}.wav" for i in (0, 1, 2, 3, 4, 4, 5, 6)]
    prepare([data], tmp_path / "unbroken", recipe.features, lambda line: None)
    resumed, unbroken = (Cache(tmp_path / name, recipe.features) for name in ("cache", "unbroken"))
    assert resumed.utterances == unbroken.utterances
    for one in unbroken.utterances:
        np.testing.assert_array_equal(resumed.features(one), unbroken.features(one))
    assert not list((tmp_path / "cache").glob("*.part"))


def test_several_processes_make_the_same_cache(corpus, cache, recipe, tmp_path):
    prepare([corpus], tmp_path, recipe.features, lambda line: None, jobs=2)
    again = Cache(tmp_path, recipe.features)
    assert again.utterances == cache.utterances
    for one in cache.utterances:
        np.testing.assert_array_equal(again.features(one), cache.features(one))


@pytest.mark.parametrize("name", ["data.log.part", "data.npy.part", "data.json.part", "data.report.jsonl"])
def test_a_full_disk_is_one_line_and_a_second_call_goes_on(tmp_path, recipe, name):
    data = corpus_of(tmp_path / "data", *(utterance(f"{i}", tone(1)) for i in range(3)))
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / name).symlink_to("/dev/full")
    with pytest.raises(DataError, match="No space left on device: free disk space and run it again"):
        prepare([data], cache, recipe.features, lambda line: None)
    with pytest.raises(DataError, match="no prepared features"):
        Cache(cache, recipe.features)
    (cache / name).unlink()
    prepare([data], cache, recipe.features, lambda line: None)
    assert len(Cache(cache, recipe.features).utterances) == 3


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("data.json", lambda data: data[:-30], "the cache is broken"),
        ("data.json", lambda data: b"{}", "the cache is broken"),
        ("data.npy", lambda data: data[: len(data) // 2], "the cache is broken"),
        ("data.npy", lambda data: b"\0" * len(data), "the cache is broken"),
    ],
)
def test_a_corrupted_cache_is_named_and_prepared_again(tmp_path, recipe, name, damage, message):
    data = corpus_of(tmp_path / "data", utterance("a", tone(1)))
    prepare([data], tmp_path / "cache", recipe.features, lambda line: None)
    path = tmp_path / "cache" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=rf"data\.(json|npy).*{message}.*asr-train prepare"):
        Cache(tmp_path / "cache", recipe.features)
    said = []
    prepare([data], tmp_path / "cache", recipe.features, said.append)
    assert said[0].startswith("data: 1 utterances")
    assert len(Cache(tmp_path / "cache", recipe.features).utterances) == 1


def test_values_that_are_no_numbers_are_named_before_they_reach_a_network(tmp_path, recipe):
    data = corpus_of(tmp_path / "data", utterance("a", tone(1)), utterance("b", tone(1)))
    prepare([data], tmp_path / "cache", recipe.features, lambda line: None)
    rows = np.load(tmp_path / "cache" / "data.npy")
    rows[150, 7] = np.nan
    np.save(tmp_path / "cache" / "data.npy", rows)
    cache = Cache(tmp_path / "cache", recipe.features)
    assert np.isfinite(cache.features(cache.utterances[0])).all()
    with pytest.raises(DataError, match=r"data\.npy, b\.wav: values that aren't numbers"):
        cache.features(cache.utterances[1])


KINDS = [
    FeatureSettings(mels=80, window=400, f_max=7600),
    FeatureSettings(kind="mfcc", mels=80, window=400, f_max=7600),
    FeatureSettings(kind="spectrogram", window=320, fft=320),
    FeatureSettings(kind="waveform"),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda settings: settings.kind)
def test_every_kind_of_features_is_cached_as_run_time_computes_it(corpus, tmp_path, kind):
    prepare([corpus], tmp_path, kind, lambda line: None)
    cache = Cache(tmp_path, kind)
    chosen = cache.utterances[2]
    expected = features(read_audio(corpus / "tones" / chosen.audio, 16_000), kind)
    found = cache.features(chosen)
    assert found.shape == expected.shape == (chosen.frames, kind.bins)
    np.testing.assert_allclose(found, expected, atol=2e-4 if kind.kind == "waveform" else 0.05)
    assert cache.noise.shape[1] == kind.base.bins


def test_a_cache_of_log_mel_serves_mfcc(corpus, cache):
    mfcc = cache.settings.model_copy(update={"kind": "mfcc"})
    chosen = cache.utterances[0]
    expected = features(read_audio(corpus / "tones" / chosen.audio, 16_000), mfcc)
    np.testing.assert_allclose(Cache(cache.folder, mfcc).features(chosen), expected, atol=0.05)


def test_flat_tops_are_clipping_and_loud_tones_are_not():
    assert clipped_share(tone(1, 0.999)) < 0.01
    assert clipped_share(np.clip(tone(1, 2.0), -1, 1)) > 0.5
    assert clipped_share(np.zeros(100)) == 0
    assert clipped_share(np.zeros(0)) == 0


def test_the_loudest_tenth_of_a_second_counts():
    quiet_but_for_a_word = np.concatenate([np.zeros(16_000), tone(0.2, 0.5), np.zeros(16_000)])
    assert loudest_db(quiet_but_for_a_word, 16_000) == pytest.approx(-9, abs=0.2)
    assert loudest_db(np.zeros(50), 16_000) == -np.inf
    assert loudest_db(np.zeros(0), 16_000) == -np.inf


def test_two_corpora_of_one_name_are_refused(tmp_path, recipe):
    roots = [corpus_of(tmp_path / root / "mine", utterance("a", tone(1))).parent for root in ("one", "two")]
    with pytest.raises(ConfigError, match="two corpora are called mine"):
        prepare(roots, tmp_path / "cache", recipe.features, lambda line: None)
