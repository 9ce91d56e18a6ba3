"""The n-gram model: probabilities, its file, ARPA, and the estimates against a count by hand."""

from collections import Counter

import numpy as np
import pytest

from asr_training.arpa import read_arpa, write_arpa
from asr_training.lm import Sizes, estimate, vocabulary
from voice.decoding.ngram import BEGIN, NGram, read_arrays, write_arrays
from voice.errors import BundleError, ConfigError, DataError

TEXT = (
    "turn on the light|turn off the light|turn on the lamp|set the timer|set the light|turn the light on|"
    "the light is on|the lamp is off|set the lamp|turn off the lamp please|please turn on the light"
).split("|")
SMALL = Sizes(min_count=1)
_rng = np.random.default_rng(3)
LONG = [" ".join(_rng.choice(list("abcdefgh"), p=np.arange(1, 9) / 36, size=_rng.integers(1, 9))) for _ in range(150)]


@pytest.fixture(scope="module")
def arrays():
    return estimate(TEXT, SMALL)


def states(model):
    """Every state that a sentence can reach."""
    words = np.arange(len(model.words))
    reached = {int(word) for word in words if word != 1}
    for _ in range(model.order):
        before = np.array(sorted(reached))
        for word in words:
            reached |= set(model.step(before, np.full(len(before), word))[1].tolist())
    return sorted(reached)


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize(
    "sizes", [SMALL, Sizes(min_count=1, bigrams=8, trigrams=5, quadgrams=3)], ids=["all", "pruned"]
)
def test_the_probabilities_after_every_context_add_up_to_one(sizes, order):
    model = NGram(estimate(TEXT, sizes, order))
    assert model.order == order
    for n, name in ((3, "tri"), (4, "quad")):
        if n == order:
            assert 0 < len(model.arrays[f"{name}_key"]) <= sizes.most(n)
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


