"""Train the acoustic network: CTC loss, AdamW, averaged weights; resumable at any step."""

import json
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from asr_training import checkpoint as checkpoints
from asr_training.batches import Batch, make_batch, training_batches
from asr_training.checkpoint import Checkpoint, Position
from asr_training.history import record_stage
from asr_training.models.convolutional import acoustic_network
from asr_training.phones import PHONES, Lexicon
from asr_training.prepare import Cache, Cached
from asr_training.scoring import Scored, character_error_rate, word_error_rate
from asr_training.settings import Recipe, ScheduleSettings
from voice.errors import DataError
from voice.text import Alphabet

RECIPE = "recipe.json"
_DEV_SECONDS = 900.0  # of the dev part looked at while training
_AVERAGE_EVERY = 4  # steps between two updates of the averaged weights
_REPORT_EVERY = 50  # steps between two progress lines


@dataclass(frozen=True, slots=True)
class Budget:
    """When training ends and where in the learning-rate schedule it is."""

    steps: int
    minutes: float | None = None
    """Training time that replaces `steps`: the schedule then follows the clock, so that it ends in time."""

    def progress(self, position: Position) -> float:
        """Return the share done, 0 to 1."""
        done = position.seconds / (60 * self.minutes) if self.minutes else position.step / self.steps
        return min(1.0, done)


def learning_rate(schedule: ScheduleSettings, step: int, progress: float) -> float:
    """Return the rate: linear warm-up, then a half cosine to 1 % of the peak."""
    warm = min(1.0, (step + 1) / max(1, schedule.warm_up))
    return schedule.peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


class Trainer:
    """The network, its average and the optimizer.

    Args:
        recipe: what is learnt.
        threads: CPU threads; None leaves TensorFlow's choice.
    """

    def __init__(self, recipe: Recipe, threads: int | None = None) -> None:
        if threads:
            _limit_threads(threads)
        keras.utils.set_random_seed(recipe.seed)
        self.recipe = recipe
        self.position = Position()
        self.network = network_of(recipe)
        self.averaged = network_of(recipe)
        self.averaged.set_weights(self.network.get_weights())
        schedule = recipe.schedule
        self.optimizer = keras.optimizers.AdamW(
            schedule.peak, beta_2=0.98, weight_decay=schedule.weight_decay, global_clipnorm=schedule.clip
        )
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.optimizer.build(self.network.trainable_variables)
        self._step = tf.function(self._train_step, reduce_retracing=True)
        self._average = tf.function(self._average_step, reduce_retracing=True)
        self._infer = tf.function(lambda x: _outputs(self.averaged, x, training=False)[0], reduce_retracing=True)

    def learn(self, batch: Batch, rate: float) -> float:
        """Take one step and return the loss a label frame."""
        self.optimizer.learning_rate.assign(rate)
        labels, phones = tf.sparse.from_dense(batch.labels), tf.sparse.from_dense(batch.phones)
        known = tf.constant(batch.phones_known)
        loss = self._step(tf.constant(batch.features), labels, phones, known, tf.constant(batch.n_frames))
        step = self.position.step
        if step % _AVERAGE_EVERY == 0:
            decay = min(self.recipe.schedule.ema, (1 + step) / (10 + step)) ** _AVERAGE_EVERY
            self._average(tf.constant(decay, tf.float32))
        return float(loss)

    def greedy(self, batch: Batch) -> list[str]:
        """Return the averaged network's best-path texts."""
        logits = self._infer(tf.constant(batch.features)).numpy()
        best = np.argmax(logits, axis=-1)
        return [_collapse(row[:n]) for row, n in zip(best, batch.n_frames, strict=True)]

    def snapshot(self) -> Checkpoint:
        """Return the whole state."""
        optimizer = [np.asarray(variable) for variable in self.optimizer.variables]
        return Checkpoint(self.position, self.network.get_weights(), self.averaged.get_weights(), optimizer)

    def restore(self, saved: Checkpoint) -> None:
        """Take over a saved state.

        Raises:
            DataError: it belongs to another network.
        """
        try:
            self.network.set_weights(saved.weights)
            self.averaged.set_weights(saved.averaged)
            for variable, value in zip(self.optimizer.variables, saved.optimizer, strict=True):
                variable.assign(value)
        except ValueError as error:
            raise DataError("the checkpoint is of another network", fix="use its recipe or another --run") from error
        self.position = saved.position

    def _train_step(self, features, labels, phones, known, n_frames):
        total = tf.cast(tf.reduce_sum(n_frames), tf.float32)
        with tf.GradientTape() as tape:
            outputs = _outputs(self.network, features, training=True)
            loss = tf.reduce_sum(_ctc(outputs[0], labels, n_frames)) / total
            objective = loss
            if len(outputs) > 1:
                share = self.recipe.schedule.phone_weight
                second = tf.reduce_sum(known * _ctc(outputs[1], phones, n_frames)) / total
                objective = (1 - share) * loss + share * second
        gradients = tape.gradient(objective, self.network.trainable_variables)
        self.optimizer.apply(gradients, self.network.trainable_variables)
        return loss

    def _average_step(self, decay):
        pairs = zip(self.averaged.trainable_variables, self.network.trainable_variables, strict=True)
        for mean, now in pairs:
            mean.assign(decay * mean + (1 - decay) * now)


def network_of(recipe: Recipe, *, batch_size: int | None = None) -> keras.Model:
    """Return the recipe's network, with the phone head where it has one."""
    n_phones = len(PHONES) + 1
    return acoustic_network(
        recipe.network, recipe.features.bins, len(Alphabet()), n_phones=n_phones, batch_size=batch_size
    )


