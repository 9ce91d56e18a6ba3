"""Letters aligned to phones, the model of graphones, and the file of pronunciations with its record."""

import json
from collections import Counter
from itertools import accumulate, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_training import g2p_lexicon
from asr_training.g2p import GraphoneSizes, learn
from asr_training.g2p_align import align
from tests.asr_training.test_cli import call
from tests.decoding.pronounced import regular_words, write_dictionary
from voice.decoding import graphones
from voice.decoding.graphones import Graphones
from voice.decoding.pronounce import Pronunciations
from voice.errors import BundleError, ConfigError, DataError

SMALL = GraphoneSizes(order=4)


@pytest.fixture(scope="module")
def spoken():
    return [(word, way) for word, ways in sorted(regular_words().items()) for way in ways]


@pytest.fixture(scope="module")
def model(spoken):
    return Graphones(learn(spoken, SMALL))


def test_each_letter_gets_what_it_stands_for(spoken):
    found = dict(zip([word for word, _ in spoken], align(spoken), strict=True))
    assert found["box"] == [("B",), ("AA",), ("K", "S")]
    assert [" ".join(phones) for phones in found["sheen"]] in (["SH", "", "IY", "", "N"], ["", "SH", "IY", "", "N"])
    assert len({found[word].index(()) for word in found if word.startswith("sh") and len(word) == 4}) == 1, (
        "always alike"
    )


def test_an_alignment_says_the_word(spoken):
    for (word, phones), taken in zip(spoken, align(spoken), strict=True):
        assert len(taken) == len(word)
        assert sum(taken, ()) == phones
        assert max(map(len, taken)) <= 2


def test_what_has_no_alignment_has_none():
    assert align([("w", tuple("D AH B AH L Y UW".split())), ("a", ("EY",)), ("b", ())]) == [[], [("EY",)], []]


def test_the_same_words_give_the_same_model(spoken):
    one, two = learn(spoken, SMALL), learn(spoken, SMALL)
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_probabilities_of_what_may_be_said_add_up(spoken):
    model = Graphones(learn(spoken, SMALL))
    for found in model.best(("shat", "keex", "qqq")):
        assert sum(p for _, p in found) == pytest.approx(1.0 if found else 0.0)
        assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)


def test_a_context_says_more_than_a_letter(spoken):
    """Each graphone of a word, after all before it, by hand: what the arrays say with back-off."""
    arrays = learn(spoken, SMALL)
    model = Graphones(arrays)
    names = bytes(arrays["graphones"]).decode().split("\n")[:-1]
    tokens = [0, *(names.index(name) for name in ("b B", "e EH", "n N")), 1]
    contexts, total = np.full((1, 3), -1), 0.0
    contexts[0, 0] = tokens[0]
    for seen, token in zip(accumulate([(t,) for t in tokens]), tokens[1:], strict=False):
        _, _, score, contexts = model._steps(contexts, np.array([token]), np.array([1]))
        total += float(score[0])
        assert score[0] == pytest.approx(_by_hand(arrays, seen, token, len(names)), abs=1e-2)
    assert model.best(["ben"])[0][0][0] == ("B", "EH", "N")
    assert total > np.log(1 / 400), "likelier than one of as many words as there are"


def unsure_words():
    """Return words of few letters that are said now so, now so."""
    rng = np.random.default_rng(2)
    sounds = {"a": ["AE", "EY", "AH", ""], "e": ["EH", "IY", ""], "x": ["K S", "Z", "K"], "b": ["B", "P"]}
    words = {"".join(rng.choice(list(sounds), rng.integers(2, 6))) for _ in range(300)}
    ways = [(word, " ".join(rng.choice(sounds[letter]) for letter in word).split()) for word in sorted(words) * 3]
    return [(word, tuple(way)) for word, way in ways if way]


