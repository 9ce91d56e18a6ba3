"""The streaming wake-word detector: features, a network that looks every few frames, smoothing, refractory time."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from voice.audio.features import Features, FeatureStream
from voice.errors import BundleError
from voice.events import Chunk, Samples, Wake
from voice.models.backend import Network, StreamingNetwork
from voice.models.bundle import Bundle, WakeDecision

_LEAST_LOGIT = -60.0  # below it the probability is 0 for every purpose, and exp overflows further down


class StreamingWakeDetector:
    """Finds one wake word in a stream.

    Looks happen at fixed frames of the stream, whatever the chunks; so chunking never changes a score. Before the
    first sample, and after a jump of the sample clock, the past is digital silence.

    Args:
        bundle: of kind wake.
        threshold: replaces the bundle's.
        interpreter: the engine's interpreter class; None takes the installed one.

    Raises:
        BundleError: the bundle isn't a wake word.
    """

    def __init__(
        self, bundle: Bundle, threshold: float | None = None, interpreter: Callable[..., Any] | None = None
    ) -> None:
        decision = bundle.manifest.decision
        if not isinstance(decision, WakeDecision):
            raise BundleError(f"{bundle.folder} is a {bundle.manifest.kind} bundle", fix="give a wake bundle")
        self.model_ids: tuple[str, ...] = (bundle.manifest.id,)
        self._next = self._origin = self._quiet_until = 0
        self.threshold = decision.threshold if threshold is None else threshold
        self._decision = decision
        self._settings = bundle.manifest.features
        self._refractory = decision.refractory_ms * self._settings.rate // 1000  # samples
        self.period = decision.step_frames * self._settings.hop
        past = (decision.window_frames - 1) * self._settings.hop + self._settings.window
        self._averaged = (decision.smoothing_steps - 1) * self.period  # samples of looks that a score looks back on
        self.context = past + self._averaged
        self._stream = FeatureStream(self._settings)
        self._steps = StreamingNetwork(bundle.model_path, interpreter) if decision.stream else None
        self._network = None if decision.stream else Network(bundle.model_path, interpreter)
        self._held: list[Samples] = []
        """Audio since the last look that isn't features yet."""
        self._kept_frames = decision.step_frames if decision.stream else decision.window_frames
        self._floor = np.log(np.float32(self._settings.offset))
        if self._steps:
            silence = np.full((1, decision.step_frames, self._settings.bins), self._floor, np.float32)
            self._steps.settle(silence, -(-decision.window_frames // decision.step_frames))
        self.reset()

    def process(self, chunk: Chunk) -> Wake | None:
        """Return the first `Wake` that falls into this chunk.

        A chunk longer than the refractory time could hold a second one, which is dropped.
        """
        for at, score in self.scores(chunk):
            if score >= self.threshold and at >= self._quiet_until:
                self._quiet_until = at + self._refractory
                return Wake(self.model_ids[0], score, at)
        return None

    def scores(self, chunk: Chunk) -> list[tuple[int, float]]:
        """Return the sample index just after each look in this chunk and the smoothed score, 0 to 1."""
        if chunk.start != self._next:
            self.reset()
            self._origin = self._quiet_until = chunk.start
        self._next = chunk.end
        self._held.append(chunk.samples)
        step = self._decision.step_frames
        look = self._n_frames - self._n_frames % step + step  # frames at the next look
        if chunk.end < self._origin + (look - 1) * self._settings.hop + self._settings.window:
            return []  # features cost as much for 20 ms as for 80
        found = []
        frames = self._stream.process(np.concatenate(self._held))
        self._held = []
        while len(frames):
            missing = step - self._n_frames % step
            found += self._append(frames[:missing])
            frames = frames[missing:]
        return found

    def replay(self, chunk: Chunk, since: int) -> Wake | None:
        """Take in past audio anew, as if none had been left out; the refractory time goes on.

        Args:
            chunk: from the beginning of the stream, or from at least `context` samples before `since`; it starts a
                whole number of `period` after the stream.
            since: sample before which no look is wanted.
        """
        quiet_until = self._quiet_until
        self.reset()
        self._next = self._origin = chunk.start
        self._since, self._quiet_until = since, quiet_until
        return self.process(chunk)

    def rearm(self, model_id: str) -> None:
        """End the refractory time: the last wake did not count, so the next look may tell it again."""
        if model_id in self.model_ids:
            self._quiet_until = self._since

    def reset(self) -> None:
        """Forget the past audio."""
        self._since = 0  # no look before
        self._stream.reset()
        if self._steps:
            self._steps.reset()
        self._held = []
        self._window = np.full((self._kept_frames, self._settings.bins), self._floor, np.float32)
        self._recent: deque[float] = deque(maxlen=self._decision.smoothing_steps)
        self._n_frames = 0
        self._next = -1
        self._origin = 0
        self._quiet_until = 0

    def _append(self, frames: Features) -> list[tuple[int, float]]:
        """Add frames up to the next look; return its time and score when it is reached."""
        kept = self._window[len(frames) :]
        self._window = np.concatenate([kept, frames])[-self._kept_frames :]
        self._n_frames += len(frames)
        if self._n_frames % self._decision.step_frames:
            return []
        at = self._origin + (self._n_frames - 1) * self._settings.hop + self._settings.window
        wanted = at >= self._since - self._averaged
        if self._network:
            logit = float(self._network.run(self._window[None])[0].reshape(-1)[0]) if wanted else 0.0
        elif self._steps:  # it has to take every step: what it heard before is in its states
            logit = float(self._steps.step(self._window[None]).reshape(-1)[0])
        if not wanted:
            return []
        self._recent.append(1 / (1 + float(np.exp(-max(logit, _LEAST_LOGIT)))))
        return [(at, sum(self._recent) / self._decision.smoothing_steps)] if at >= self._since else []