def _outputs(network: keras.Model, features, training: bool) -> list:
    outputs = network(features, training=training)
    return outputs if isinstance(outputs, list | tuple) else [outputs]


def _ctc(logits, labels, n_frames):
    """Return the CTC loss of each utterance, shape (b,)."""
    return tf.nn.ctc_loss(labels, logits, None, n_frames, logits_time_major=False, blank_index=0)


def train(
    cache: Cache,
    recipe: Recipe,
    run: Path,
    budget: Budget,
    say: Callable[[str], None],
    threads: int = 1,
    lexicon: Lexicon | None = None,
) -> None:
    """Train until the budget is spent, going on from the run's checkpoint where there is one.

    Args:
        cache: prepared features.
        recipe: what is learnt.
        run: folder of checkpoints and of the progress log.
        budget: when to end.
        say: receives progress lines.
        threads: CPU threads.
        lexicon: pronunciations, needed where the recipe has a phone head.

    Raises:
        DataError: no training data, a checkpoint of another network, or the disk is full.
    """
    utterances = cache.split("train")
    if not utterances:
        raise DataError(f"{cache.folder}: no utterance in split train", fix="prepare a corpus with a train split")
    if recipe.network.phone_block and lexicon is None:
        fix = "give --lexicon, or pip install pocketsphinx"
        raise DataError("the recipe has a phone head, and there is no lexicon", fix=fix)
    trainer = Trainer(recipe, threads)
    saved = checkpoints.load(run)
    if saved:
        trainer.restore(saved)
        say(f"going on from step {trainer.position.step}")
    _write_recipe(run, recipe)
    record_stage(run, trainer.position.step, recipe)
    say(f"{trainer.network.count_params():,} parameters, {len(utterances)} utterances")
    source = training_batches(cache, utterances, recipe, trainer.position.epoch, trainer.position.batch, lexicon)
    _loop(trainer, cache, source, run, budget, say)


def _loop(
    trainer: Trainer,
    cache: Cache,
    source: Generator[tuple[int, int, Batch]],
    run: Path,
    budget: Budget,
    say: Callable[[str], None],
) -> None:
    schedule, losses = trainer.recipe.schedule, []
    dev = dev_batches(cache, trainer.recipe, _DEV_SECONDS)
    start, before = time.monotonic(), trainer.position.seconds
    last_saved = start
    for epoch, batch_number, batch in source:
        progress = budget.progress(trainer.position)
        if progress >= 1:
            break
        losses.append(trainer.learn(batch, learning_rate(schedule, trainer.position.step, progress)))
        now = time.monotonic()
        step = trainer.position.step + 1
        trainer.position = Position(step, epoch, batch_number, before + now - start)
        if step % _REPORT_EVERY == 0:
            say(f"step {step} epoch {epoch} loss {np.mean(losses):.4f} {trainer.position.seconds:.0f} s {progress:.1%}")
            losses = []
        if step % schedule.evaluate_every == 0:
            say(f"step {step} dev {dev_line(trainer, dev)}")
        if now - last_saved > 60 * schedule.checkpoint_minutes:
            checkpoints.save(run, trainer.snapshot())
            last_saved = now
    source.close()
    checkpoints.save(run, trainer.snapshot())
    say(f"step {trainer.position.step} end dev {dev_line(trainer, dev)}")


def dev_batches(cache: Cache, recipe: Recipe, seconds: float) -> list[tuple[Batch, list[Cached]]]:
    """Return batches of the dev split, at most `seconds` of it, drawn with the recipe's seed."""
    utterances = cache.split("dev")
    order = np.random.default_rng(recipe.seed).permutation(len(utterances))
    chosen, total = [], 0.0
    for i in order:
        total += utterances[i].seconds
        if total > seconds:
            break
        chosen.append(utterances[i])
    chosen.sort(key=lambda utterance: utterance.frames)
    groups = [chosen[i : i + 12] for i in range(0, len(chosen), 12)]
    return [(make_batch(cache, group, recipe, None), group) for group in groups]


def dev_line(trainer: Trainer, batches: list[tuple[Batch, list[Cached]]]) -> str:
    """Return greedy error rates of the averaged weights and two examples, as one line."""
    if not batches:
        return "no dev split"
    scored = [
        Scored(utterance.speaker, utterance.text, text)
        for batch, group in batches
        for utterance, text in zip(group, trainer.greedy(batch), strict=True)
    ]
    cer, wer = character_error_rate(scored, resamples=10), word_error_rate(scored, resamples=10)
    sample = scored[len(scored) // 3]
    return f"CER {cer.value:.1f} % WER {wer.value:.1f} % | {sample.reference} -> {sample.hypothesis}"


def read_run_recipe(run: Path) -> Recipe:
    """Return the recipe that a run was started with.

    Raises:
        DataError: there is no such run.
    """
    try:
        return Recipe.model_validate_json((run / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{run}: no training run ({error})", fix="give the folder that `asr-train train` wrote"
        ) from error


def _write_recipe(run: Path, recipe: Recipe) -> None:
    try:
        run.mkdir(parents=True, exist_ok=True)
        (run / RECIPE).write_text(json.dumps(recipe.model_dump(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{run}: {error.strerror or error}", fix="free disk space or choose another --run") from error


def _collapse(best: np.ndarray) -> str:
    changes = np.concatenate([[True], best[1:] != best[:-1]])
    return Alphabet().decode(int(i) for i in best[changes]).strip()


def _limit_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # TensorFlow already runs: its threads stay
        return
