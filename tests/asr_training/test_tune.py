"""The weights of the language model are searched on a grid, then in finer steps around its best."""

from asr_training import tune as searching
from asr_training.heard import Heard
from asr_training.scoring import Rate
from asr_training.tune import BONUSES, WEIGHTS, tune
from voice.decoding.lexicon import LexiconSettings


class Search:
    """What `tune` asks of a decoder besides its words."""

    settings = LexiconSettings(beam=7)


def test_the_lowest_point_is_found_between_those_of_the_grid(monkeypatch):
    def rate(_heard, _decoder, weight, bonus):
        return Rate(20 + 100 * (weight - 0.65) ** 2 + (bonus - 1.25) ** 2, 0.0, 0.0, 1)

    monkeypatch.setattr(searching, "_rate", rate)
    said = []
    best, found = tune([Heard("s", "a", None)], Search(), said.append)
    assert (best.weight, best.word_bonus) == (0.65, 1.25)
    assert best.beam == 7, "the other settings stay"
    assert found.value == 20
    assert len(WEIGHTS) * len(BONUSES) < len(said) == len(set(said)), "no point is tried twice"


def test_a_weight_of_nothing_is_not_tried(monkeypatch):
    tried = []

    def rate(_heard, _decoder, weight, bonus):
        tried.append(weight)
        return Rate(weight, 0.0, 0.0, 1)

    monkeypatch.setattr(searching, "_rate", rate)
    tune([], Search(), lambda line: None)
    assert min(tried) > 0
