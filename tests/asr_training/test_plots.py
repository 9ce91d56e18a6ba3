"""Pictures of a recording: what is drawn, read back from the figures."""

import numpy as np
import pytest
import soundfile

pytest.importorskip("matplotlib", reason="needs the extra `train`")

from matplotlib.patches import Rectangle

from asr_training import plots
from asr_training.align import Aligner, AlignSettings
from tests.asr_training.speech import FOLDER, TEXTS
from voice.audio.features import features
from voice.errors import DataError


@pytest.fixture(scope="module")
def aligner():
    return Aligner(AlignSettings())


@pytest.fixture(scope="module")
def heard(aligner):
    return plots.hear(FOLDER / "kitchen_light.flac", aligner, text=TEXTS["kitchen_light"])


def words_in(axes):
    return [text.get_text() for text in axes.texts]


WORDS = ["computer", "turn", "on", "the", "kitchen", "light"]


def test_five_pictures_are_written(heard, tmp_path):
    files = plots.draw(heard, tmp_path / "new")
    assert [path.name for path in files] == [
        "waveform.png", "spectrogram.png", "spectrogram_3d.png", "mfcc.png", "posteriors.png",
    ]  # fmt: skip
    for path in files:
        assert path.read_bytes()[:4] == b"\x89PNG"


def test_the_waveform_is_the_recordings(heard):
    (axes,) = plots.waveform(heard).axes
    times, drawn = axes.lines[0].get_data()
    np.testing.assert_array_equal(drawn, heard.samples)
    assert times[-1] == pytest.approx(heard.seconds, abs=1e-3)
    assert words_in(axes) == WORDS


def test_spectrograms_are_the_features_in_decibels(heard):
    linear, mel, *_ = plots.spectrogram(heard).axes
    drawn = linear.images[0].get_array()
    assert drawn.shape[0] == 161
    np.testing.assert_allclose(drawn.T, 10 / np.log(10) * features(heard.samples, plots.SPECTROGRAM), rtol=1e-5)
    assert linear.images[0].get_extent()[3] == 8.0
    assert mel.images[0].get_array().shape[0] == 80


def test_the_landscape_has_three_axes_in_their_units(heard):
    (axes,) = plots.surface(heard).axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()) == ("s", "kHz", "dB")
    assert axes.get_xlim()[1] == pytest.approx(heard.seconds, abs=0.2)
    assert axes.get_ylim()[1] == pytest.approx(8, abs=0.5)


def test_mfcc_has_twelve_rows_and_the_level(heard):
    level, shape, *_ = plots.mfcc(heard).axes
    assert shape.images[0].get_array().shape[0] == 12
    np.testing.assert_allclose(level.lines[0].get_ydata(), features(heard.samples, plots.MFCC)[:, 0])


def test_every_label_of_the_alignment_is_a_box_in_its_row(heard, aligner):
    axes = plots.posteriors(heard).axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    spelled = aligner.spelled(" ".join(WORDS))
    labels = [heard.alphabet.labels[label] for _, spelling in spelled for label in spelling]
    assert [rows[round(box.get_y() + 0.5)] for box in boxes] == labels
    assert [box.get_x() for box in boxes] == sorted(box.get_x() for box in boxes)
    image = axes.images[0].get_array()
    assert image.shape == (len(rows), len(heard.log_probs))
    assert rows[0] == "blank"
    assert words_in(axes) == WORDS


def test_a_part_keeps_the_times_of_the_whole(aligner):
    part = plots.hear(FOLDER / "kitchen_light.flac", aligner, text="turn on the kitchen light", start=0.9)
    (axes,) = plots.waveform(part).axes
    assert axes.get_xlim() == pytest.approx((0.9, 0.9 + part.seconds))
    assert 0.9 < axes.texts[0].get_position()[0] < 1.4


def test_without_a_text_what_is_heard_is_drawn(aligner):
    heard = plots.hear(FOLDER / "kitchen_light.flac", aligner)
    assert words_in(plots.waveform(heard).axes[0])[1:] == WORDS[1:]


def test_silence_has_pictures_too(aligner, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(16_000), 16_000)
    heard = plots.hear(tmp_path / "quiet.wav", aligner)
    assert heard.alignment is None
    assert len(plots.draw(heard, tmp_path)) == 5


@pytest.mark.parametrize(
    ("seconds", "text", "message"),
    [(60, None, "60.00 s to draw: choose a part"), (0.01, None, "0.01 s to draw"), (0.1, "a long text", "too short")],
)
def test_what_cannot_be_drawn_is_one_line(aligner, tmp_path, seconds, text, message):
    soundfile.write(tmp_path / "a.wav", np.zeros(round(16_000 * seconds)), 16_000)
    with pytest.raises(DataError, match=message):
        plots.hear(tmp_path / "a.wav", aligner, text=text)


def test_a_full_disk_is_one_line(heard, tmp_path):
    (tmp_path / "mfcc.png").symlink_to("/dev/full")
    with pytest.raises(DataError, match="No space left on device"):
        plots.draw(heard, tmp_path)
