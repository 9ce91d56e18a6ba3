"""Every transcribed utterance of a split is measured, however long or fast; groups, answers of peers, the report."""

import json
import re

import numpy as np
import pytest
import soundfile

from asr_training import peers
from asr_training.clips import chosen_utterances, length_group, snr_db, snr_group, with_split
from asr_training.evaluate import Answers, Measured, clip_of, results, wanted_decoders
from asr_training.figures import area_under_roc, figures_of
from asr_training.manifest import Utterance
from asr_training.report_page import write_report
from voice.errors import ConfigError, DataError
from voice.events import Token
from voice.models.bundle import load_bundle


def _corpus(folder, *entries):
    folder.mkdir(parents=True)
    base = {"audio": "a.flac", "corpus": folder.name}
    (folder / "manifest.jsonl").write_text("".join(json.dumps({**base, **entry}) + "\n" for entry in entries))


def test_the_filters_of_training_do_not_flatter_the_figures(tmp_path):
    long, fast = (
        {"text": "a", "duration": 99, "split": "dev"},
        {"text": "far too fast", "duration": 0.1, "split": "dev"},
    )
    _corpus(tmp_path / "one", long, fast, {"text": None, "duration": 1, "split": "dev"})
    assert [u.text for _, u in chosen_utterances(tmp_path, "dev", None, 1)] == ["a", "far too fast"]


def test_only_corpora_with_the_split_are_measured(tmp_path):
    _corpus(tmp_path / "one", {"text": "a", "duration": 1, "split": "dev"})
    _corpus(tmp_path / "two", {"text": "a", "duration": 1})
    assert with_split(tmp_path, "dev") == [tmp_path / "one"]
    with pytest.raises(DataError, match="'test'"):
        with_split(tmp_path, "test")


@pytest.mark.parametrize(("decibels", "group"), [(5, "below 10 dB"), (25, "20 to 30 dB"), (60, "40 dB and more")])
def test_the_noise_between_words_is_found_from_the_recording_alone(decibels, group):
    rng = np.random.default_rng(1)
    speech = np.where(np.arange(32_000) // 4000 % 2, 0.2, 0.0) * np.sin(np.arange(32_000) * 0.1)
    noise = rng.standard_normal(32_000) * np.sqrt(0.02 / 10 ** (decibels / 10))
    found = snr_db((speech + noise).astype(np.float32), 16_000)
    assert abs(found - decibels) < 2
    assert snr_group(found) == group
    assert np.isnan(snr_db(np.zeros(3, np.float32), 16_000))
    assert snr_group(float("nan")) == "unknown"


def test_lengths_have_groups():
    assert [length_group(s) for s in (0.3, 2.0, 7, 30)] == ["below 2 s", "2 to 5 s", "5 to 10 s", "20 s and more"]


def test_a_peer_is_asked_once_for_the_same_audio(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "installed_pocketsphinx", lambda: "5.0")
    peer = peers.PocketSphinx(tmp_path)
    asked = []
    monkeypatch.setattr(peer, "_computed", lambda pcm: asked.append(pcm) or ("hello there", 0.5))
    one, other = np.zeros(160, np.float32), np.full(160, 0.5, np.float32)
    assert peer.recognise(one) == peer.recognise(one) == ("hello there", 0.5)
    again = peers.PocketSphinx(tmp_path)
    assert again.recognise(one) == ("hello there", 0.5)
    assert len(asked) == 1
    peer.recognise(other)
    assert len(asked) == 2
    (tmp_path / "pocketsphinx-5.0.jsonl").write_text("{nonsense\n")
    with pytest.raises(DataError, match="delete the file"):
        peers.PocketSphinx(tmp_path)


def test_without_the_peer_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "installed_pocketsphinx", lambda: None)
    with pytest.raises(DataError, match="pip install pocketsphinx"):
        peers.PocketSphinx(tmp_path)


def test_pocketsphinx_itself_answers(tmp_path):
    pytest.importorskip("pocketsphinx")
    text, cpu = peers.PocketSphinx(tmp_path).recognise(np.zeros(8000, np.float32))
    assert isinstance(text, str)
    assert cpu > 0


