"""One-word commands in running audio, without a wake word or a VAD in front.

Every step (40 ms of the shipped kind of network) the network tells how probable each label is in the second that ends
there. A command is heard when its probability, averaged over the last `smoothing_steps` steps, is the largest, is no
silence and no other word, and reaches the bundle's threshold; after one no other is heard within `refractory_ms`, the
second in which the same word is still in the window.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.audio.features import Features, FeatureStream
from voice.errors import BundleError
from voice.events import Chunk, Command
from voice.models.backend import Network, StreamingNetwork, softmax
from voice.models.bundle import Bundle, CommandsDecision, StreamDecision

_WINDOW_STEP = StreamDecision(step_frames=4, window_steps=1)
"""For a network that takes no steps: a whole window, every so many frames."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A command in a stream."""

    command: Command
    at: int
    """Sample just after the audio by which it was heard."""


class CommandStream:
    """Finds commands in a stream.

    Steps happen at fixed frames of the stream, whatever the chunks; so chunking never changes a score. Before the first
    sample, and after a jump of the sample clock, the past is digital silence. A bundle whose network takes no steps is
    run on whole windows instead, at the same places and at some thirty times the cost.

    Args:
        bundle: of kind commands.
        threshold: replaces the bundle's.
        interpreter: the engine's interpreter class; None takes the installed one.

    Raises:
        BundleError: the bundle isn't a command classifier, or its network, features and labels disagree.
    """

    def __init__(
        self, bundle: Bundle, threshold: float | None = None, interpreter: Callable[..., Any] | None = None
    ) -> None:
        decision = bundle.manifest.decision
        if not isinstance(decision, CommandsDecision):
            raise BundleError(f"{bundle.folder} is a {bundle.manifest.kind} bundle", fix="give a commands bundle")
        self._next = self._origin = self._quiet_until = self._n_frames = 0
        self._frames: Features = np.zeros((0, bundle.manifest.features.bins), np.float32)
        self.labels = bundle.manifest.labels
        self.threshold = decision.threshold if threshold is None else threshold
        self._decision = decision
        self._stream = decision.stream or _WINDOW_STEP
        self._settings = bundle.manifest.features
        self._refractory = self._stream.refractory_ms * self._settings.rate // 1000  # samples
        self._features = FeatureStream(self._settings)
        shape = (1, self._stream.step_frames, self._settings.bins)
        make = _Steps if decision.stream else _Windows
        self._network = make(bundle, shape, decision.window_frames, interpreter)
        floor = np.full(shape, np.log(np.float32(self._settings.offset)), np.float32)
        # Twice a window: the layers of a deep network together look back further than one.
        self._network.begin([floor] * (2 * decision.window_frames // self._stream.step_frames + 1))
        n_outputs = len(self._network.step(floor))
        if n_outputs != len(self.labels):
            raise BundleError(
                f"{bundle.folder}: {n_outputs} outputs for {len(self.labels)} labels", fix="export the bundle again"
            )
        self.reset()

    def process(self, chunk: Chunk) -> list[Heard]:
        """Return the commands heard in a chunk."""
        heard = []
        for at, chances in self.scores(chunk):
            best = int(chances.argmax())
            known = self.labels[best] not in (self._decision.silence, self._decision.unknown)
            if known and chances[best] >= self.threshold and at >= self._quiet_until:
                self._quiet_until = at + self._refractory
                scores = {label: float(value) for label, value in zip(self.labels, chances, strict=True)}
                heard.append(Heard(Command(self.labels[best], float(chances[best]), scores), at))
        return heard

    def scores(self, chunk: Chunk) -> list[tuple[int, npt.NDArray[np.float32]]]:
        """Return the sample just after each step that ends in this chunk and the averaged probabilities, (labels,)."""
        if chunk.start != self._next:
            self.reset()
            self._origin = chunk.start
        self._next = chunk.end
        self._frames = np.concatenate([self._frames, self._features.process(chunk.samples)])
        step = self._stream.step_frames
        found = []
        while len(self._frames) >= step:
            frames, self._frames = self._frames[:step], self._frames[step:]
            self._n_frames += step
            at = self._origin + (self._n_frames - 1) * self._settings.hop + self._settings.window
            found.append((at, self._average(frames)))
        return found

    def reset(self) -> None:
        """Forget the past audio."""
        self._features.reset()
        self._network.reset()
        self._frames = self._frames[:0]
        self._recent: deque[npt.NDArray[np.float32]] = deque(maxlen=self._stream.smoothing_steps)
        self._n_frames = self._origin = self._quiet_until = 0
        self._next = -1

    def _average(self, frames: Features) -> npt.NDArray[np.float32]:
        logits = self._network.step(np.ascontiguousarray(frames[None]))
        self._recent.append(softmax(logits / self._decision.temperature))
        return np.asarray(np.sum(self._recent, axis=0) / self._stream.smoothing_steps, np.float32)


class _Steps:
    """A network that takes steps, begun behind digital silence."""

    def __init__(self, bundle: Bundle, shape: tuple[int, ...], _: int, interpreter: Callable[..., Any] | None) -> None:
        self._network = StreamingNetwork(bundle.model_path, interpreter)
        if self._network.frames_shape != shape:
            raise BundleError(
                f"{bundle.folder}: steps of {list(self._network.frames_shape)}, features of {list(shape)}",
                fix="export the bundle again",
            )
        self.step = self._network.step

    def begin(self, silence: list[Features]) -> None:
        for frames in silence:
            self._network.step(frames)
        self._silent = self._network.past

    def reset(self) -> None:
        self._network.past = self._silent


class _Windows:
    """A network of whole windows, run at every step."""

    def __init__(
        self, bundle: Bundle, shape: tuple[int, ...], n_frames: int, interpreter: Callable[..., Any] | None
    ) -> None:
        self._network = Network(bundle.model_path, interpreter)
        self._network.require((1, n_frames, shape[-1]), str(bundle.folder))
        self._n_frames = n_frames

    def begin(self, silence: list[Features]) -> None:
        self._silent = np.concatenate(silence, axis=1)[:, : self._n_frames]

    def reset(self) -> None:
        self._window = self._silent

    def step(self, frames: Features) -> npt.NDArray[np.float32]:
        window = getattr(self, "_window", self._silent)
        self._window = np.concatenate([window[:, frames.shape[1] :], frames], axis=1)
        return np.asarray(self._network.run(self._window)[0][0], np.float32)
