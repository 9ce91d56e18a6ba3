"""Everything that is heard at one site: speech, sounds and tones."""

from functools import partial

from voice.audio.played import Played
from voice.bus.base import Bus
from voice.clock import Clock, LoopClock
from voice.speech.espeak import synthesise
from voice.speech.feedback import Feedback
from voice.speech.lexicon import Lexicon
from voice.speech.playback import Playback
from voice.speech.players import Player, player_for
from voice.speech.settings import SpeechSettings
from voice.speech.tts import Synthesise, TextToSpeech


class SpeechService:
    """Text to speech, playback and tones of one site. Needs a running event loop.

    Args:
        bus: Hermes.
        settings: how it speaks.
        site_id: the site.
        clock: for deadlines; None takes real time.
        player: where sounds go; None: what the settings say.
        voice: makes speech; None: espeak-ng.
        hotword_off: False leaves the wake word on while something is heard, for barge-in.
        played: told what is played, so that it isn't taken for a voice.
    """

    def __init__(
        self,
        bus: Bus,
        settings: SpeechSettings | None = None,
        *,
        site_id: str = "default",
        clock: Clock | None = None,
        player: Player | None = None,
        voice: Synthesise | None = None,
        hotword_off: bool = True,
        played: Played | None = None,
    ) -> None:
        settings = settings or SpeechSettings()
        clock = clock or LoopClock()
        speak = voice or partial(_espeak, settings)
        out = player or player_for(settings, clock)
        self.playback = Playback(bus, out, settings, site_id, clock, hotword_off=hotword_off, played=played)
        self.tts = TextToSpeech(bus, speak, settings, site_id, clock, hotword_off=hotword_off)
        self.feedback = Feedback(bus, settings.sounds, site_id)
        self.lexicon = Lexicon(bus, settings.tts, site_id)

    async def close(self) -> None:
        """Fall silent."""
        await self.feedback.close()
        await self.lexicon.close()
        await self.tts.close()
        await self.playback.close()


async def _espeak(settings: SpeechSettings, text: str, lang: str | None) -> bytes:
    return await synthesise(text, settings.tts, lang)
