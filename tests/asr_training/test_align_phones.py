"""Alignment with a model of phones."""

import json

import pytest

pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training.align import Aligner, AlignSettings, align_all  # noqa: E402
from asr_training.bundles import Companion, rewrite  # noqa: E402
from asr_training.export import export_run, write  # noqa: E402
from asr_training.phones import Lexicon  # noqa: E402
from asr_training.schedule import Budget  # noqa: E402
from asr_training.train import train  # noqa: E402
from asr_training.transcribed import recordings  # noqa: E402
from tests.asr_training.test_textgrid import read  # noqa: E402
from tests.decoding.pronounced import write_pronunciations  # noqa: E402
from voice.decoding.phones import PHONES  # noqa: E402
from voice.models.bundle import load_bundle  # noqa: E402


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory):
    path = tmp_path_factory.mktemp("lexicon") / "d.dict"
    path.write_text("on AA1 N\noff AO1 F\ngo G OW1\n")
    return path


@pytest.fixture(scope="module")
def bundle(cache, recipe, dictionary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("phones")
    recipe = recipe.model_copy(update={"units": "phones"})
    train(cache, recipe, folder / "run", Budget(30), lambda line: None, lexicon=Lexicon(dictionary))
    path = write_pronunciations(folder / "lexicon.bin", go="G OW")
    lexicon = Companion(path.read_bytes(), {"data": []})
    exported = export_run(folder / "run", recipe, cache)
    return write(folder / "bundle", exported, recipe, cache, [], lexicon=lexicon).folder


def test_phones_stand_in_a_tier_of_their_own(corpus, bundle, dictionary, tmp_path):
    settings = AlignSettings(str(bundle), lexicon=dictionary)
    rows = align_all(recordings(corpus)[:3], tmp_path, settings)
    assert all("score" in row for row in rows)
    found = json.loads((tmp_path / "tones" / "0.json").read_text())
    assert [span["text"] for span in found["words"]] == ["on"]
    assert [span["text"] for span in found["phones"]] == ["AA", "N"]
    assert set(read((tmp_path / "tones" / "0.TextGrid").read_text())) == {"words", "phones"}


def test_a_word_that_the_dictionary_lacks_is_said_as_the_bundle_says_it(bundle, dictionary):
    aligner = Aligner(AlignSettings(str(bundle), lexicon=dictionary))
    words = {word: [PHONES[label - 1] for label in labels] for word, labels in aligner.spelled("go off sheep")}
    assert words == {"go": ["G", "OW"], "off": ["AO", "F"], "sheep": ["SH", "IY", "P"]}


def test_a_lexicon_goes_through_a_rewriting(bundle):
    loaded = load_bundle(bundle, "asr")
    again = rewrite(loaded, accept_per_character=0.9)
    assert again.manifest.decision.accept_per_character == 0.9
    assert again.manifest.lexicon == loaded.manifest.lexicon
    assert again.lexicon_path == bundle / "lexicon.bin"
