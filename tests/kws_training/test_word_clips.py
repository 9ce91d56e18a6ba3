"""How often what a wake word isn't is drawn from."""

import pytest

from kws_training.word_clips import shares_of

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore")]


def test_little_of_ones_own_sound_is_still_learnt_from():
    assert shares_of({"speech": 300, "noise": 100}) == {"speech": 0.75, "noise": 0.25}
    assert shares_of({"speech": 100, "own": 100}) == {"speech": 0.5, "own": 0.5}
    shares = shares_of({"speech": 3_000_000, "noise": 1_000_000, "own": 260})
    assert shares["own"] == 0.05
    assert shares["speech"] == pytest.approx(0.95 * 0.75)
    assert shares["noise"] == pytest.approx(0.95 * 0.25)
