"""The card says what the manifest says."""

import pytest

from asr_training.cards import CARD, write_card
from voice.errors import DataError
from voice.models.bundle import load_bundle, write_bundle

NETWORK = b"not run here"


@pytest.fixture
def manifest():
    source = {"name": "tones", "licence": "CC0 1.0", "attribution": "nobody", "hours": 1.5, "clips": 7}
    rate = {"name": "greedy WER %", "value": 31.5, "low": 20.0, "high": 40.25, "n": 7, "on": "tones, split dev"}
    return {
        "id": "tones",
        "kind": "asr",
        "version": "1",
        "description": "Tones",
        "licence": "CC0 1.0",
        "rate": 16000,
        "features": {},
        "labels": ["<blank>", "a"],
        "decision": {"kind": "asr", "blank": 0, "stride_ms": 40, "pad_frames": 8, "accept_per_character": 1.2},
        "training": {
            "command": "asr-train train",
            "recipe": "{}",
            "commit": "abc1234",
            "seed": 1,
            "minutes": 2,
            "parameters": 1234,
            "data": [source],
        },
        "results": [rate, {"name": "real-time factor", "value": 0.004, "on": "tones, split dev"}],
    }


@pytest.fixture
def bundle(manifest, tmp_path):
    return write_bundle(tmp_path / "tones", manifest, NETWORK)


def test_the_card_has_results_with_intervals_data_and_command(bundle):
    text = write_card(bundle).read_text(encoding="utf-8")
    assert "| greedy WER % | 31.5 | 20 to 40.25 | 7 | tones, split dev |" in text
    assert "| real-time factor | 0.004 |  |  | tones, split dev |" in text
    assert "| tones | 1.50 | 7 | CC0 1.0 | nobody |" in text
    assert "asr-train train" in text
    assert load_bundle(bundle.folder, "asr")


def test_the_card_of_phones_names_the_dictionary(manifest, bundle, tmp_path):
    words = {"name": "words", "licence": "CC0 1.0", "attribution": "somebody"}
    manifest["decision"]["units"] = "phones"
    said = write_bundle(tmp_path / "said", {**manifest, "lexicon": {"data": [words]}}, NETWORK, lexicon=b"words")
    assert "| words | CC0 1.0 | somebody |" in write_card(said).read_text(encoding="utf-8")
    assert "Its labels are phones." not in write_card(bundle).read_text(encoding="utf-8")


def test_an_unmeasured_bundle_says_so(bundle):
    bundle.manifest = bundle.manifest.model_copy(update={"results": ()})
    assert "not measured yet" in write_card(bundle).read_text(encoding="utf-8")


def test_a_disk_that_refuses_is_one_line(bundle):
    (bundle.folder / CARD).mkdir()
    with pytest.raises(DataError, match=CARD):
        write_card(bundle)