@pytest.fixture
def measured(tmp_path):
    """Four clips of two speakers, by two systems."""
    clips, said = [], ["turn on the light", "what time is it", "stop", "turn it off"]
    for i, text in enumerate(said):
        soundfile.write(tmp_path / f"{i}.wav", 0.1 * np.sin(np.arange(16_000 * (i + 1)) * 0.05), 16_000)
        u = Utterance(audio=f"{i}.wav", text=text, speaker=f"s{i % 2}", duration=1, corpus="c", gender="FM"[i % 2])
        clips.append(clip_of(tmp_path, u))
    texts = ("turn on light", "what time is it", "stop it", "turn it off")
    words = tuple(tuple(Token(w, 0, 1, 0.2 if w == "it" else 0.9) for w in text.split()) for text in texts)
    ours = Answers("lexicon", texts, (0.1,) * 4, words)
    peer = Answers("pocketsphinx", ("a", "b", "stop", "d"), (1.0,) * 4)
    return Measured("set", tuple(clips), (1.0, 2.0, 3.0, 4.0), (9.0, 20.0, 30.0, 50.0), (0.01,) * 4, (ours, peer))


def test_the_figures_are_those_of_a_count_by_hand(measured):
    (found,) = figures_of(load_bundle("asr-en"), [measured], "asr-train evaluate")["sets"]
    ours, peer = found["systems"]
    assert (ours["substitutions"], ours["deletions"], ours["insertions"], ours["words"]) == (0, 1, 1, 12)
    assert ours["wer"]["value"] == pytest.approx(100 * 2 / 12)
    assert ours["ser"]["value"] == 50
    assert ours["real_time_factor"] == pytest.approx(0.04)
    assert ours["command_ms_p95"] == pytest.approx(100)
    assert peer["wer"]["value"] == pytest.approx(100 * 11 / 12)
    (difference,) = found["differences"]
    assert difference["less"] == "pocketsphinx"
    assert difference["value"] == pytest.approx(100 * (2 - 11) / 12)
    assert [row["group"] for row in found["groups"]["sex"]] == ["female", "male"]
    assert [row["group"] for row in found["groups"]["length"]] == ["below 2 s", "2 to 5 s"]
    assert found["groups"]["SNR"][0]["group"] == "below 10 dB"
    assert found["worst"][0]["reference"] == "stop"
    assert len(found["worst"]) == 2
    assert found["confidence"]["right"] == pytest.approx(11 / 12)
    assert [r["name"] for r in results(measured)] == [
        "lexicon WER %",
        "lexicon CER %",
        "lexicon real-time factor, one thread",
    ]


def test_the_report_is_one_file_with_pictures_and_recordings(measured, tmp_path):
    page = write_report(tmp_path / "report", figures_of(load_bundle("asr-en"), [measured], "asr-train <evaluate>"))
    text = page.read_text(encoding="utf-8")
    assert "asr-train &lt;evaluate&gt;" in text
    assert text.count("<audio") == 2
    assert text.count("data:image/png") >= 5
    assert not re.search(r"(src|href)='?(?!data:)\w+:", text), "nothing is loaded from elsewhere"
    assert "<del>the</del>" in text
    assert json.loads((tmp_path / "report" / "report.json").read_text())["sets"][0]["name"] == "set"
    (tmp_path / "blocked").write_text("")
    with pytest.raises(DataError, match="choose another folder"):
        write_report(tmp_path / "blocked", figures_of(load_bundle("asr-en"), [], ""))


def test_areas_under_the_curve():
    assert area_under_roc([0.9, 0.8, 0.3, 0.1], np.array([True, True, False, False])) == 1
    assert area_under_roc([0.5, 0.5], np.array([True, False])) == 0.5
    assert area_under_roc([0.5], np.array([True])) is None


def test_an_unknown_decoder_is_a_wrong_call():
    bundle = load_bundle("asr-en")
    assert wanted_decoders(bundle, ["lexicon"]) == ("lexicon",)
    assert wanted_decoders(bundle, None) == ("words", "lexicon"), "without the language model and with it"
    with pytest.raises(ConfigError, match="only words and lexicon give words"):
        wanted_decoders(bundle, ["beam"])
    with pytest.raises(ConfigError, match="no decoder magic"):
        wanted_decoders(bundle, ["magic"])
