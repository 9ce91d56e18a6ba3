"""A bundle is installed into a configuration that keeps all else that it said."""

import shutil

import numpy as np
import pytest

from voice.config import load_config
from voice.errors import BundleError, ConfigError, DataError
from voice.events import Chunk
from voice.models.bundle import SHIPPED, load_bundle, write_bundle
from voice.models.wake import StreamingWakeDetector
from voice.ops.install import install_wake
from voice.pipeline.words import wake_words

COMMENTED = """\
# My kitchen.
assistant:
  site_id: kitchen  # the one by the window

models:  # which
  # two of them
  wake:  # listened for
    - bundle: computer  # shipped
      threshold: 0.9
      sites: [kitchen]  # only there
  # behind the list
  commands: none_of_them

arbiter:
  commands: {'on': LightOn}
"""
WRITTEN = {
    "block": COMMENTED,
    "Windows' lines": COMMENTED.replace("\n", "\r\n"),
    "list at the key's column": "models:\n  wake:\n  - bundle: computer\n  asr: asr-en\n",
    "list at the end, no newline": "models:\n  asr: asr-en\n  wake:\n    - bundle: computer",
    "flow list": "models:\n  wake: [{bundle: computer}]  # short\n",
    "flow list over lines": "models:\n  wake: [\n    {bundle: computer},\n  ]\n",
    "flow": "{models: {wake: [{bundle: computer}]}}\n",
    "no list": "models:\n  # the recogniser\n  asr: asr-en\nvad:\n  aggressiveness: 2\n",
    "no list, flow": "models: {asr: asr-en}\n",
    "no models": "vad:\n  aggressiveness: 2  # less\n",
    "no models, flow": "{vad: {aggressiveness: 2}}",
    "no newline": "vad:\n  aggressiveness: 2",
    "comments alone": "# nothing yet\n",
    "document": "---\nvad:\n  aggressiveness: 2\n",
    "empty": "",
}


@pytest.fixture
def luna(tmp_path):
    """Return a bundle that is called hey_luna."""
    return named(tmp_path / "made", "hey_luna")


def named(folder, name):
    computer = load_bundle("computer")
    fields = computer.manifest.model_dump(mode="json", exclude={"format", "model", "trainable", "language"})
    return write_bundle(folder, {**fields, "id": name, "labels": [name]}, computer.model_path.read_bytes()).folder


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_configuration_says_what_it_said_and_the_wake_word(tmp_path, luna, text):
    path = tmp_path / "assistant.yaml"
    path.write_bytes(text.encode())
    before = load_config(path)
    line = install_wake(luna, path)
    assert line.endswith(f"listens for computer, hey_luna. Run: voice run --config {path}")
    after = load_config(path)
    place = str(tmp_path / "wake" / "hey_luna")
    assert [word.bundle for word in after.models.wake] == ["computer", place]
    assert after.models.wake[:1] == before.models.wake
    rest = {"models": after.models.model_copy(update={"wake": before.models.wake})}
    assert after.model_copy(update=rest) == before
    written = path.read_bytes().decode()
    assert all(line[line.index("#") :] in written for line in text.splitlines() if "#" in line)
    assert ("\r\n" in text) == ("\r\n" in written)
    assert (tmp_path / "assistant.yaml.bak").read_bytes().decode() == text


def test_the_loop_listens_for_what_was_installed(tmp_path, luna):
    path = tmp_path / "new" / "assistant.yaml"  # neither file nor folder is there
    install_wake(luna, path)
    shutil.rmtree(luna)  # the copy is what counts
    config = load_config(path)
    words = wake_words(config.models.wake, config.assistant.site_id)
    assert [word.id for word in words] == ["computer", "hey_luna"]
    assert words[1].phrase == "hey luna"
    detector = StreamingWakeDetector(words[1].bundle)
    assert detector.scores(Chunk(np.zeros(16_000, np.float32), 0))
    assert not (tmp_path / "new" / "assistant.yaml.bak").exists()


def test_again_replaces_the_bundle_and_keeps_its_settings(tmp_path, luna):
    path = tmp_path / "assistant.yaml"
    path.write_text(
        "models:\n  wake:\n    - sites: [default]\n      bundle: old/hey_luna  # mine\n      threshold: 0.7\n"
    )
    assert "(with its threshold 0.7 of before)" in install_wake(luna, path)
    first = path.read_text()
    assert first.count("hey_luna") == 1
    assert "# mine" in first
    install_wake(luna, path)
    assert path.read_text() == first
    assert load_config(path).models.wake[0].threshold == 0.7


def test_an_entry_without_a_bundle_gets_one(tmp_path):
    path = tmp_path / "assistant.yaml"
    path.write_text("models:\n  wake:\n    - threshold: 0.7\n")
    install_wake(named(tmp_path / "made", "computer"), path)
    [word] = load_config(path).models.wake
    assert (word.bundle, word.threshold) == (str(tmp_path / "wake" / "computer"), 0.7)


def test_a_phrase_that_its_id_doesnt_say_is_written(tmp_path, luna):
    path = tmp_path / "assistant.yaml"
    install_wake(luna, path, "Hey Luna")
    assert load_config(path).models.wake[1].phrase is None
    install_wake(named(tmp_path / "up", "what_s_up"), path, "what's up")
    assert load_config(path).models.wake[2].phrase == "what's up"


def test_a_path_that_yaml_would_misread_is_quoted(tmp_path, luna):
    path = tmp_path / "a: b #c" / "assistant.yaml"
    install_wake(luna, path)
    assert load_config(path).models.wake[1].bundle == str(path.parent / "wake" / "hey_luna")


def test_what_cant_be_installed_leaves_the_configuration_alone(tmp_path, luna):
    path = tmp_path / "assistant.yaml"
    shared = "models:\n  wake: &words\n    - bundle: computer\ndialogue:\n  sites: *words\n"
    for text, error in ((shared, ConfigError), ("models:\n  wakes: []\n", ConfigError), ("models: [\n", ConfigError)):
        path.write_text(text)
        with pytest.raises(error):
            install_wake(luna, path)
        assert path.read_text() == text
    path.write_text("")
    with pytest.raises(BundleError, match="is a commands bundle"):
        install_wake(SHIPPED / "commands-en", path)
    assert path.read_text() == ""


def test_a_folder_that_cant_be_written_is_told(tmp_path, luna):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="choose a configuration that can be written"):
        install_wake(luna, tmp_path / "file" / "assistant.yaml")
