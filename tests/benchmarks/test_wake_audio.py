"""The audio that the wake-word benchmark makes: levels, places, the published protocol's stream."""

import json

import numpy as np
import pytest
import soundfile

from benchmarks.wake.picovoice import false_alarms, protocol_curve, protocol_stream
from benchmarks.wake.scoring import Track
from benchmarks.wake.sound import in_noise, loudness, pcm
from benchmarks.wake.speech import corpora, decoded, says, speech_clips
from benchmarks.wake.streams import GAP_S, Span, takes, word_streams
from benchmarks.wake_new_phrase import draw, lay_out
from kws_training.telephone import by_telephone
from voice.events import RATE

RNG = np.random.default_rng(5)


def tone(seconds, hertz=440.0, level=0.3):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def write(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)
    return path


@pytest.fixture
def wake(tmp_path):
    """Three takes of two speakers, one of them twice the same, in a folder as the pack has it."""
    rows = []
    for number, speaker, recording in ((0, "a", "x"), (1, "b", "y"), (2, "b", "z"), (3, "a", "x")):
        name = f"luna/take{number}.wav"
        write(tmp_path / "wake" / name, np.concatenate([np.zeros(3200, np.float32), tone(0.5), np.zeros(3200)]))
        rows.append({"audio": name, "speaker": speaker, "recording": recording, "gender": "female", "end": 0.7})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "wake" / "manifest.jsonl").write_text(text, encoding="utf-8")
    return tmp_path / "wake" / "luna"


def test_noise_lies_ten_decibels_below_the_loudest_half_second():
    samples = np.concatenate([np.zeros(RATE, np.float32), tone(1), np.zeros(RATE, np.float32)])
    noise = RNG.normal(0, 1, RATE).astype(np.float32)
    added = in_noise(samples, noise) - samples
    assert 10 * np.log10(loudness(samples) / np.mean(added**2)) == pytest.approx(10, abs=0.01)
    assert np.abs(added[:RATE]).max() > 0


def test_what_is_too_loud_is_turned_down_as_a_whole():
    assert pcm(np.array([2.0, -1.0, 0.0], np.float32)).tolist() == [32767, -16384, 0]
    assert pcm(np.array([0.5, -0.25], np.float32)).tolist() == [16384, -8192]


def test_a_telephone_keeps_length_and_low_tones_and_drops_what_is_above_four_kilohertz():
    low, high = tone(1, 1000), tone(1, 6000)
    heard = by_telephone(low)
    assert len(heard) == len(low)
    assert np.std(heard[2000:-2000] - low[2000:-2000]) < 0.03 * np.std(low)
    assert np.std(by_telephone(high)[2000:-2000]) < 0.02 * np.std(high)


def test_a_recording_counts_once_and_speakers_can_be_left_out(wake):
    assert [take.path.stem for take in takes(wake, None)] == ["take0", "take1", "take2"]
    assert [take.group for take in takes(wake, None, without=["b"])] == ["a"]
    assert takes(wake, None)[0].facts == {"gender": "female"}


def test_takes_are_drawn_of_different_speakers_by_the_seed(wake):
    said = takes(wake, None)
    assert {take.group for take in draw(said, 2, seed=1)} == {"a", "b"}
    assert draw(said, 1, seed=3)[0].path == draw(said, 1, seed=3)[0].path


def test_takes_are_laid_out_alone_and_look_the_same_when_an_interrupted_run_goes_on(wake, tmp_path):
    first, second, _ = takes(wake, None)
    folder = tmp_path / "given"
    lay_out([first, second], folder)
    before = (folder / first.path.name).stat().st_mtime_ns
    assert before == first.path.stat().st_mtime_ns
    lay_out([first], folder)
    [left] = folder.iterdir()
    assert (left.name, left.stat().st_mtime_ns) == (first.path.name, before)


def test_the_word_is_where_the_spans_say(wake):
    said = takes(wake, None)
    streams = word_streams(said, None)
    assert [stream.name for stream in streams] == ["clean", "pink noise, 10 dB", "telephone"]
    assert len({stream.key for stream in streams}) == 3
    for stream in streams:
        (whole,) = stream.blocks()
        for take, span in zip(said, stream.spans, strict=True):
            part = whole[span.start : span.end].astype(np.float32)
            quiet = whole[span.start - round(GAP_S * RATE) : span.start].astype(np.float32)
            assert np.std(part) > 2 * np.std(quiet)
            assert span.word_end - span.start == round(take.end * RATE)


