"""The assistant never wakes itself: what it says, and what is left of that in the room, is no wake word."""

import logging
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from voice.audio.echo import echo_share
from voice.audio.played import Played
from voice.events import RATE, Chunk, Samples, Wake

_log = logging.getLogger(__name__)

SPEECH_REASONS = frozenset({"ttsSay", "playAudio"})
"""Reasons of `hermes/hotword/toggleOff` that mean: something is being said or played."""
HEARD_S = 1.0
"""Audio before a wake that is compared with what was played: about the word."""
_AFTER_S = 1.5
"""Time after a sound in which its echo is looked for: buffers, the room, and the word itself."""


class OwnVoiceSettings(BaseModel):
    """How the assistant's own voice is kept from waking it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tail_ms: int = Field(300, ge=0, description="wake words are ignored so long after speech out, ms; not in barge-in")
    echo_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="barge-in: share of a wake's power that is the loudspeaker's, from which it is refused",
    )


class Refused(NamedTuple):
    """A wake that was the assistant's own voice."""

    wake: Wake
    share: float
    """Share of its power that what was played explains, 0 to 1."""


class OwnVoice:
    """Follows what is played on the sample clock, and says whether a wake is an echo of it.

    Args:
        played: what the loudspeaker plays; None: nobody tells.
        settings: tail and share.
    """

    def __init__(self, played: Played | None = None, settings: OwnVoiceSettings | None = None) -> None:
        self._settings = settings or OwnVoiceSettings()
        self._played = played
        self._until = -1  # an echo may be heard up to this sample
        self._tail_until = -1

    def follow(self, chunk: Chunk) -> None:
        """Note whether something is played during a chunk."""
        if self._played is not None and self._played.playing:
            self._until = chunk.end + round(_AFTER_S * RATE)

    def spoke(self, at: int) -> None:
        """Note that speech out ended at a sample."""
        self._tail_until = at + self._settings.tail_ms * RATE // 1000

    def lingers(self, at: int) -> bool:
        """Return whether the room may still be full of speech out that has ended."""
        return at <= self._tail_until

    def echo(self, wake: Wake, heard: Samples) -> Refused | None:
        """Return what speaks against a wake; None: nothing.

        Args:
            wake: the wake.
            heard: `HEARD_S` of audio before it.
        """
        if self._played is None or wake.at > self._until:
            return None
        share = echo_share(heard, self._played.recent())
        if share < self._settings.echo_share:
            return None
        _log.info("%s was our own voice: %.0f %% of it was played", wake.model_id, 100 * share)
        return Refused(wake, share)

    def reset(self) -> None:
        """Forget times of a clock that has jumped."""
        self._until = self._tail_until = -1
