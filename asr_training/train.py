"""Train the acoustic network: CTC loss, AdamW, averaged weights; resumable at any step."""

import json
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from asr_training import checkpoint as checkpoints
from asr_training.batches import Batch, Part, learnable, make_batch, training_batches
from asr_training.checkpoint import Position
from asr_training.history import LOG, beginning, record_stage
from asr_training.initial import initial_weights
from asr_training.phones import Lexicon
from asr_training.prepare import Cache, Cached
from asr_training.progress import Events, budget_bar
from asr_training.schedule import Budget, learning_rate
from asr_training.settings import Recipe
from asr_training.subset import part_of
from asr_training.trainer import Trainer, network_of
from asr_training.units import LEXICON_FIX
from kws_training.parallel import Group, current_group
from voice.errors import DataError
from voice.text import edit_distance

__all__ = ["RECIPE", "Budget", "Trainer", "learning_rate", "network_of", "read_run_recipe", "train", "training_part"]

RECIPE = "recipe.json"
_DEV_SECONDS = 900.0  # of the dev part looked at while training
_REPORT_EVERY = 50  # steps between two progress lines
_SAMPLES = 3  # dev utterances shown with what was heard

Say = Callable[[str], None]
Dev = list[tuple[Batch, list[Cached]]]


def train(
    cache: Cache,
    recipe: Recipe,
    run: Path,
    budget: Budget,
    say: Say,
    threads: int = 1,
    lexicon: Lexicon | None = None,
    *,
    init: Path | None = None,
) -> None:
    """Train until the budget is spent, going on from the run's checkpoint where there is one.

    The first SIGINT or SIGTERM ends it after the step under way, with a checkpoint.

    Args:
        cache: prepared features.
        recipe: what is learnt.
        run: folder of checkpoints and of the progress log.
        budget: when to end.
        say: receives progress lines.
        threads: CPU threads.
        lexicon: pronunciations, needed where the recipe has phones.
        init: bundle or run whose weights to begin with; a run that has begun goes on instead.

    Raises:
        DataError: no training data, a checkpoint of another network, a loss that is no number, or the disk is full.
    """
    if recipe.network.phone_block and lexicon is None:
        raise DataError("the recipe has a phone head, and there is no lexicon", fix=LEXICON_FIX)
    group = current_group()
    leads = group is None or group.rank == 0
    trainer = Trainer(recipe, threads, lexicon, group)
    utterances = _to_learn(cache, recipe, lexicon, say)
    saved, donor = checkpoints.load(run), None
    if saved:
        trainer.restore(saved)
        say(f"going on from step {trainer.position.step}")
    elif init:
        weights, report = initial_weights(trainer.network, recipe, init)
        trainer.begin_with(weights)
        donor = beginning(init)
        say(report)
    if leads:
        _write_recipe(run, recipe)
        record_stage(run, trainer.position.step, recipe, donor)
    say(f"{trainer.network.count_params():,} parameters, {len(utterances)} utterances")
    part = Part(group.rank, group.size) if group else Part()
    at = trainer.position
    source = training_batches(cache, utterances, recipe, at.epoch, at.batch, lexicon, part)
    dev = dev_batches(cache, recipe, _DEV_SECONDS, lexicon) if leads else []
    with ExitStack() as stack:
        stack.callback(source.close)
        events = Events(run / "tensorboard" if recipe.schedule.tensorboard and leads else None)
        stack.callback(events.close)
        show = stack.enter_context(budget_bar(recipe.name))
        stop = stack.enter_context(_stopped_by_signals(say))
        _Run(trainer, run, budget, say if leads else _silent, group, dev, events, show, stop).until_done(source)