def test_clips_that_say_a_word_are_no_negatives():
    assert says("Ask the Computers", ["computer"])
    assert says("so hey luna what", ["hey luna"])
    assert not says("the operation began", ["operator"])
    assert not says(None, ["computer"])


def test_running_speech_is_decoded_once_and_knows_its_clips(tmp_path):
    clips = [write(tmp_path / f"{n}.wav", tone(0.5 + n, 300 + n)) for n in range(3)]
    speech = decoded(clips, tmp_path / "cache")
    for path in clips:
        path.rename(path.with_suffix(".gone"))
        path.write_bytes(b"x" * path.with_suffix(".gone").stat().st_size)
    again = decoded(clips, tmp_path / "cache")
    assert again.samples.tolist() == speech.samples.tolist()
    assert len(again.clip(1)) == round(1.5 * RATE)
    assert again.stream().part(round(0.6 * RATE)) == "1 at 0.1 s"
    half = again.stream(every=2)
    assert np.concatenate(list(half.blocks())).tolist() == [*again.clip(0), *again.clip(2)]
    assert half.part(round(0.6 * RATE)) == "2 at 0.1 s"
    assert half.key != again.stream().key


def test_a_clip_that_is_known_to_say_a_word_is_marked(tmp_path):
    names = ["common_voice_en_37256648", "another"]
    speech = decoded([write(tmp_path / f"{name}.wav", tone(0.5)) for name in names], tmp_path / "cache")
    assert speech.stream().uncounted == ((0, RATE // 2),)


def test_a_folder_of_corpora_stands_for_those_in_it(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name / "a.wav", tone(0.1))
        (tmp_path / name / "manifest.jsonl").touch()
    assert corpora([tmp_path]) == [tmp_path / "one", tmp_path / "two"]
    assert corpora([tmp_path / "one"]) == [tmp_path / "one"]


def test_the_protocol_s_stream_holds_each_clip_once_at_ten_decibels_by_frames(wake, tmp_path):
    said = takes(wake, None)
    clips = [write(tmp_path / f"{n}.wav", tone(2, 200 * (n + 1))) for n in range(4)]
    noise = [RNG.normal(0, 0.1, 5 * RATE).astype(np.float32)]
    stream = protocol_stream(said, decoded(clips, tmp_path / "cache"), noise, hours=0.05)
    whole = np.concatenate(list(stream.blocks()))
    assert np.abs(whole.astype(int)).max() == 32767
    assert len(whole) == pytest.approx(0.05 * 3600 * RATE + sum(len(take.samples) for take in said), rel=0.01)
    assert sorted(span.name for span in stream.spans) == ["take0", "take1", "take2"]
    power = whole.astype(np.float64) ** 2
    frames = power[: len(power) // 512 * 512].reshape(-1, 512).sum(axis=1)
    speech_share = np.mean(frames > 3 * np.median(frames))
    assert 0.05 < speech_share < 0.45  # utterances come with probability 0.2
    for span in stream.spans:
        inside = power[span.start : span.end]
        loudest = inside[: len(inside) // 512 * 512].reshape(-1, 512).sum(axis=1).max()
        before = frames[: len(frames) // 2]
        assert 5 < loudest / np.median(before) < 25


def test_the_protocol_counts_one_hit_a_clip_and_the_rest_as_false():
    spans = [Span("a", 10 * RATE, 12 * RATE, 11 * RATE, {}), Span("b", 30 * RATE, 32 * RATE, 31 * RATE, {})]
    events = np.array([5, 11, 12.4, 12.6, 20, 31]) * RATE
    assert false_alarms(events.astype(np.int64), spans) == 3
    track = Track(events.astype(np.int64), np.array([0.2, 0.9, 0.1, 0.1, 0.5, 0.4]), 3600 * RATE)
    found = {point.level: (point.missed, point.false_accepts) for point in protocol_curve(track, spans).points}
    assert found[0.9] == (1, 0)
    assert found[0.5] == (1, 1)
    assert found[0.4] == (0, 1)


def test_clips_of_the_wanted_split_that_say_no_wake_word_are_chosen(tmp_path):
    from kws_training.corpora import ASR_FOLDERS

    for number, folder in enumerate(ASR_FOLDERS):
        rows = [
            {"audio": "a.wav", "text": "the cat", "split": "test"},
            {"audio": "b.wav", "text": "a computer", "split": "test"},
            {"audio": "c.wav", "text": "the cat", "split": "train"},
        ]
        (tmp_path / folder).mkdir()
        text = "".join(json.dumps(row) + "\n" for row in (rows if number == 0 else []))
        (tmp_path / folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    assert [path.name for path in speech_clips(tmp_path)] == ["a.wav"]
