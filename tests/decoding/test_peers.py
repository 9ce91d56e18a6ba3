"""The searches against flashlight-text and pyctcdecode, which need numpy below 2 and so an environment of their own.

python -m venv peers && peers/bin/pip install "numpy<2" flashlight-text pyctcdecode kenlm
EARSHOT_PEERS=peers/bin/python pytest tests/decoding/test_peers.py
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from asr_training.arpa import write_arpa
from asr_training.lm import Sizes, estimate
from tests.decoding.posteriors import ALPHABET, posteriors_of
from voice.decoding.beam import BeamSettings, PrefixBeam
from voice.decoding.ctc import log_likelihood
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings
from voice.decoding.ngram import MARKS, NGram
from voice.decoding.trie import build_trie

PEERS = os.environ.get("EARSHOT_PEERS")
if not PEERS:
    pytest.skip("EARSHOT_PEERS names no Python with flashlight-text and pyctcdecode", allow_module_level=True)

TEXT = (
    "turn on the light|turn off the light|turn on the lamp|set a timer for ten minutes|what time is it|stop|"
    "the light is on|play some music|turn the music off|set the lamp to ten|is the lamp on|it is time to stop the music"
).split("|")
SENTENCES = ["turn on the music", "what is it", "never heard of it", ""]
SHARPNESS = 4.5
WEIGHT, BONUS, UNKNOWN = 0.7, 0.5, 4.0


@pytest.fixture(scope="module")
def posteriors():
    spoken = [(text, seed) for text in TEXT for seed in range(1)]
    noisy = [posteriors_of(text, seed=seed, sharpness=SHARPNESS, lead=1, trail=1) for text, seed in spoken]
    space = np.full((1, len(ALPHABET)), -12.0, np.float32)
    space[0, ALPHABET.labels.index(" ")] = -1e-3  # flashlight's words end with their separator
    return [np.concatenate([rows, space]) for rows in noisy]


@pytest.fixture(scope="module")
def model():
    return NGram(estimate(TEXT * 2, Sizes(min_count=1)))


@pytest.fixture(scope="module")
def trie(model):
    labels = {label: i for i, label in enumerate(ALPHABET.labels) if i}
    return build_trie(model.words, model.unigrams, labels, len(MARKS))


@pytest.fixture(scope="module")
def peers(posteriors, model, tmp_path_factory):
    """What each peer reads."""
    folder = tmp_path_factory.mktemp("peers")
    write_arpa(folder / "model.arpa", model.arrays)
    task = {"labels": ALPHABET.labels, "words": model.words[len(MARKS) :], "n": len(posteriors), "sentences": SENTENCES}
    weights = {"weight": WEIGHT, "bonus": BONUS, "unknown": UNKNOWN}
    (folder / "task.json").write_text(json.dumps({**task, **weights}))
    for i, rows in enumerate(posteriors):
        np.save(folder / f"{i}.npy", rows)
    script = Path(__file__).with_name("peer_decoders.py")
    done = subprocess.run([PEERS, script, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def agreement(ours, theirs):
    return np.mean([one == other for one, other in zip(ours, theirs, strict=True)])


def test_words_of_a_model_are_those_that_flashlight_reads_with_kenlm(posteriors, model, trie, peers):
    options = LexiconSettings(weight=WEIGHT, word_bonus=BONUS, beam=100, width=200, prune=-50)
    ours = [" ".join(LexiconDecoder(model, trie, ALPHABET, options).best_words(rows)) for rows in posteriors]
    assert agreement(ours, peers["flashlight lexicon"]) >= 0.95
    assert len(set(ours)) > 5


def test_any_spelling_is_the_one_that_flashlight_and_pyctcdecode_read(posteriors, peers):
    search = PrefixBeam(ALPHABET, BeamSettings(beam=32, prune=-12))
    ours = [search.decode(rows, 0.04).text for rows in posteriors]
    assert agreement(ours, peers["flashlight free"]) >= 0.9
    ours = [search.decode(rows[:-1], 0.04).text for rows in posteriors]
    assert agreement(ours, peers["pyctcdecode free"]) >= 0.9


def test_over_any_spelling_pyctcdecode_finds_nothing_better_and_mostly_the_same(posteriors, model, trie, peers):
    """It weighs unfinished and last words by rules of its own, so the texts are compared by the sum that both want."""
    options = BeamSettings(weight=WEIGHT, word_bonus=BONUS, unknown_nats=UNKNOWN, beam=32, prune=-12)
    search = PrefixBeam(ALPHABET, options, model=model, trie=trie)

    def worth(rows, text):
        words = text.split()
        unknown = sum(word not in model.index for word in words)
        acoustic = log_likelihood(rows, ALPHABET.encode(text), ALPHABET.blank)
        return acoustic + WEIGHT * model.score(words) + BONUS * len(words) - UNKNOWN * unknown

    ours = [search.decode(rows[:-1], 0.04).text for rows in posteriors]
    for rows, text, other in zip(posteriors, ours, peers["pyctcdecode"], strict=True):
        assert worth(rows[:-1], text) >= worth(rows[:-1], other) - 1e-3
    assert agreement(ours, peers["pyctcdecode"]) >= 0.5


def test_the_model_scores_sentences_as_kenlm_does_from_the_same_arpa(model, peers):
    ours = [model.score(sentence.split()) / np.log(10) for sentence in SENTENCES]
    np.testing.assert_allclose(ours, peers["kenlm"], atol=2e-3)  # ours are kept as float16
