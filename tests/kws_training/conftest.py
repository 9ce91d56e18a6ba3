"""Small synthetic data sets in the layouts that the trainer reads."""

import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voice.events import RATE

SPEAKERS = tuple(f"{n:08x}" for n in range(0x1A2B, 0x1A2B + 12))


def spoken(number, seed, seconds=1.0, rate=RATE):
    """A tone of its own for each word, different for each seed."""
    rng = np.random.default_rng((number, seed))
    time = np.arange(round(seconds * rate)) / rate
    shape = np.hanning(len(time))
    return (
        0.2 * np.sin(2 * np.pi * (200 + 120 * number) * time) * shape + 0.01 * rng.standard_normal(len(time))
    ).astype(np.float32)


class Tree:
    """A folder of `<word>/<speaker>_nohash_<take>.wav`, one more file at a time."""

    def __init__(self, root):
        self.root = Path(root)

    def clip(self, word, name, samples, rate=RATE):
        path = self.root / word / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, subtype="PCM_16")
        return path

    def words(self, words, speakers=SPEAKERS, takes=1, seed=0):
        for number, word in enumerate(words):
            for i, speaker in enumerate(speakers):
                for take in range(takes):
                    self.clip(word, f"{speaker}_nohash_{take}.wav", spoken(number, seed + 100 * i + take))
        return self

    def noise(self, seconds=25):
        samples = 0.05 * np.random.default_rng(1).standard_normal(seconds * RATE)
        self.clip("_background_noise_", "running_tap.wav", samples)
        return self

    def lists(self, where=None, **of_split):
        for name, keys in of_split.items():
            ((where or self.root) / f"{name}_list.txt").write_text("".join(f"{key}\n" for key in keys))
        return self


@pytest.fixture
def tree(tmp_path):
    """Return a maker of data sets below the test's own folder."""
    return lambda name="data": Tree(tmp_path / name)


@pytest.fixture
def prepared(tmp_path):
    """Return a function that prepares a data set and returns what its work folder says, and the folder."""
    from kws_training.data_settings import DataSettings
    from kws_training.prepare_dataset import prepare_dataset

    def prepare(*folders, work="work", **settings):
        return prepare_dataset(DataSettings(folders=folders, **settings), tmp_path / work), tmp_path / work

    return prepare


@pytest.fixture
def kws_train(monkeypatch, capsys):
    """Return a function that runs the command, and returns exit status, standard output and error."""
    from kws_training.__main__ import main

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["kws-train", *map(str, arguments)])
        monkeypatch.delenv("EARSHOT_DATA", raising=False)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run


PIPER = f"""#!{sys.executable}
import argparse, json, sys
import numpy as np, soundfile
parser = argparse.ArgumentParser()
for name in ("--model", "--output_file", "--speaker", "--length_scale", "--noise_scale", "--noise_w"):
    parser.add_argument(name)
asked = vars(parser.parse_args())
text = sys.stdin.read()
with open(asked["model"] + ".asked", "w") as file:
    json.dump({{**asked, "text": text}}, file)
seconds = 0.1 * len(text.split()) * float(asked["length_scale"])
tone = 0.1 * np.sin(2 * np.pi * 300 * np.arange(round(22050 * seconds)) / 22050)
soundfile.write(asked["output_file"], tone, 22050, subtype="PCM_16")
"""
"""A program that takes Piper's options, and says a tone as long as the text."""


def program(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def piper_voice(folder, name, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").touch()
    (folder / f"{name}.onnx.json").write_text(json.dumps(settings))
    return folder / f"{name}.onnx"