@pytest.mark.parametrize("word", ["bax", "exea", "abexa", "xxxb"])
def test_a_search_that_drops_nothing_adds_up_all_alignments(word, monkeypatch):
    monkeypatch.setattr(graphones, "_BEAM", 100_000)
    monkeypatch.setattr(graphones, "_MIN_LOG_PROB", -31.0)
    arrays = learn(unsure_words(), SMALL)
    names = bytes(arrays["graphones"]).decode().split("\n")[:-1]
    total = Counter()
    for tokens in product(*([i for i, name in enumerate(names) if name[0] == letter] for letter in word)):
        logs = [_by_hand(arrays, [0, *tokens][: i + 1], token, len(names)) for i, token in enumerate([*tokens, 1])]
        total[tuple(phone for token in tokens for phone in names[token].split()[1:])] += np.exp(sum(logs))
    del total[()]
    everything = sum(total.values())
    found = Graphones(arrays).best([word])[0]
    assert len(total) > 10, "there is something to choose from"
    assert {phones for phones, _ in found} == set(total)
    for phones, p in found:
        assert p == pytest.approx(total[phones] / everything, rel=0.01)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("abdehiknopstx'q", max_size=9), min_size=1, max_size=12))
def test_words_are_said_together_as_they_are_said_alone(model, words):
    for word, together in zip(words, model.best(words), strict=True):
        (alone,) = model.best([word])
        assert [phones for phones, _ in together] == [phones for phones, _ in alone]
        assert [p for _, p in together] == pytest.approx([p for _, p in alone], abs=1e-5)


def _by_hand(arrays, seen, token, n_names):
    """Return log p(token | seen): of the longest n-gram there is, else backed off."""
    for longest in range(min(3, len(seen)), 0, -1):
        at = _index(arrays, seen[-longest:], n_names)
        if at is None:
            continue
        key = at * n_names + token
        keys = arrays[f"graph{longest + 1}_key"]
        i = int(np.searchsorted(keys, key))
        if i < len(keys) and keys[i] == key:
            return float(arrays[f"graph{longest + 1}_score"][i])
        backoff = float(arrays[f"graph{longest}_backoff"][at])
        return backoff + _by_hand(arrays, seen[len(seen) - longest + 1 :], token, n_names)
    return float(arrays["graph1_score"][token])


def _index(arrays, tokens, n_names):
    at = tokens[0]
    for n, token in enumerate(tokens[1:], 2):
        keys = list(arrays[f"graph{n}_key"])
        if (key := at * n_names + token) not in keys:
            return None
        at = keys.index(key)
    return at


def test_limits_are_said_in_a_line(spoken):
    with pytest.raises(ConfigError, match="order 12 of graphones: choose 2 to 9"):
        learn(spoken, GraphoneSizes(order=12))
    with pytest.raises(DataError, match="too few words"):
        learn(spoken[:1], SMALL)
    with pytest.raises(DataError, match="too few words"):
        g2p_lexicon.measure({"a": [("AH",)]}, SMALL)


def test_a_lexicon_is_made_measured_and_read(monkeypatch, capsys, tmp_path):
    dictionary, out = write_dictionary(tmp_path / "words.dict"), tmp_path / "made" / "lexicon.bin"
    assert call(monkeypatch, "lexicon", "--lexicon", dictionary, "--out", out, "--order", 4) == 0
    assert "words held out: phone error rate" in capsys.readouterr().err
    record = json.loads(out.with_suffix(".json").read_text())
    words = regular_words()
    assert record["words"] == len(words)
    assert record["data"][0]["name"] == "words.dict"
    assert record["measured"]["n_words"] == len(words) // 20
    assert record["measured"]["phone_error_rate"] < 15, "regular words can be learnt"
    assert record["measured"]["any_accuracy"] >= record["measured"]["word_accuracy"] > 60
    assert Pronunciations(out).ways("tomato") == tuple(words["tomato"])
    read = g2p_lexicon.read(out)
    assert read.data == out.read_bytes()
    assert read.record == {"data": record["data"]}
    again = tmp_path / "again.bin"
    assert call(monkeypatch, "lexicon", "--lexicon", dictionary, "--out", again, "--order", 4) == 0
    assert again.read_bytes() == read.data
    assert again.with_suffix(".json").read_text() == out.with_suffix(".json").read_text()


