import numpy as np
import pytest

from kws_training.lessons import folded, lessons
from kws_training.settings import TeacherSettings
from voice.errors import DataError

# Keras saves TensorFlow's variables by np.array(), which NumPy 2 deprecates for them.
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

TARGETS = np.eye(4, dtype=np.float32)


def maker():
    return lambda number: (np.full((4, 2), number, np.float32), TARGETS)


def network(n_outputs, strength):
    """Return a network that holds every clip for target 1."""
    import keras

    inputs = keras.Input((2,))
    logits = keras.layers.Dense(n_outputs, kernel_initializer="zeros")
    model = keras.Model(inputs, logits(inputs))
    logits.bias.assign(strength * np.eye(n_outputs)[1])
    return model


def test_targets_that_are_no_label_are_unknown():
    assert np.array_equal(folded(TARGETS, 3, 0), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert np.array_equal(folded(TARGETS, 4, 0), TARGETS)


def test_without_teacher_and_labels_the_batches_stay_as_they_are():
    assert lessons(maker, None) is maker
    clips, targets = lessons(maker, (3, 0))()(7)
    assert (clips == 7).all()
    assert np.array_equal(targets, folded(TARGETS, 3, 0))


def test_the_teachers_opinion_is_mixed_in(tmp_path):
    network(4, 50.0).save(tmp_path / "best.keras")
    _, targets = lessons(maker, None, tmp_path, TeacherSettings(share=0.25, temperature=1.0))()(0)
    assert targets == pytest.approx(0.75 * TARGETS + 0.25 * np.eye(4)[1], abs=1e-5)
    _, labels = lessons(maker, (3, 0), tmp_path, TeacherSettings(share=0.25, temperature=1.0))()(0)
    assert labels == pytest.approx(folded(targets, 3, 0), abs=1e-6)


def test_a_teacher_of_labels_alone_teaches_a_network_that_learns_labels(tmp_path):
    network(3, 50.0).save(tmp_path / "best.keras")
    _, labels = lessons(maker, (3, 0), tmp_path, TeacherSettings(share=0.25, temperature=1.0))()(0)
    assert labels == pytest.approx(0.75 * folded(TARGETS, 3, 0) + 0.25 * np.eye(3)[1], abs=1e-5)


def test_temperature_lets_doubts_count(tmp_path):
    network(4, 2.0).save(tmp_path / "best.keras")
    sure, doubtful = (
        lessons(maker, None, tmp_path, TeacherSettings(share=1.0, temperature=t))()(0)[1][0, 1] for t in (1.0, 4.0)
    )
    assert sure == pytest.approx(np.exp(2) / (np.exp(2) + 3), abs=1e-5)
    assert doubtful == pytest.approx(np.exp(0.5) / (np.exp(0.5) + 3), abs=1e-5)


def test_a_teacher_that_is_missing_or_of_other_data_is_refused(tmp_path):
    with pytest.raises(DataError, match="no trained network"):
        lessons(maker, None, tmp_path / "none")()
    network(3, 1.0).save(tmp_path / "best.keras")
    with pytest.raises(DataError, match="knows 3 targets, not 4"):
        lessons(maker, None, tmp_path)()(0)


def test_a_training_begins_with_the_weights_of_another_of_the_same_network_only(tmp_path):
    from kws_training.commands import begin_with

    network(4, 3.0).save(tmp_path / "best.keras")
    model = network(4, 0.0)
    begin_with(model, tmp_path)
    assert np.array_equal(np.asarray(model.get_weights()[1]), 3.0 * np.eye(4)[1])
    with pytest.raises(DataError, match="can't begin with it"):
        begin_with(network(3, 0.0), tmp_path)
    with pytest.raises(DataError, match="name a RUN"):
        begin_with(model, tmp_path / "none")
