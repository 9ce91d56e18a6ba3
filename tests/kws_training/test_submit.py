import csv
import json

import numpy as np
import pytest
import soundfile

from kws_training import __main__ as command
from kws_training.submit import LABELS, submit
from voice.errors import ConfigError, DataError
from voice.events import RATE
from voice.models.bundle import Bundle, load_bundle


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, n in (("clip_b.wav", RATE), ("clip_a.wav", RATE // 2), ("clip_c.wav", 3 * RATE)):
        soundfile.write(folder / name, rng.normal(0, 1e-4, n).astype(np.float32), RATE)
    (folder / "notes.txt").write_text("no clip")
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_every_clip_once_in_the_order_of_the_names(clips, tmp_path):
    done = submit(load_bundle("commands-en"), clips, tmp_path / "made" / "submission.csv")
    head, *found = rows(tmp_path / "made" / "submission.csv")
    assert head == ["fname", "label"]
    assert [name for name, _ in found] == ["clip_a.wav", "clip_b.wav", "clip_c.wav"]
    assert {label for _, label in found} <= set(LABELS)
    assert sum(done.counts.values()) == 3
    assert dict(found)["clip_b.wav"] == "silence"  # without underscores


def test_an_unreadable_clip_is_told_and_the_command_ends_with_one(clips, tmp_path, monkeypatch, capsys):
    (clips / "clip_0.wav").write_bytes(b"no audio")
    out = tmp_path / "submission.csv"
    monkeypatch.setattr("sys.argv", ["kws-train", "submit", "commands-en", str(clips), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "clip_0.wav" in said
    assert "1 clips could not be read" in said
    assert rows(out)[1] == ["clip_0.wav", "unknown"]
    assert len(rows(out)) == 5


def test_what_cannot_be_submitted(clips, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="holds no clip"):
        submit(load_bundle("commands-en"), empty, tmp_path / "x.csv")
    with pytest.raises(DataError, match="No such file"):
        submit(load_bundle("commands-en"), tmp_path / "nothing", tmp_path / "x.csv")
    shipped = load_bundle("commands-en")
    document = json.loads((shipped.folder / "bundle.json").read_text())
    document["labels"][-1] = "perhaps"
    other = tmp_path / "other"
    other.mkdir()
    (other / "bundle.json").write_text(json.dumps(document))
    (other / "model.tflite").write_bytes(shipped.model_path.read_bytes())
    with pytest.raises(ConfigError, match="no label for yes"):
        submit(Bundle(other), clips, tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()
