"""One wake word heard at several sites: the site that heard it best answers. Pure; deadlines as data."""

import logging
from collections.abc import Callable

from voice.bus.topics import Arbitration, HeardAt, HotwordDetected

_log = logging.getLogger(__name__)

_Mark = Callable[[HotwordDetected], float | None]
_MARKS: tuple[_Mark, ...] = (lambda wake: wake.level_dbfs, lambda wake: wake.score)
"""What decides, the best first, where every site has told it: the level, which the distance changes most; the score."""


class Arbiter:
    """Collects wakes for a while after the first.

    Where a single site has ever been heard there is nothing to wait for: it answers at once, and another site that
    heard the same word within the window has lost.

    Args:
        window_s: how long; 0: everyone answers.
    """

    def __init__(self, window_s: float) -> None:
        self.deadline: float | None = None
        self._window_s = window_s
        self._known: set[str] = set()
        self._wakes: dict[str, tuple[float, HotwordDetected]] = {}
        self._alone: tuple[float, HotwordDetected] | None = None

    def hear(self, wake: HotwordDetected, now: float) -> tuple[HotwordDetected | None, Arbitration | None]:
        """Take in a wake; return one that may be answered now, and a decision that was made now."""
        if self._window_s <= 0:
            return wake, None
        self._known.add(wake.site_id)
        if self._alone and now - self._alone[0] <= self._window_s and self._alone[1].site_id != wake.site_id:
            return None, self._told(self._alone[1], [self._alone, (now, wake)])
        if len(self._known) == 1:
            self._alone = now, wake
            return wake, None
        earlier = self._wakes.get(wake.site_id)
        if earlier is None or (wake.score or 0) > (earlier[1].score or 0):
            self._wakes[wake.site_id] = (earlier[0] if earlier else now), wake
        if self.deadline is None:
            self.deadline = now + self._window_s
        return None, None

    def decide(self, now: float) -> tuple[HotwordDetected | None, Arbitration | None]:
        """Return who answers once the window has closed, and the decision where there was a choice."""
        if self.deadline is None or now < self.deadline - 1e-6:
            return None, None
        heard = list(self._wakes.values())
        self._wakes, self.deadline = {}, None
        if len(heard) == 1:
            return heard[0][1], None
        mark = next((m for m in _MARKS if all(m(wake) is not None for _, wake in heard)), lambda _: 0.0)
        _, winner = max(heard, key=lambda pair: (mark(pair[1]) or 0.0, -pair[0]))
        return winner, self._told(winner, heard)

    def _told(self, winner: HotwordDetected, heard: list[tuple[float, HotwordDetected]]) -> Arbitration:
        first = min(at for at, _ in heard)
        sites = [
            HeardAt(
                site_id=wake.site_id,
                model_id=wake.model_id,
                score=wake.score,
                level_dbfs=wake.level_dbfs,
                later_ms=round((at - first) * 1000),
            )
            for at, wake in heard
        ]
        said = ", ".join(f"{s.site_id} (level {s.level_dbfs} dBFS, score {s.score}, +{s.later_ms} ms)" for s in sites)
        _log.info("one wake word at %s: %s answers", said, winner.site_id)
        return Arbitration(site_id=winner.site_id, heard=sites, window_ms=round(self._window_s * 1000))
