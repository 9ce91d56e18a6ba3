"""Alignment with a model of phones."""

import json

import pytest

pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training.align import Aligner, AlignSettings, align_all  # noqa: E402
from asr_training.export import export_run, write  # noqa: E402
from asr_training.phones import Lexicon  # noqa: E402
from asr_training.schedule import Budget  # noqa: E402
from asr_training.train import train  # noqa: E402
from asr_training.transcribed import recordings  # noqa: E402
from tests.asr_training.test_textgrid import read  # noqa: E402
from voice.errors import DataError  # noqa: E402


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
    return write(folder / "bundle", export_run(folder / "run", recipe, cache), recipe, cache, []).folder


def test_phones_stand_in_a_tier_of_their_own(corpus, bundle, dictionary, tmp_path):
    settings = AlignSettings(str(bundle), lexicon=dictionary)
    rows = align_all(recordings(corpus)[:3], tmp_path, settings)
    assert all("score" in row for row in rows)
    found = json.loads((tmp_path / "tones" / "0.json").read_text())
    assert [span["text"] for span in found["words"]] == ["on"]
    assert [span["text"] for span in found["phones"]] == ["AA", "N"]
    assert set(read((tmp_path / "tones" / "0.TextGrid").read_text())) == {"words", "phones"}


def test_a_word_without_pronunciation_is_named(bundle, dictionary):
    aligner = Aligner(AlignSettings(str(bundle), lexicon=dictionary))
    with pytest.raises(DataError, match="no pronunciation of away, far"):
        aligner.spelled("go away on far")
