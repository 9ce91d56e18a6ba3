"""From a wake word in the audio to the message that tells it."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voice.bus.topics import HotwordDetected
from voice.events import RATE, Chunk, Wake
from voice.models.verifier import LOOK_BACK_S, PhraseVerifier
from voice.pipeline.words import WakeWord

CLIP_S = 2.5
"""Audio before a wake that is handed on: a long wake word and what led to it."""

_log = logging.getLogger(__name__)


class Waking:
    """What is known of the wake words, and who looks at a wake again.

    Args:
        words: the wake words.
        verifiers: id -> who looks again; the others count at once.
        remember: told of each wake that counts, with its audio.
    """

    def __init__(
        self,
        words: Sequence[WakeWord] = (),
        verifiers: Mapping[str, PhraseVerifier] | None = None,
        remember: Callable[[Wake, Chunk], None] = lambda _wake, _clip: None,
    ) -> None:
        self._words = {word.id: word for word in words}
        self._verifiers = verifiers or {}
        self.remember = remember

    def doubts(self, wake: Wake) -> bool:
        """Return whether a wake is looked at again before it counts."""
        return wake.model_id in self._verifiers

    def confirms(self, wake: Wake, clip: Chunk) -> bool:
        """Return whether the second look finds the word too; belongs on the brain's thread, because it computes.

        Args:
            wake: the wake.
            clip: the audio around it.
        """
        started = time.perf_counter()
        start = max(clip.start, wake.at - round(LOOK_BACK_S * RATE))
        verdict = self._verifiers[wake.model_id].verify(clip.samples[start - clip.start : wake.at - clip.start], start)
        _log.info(
            "second look at %s (score %.3f): it loses %.2f nats a label, %s; %.0f ms",
            wake.model_id,
            wake.score,
            verdict.loss,
            "taken" if verdict.accepted else "refused",
            1000 * (time.perf_counter() - started),
        )
        return verdict.accepted

    def message(self, wake: Wake, site_id: str, level_dbfs: float) -> HotwordDetected:
        """Return the message on `hermes/hotword/<id>/detected`.

        Args:
            wake: what was heard.
            site_id: where.
            level_dbfs: how loud it was.
        """
        word, known = self._words.get(wake.model_id), dict[str, Any]()
        if word is not None:
            known = {
                "model_version": word.version,
                "model_type": word.model_type,
                "current_sensitivity": round(word.sensitivity, 3),
                "lang": word.settings.lang,
            }
        return HotwordDetected(
            model_id=wake.model_id,
            site_id=site_id,
            detection_signal_ms=wake.at * 1000 // RATE,
            end_signal_ms=wake.at * 1000 // RATE,
            score=round(wake.score, 4),
            level_dbfs=round(level_dbfs, 1),
            **known,
        )