@dataclass
class _Run:
    """A training under way."""

    trainer: Trainer
    folder: Path
    budget: Budget
    say: Say
    group: Group | None
    dev: Dev
    events: Events
    show: Callable[[float, float], None]
    stop: threading.Event
    losses: list[float] = field(default_factory=list)

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.group is None or self.group.rank == 0

    def until_done(self, source: Generator[tuple[int, int, Batch]]) -> None:
        """Take steps until the budget is spent or a signal comes; then write a checkpoint."""
        schedule = self.trainer.recipe.schedule
        begun = saved_at = time.monotonic()
        before = self.trainer.position.seconds
        for epoch, number, batch in source:
            progress, stop = self._agreed(self.budget.progress(self.trainer.position), self.stop.is_set())
            if progress >= 1 or stop:
                break
            self._step(epoch, number, batch, progress)
            now, step = time.monotonic(), self.trainer.position.step + 1
            self.trainer.position = Position(step, epoch, number, before + now - begun)
            self._report(progress)
            if not self.leads:
                continue
            if schedule.snapshots and step % schedule.snapshot_every == 0:
                weights = self.trainer.snapshot().weights
                checkpoints.save_snapshot(self.folder, step, weights, schedule.snapshots)
            if now - saved_at > 60 * schedule.checkpoint_minutes:
                checkpoints.save(self.folder, self.trainer.snapshot())
                saved_at = now
        if self.leads:
            checkpoints.save(self.folder, self.trainer.snapshot())
            self._evaluate("stopped" if self.stop.is_set() else "end")

    def _step(self, epoch: int, number: int, batch: Batch, progress: float) -> None:
        position = self.trainer.position
        rate = learning_rate(self.trainer.recipe.schedule, position.step, progress)
        loss = self.trainer.learn(batch, rate)
        if not np.isfinite(loss):
            begins = "; ".join(text[:40] for text in batch.texts[:3])
            raise DataError(
                f"the loss of batch {number} of epoch {epoch} (step {position.step + 1}: {begins}) is {loss}",
                fix="take a lower peak rate or a longer warm-up; the last checkpoint is as it was",
            )
        self.losses.append(loss)
        self.show(progress, loss)
        if self.leads:
            self.events.write(position.step + 1, {"loss": loss, "learning rate": rate, "epoch": epoch})

    def _agreed(self, progress: float, stop: bool) -> tuple[float, bool]:
        """Return what process 0 says, so that all end at the same step."""
        if self.group is None:
            return progress, stop
        progress, stopped = self.group.share([progress, float(stop)])
        return progress, bool(stopped)

    def _report(self, progress: float) -> None:
        at = self.trainer.position
        if at.step % _REPORT_EVERY == 0:
            loss = float(np.mean(self.losses))
            self.say(f"step {at.step} epoch {at.epoch} loss {loss:.4f} {at.seconds:.0f} s {progress:.1%}")
            self._record({"loss": round(loss, 5)})
            self.losses = []
        if self.leads and at.step % self.trainer.recipe.schedule.evaluate_every == 0:
            self._evaluate()

    def _evaluate(self, word: str = "") -> None:
        figures, samples = dev_figures(self.trainer, self.dev)
        words = " ".join(f"{name} {value:.1f} %" for name, value in figures.items()) or "no dev split"
        self.say(" ".join(filter(None, [f"step {self.trainer.position.step}", word, "dev", words])))
        for reference, heard in samples:
            self.say(f"  {reference} -> {heard}")
        self._record(figures)
        self.events.write(self.trainer.position.step, {f"dev {name}": value for name, value in figures.items()})

    def _record(self, figures: dict[str, float]) -> None:
        """Add a line to the run's log."""
        if not self.leads:
            return
        at = self.trainer.position
        line = {"step": at.step, "epoch": at.epoch, "seconds": round(at.seconds, 1), **figures}
        try:
            with (self.folder / LOG).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
        except OSError as error:
            raise _refused(self.folder, error) from error


def dev_batches(cache: Cache, recipe: Recipe, seconds: float, lexicon: Lexicon | None = None) -> Dev:
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
    return [(make_batch(cache, group, recipe, None, lexicon), group) for group in groups]


def dev_figures(trainer: Trainer, batches: Dev) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """Return greedy error rates of the averaged weights in per cent, and what was said and heard in some utterances.

    CER and WER where the labels are characters; PER, the error rate of phones, where they are those.
    """
    pairs = []
    for batch, group in batches:
        for utterance, heard in zip(group, trainer.greedy(batch), strict=True):
            wanted = trainer.units.encode(utterance.text)
            pairs += [(trainer.units.decode(wanted), heard)] if wanted else []
    if not pairs:
        return {}, []
    words = _rate([(reference.split(), heard.split()) for reference, heard in pairs])
    samples = pairs[:: max(1, len(pairs) // _SAMPLES)][:_SAMPLES]
    if trainer.recipe.units == "phones":
        return {"PER": words}, samples
    return {"CER": _rate([(list(reference), list(heard)) for reference, heard in pairs]), "WER": words}, samples


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


def training_part(cache: Cache, recipe: Recipe) -> list[Cached]:
    """Return the utterances that a recipe wants to learn: its share of the corpora that have a weight."""
    heard = [u for u in cache.split("train") if recipe.weights.get(u.corpus, 1.0) > 0]
    return part_of(heard, recipe.share, recipe.whole)


def _to_learn(cache: Cache, recipe: Recipe, lexicon: Lexicon | None, say: Say) -> list[Cached]:
    found = training_part(cache, recipe)
    if not found:
        raise DataError(f"{cache.folder}: no utterance in split train", fix="prepare a corpus with a train split")
    chosen = learnable(found, recipe, lexicon)
    if not chosen:
        fix = "correct the recipe's alphabet or lexicon"
        raise DataError(f"{cache.folder}: no utterance can be written in the recipe's labels", fix=fix)
    if len(chosen) < len(found):
        say(f"{len(found) - len(chosen)} utterances left out: no labels for their text, or more than label frames")
    return chosen


def _rate(pairs: list[tuple[list[str], list[str]]]) -> float:
    errors = sum(edit_distance(reference, heard) for reference, heard in pairs)
    return 100 * errors / max(1, sum(len(reference) for reference, _ in pairs))


@contextmanager
def _stopped_by_signals(say: Say) -> Iterator[threading.Event]:
    """Give an event that the first SIGINT or SIGTERM sets; the second ends the process as ever."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    former: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in former.items():
            signal.signal(number, handler)

    def ask(*_: object) -> None:
        stop.set()
        restore()
        say("stops after this step, with a checkpoint; the same command goes on")

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            former[number] = signal.signal(number, ask)
        yield stop
    finally:
        restore()


def _write_recipe(run: Path, recipe: Recipe) -> None:
    try:
        run.mkdir(parents=True, exist_ok=True)
        (run / RECIPE).write_text(json.dumps(recipe.model_dump(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise _refused(run, error) from error


def _refused(run: Path, error: OSError) -> DataError:
    return DataError(f"{run}: {error.strerror or error}", fix="free disk space or choose another --run")


def _silent(_: str) -> None:
    return