def test_cmudict_is_named_with_its_licence(tmp_path):
    dictionary = write_dictionary(tmp_path / "cmudict-small.dict")
    g2p_lexicon.make(tmp_path / "l.bin", dictionary, sizes=SMALL, say=lambda line: None)
    (source,) = g2p_lexicon.read(tmp_path / "l.bin").record["data"]
    assert source["name"] == "CMUdict"
    assert "Carnegie Mellon University" in source["licence"]


def test_what_is_no_lexicon_is_said_in_a_line(monkeypatch, capsys, tmp_path):
    (tmp_path / "words.bin").write_bytes(b"words")
    with pytest.raises(BundleError, match="not a file of pronunciations"):
        g2p_lexicon.read(tmp_path / "words.bin")
    g2p_lexicon.make(tmp_path / "l.bin", write_dictionary(tmp_path / "w.dict"), sizes=SMALL, say=lambda line: None)
    (tmp_path / "l.json").write_text("[]")
    with pytest.raises(DataError, match=r"l\.json: .*make it with `asr-train lexicon`"):
        g2p_lexicon.read(tmp_path / "l.bin")
    (tmp_path / "l.json").unlink()
    with pytest.raises(DataError, match=r"l\.json: No such file"):
        g2p_lexicon.read(tmp_path / "l.bin")
    capsys.readouterr()
    assert call(monkeypatch, "lexicon", "--lexicon", tmp_path / "none.dict", "--out", tmp_path / "x.bin") == 1
    assert "none.dict: No such file" in capsys.readouterr().err
    (tmp_path / "file").write_text("in the way")
    blocked = ("--lexicon", tmp_path / "w.dict", "--out", tmp_path / "file" / "l.bin", "--order", 4)
    assert call(monkeypatch, "lexicon", *blocked) == 1
    assert "free disk space or choose another place" in capsys.readouterr().err


def test_a_language_model_of_phones_knows_every_word_with_a_lexicon(monkeypatch, capsys, tmp_path):
    (tmp_path / "home.txt").write_text("meep the shen\nmeep the zizzle\nmeep it too\n" * 3)
    dictionary, out = write_dictionary(tmp_path / "w.dict"), tmp_path / "l.bin"
    g2p_lexicon.make(out, dictionary, sizes=SMALL, say=lambda line: None)
    make = ("lm", "--text", tmp_path / "home.txt", "--out", tmp_path / "lm.bin", "--head", "phones", "--order", 2)
    assert call(monkeypatch, *make, "--lexicon", out) == 0
    assert "6 words can be recognised" in capsys.readouterr().err
    assert call(monkeypatch, *make, "--lexicon", dictionary) == 0
    assert "2 words can be recognised" in capsys.readouterr().err


def test_words_said_beforehand_are_looked_up_and_said_as_the_model_says_them(tmp_path):
    dictionary = write_dictionary(tmp_path / "words.dict")
    path = tmp_path / "lexicon.bin"
    g2p_lexicon.make(path, dictionary, sizes=SMALL, say=lambda line: None)
    before = Pronunciations(path)
    (tmp_path / "longer.bin").write_bytes(g2p_lexicon.read(path, ["sheenick", "box", "<unk>"]).data)
    after = Pronunciations(tmp_path / "longer.bin")
    assert len(after) == len(before) + 1
    assert not before.known("sheenick")
    assert tuple(after.known("sheenick")) == tuple(before.ways("sheenick"))
    assert after.known("box") == before.known("box")
    assert g2p_lexicon.read(path).data == path.read_bytes()
