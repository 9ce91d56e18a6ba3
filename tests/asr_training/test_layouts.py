"""Standard corpus layouts."""

import json

import numpy as np
import pytest
import soundfile

from asr_training.layouts import Columns, read_layout, read_skip_list, utterances
from asr_training.manifest import read_manifest, write_manifest
from asr_training.prepare import read_audio
from voice.errors import DataError


def clip(path, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(16_000 * seconds)), 16_000)
    return path


def test_librispeech_names_speaker_and_text(tmp_path):
    clip(tmp_path / "84" / "1" / "84-1-0000.flac")
    (tmp_path / "84" / "1" / "84-1.trans.txt").write_text("84-1-0000 HELLO THERE\n84-1-0001 WITHOUT AUDIO\n")
    (found,) = read_layout("librispeech", tmp_path).found
    assert (found.text, found.speaker) == ("HELLO THERE", "84")


def test_common_voice_takes_the_validated_rows_that_have_audio(tmp_path):
    clip(tmp_path / "clips" / "a.wav")
    rows = 'client_id\tpath\tsentence\nabc\ta.mp3\tHe said "no".\nabc\tmissing.mp3\tNothing.\n'
    (tmp_path / "validated.tsv").write_text(rows)
    (found,) = read_layout("common-voice", tmp_path).found
    assert (found.text, found.speaker) == ('He said "no".', "abc")


def test_ljspeech_takes_the_normalised_text(tmp_path):
    clip(tmp_path / "wavs" / "LJ1.wav")
    (tmp_path / "metadata.csv").write_text("LJ1|In 1455|in fourteen fifty five\n")
    (found,) = read_layout("ljspeech", tmp_path).found
    assert found.text == "in fourteen fifty five"


def test_text_files_are_found_by_the_audios_stem(tmp_path):
    clip(tmp_path / "wav" / "p1" / "p1_1.wav")
    (tmp_path / "txt").mkdir()
    (tmp_path / "txt" / "p1_1.txt").write_text("Please call Stella.\n")
    (found,) = read_layout("text-files", tmp_path).found
    assert (found.text, found.speaker) == ("Please call Stella.", "p1")


def test_a_table_names_its_columns(tmp_path):
    clip(tmp_path / "a.wav")
    (tmp_path / "calls.csv").write_text("file,said,source\na.wav,my card,call9_1.wav\nb.wav,gone,call9_2.wav\n")
    (found,) = read_layout("table", tmp_path, Columns("file", "said", "source")).found
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
    found = read_layout("librispeech", tmp_path).found
    skip = read_skip_list(tmp_path / "skip.txt", "me/mine") | {"19"}
    (kept,), broken = utterances(found, tmp_path, corpus="mine", licence="CC0 1.0", skip=skip)
    assert (kept.audio, kept.text, kept.split, kept.duration) == ("84-1-0001.flac", "TWO", None, 0.5)
    assert (kept.rate, broken) == (16_000, [])


def test_broken_audio_is_named(tmp_path):
    (tmp_path / "84-1-0000.flac").write_bytes(b"not audio")
    (tmp_path / "x.trans.txt").write_text("84-1-0000 ONE\n")
    found = read_layout("librispeech", tmp_path).found
    assert utterances(found, tmp_path, corpus="mine", licence="CC0 1.0") == ([], [tmp_path / "84-1-0000.flac"])


def test_what_lacks_audio_or_transcript_is_listed(tmp_path):
    clip(tmp_path / "84-1-0000.flac")
    clip(tmp_path / "84-1-0007.flac")
    (tmp_path / "x.trans.txt").write_text("84-1-0000 ONE\n84-1-0003 GONE\n")
    reading = read_layout("librispeech", tmp_path)
    assert [item.audio.name for item in reading.found] == ["84-1-0000.flac"]
    assert reading.without_audio == ["84-1-0003"]
    assert [path.name for path in reading.without_text] == ["84-1-0007.flac"]


def test_librispeechs_folders_are_splits_and_its_speakers_have_a_sex(tmp_path):
    for split, name in (("train-clean-5", "1-1-0"), ("dev-clean-2", "2-1-0")):
        clip(tmp_path / split / f"{name}.flac")
        (tmp_path / split / "x.trans.txt").write_text(f"{name} WORD\n")
    (tmp_path / "SPEAKERS.TXT").write_text(";ID |SEX| SUBSET\n1 | F | train-clean-5\n2 | M | dev-clean-2\n")
    found = read_layout("librispeech", tmp_path).found
    assert {(item.speaker, item.split, item.gender) for item in found} == {("1", "train", "f"), ("2", "dev", "m")}


