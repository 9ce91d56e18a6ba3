"""The n-gram model: probabilities, its file, ARPA, and the estimates against a count by hand."""

import numpy as np
import pytest

from asr_training.arpa import read_arpa, write_arpa
from asr_training.lm import Sizes, estimate, vocabulary
from voice.decoding.ngram import BEGIN, NGram, read_arrays, write_arrays
from voice.errors import BundleError, DataError

TEXT = (
    "turn on the light|turn off the light|turn on the lamp|set the timer|set the light|turn the light on|"
    "the light is on|the lamp is off|set the lamp|turn off the lamp please|please turn on the light"
).split("|")
SMALL = Sizes(min_count=1)


@pytest.fixture(scope="module")
def arrays():
    return estimate(TEXT, SMALL)


def states(model):
    """Every state that a sentence can reach."""
    words = np.arange(len(model.words))
    reached = {int(word) for word in words if word != 1}
    for word in words:
        _, after = model.step(words, np.full(len(words), word))
        reached |= set(after.tolist())
    return sorted(reached)


@pytest.mark.parametrize("sizes", [SMALL, Sizes(min_count=1, bigrams=8, trigrams=4)], ids=["whole", "pruned"])
def test_the_probabilities_after_every_context_add_up_to_one(sizes):
    model = NGram(estimate(TEXT, sizes))
    assert len(model.arrays["tri_key"]) <= sizes.trigrams
    words = np.arange(len(model.words))
    for state in states(model):
        if state == BEGIN or state > 2:
            scores, _ = model.step(np.full(len(words), state), words)
            assert np.exp(scores.astype(float)).sum() == pytest.approx(1.0, abs=5e-3)


def test_a_sentence_of_the_text_beats_its_words_in_another_order(arrays):
    model = NGram(arrays)
    assert model.score("turn on the light".split()) > model.score("light on turn the".split()) + 2


def test_a_unigram_is_its_share_of_different_predecessors():
    """ "b" follows a and <s>, "a" follows <s> and b, the end follows a and b; discounts as given for tiny counts."""
    arrays = estimate(["a b", "b a"], SMALL)
    words = bytes(arrays["words"]).decode().split("\n")[:-1]
    p = np.exp(arrays["uni_score"].astype(float))
    count, discount, vocabulary_size = 2, 0.75, len(words)
    total = 6
    expected = (count - discount) / total + 3 * discount / total / (vocabulary_size - 1)
    assert p[words.index("a")] == pytest.approx(expected)
    assert p[words.index("b")] == pytest.approx(expected)


def test_rare_words_are_unknown():
    assert vocabulary([["a", "a", "b"]], Sizes(min_count=2)) == ["<s>", "</s>", "<unk>", "a"]
    assert vocabulary([["a", "a", "b"]], Sizes(words=1, min_count=1))[3:] == ["a"]


def test_the_file_gives_back_what_was_written(arrays, tmp_path):
    path = tmp_path / "language.bin"
    write_arrays(path, arrays)
    again = NGram(read_arrays(path))
    for sentence in (["turn", "on"], ["never", "said"], []):
        assert again.score(sentence) == NGram(arrays).score(sentence)


def test_files_that_are_no_model_are_named(arrays, tmp_path):
    path = tmp_path / "language.bin"
    path.write_bytes(b"RIFF")
    with pytest.raises(BundleError, match="not a language model"):
        read_arrays(path)
    write_arrays(path, arrays)
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(BundleError, match="cut short"):
        read_arrays(path)
    with pytest.raises(BundleError, match="without 'tri_key'"):
        NGram({name: array for name, array in arrays.items() if name != "tri_key"})
    with pytest.raises(BundleError, match=r"missing\.bin"):
        read_arrays(tmp_path / "missing.bin")


def test_arpa_goes_out_and_comes_back(arrays, tmp_path):
    write_arpa(tmp_path / "a.arpa", arrays)
    again = NGram(read_arpa(tmp_path / "a.arpa"))
    for sentence in ("turn on the light", "the lamp is off", "light light", "unheard of"):
        expected = NGram(arrays).score(sentence.split())
        assert again.score(sentence.split()) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\end\\", "", "not a whole ARPA file"),
        ("\n\\2-grams:\n", "\n\\2-grams:\nnonsense here\n", r"line \d+: not a 2-gram"),
        ("\n\\3-grams:\n", "\n\\3-grams:\n-1\tnobody on the\n", "'nobody' stands in an n-gram"),
        ("\n\\3-grams:\n", "\n\\4-grams:\n", r"line \d+: 4-grams"),
        ("<unk>", "unk", "no <unk>"),
    ],
)
def test_a_broken_arpa_names_file_and_line(arrays, tmp_path, old, new, message):
    path = tmp_path / "a.arpa"
    write_arpa(path, arrays)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=message) as error:
        read_arpa(path)
    assert str(path) in str(error.value)


def test_too_little_text_says_so():
    with pytest.raises(DataError, match="too little text"):
        estimate([], SMALL)
