import pytest

from kws_training.dataset import COMMANDS, PACK, Dataset
from kws_training.provenance import data_records, limits, measured_on
from voice.models.bundle import DataSource


def speech_commands(n_test, split="official", protocol="A"):
    counts = {"test": dict.fromkeys(COMMANDS[1:], n_test // 10) | {COMMANDS[0]: n_test - 9 * (n_test // 10)}}
    return Dataset(
        layout="speech-commands", sources=("speech_commands_v0.02",), split=split, protocol=protocol, counts=counts
    )


@pytest.mark.parametrize("n_test", [2567, 4074])
def test_figures_on_the_complete_lists_are_called_comparable(n_test):
    assert "12-class protocol of arXiv 1804.03209" in measured_on(speech_commands(n_test))
    assert "TensorFlow's example" in measured_on(speech_commands(n_test, "hash", "B"))


def test_figures_on_a_part_are_not():
    assert measured_on(speech_commands(1302)).startswith("test clips of speech_commands_v0.02")
    assert measured_on(speech_commands(4074, "speaker")).startswith("test clips of")
    assert "not the official split" in measured_on(PACK)


@pytest.mark.parametrize("dataset", [PACK, speech_commands(4074), Dataset(layout="folders", sources=("spoken",)),
                                     Dataset(layout="folders", sources=("my_words",))])  # fmt: skip
def test_every_data_set_has_a_record_that_a_bundle_takes(dataset):
    assert [DataSource(**record) for record in data_records(dataset)]
    assert limits(dataset).endswith(".")
