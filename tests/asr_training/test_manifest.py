"""Manifests: what is read, what is refused, what is filtered."""

import json

import pytest

from asr_training.manifest import Utterance, corpora, label_frames_needed, read_manifest, select, write_manifest
from voice.errors import DataError

GOOD = {"audio": "a.wav", "text": "Turn on!", "speaker": "s", "split": "train", "duration": 1.0, "corpus": "c"}


def manifest(folder, *lines):
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "manifest.jsonl").write_text(text + "\n")
    return folder


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 2: not JSON"),
        ("[1]", "line 2: not a JSON object"),
        ({**GOOD, "duration": -1}, "line 2: duration"),
        ({key: value for key, value in GOOD.items() if key != "audio"}, "line 2: audio"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    with pytest.raises(DataError, match=message):
        read_manifest(manifest(tmp_path / "c", GOOD, line))


def test_other_kinds_of_lines_are_passed_over(tmp_path):
    folder = manifest(tmp_path / "c", {"audio": "n.wav", "kind": "noise", "duration": 3}, "", GOOD)
    assert [utterance.audio for utterance in read_manifest(folder)] == ["a.wav"]


def test_a_missing_and_an_empty_folder_say_what_to_do(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        corpora(tmp_path / "missing")
    with pytest.raises(DataError, match="unpack a corpus"):
        corpora(tmp_path)


def test_corpora_are_found_below_and_in_the_folder(tmp_path):
    folder = manifest(tmp_path / "c", GOOD)
    assert corpora(tmp_path) == corpora(folder) == [folder]


def test_select_normalises_and_reports(tmp_path):
    def utterance(**change):
        return Utterance.model_validate({**GOOD, **change})

    kept, report = select(
        [
            utterance(),
            utterance(text=None),
            utterance(text="?!"),
            utterance(duration=0.1),
            utterance(duration=60),
            utterance(text="a very long sentence in one second"),
            utterance(text="too little text", duration=15),
        ]
    )
    assert [utterance.text for utterance in kept] == ["turn on"]
    assert report.kept == 1
    assert sum(report.dropped.values()) == 6
    assert "2 without transcript" in report.line("c")


def test_repeated_letters_need_a_blank_between_them():
    assert label_frames_needed("book") == 5


def test_a_written_manifest_finds_its_audio(tmp_path):
    (tmp_path / "audio").mkdir()
    write_manifest(tmp_path / "list", [Utterance.model_validate(GOOD)], tmp_path / "audio")
    found = read_manifest(tmp_path / "list")[0]
    assert (tmp_path / "list" / found.audio).resolve() == tmp_path / "audio" / "a.wav"


def test_another_alphabet_keeps_its_letters():
    german = "abcdefghijklmnopqrstuvwxyz \u00e4\u00f6\u00fc\u00df"
    lines = [Utterance.model_validate({**GOOD, "text": text}) for text in ("\u00dcber uns", "um 7 Uhr")]
    kept, report = select(lines, alphabet=german)
    assert [utterance.text for utterance in kept] == ["\u00fcber uns"]
    assert report.dropped == {"with letters outside the alphabet": 1}


def test_a_text_with_a_line_separator_stays_one_line(tmp_path):
    write_manifest(tmp_path, [Utterance.model_validate({**GOOD, "text": "turn\u2028on"})], tmp_path)
    assert [utterance.text for utterance in read_manifest(tmp_path)] == ["turn\u2028on"]
