"""What a training leaves in its folder, so that it goes on anywhere with the numbers of one that was never stopped.

    state.json        epoch, best figure, patience, seeds of the dropout, settings, name of the checkpoint
    epoch-N.keras     network, optimiser and mean of the weights after epoch N
    best.keras        the network of the best epoch, with the mean of the weights
    log.jsonl         the figures of every epoch
    tensorboard/      the same as event files, where the recipe asks for them

A checkpoint is whole before `state.json` names it and the one before is deleted after that, so that a crash or a full
disk at any moment leaves a training that goes on.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kws_training.settings import OptimiserSettings
from voice.errors import ConfigError, DataError

_MAY_CHANGE = {"tensorboard"}


@dataclass
class State:
    """Where a training stands."""

    epoch: int = 0
    """Epochs done."""
    best: float = float("-inf")
    waited: int = 0
    """Epochs since the best one."""
    plateau_share: float = 1.0
    """What plateaus have left of the learning rate."""
    plateau_waited: int = 0
    """Epochs since the best one or the last fall of the rate."""
    checkpoint: str = "last.keras"
    seeds: list[list[int]] = field(default_factory=list)
    """Random states of the layers, which a .keras file leaves out."""
    settings: dict[str, Any] = field(default_factory=dict)

    def judge(self, reached: float, settings: OptimiserSettings) -> bool:
        """Take the figure of an epoch, higher is better; return whether it is the best so far."""
        self.epoch += 1
        better = reached > self.best
        self.best = max(reached, self.best)
        self.waited = 0 if better else self.waited + 1
        self.plateau_waited = 0 if better else self.plateau_waited + 1
        if settings.schedule == "plateau" and self.plateau_waited >= settings.plateau_epochs:
            self.plateau_share *= settings.plateau_factor
            self.plateau_waited = 0
        return better

    def finished(self, settings: OptimiserSettings) -> bool:
        """Return whether the steps or the patience are used up."""
        impatient = 0 < settings.stop_epochs <= self.waited
        return impatient or self.epoch * settings.steps_per_epoch >= settings.steps


class Checkpoints:
    """The folder of one training.

    Args:
        folder: made where it is missing.
        settings: a folder that was begun with others is refused.
    """

    def __init__(self, folder: Path, settings: OptimiserSettings) -> None:
        self.folder = folder
        self._settings = settings.model_dump(mode="json")
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> tuple[State, keras.Model | None]:
        """Return where the training stands and its network with the optimiser, None at the beginning.

        Raises:
            ConfigError: it was begun with other settings.
            DataError: its files are damaged, or of an older version of this program.
        """
        path = self.folder / "state.json"
        if not path.exists():
            return State(settings=self._settings), None
        try:
            state = State(**json.loads(path.read_text(encoding="utf-8")))
            model = keras.models.load_model(self.folder / state.checkpoint)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{self.folder}: no training that can go on ({error})", fix="take another --run") from error
        self._same(state.settings)
        for variable, seed in zip(_seeds(model), state.seeds, strict=True):
            variable.assign(np.array(seed, variable.dtype))
        if not isinstance(model.optimizer._learning_rate, keras.Variable):
            raise DataError(f"{self.folder}: begun by an older kws-train", fix="take another --run")
        self._cut_log(state.epoch)
        return state, model

    def save(self, model: keras.Model, state: State) -> None:
        """Write the checkpoint after one more epoch than `state` has, which names it from `record` on."""
        name = f"epoch-{state.epoch + 1}.keras"
        self._write(model, name)
        state.checkpoint = name
        state.seeds = [keras.ops.convert_to_numpy(variable).tolist() for variable in _seeds(model)]

    def save_best(self, model: keras.Model) -> None:
        """Replace the best network."""
        self._write(model, "best.keras")

    def record(self, state: State, figures: dict[str, float]) -> None:
        """Append to the log, make `state` the one to go on from, delete the checkpoint before it."""
        text = json.dumps(asdict(state))
        try:
            with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"epoch": state.epoch, **figures}) + "\n")
            (self.folder / "state.json.part").write_text(text, encoding="utf-8")
            (self.folder / "state.json.part").replace(self.folder / "state.json")
        except OSError as error:
            raise self._full("state.json", error) from error
        for path in self.folder.glob("epoch-*.keras"):
            if path.name != state.checkpoint:
                path.unlink()

    def best(self) -> keras.Model:
        """Return the network that the training chose."""
        return keras.models.load_model(self.folder / "best.keras", compile=False)

    def _write(self, model: keras.Model, name: str) -> None:
        part = self.folder / f"part-{name}"
        try:
            model.save(part)
            part.replace(self.folder / name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise self._full(name, error) from error

    def _full(self, name: str, error: OSError) -> DataError:
        reason = error.strerror or str(error)
        return DataError(
            f"{self.folder / name}: {reason}",
            fix="free disk space and run the same command again; it goes on after the last whole epoch",
        )

    def _same(self, before: dict[str, Any]) -> None:
        for key, value in before.items():
            now = self._settings.get(key, value)
            if now != value and key not in _MAY_CHANGE:
                raise ConfigError(
                    f"{self.folder} was begun with optimiser.{key} {value}, the recipe has {now}",
                    fix="take another --run or the former recipe",
                )

    def _cut_log(self, n_epochs: int) -> None:
        """Drop the figures of an epoch that ended after the last whole state."""
        path = self.folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if line and json.loads(line)["epoch"] <= n_epochs]
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")


def _seeds(model: keras.Model) -> list[keras.Variable]:
    """Return the random states of a network's layers."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights and "seed" in variable.path]
