"""What a threshold promises, and the run of a wake word that knows what it was made from."""

import numpy as np
import pytest

from kws_training.settings import WordRecipe
from kws_training.word_start import refresh
from kws_training.word_threshold import Threshold, calibrate, hours_of
from voice.errors import DataError

pytestmark = pytest.mark.training

RECIPE = WordRecipe(false_accepts_per_hour=2.0)
HOUR = 45_000  # looks, of 80 ms


def looks(*peaks, hours=1.0):
    """Return looks that are 0.01 but for peaks of one look, a minute apart."""
    found = np.full(round(hours * HOUR), 0.01, np.float32)
    found[750 * np.arange(1, len(peaks) + 1)] = peaks
    return found


def test_threshold_lets_as_many_pass_as_are_allowed():
    judged = {"speech": looks(0.9, 0.8, 0.7), "own": looks(0.6, 0.55, 0.3)}
    found = calibrate(judged, RECIPE)
    assert hours_of(judged, RECIPE) == pytest.approx(2.0)
    assert (found.threshold, found.false_accepts, found.hours) == (0.56, 4, 2.0)  # 2 an hour; 0.55 would be the fifth
    assert found.low < found.rate == 2.0 < found.high


def test_speech_that_never_comes_near_leaves_a_low_threshold_and_a_bound():
    found = calibrate({"speech": looks(hours=3.0)}, RECIPE)
    assert (found.threshold, found.false_accepts) == (0.05, 0)
    assert found.high == pytest.approx(3.69 / 3, abs=0.01)
    assert found.promise(2.0) == "at most 2 false accepts an hour are promised (95 % up to 1.2)"


def test_what_is_not_sure_is_not_promised():
    few = Threshold(0.5, 0, 2.0, 0.0, 1.84)
    assert few.promise(0.2) == (
        "0.2 false accepts an hour are NOT promised, 1.8 are (95 %); 2 h of speech are too few for it, 18 h are the "
        "least"
    )
    many = Threshold(0.5, 6, 30.0, 0.07, 0.435)
    assert many.promise(0.2) == "0.2 false accepts an hour are NOT promised, 0.43 are (95 %)"
    assert many.promise(0.5).startswith("at most 0.5 false accepts an hour are promised")
    assert "nor any other rate" in many.promise(0.5, real=False)


def test_nothing_that_judges_is_an_error():
    with pytest.raises(DataError, match="no speech to find a threshold with"):
        calibrate({"own": np.zeros(0, np.float32)}, RECIPE)


def facts(takes=("a",), trained="backbone"):
    return {"spoken": "hey luna", "takes": list(takes), "negatives": [], "trained": trained}


@pytest.fixture
def run(tmp_path):
    """Return the folder of a finished run."""
    for stage in ("spoken", "takes"):
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "clips.jsonl").write_text("")
    for name in ("head.keras", "head.json", "tuned0.weights.h5", "words-abc.npy", "judged.npz"):
        (tmp_path / name).write_text("")
    refresh(tmp_path, facts(), RECIPE)  # what was made before anybody took notes is kept
    return tmp_path


def names(run):
    return {path.name for path in run.iterdir()} - {"made-from.json"}


def test_run_of_the_same_is_kept(run):
    before = names(run)
    refresh(run, facts(), RECIPE.model_copy(update={"false_accepts_per_hour": 0.1}))
    assert names(run) == before


def test_run_of_other_takes_speaks_nothing_anew(run, capfd):
    refresh(run, facts(takes=("a", "b")), RECIPE)
    assert names(run) == {"spoken"}
    assert "made from other takes, so that is made anew" in capfd.readouterr().err


def test_run_of_other_settings_keeps_what_they_dont_touch(run):
    refresh(run, facts(), RECIPE.model_copy(update={"steps": 9}))
    assert names(run) == {"spoken", "takes"}
    refresh(run, facts(), RECIPE.model_copy(update={"n_near": 9}))
    assert names(run) == {"takes"}
