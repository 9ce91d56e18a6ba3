"""Long recordings, cut on silence."""

import json

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from asr_training.align import AlignSettings
from asr_training.manifest import corpora, read_manifest
from asr_training.pauses import Pause, cuts, pauses_of, speech_frames
from asr_training.prepare import read_audio
from asr_training.split import SplitSettings, split_all
from asr_training.transcribed import recordings
from tests.asr_training.speech import FOLDER, TEXTS, transcribed
from voice.audio.files import read_audio as recording
from voice.errors import ConfigError, DataError
from voice.text import normalise

SETTINGS = SplitSettings("story", "CC0 1.0", shortest=2, longest=9)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 2)), max_size=40),
    st.floats(1, 100),
    st.floats(0.5, 4),
    st.floats(8, 20),
)
def test_pieces_are_never_too_long_and_rarely_short(pauses, seconds, shortest, longest):
    places = [Pause(start, start + length) for start, length in pauses]
    found = cuts(places, seconds, shortest=shortest, longest=longest)
    lengths = np.diff(found)
    assert (found[0], found[-1]) == (0, seconds)
    assert (lengths <= longest + 1e-9).all()
    assert (lengths[:-1] >= shortest - 1e-9).all()


def test_the_longest_pause_within_reach_is_taken():
    pauses = [Pause(2.9, 3.1), Pause(5, 6), Pause(7.0, 7.1)]
    assert cuts(pauses, 12, shortest=2, longest=8) == [0, 5.5, 12]


@pytest.mark.parametrize("detector", ["vad", "level"])
def test_speech_and_silence_are_told_apart(detector):
    spoken = recording(FOLDER / "kitchen_light.flac")
    noise = 1e-4 * np.random.default_rng(1).standard_normal(32_000).astype(np.float32)
    is_speech = speech_frames(np.concatenate([noise, spoken, noise]), detector)
    assert not is_speech[5:95].any()
    assert is_speech[100 : 100 + len(spoken) // 320].mean() > 0.5
    longest = max(pauses_of(is_speech), key=lambda pause: pause.seconds)
    assert longest.seconds > 1.7


@pytest.mark.parametrize("detector", ["vad", "level"])
def test_nothing_is_speech_in_silence(detector):
    assert not speech_frames(np.zeros(16_000, np.float32), detector).any()
    assert len(speech_frames(np.zeros(0, np.float32), detector)) == 0


def test_pieces_get_the_words_that_are_said_in_them(tmp_path):
    folder, out = transcribed(tmp_path / "in", "story"), tmp_path / "out"
    rows = split_all(recordings(folder), out, SETTINGS)
    assert len(rows) >= 4
    assert " ".join(row["text"] for row in rows) == normalise(TEXTS["story"])
    assert all(row["duration"] <= 9 for row in rows)
    assert min(row["score"] for row in rows) > 0.1
    samples = read_audio(folder / "story.wav", 16_000)
    for row in rows:
        start = round(row["start"] * 16_000)
        piece = read_audio(out / row["audio"], 16_000)
        np.testing.assert_allclose(piece, samples[start : start + len(piece)], atol=1e-4)
    assert corpora(out) == [out]
    assert [line.text for line in read_manifest(out)] == [row["text"] for row in rows]
    listed = [json.loads(line) for line in (out / "alignment.jsonl").read_text().splitlines()]
    assert [line["score"] for line in listed] == [row["score"] for row in rows]


def test_no_cut_is_within_a_word_and_full_stops_are_where_it_cuts(tmp_path):
    rows = split_all(recordings(transcribed(tmp_path / "in", "story")), tmp_path / "out", SETTINGS)
    sentences = [normalise(text) for text in TEXTS["story"].replace(",", ".").split(".")]
    ends = {sentence.split()[-1] for sentence in sentences if sentence}
    assert sum(row["text"].split()[-1] in ends for row in rows) >= len(rows) - 2


@pytest.mark.parametrize("detector", ["vad", "level"])
def test_without_a_transcript_the_pieces_hold_all_the_speech(tmp_path, detector):
    folder = transcribed(tmp_path / "in", "story")
    settings = SplitSettings("story", shortest=2, longest=9, detector=detector)
    rows = split_all(recordings(folder, transcripts=False), tmp_path / "out", settings)
    assert all(row["text"] is None and row["duration"] <= 9 for row in rows)
    heard = speech_frames(read_audio(folder / "story.wav", 16_000), detector)
    covered = np.zeros(len(heard), bool)
    for row in rows:
        covered[round(row["start"] * 50) : round((row["start"] + row["duration"]) * 50)] = True
    assert heard[covered].sum() >= 0.99 * heard.sum()
    assert all(starts > 0 for starts in np.diff([row["start"] for row in rows]))


def test_silence_alone_gives_no_piece(tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "quiet.wav", np.zeros(16_000 * 20), 16_000)
    assert split_all(recordings(tmp_path / "in", transcripts=False), tmp_path / "out", SETTINGS) == []


def test_what_was_cut_is_not_cut_again(tmp_path):
    folder, out = transcribed(tmp_path / "in", "river", "kitchen_light"), tmp_path / "out"
    first = split_all(recordings(folder)[:1], out, SETTINGS)
    (out / first[0]["audio"]).unlink()
    rows = split_all(recordings(folder), out, SETTINGS)
    assert len(rows) == 2
    assert not (out / first[0]["audio"]).exists()


def test_a_wrong_transcript_scores_low(tmp_path):
    folder = transcribed(tmp_path / "in", "story")
    (folder / "story.txt").write_text("Quite another story about ships and sails that nobody tells here. " * 5)
    rows = split_all(recordings(folder), tmp_path / "out", SETTINGS)
    assert max(row["score"] for row in rows) < 0.2


def test_unreadable_recordings_are_noted_and_the_rest_goes_on(tmp_path):
    folder = transcribed(tmp_path / "in", "river", "bedroom")
    (folder / "bedroom.wav").write_bytes(b"nothing")
    rows = split_all(recordings(folder), tmp_path / "out", SETTINGS)
    assert [row["text"] for row in rows] == [normalise(TEXTS["river"])]
    noted = [json.loads(line) for line in (tmp_path / "out" / "sources.jsonl").read_text().splitlines()]
    assert "can't be read" in next(row["reason"] for row in noted if "reason" in row)


def test_impossible_lengths_and_a_full_disk_are_one_line(tmp_path):
    folder = transcribed(tmp_path / "in", "river")
    with pytest.raises(ConfigError, match="at most half"):
        split_all(recordings(folder), tmp_path / "out", SplitSettings("c", shortest=6, longest=9))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sources.jsonl").symlink_to("/dev/full")
    with pytest.raises(DataError, match="No space left on device"):
        split_all(recordings(folder), tmp_path / "out", SplitSettings("c", align=AlignSettings()))
