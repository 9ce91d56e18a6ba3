"""How often what a wake word isn't is drawn from, and how long a phrase lasts."""

import numpy as np
import pytest

from kws_training.settings import WordRecipe
from kws_training.word_clips import Placed, shares_of

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore")]


def test_little_of_ones_own_sound_is_still_learnt_from():
    assert shares_of({"speech": 300, "noise": 100}) == {"speech": 0.75, "noise": 0.25}
    assert shares_of({"speech": 100, "own": 100}) == {"speech": 0.5, "own": 0.5}
    shares = shares_of({"speech": 3_000_000, "noise": 1_000_000, "own": 260})
    assert shares["own"] == 0.05
    assert shares["speech"] == pytest.approx(0.95 * 0.75)
    assert shares["noise"] == pytest.approx(0.95 * 0.25)


def lasting(*lengths):
    return Placed(np.zeros((len(lengths), 1, 1), np.float16), 0, np.array(lengths, np.int32))


def test_takes_whose_noise_hides_where_they_begin_make_no_phrase_longer():
    from kws_training.few_shot import pooled_of

    recipe, spoken = WordRecipe(late_frames=16), lasting(*[18, 20] * 10)
    assert pooled_of(recipe, lasting(*[22] * 10), 4) == 24  # 16 frames after the end: two embeddings on average
    assert pooled_of(recipe, lasting(*[22] * 10), 4, spoken) == 24  # people may be slower than a machine
    assert pooled_of(recipe, lasting(*[45] * 10), 4) == 45
    assert pooled_of(recipe, lasting(*[45] * 10), 4, spoken) == 28
    assert pooled_of(recipe, lasting(*[45] * 10), 4, lasting()) == 45