def test_common_voices_own_splits_win_over_validated(tmp_path):
    head = "client_id\tpath\tsentence\tgender\n"
    for name in "abc":
        clip(tmp_path / "clips" / f"{name}.mp3".replace("mp3", "wav"))
    rows = {name: f"{name}{name}\t{name}.mp3\tWord.\tmale_masculine\n" for name in "abc"}
    (tmp_path / "validated.tsv").write_text(head + "".join(rows.values()))
    (tmp_path / "test.tsv").write_text(head + rows["b"])
    found = read_layout("common-voice", tmp_path).found
    assert [(item.speaker, item.split, item.gender) for item in found] == [
        ("aa", None, "male"), ("bb", "test", "male"), ("cc", None, "male"),
    ]  # fmt: skip


def test_the_same_name_in_two_folders_goes_to_the_nearest(tmp_path):
    for speaker in "ab":
        clip(tmp_path / speaker / "1.wav")
        (tmp_path / speaker / "1.txt").write_text(f"I am {speaker}.")
    found = read_layout("text-files", tmp_path).found
    assert [(item.audio.parent.name, item.text, item.speaker) for item in found] == [
        ("a", "I am a.", "a"), ("b", "I am b.", "b"),
    ]  # fmt: skip


def test_a_recording_in_two_formats_counts_once(tmp_path):
    for name in ("84-1-0000.wav", "84-1-0000.flac", "._84-1-0000.wav"):
        clip(tmp_path / name)
    (tmp_path / "x.trans.txt").write_text("84-1-0000 ONE\n")
    reading = read_layout("librispeech", tmp_path)
    assert [item.audio.name for item in reading.found] == ["84-1-0000.flac"]
    assert reading.without_text == []


def test_description_lines_of_key_duration_and_text(tmp_path):
    """As Deep Speech recipes have them: an object a line, `key` a path of the machine that wrote it."""
    clip(tmp_path / "data" / "a" / "1.wav")
    lines = [
        {"key": "/corpus/a/1.wav", "duration": 0.5, "text": "one"},
        {"key": "/corpus/a/2.wav", "duration": 0.5, "text": "two"},
    ]
    path = tmp_path / "data" / "valid_corpus.json"
    path.write_text("\n".join(map(json.dumps, lines)))
    for source in (path, tmp_path / "data"):
        reading = read_layout("json-lines", source)
        assert [(item.text, item.split) for item in reading.found] == [("one", "dev")]
        assert reading.without_audio == ["/corpus/a/2.wav"]


def test_json_lines_under_other_names_and_as_an_array(tmp_path):
    elsewhere = clip(tmp_path / "elsewhere" / "1.wav")
    (tmp_path / "data").mkdir()
    record = {"audio_filepath": str(elsewhere), "text": "one", "speaker": 7, "split": "test"}
    (tmp_path / "data" / "list.json").write_text(json.dumps([record]))
    (found,) = read_layout("json-lines", tmp_path / "data").found
    assert (found.audio, found.speaker, found.split) == (elsewhere, "7", "test")
    (line,), _ = utterances([found], tmp_path / "data", corpus="c", licence="CC0 1.0")
    write_manifest(tmp_path / "list", [line], tmp_path / "data")
    (again,) = read_manifest(tmp_path / "list")
    assert (tmp_path / "list" / again.audio).resolve() == elsewhere.resolve()


def test_a_broken_json_line_is_named(tmp_path):
    (tmp_path / "list.jsonl").write_text('{"audio": "a.wav", "text": "a"}\n{"audio"\n')
    with pytest.raises(DataError, match=r"list\.jsonl line 2: not JSON"):
        read_layout("json-lines", tmp_path)


@pytest.mark.parametrize(("suffix", "kind"), [("mp3", "MP3"), ("ogg", "OGG"), ("flac", "FLAC"), ("wav", "WAV")])
def test_every_format_is_read(tmp_path, suffix, kind):
    sound = 0.2 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    soundfile.write(tmp_path / f"a.{suffix}", sound, 44_100, format=kind)
    (tmp_path / "a.txt").write_text("a tone")
    found = read_layout("text-files", tmp_path).found
    (line,), _ = utterances(found, tmp_path, corpus="c", licence="CC0 1.0")
    assert line.rate == 44_100
    assert line.duration == pytest.approx(1.0, abs=0.06)
    samples = read_audio(tmp_path / line.audio, 16_000)
    assert len(samples) == pytest.approx(16_000, abs=1000)


def test_a_table_of_windows_is_read(tmp_path):
    """With a byte order mark before the first column's name, and carriage returns."""
    clip(tmp_path / "a.wav")
    (tmp_path / "calls.csv").write_bytes(b"\xef\xbb\xbffile_name,transcript\r\na.wav,my card\r\n")
    (found,) = read_layout("table", tmp_path).found
    assert found.text == "my card"
