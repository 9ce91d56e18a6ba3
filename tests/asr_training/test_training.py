"""Training, resuming, exporting and evaluating on tones."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training import checkpoint as checkpoints  # noqa: E402
from asr_training import language  # noqa: E402
from asr_training.batches import make_batch  # noqa: E402
from asr_training.bundles import rewrite  # noqa: E402
from asr_training.evaluate import measure, measure_set, results  # noqa: E402
from asr_training.export import ALLOWED_OPERATORS, convert, export_run, operators, write  # noqa: E402
from asr_training.heard import heard_by  # noqa: E402
from asr_training.lm import Sizes, estimate  # noqa: E402
from asr_training.models import build  # noqa: E402
from asr_training.phones import Lexicon  # noqa: E402
from asr_training.train import Budget, Trainer, learning_rate, read_run_recipe, train  # noqa: E402
from asr_training.tune import BONUSES, WEIGHTS, tune  # noqa: E402
from voice.errors import DataError  # noqa: E402
from voice.events import Segment  # noqa: E402
from voice.models.asr import CtcRecognizer  # noqa: E402

STEPS = 6


@pytest.fixture(scope="module")
def run(cache, recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(cache, recipe, folder, Budget(STEPS), lambda line: None)
    return folder


def test_the_loss_falls(cache, recipe):
    trainer = Trainer(recipe)
    batch = make_batch(cache, cache.split("train")[:6], recipe, None)
    losses = [trainer.learn(batch, 5e-3) for _ in range(15)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_resumed_run_ends_where_an_unbroken_one_does(cache, recipe, run, tmp_path):
    said = []
    _train_until(cache, recipe, tmp_path, stop=3, steps=STEPS)
    assert checkpoints.load(tmp_path).position.step == 3
    train(cache, recipe, tmp_path, Budget(STEPS), said.append)
    assert said[0] == "going on from step 3"
    unbroken, resumed = checkpoints.load(run), checkpoints.load(tmp_path)
    assert resumed.position.step == unbroken.position.step == STEPS
    for name in ("weights", "averaged", "optimizer"):
        for one, two in zip(getattr(unbroken, name), getattr(resumed, name), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)


def _train_until(cache, recipe, folder, *, stop, steps):
    """The first `stop` steps of a schedule of `steps`, as an interrupted run leaves them."""

    class Interrupted(Budget):
        def progress(self, position):
            return 1.0 if position.step >= stop else super().progress(position)

    train(cache, recipe, folder, Interrupted(steps), lambda line: None)


def test_another_networks_checkpoint_is_refused(cache, recipe, run):
    wider = recipe.network.model_copy(update={"channels": 40})
    with pytest.raises(DataError, match="another network"):
        train(cache, recipe.model_copy(update={"network": wider}), run, Budget(STEPS), lambda line: None)


def test_a_broken_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="not a checkpoint"):
        checkpoints.load(tmp_path)


def test_a_phone_head_learns_beside_and_is_left_out_of_the_bundle(cache, recipe, tmp_path):
    (tmp_path / "d.dict").write_text("on AA N\noff AO F\ngo G OW\n")
    network = recipe.network.model_copy(update={"phone_block": 1, "precision": "mixed_bfloat16"})
    both = recipe.model_copy(update={"network": network})
    with pytest.raises(DataError, match="no lexicon"):
        train(cache, both, tmp_path / "run", Budget(2), lambda line: None)
    train(cache, both, tmp_path / "run", Budget(2), lambda line: None, lexicon=Lexicon(tmp_path / "d.dict"))
    exported = export_run(tmp_path / "run", both, cache)
    assert exported.largest_difference < 1e-3
    assert operators(exported.network) <= ALLOWED_OPERATORS


def test_the_learning_rate_warms_up_and_ends_low(recipe):
    schedule = recipe.schedule
    assert learning_rate(schedule, 0, 0.0) == pytest.approx(schedule.peak / 2)
    assert learning_rate(schedule, 5, 0.0) == pytest.approx(schedule.peak)
    assert learning_rate(schedule, 11, 1.0) == pytest.approx(schedule.peak / 100)


def test_noam_falls_with_the_root_of_the_step(recipe):
    schedule = recipe.schedule.model_copy(update={"shape": "noam", "warm_up": 10})
    assert learning_rate(schedule, 4, 0.0) == pytest.approx(schedule.peak / 2)
    assert learning_rate(schedule, 9, 0.5) == pytest.approx(schedule.peak)
    assert learning_rate(schedule, 39, 1.0) == pytest.approx(schedule.peak / 2)


def test_padding_does_not_change_the_network(cache, recipe):
    network = build(recipe.network, 80, 29)
    utterances = cache.split("train")[:1]
    features = make_batch(cache, utterances, recipe, None).features
    longer = np.pad(features, ((0, 0), (0, 64), (0, 0)))
    n_label_frames = features.shape[1] // 4
    np.testing.assert_allclose(network(features), network(longer)[:, :n_label_frames], atol=1e-4)


def test_an_exported_run_equals_keras_and_recognises(corpus, cache, recipe, run, tmp_path):
    exported = export_run(run, read_run_recipe(run), cache)
    assert exported.largest_difference < 1e-4
    assert exported.agreement >= 0.97
    assert operators(exported.network) <= ALLOWED_OPERATORS
    assert operators(exported.float_network) <= ALLOWED_OPERATORS
    large = write(tmp_path / "large", exported, recipe, cache, [], precision="float32")
    bundle = write(tmp_path / "tones", exported, recipe, cache, [])
    assert large.manifest.model.bytes > 1.5 * bundle.manifest.model.bytes
    one, other = (
        CtcRecognizer(each).log_probs(Segment(np.sin(np.arange(16_000) / 5).astype(np.float32) / 4, 0))
        for each in (large, bundle)
    )
    assert 0 < np.abs(one - other).max() < 2.0
    found = measure_set(CtcRecognizer(bundle), corpus, "dev", decoders=("greedy",))
    bundle = write(tmp_path / "tones", exported, recipe, cache, results(found))
    assert {source.name for source in bundle.manifest.training.data} == {"tones"}
    assert bundle.manifest.decision.stride_ms == 40
    assert len(found.clips) == 6
    assert found.real_time_factor(found.answers[0]) < 1


def test_a_language_model_goes_along_and_is_tuned(corpus, cache, recipe, run, tmp_path):
    arrays = estimate(["on", "off", "go", "go on"] * 3, Sizes(min_count=1))
    language.write(tmp_path / "lm.bin", arrays, [])
    exported = export_run(run, read_run_recipe(run), cache)
    bundle = write(tmp_path / "tones", exported, recipe, cache, [], language.read(tmp_path / "lm.bin"))
    recognizer = CtcRecognizer(bundle)
    said = []
    best, rate = tune(heard_by(recognizer, [corpus], "dev", 4), recognizer.lexicon, said.append)
    assert rate.n == 4
    assert len(WEIGHTS) * len(BONUSES) < len(said) <= len(WEIGHTS) * len(BONUSES) + 16
    again = rewrite(bundle, language=best, accept_per_character=0.7, results=[])
    assert again.manifest.language.weight == best.weight
    assert again.manifest.decision.accept_per_character == 0.7
    assert again.manifest.model == bundle.manifest.model
    (measured,) = measure(again, [corpus], ["dev"], limit=3, say=said.append)
    assert [result["name"] for result in results(measured)][::3] == ["greedy WER %", "lexicon WER %"]


def test_nothing_is_exported_that_is_not_finite(cache, recipe):
    network = build(recipe.network, 80, 29, batch_size=1)
    network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
    with pytest.raises(DataError, match="finite"):
        convert(network, cache.features(cache.utterances[0]), recipe.network)


def test_exporting_without_a_run_says_so(cache, recipe, tmp_path):
    with pytest.raises(DataError, match="no training run"):
        read_run_recipe(tmp_path)
    with pytest.raises(DataError, match="no checkpoint"):
        export_run(tmp_path, recipe, cache)
