"""Standard corpus layouts."""

import numpy as np
import pytest
import soundfile

from asr_training.layouts import Columns, read_layout, read_skip_list, utterances
from voice.errors import DataError


def clip(path, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(16_000 * seconds)), 16_000)
    return path


def test_librispeech_names_speaker_and_text(tmp_path):
    clip(tmp_path / "84" / "1" / "84-1-0000.flac")
    (tmp_path / "84" / "1" / "84-1.trans.txt").write_text("84-1-0000 HELLO THERE\n84-1-0001 WITHOUT AUDIO\n")
    (found,) = read_layout("librispeech", tmp_path)
    assert (found.text, found.speaker) == ("HELLO THERE", "84")


def test_common_voice_takes_the_validated_rows_that_have_audio(tmp_path):
    clip(tmp_path / "clips" / "a.wav")
    rows = 'client_id\tpath\tsentence\nabc\ta.mp3\tHe said "no".\nabc\tmissing.mp3\tNothing.\n'
    (tmp_path / "validated.tsv").write_text(rows)
    (found,) = read_layout("common-voice", tmp_path)
    assert (found.text, found.speaker) == ('He said "no".', "abc")


def test_ljspeech_takes_the_normalised_text(tmp_path):
    clip(tmp_path / "wavs" / "LJ1.wav")
    (tmp_path / "metadata.csv").write_text("LJ1|In 1455|in fourteen fifty five\n")
    (found,) = read_layout("ljspeech", tmp_path)
    assert found.text == "in fourteen fifty five"


def test_text_files_are_found_by_the_audios_stem(tmp_path):
    clip(tmp_path / "wav" / "p1" / "p1_1.wav")
    (tmp_path / "txt").mkdir()
    (tmp_path / "txt" / "p1_1.txt").write_text("Please call Stella.\n")
    (found,) = read_layout("text-files", tmp_path)
    assert (found.text, found.speaker) == ("Please call Stella.", "p1")


def test_a_table_names_its_columns(tmp_path):
    clip(tmp_path / "a.wav")
    (tmp_path / "calls.csv").write_text("file,said,source\na.wav,my card,call9_1.wav\nb.wav,gone,call9_2.wav\n")
    (found,) = read_layout("table", tmp_path, Columns("file", "said", "source"))
    assert (found.text, found.speaker) == ("my card", "call9")


def test_an_unknown_layout_and_an_empty_folder_say_so(tmp_path):
    with pytest.raises(DataError, match="no such layout"):
        read_layout("kaldi", tmp_path)
    with pytest.raises(DataError, match="no recording with a transcript"):
        read_layout("librispeech", tmp_path)


def test_clips_and_speakers_can_be_left_out(tmp_path):
    for name in ("84-1-0000", "84-1-0001", "19-1-0000"):
        clip(tmp_path / f"{name}.flac")
    lines = "84-1-0000 ONE\n84-1-0001 TWO\n19-1-0000 THREE\n"
    (tmp_path / "x.trans.txt").write_text(lines)
    (tmp_path / "skip.txt").write_text("# comment\nme/mine\t84-1-0000\tbroken\nother/repo\t84-1-0001\tno\n")
    found = read_layout("librispeech", tmp_path)
    skip = read_skip_list(tmp_path / "skip.txt", "me/mine") | {"19"}
    (kept,) = utterances(found, tmp_path, corpus="mine", licence="CC0 1.0", skip=skip)
    assert (kept.audio, kept.text, kept.split, kept.duration) == ("84-1-0001.flac", "TWO", "train", 0.5)


def test_broken_audio_is_passed_over(tmp_path):
    (tmp_path / "84-1-0000.flac").write_bytes(b"not audio")
    (tmp_path / "x.trans.txt").write_text("84-1-0000 ONE\n")
    found = read_layout("librispeech", tmp_path)
    assert utterances(found, tmp_path, corpus="mine", licence="CC0 1.0") == []