class ByHand:
    """Interpolated modified Kneser-Ney as Chen and Goodman write it down, with dictionaries and one text at a time."""

    def __init__(self, lines, order):
        self.words = sorted({word for line in lines for word in line})
        padded = [["<s>", *line, "</s>"] for line in lines]
        grams = [
            tuple(line[i : i + n]) for n in range(1, order + 1) for line in padded for i in range(len(line) - n + 1)
        ]
        self.count = []
        for n in range(1, order + 1):
            raw = Counter(gram for gram in grams if len(gram) == n)
            left = Counter(gram[1:] for gram in {gram for gram in grams if len(gram) == n + 1})
            self.count.append({g: raw[g] if n == order or (g[0] == "<s>" and n > 1) else left[g] for g in raw})
        self.discount = [self.discounts(list(counts.values())) for counts in self.count]

    @staticmethod
    def discounts(counts):
        n1, n2, n3, n4 = (counts.count(k) for k in (1, 2, 3, 4))
        if 0 in (n1, n2, n3, n4):
            return (0.0, 0.5, 0.75, 0.9)
        y = n1 / (n1 + 2 * n2)
        found = (0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        return tuple(max(0.0, d) for d in found)  # a small text can ask for a negative one

    def p(self, word, context):
        counts, d = self.count[len(context)], self.discount[len(context)]
        follow = {g: c for g, c in counts.items() if g[:-1] == context}
        total = sum(follow.values())
        if not total:
            return self.p(word, context[1:])
        freed = sum(d[min(3, c)] for c in follow.values())
        count = follow.get((*context, word), 0)
        lower = self.p(word, context[1:]) if context else 1 / (len(self.words) + 2)  # </s> and <unk> too
        return (count - d[min(3, count)]) / total + freed / total * lower


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("text", [TEXT, LONG], ids=["short", "long enough for discounts"])
def test_every_probability_is_that_of_the_formula(order, text):
    lines = [line.split() for line in text]
    by_hand, model = ByHand(lines, order), NGram(estimate(text, SMALL, order))
    rng = np.random.default_rng(1)
    vocabulary = [*by_hand.words, "</s>"]
    contexts = [line[:n] for line in lines[:40] for n in range(len(line) + 1)]
    for context in contexts + [list(rng.choice(by_hand.words, 3)) for _ in range(20)]:
        state, padded = np.array([BEGIN]), ["<s>", *context]
        for word in context:
            _, state = model.step(state, np.array([model.index[word]]))
        for word in rng.choice(vocabulary, 6):
            score, _ = model.step(state, np.array([model.index[word]]))
            expected = by_hand.p(word, tuple(padded[-(order - 1) :]))
            assert np.exp(score[0]) == pytest.approx(expected, rel=8e-3), (context, word)


def test_an_order_that_is_none_and_text_too_short_for_one_say_so():
    with pytest.raises(ConfigError, match="choose 2 to 4"):
        estimate(TEXT, SMALL, 5)
    with pytest.raises(DataError, match="lower order"):
        estimate(["a", "b"], SMALL, 4)


def test_a_file_of_the_trigrams_of_before_is_read_as_it_was():
    arrays = estimate(TEXT, SMALL)
    assert set(arrays) == {
        "words",
        "uni_score",
        "uni_backoff",
        "bi_key",
        "bi_score",
        "bi_backoff",
        "tri_key",
        "tri_score",
    }


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


@pytest.mark.parametrize("order", [2, 3, 4])
def test_arpa_goes_out_and_comes_back(order, tmp_path):
    arrays = estimate(TEXT, SMALL, order)
    write_arpa(tmp_path / "a.arpa", arrays)
    again = NGram(read_arpa(tmp_path / "a.arpa"))
    assert again.order == order
    for sentence in ("turn on the light", "the lamp is off", "light light", "unheard of"):
        expected = NGram(arrays).score(sentence.split())
        assert again.score(sentence.split()) == pytest.approx(expected, abs=0.02)


KENLM = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-1.2	<unk>	0
0	<s>	-0.30103
-0.8	</s>	0
-0.5	light	-0.2
-0.6	on	-0.1

\\2-grams:
-0.4	<s> light	-0.05
-0.3	light on	-0.15
-0.2	on </s>	0
-0.7	<s> on	0

\\3-grams:
-0.1	<s> light on

\\end\\
"""


def test_a_file_of_kenlm_gives_the_numbers_in_it(tmp_path):
    (tmp_path / "k.arpa").write_text(KENLM)
    model = NGram(read_arpa(tmp_path / "k.arpa"))
    by_hand = -0.4 - 0.1 + (-0.15 - 0.2)  # "light on </s>" backs off to "on </s>"
    assert model.score(["light", "on"]) / np.log(10) == pytest.approx(by_hand, abs=2e-3)
    assert model.score(["on"]) / np.log(10) == pytest.approx(-0.7 + 0 - 0.2, abs=2e-3)
    assert model.score(["what"]) / np.log(10) == pytest.approx(-0.30103 - 1.2 + 0 - 0.8, abs=2e-3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\end\\", "", "not a whole ARPA file"),
        ("-0.3\tlight on\t-0.15", "nonsense here", "line 15: not a 2-gram"),
        ("-0.3\tlight on", "0.3\tlight on", "line 15: .*above 0"),
        ("-0.3\tlight on", "nan\tlight on", "line 15: not a 2-gram"),
        ("-0.1\t<s> light on", "-0.1\t<s> light nobody", "line 20: 'nobody' stands in an n-gram"),
        ("-0.1\t<s> light on", "-0.1\ton light on", "line 20: 'on light' is no n-gram"),
        ("-0.7\t<s> on", "-0.7\t<s> light", "line 17: an n-gram that stands there twice"),
        ("ngram 2=4", "ngram 2=5", "line 17: 4 2-grams, the head promises 5"),
        ("ngram 2=4", "ngram two", "line 3: not `ngram ORDER=COUNT`"),
        ("\\3-grams:", "\\5-grams:", "line 19: 5-grams"),
        ("<unk>", "unk", "no <unk>"),
    ],
)
def test_a_broken_arpa_names_file_and_line(tmp_path, old, new, message):
    path = tmp_path / "a.arpa"
    assert old in KENLM
    path.write_text(KENLM.replace(old, new, 1))
    with pytest.raises(DataError, match=message) as error:
        read_arpa(path)
    assert str(path) in str(error.value)


def test_too_little_text_says_so():
    with pytest.raises(DataError, match="too little text"):
        estimate([], SMALL)
