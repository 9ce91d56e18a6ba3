"""One-word commands in running audio, without a wake word or a VAD in front.

Every four frames (40 ms) the network tells how probable each label is in the second that ends there. A command is
heard when its probability, averaged over the last `smoothing_steps` looks, is the largest, is no silence and no other
word, and reaches the bundle's threshold; after one no other is heard within `refractory_ms`, the second in which the
same word is still in the window.

Each look is at a whole window, unless `steps` is set: then a network that can takes a step, which is cheaper, but also
sees what was before the window, where training padded with zeros. `python -m benchmarks.streaming` says what either
costs; a network that was trained on windows alone loses some points of accuracy in steps.
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

_LOOKS = StreamDecision(step_frames=4, window_steps=1)
"""When a network that takes no steps looks."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A command in a stream."""

    command: Command
    at: int
    """Sample just after the audio by which it was heard."""


class CommandStream:
    """Finds commands in a stream.

    Looks happen at fixed frames of the stream, whatever the chunks; so chunking never changes a score. Before the first
    sample, and after a jump of the sample clock, the past is digital silence; in steps there is none, and no command is
    heard before a window is full.

    Args:
        bundle: of kind commands.
        threshold: replaces the bundle's.
        steps: take steps instead of looking at whole windows.
        interpreter: the engine's interpreter class; None takes the installed one.

    Raises:
        BundleError: the bundle isn't a command classifier, its network takes no steps where they are asked for, or
            network, features and labels disagree.
    """

    def __init__(
        self,
        bundle: Bundle,
        threshold: float | None = None,
        *,
        steps: bool = False,
        interpreter: Callable[..., Any] | None = None,
    ) -> None:
        decision = bundle.manifest.decision
        if not isinstance(decision, CommandsDecision):
            raise BundleError(f"{bundle.folder} is a {bundle.manifest.kind} bundle", fix="give a commands bundle")
        self._next = self._origin = self._quiet_until = self._n_frames = 0
        self._frames: Features = np.zeros((0, bundle.manifest.features.bins), np.float32)
        self.labels = bundle.manifest.labels
        self.threshold = decision.threshold if threshold is None else threshold
        self._decision = decision
        self._stream = decision.stream or _LOOKS
        self._settings = bundle.manifest.features
        self._refractory = self._stream.refractory_ms * self._settings.rate // 1000  # samples
        self._features = FeatureStream(self._settings)
        shape = (1, self._stream.step_frames, self._settings.bins)
        make = _Steps if steps else _Windows
        self._network = make(bundle, shape, decision.window_frames, interpreter)
        window = (decision.window_frames - 1) * self._settings.hop + self._settings.window
        self._fill = window if steps else 0  # samples before which no command is heard
        floor = np.full(shape, np.log(np.float32(self._settings.offset)), np.float32)
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
            self._quiet_until = chunk.start + self._fill
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
    """A network that takes steps, begun as its windows begin."""

    def __init__(self, bundle: Bundle, shape: tuple[int, ...], _: int, interpreter: Callable[..., Any] | None) -> None:
        network = StreamingNetwork(bundle.model_path, interpreter)
        if network.frames_shape != shape:
            raise BundleError(
                f"{bundle.folder}: steps of {list(network.frames_shape)}, features of {list(shape)}",
                fix="export the bundle again with the features that it was trained on",
            )
        self.step, self.reset = network.step, network.reset


class _Windows:
    """A network of whole windows, the last of which is kept; at the start it is digital silence."""

    def __init__(
        self, bundle: Bundle, shape: tuple[int, ...], n_frames: int, interpreter: Callable[..., Any] | None
    ) -> None:
        self._network = Network(bundle.model_path, interpreter)
        wanted = (1, n_frames, shape[-1])
        self._network.require(wanted, str(bundle.folder))
        floor = np.log(np.float32(bundle.manifest.features.offset))
        self._silence = self._window = np.full(wanted, floor, np.float32)

    def reset(self) -> None:
        self._window = self._silence

    def step(self, frames: Features) -> npt.NDArray[np.float32]:
        self._window = np.concatenate([self._window[:, frames.shape[1] :], frames], axis=1)
        return np.asarray(self._network.run(self._window)[0][0], np.float32)
