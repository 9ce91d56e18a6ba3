"""What the synthesiser knows: its voices, and how it says a word."""

import asyncio

from voice.bus.base import Bus
from voice.bus.topics import (
    ErrorMessage,
    G2pError,
    G2pPhonemes,
    G2pPronounce,
    GetVoices,
    Pronunciation,
    Voice,
    Voices,
    on,
    send,
)
from voice.errors import AudioError
from voice.speech.espeak import phonemes, voices
from voice.speech.settings import VoiceSettings


class Lexicon:
    """Answers `rhasspy/tts/getVoices` and `rhasspy/g2p/pronounce` for one site.

    Args:
        bus: Hermes.
        settings: the synthesiser.
        site_id: the site.
    """

    def __init__(self, bus: Bus, settings: VoiceSettings, site_id: str) -> None:
        self._bus = bus
        self._settings = settings
        self._site = site_id
        self._turn = asyncio.Lock()
        self._unsubscribe = (on(bus, GetVoices, self._voices), on(bus, G2pPronounce, self._pronounce))

    async def close(self) -> None:
        """Answer no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def _voices(self, message: GetVoices) -> None:
        if message.site_id != self._site:
            return
        try:
            known = await voices(self._settings)
        except AudioError as error:
            await send(self._bus, ErrorMessage(component="tts", error=str(error), site_id=self._site))
            return
        found = [Voice(voice_id=voice, description=name) for voice, name in known]
        await send(self._bus, Voices(voices=found, id=message.id, site_id=self._site))

    async def _pronounce(self, message: G2pPronounce) -> None:
        if message.site_id != self._site:
            return
        ids = {"id": message.id, "session_id": message.session_id, "site_id": self._site}
        try:
            async with self._turn:
                spoken = await phonemes(message.words, self._settings)
        except AudioError as error:
            await send(self._bus, G2pError(error=str(error), **ids))
            return
        found = {
            word: [Pronunciation(phonemes=said, guessed=True)] if said else []
            for word, said in zip(message.words, spoken, strict=True)
        }
        await send(self._bus, G2pPhonemes(word_phonemes=found, **ids))
