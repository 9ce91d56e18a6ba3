"""When speech begins and ends, for those who watch: Snips' `vadUp` and `vadDown`."""

from voice.events import RATE
from voice.pipeline.ears import Heard

UP_SHARE = 0.5
"""Share of a chunk's frames that hold speech, from which speech has begun."""
DOWN_S = 0.5
"""Seconds without speech after which it has ended."""


class Activity:
    """Follows the share of speech, chunk by chunk, on the sample clock."""

    def __init__(self) -> None:
        self._up = False
        self._last_speech = 0

    def process(self, heard: Heard) -> bool | None:
        """Return True where speech began with this chunk, False where it ended, None where nothing changed."""
        if heard.speech > 0:
            self._last_speech = heard.at
        if not self._up and heard.speech >= UP_SHARE:
            self._up = True
            return True
        if self._up and heard.at - self._last_speech >= DOWN_S * RATE:
            self._up = False
            return False
        return None
