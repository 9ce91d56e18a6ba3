"""A skill's examples, spoken: by synthetic voices into wake word, VAD, recogniser and dialogue, among the other skills.

for outcome in spoken_examples(skill, others, config, VOICES):
    print(outcome.title, outcome.fault or "ok")
"""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from voice.app import words_of
from voice.audio.files import read_audio
from voice.bus.topics import AsrTextCaptured, on
from voice.config import Config
from voice.demo.synthesise import synthesise
from voice.errors import ConfigError
from voice.events import RATE
from voice.skill import Skill
from voice.skill.example import Example, is_expected, told
from voice.testing.assistant import Assistant
from voice.text import normalise

VOICES = ("espeak-ng:en-us+f2", "espeak-ng:en-gb-scotland+m3")
"""Voices that none of the shipped models was trained on, of the program that speaks the assistant's replies."""
_PEAK = 0.3


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of one example by one voice."""

    voice: str
    title: str
    is_rejection: bool
    """Whether nothing was to be understood."""
    fault: str
    """Empty where it is right."""


def spoken_examples(
    skill: Skill, others: Sequence[Skill], config: Config, voices: Sequence[str] = VOICES
) -> Iterator[Spoken]:
    """Yield what comes of each example by each voice; each has an assistant of its own.

    Args:
        skill: whose examples are spoken.
        others: the skills whose sentences can be said as well.
        config: models and thresholds; the first wake word begins each conversation.
        voices: as `program:name`; espeak-ng, flite and festival.

    Raises:
        ConfigError: a voice can't be had.
        BundleError: a model is missing or broken.
    """
    for voice in voices:
        for example in skill.examples:
            fault = asyncio.run(_held(example, [*others, skill], config, voice))
            yield Spoken(voice, example.title, example.turns[0][1] is None, fault)


async def _held(example: Example, skills: Sequence[Skill], config: Config, voice: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        async with Assistant(*skills, config=config) as assistant:
            speaker = _Speaker(assistant, config, voice, Path(folder) / "speech.wav")
            fault = await speaker.fault_in(example)
            assistant.errors.clear()
            return fault


class _Speaker:
    """Speaks to an assistant with one voice.

    Args:
        assistant: who listens.
        config: its settings.
        voice: as `program:name`.
        wav: a file to speak into.
    """

    def __init__(self, assistant: Assistant, config: Config, voice: str, wav: Path) -> None:
        self._assistant = assistant
        self._confirm = config.dialogue.confirm
        self._wake_word = words_of(config)[0].phrase
        self._voice = voice
        self._wav = wav
        self._heard: list[str] = []
        on(assistant.bus, AsrTextCaptured, self._note)

    async def fault_in(self, example: Example) -> str:
        """Return what went wrong in a conversation; empty where nothing did."""
        for i, (said, expected) in enumerate(example.turns):
            reply = await self._say(said if i else f"{self._wake_word}, {said}")
            if not self._heard and expected is None:
                return ""
            if not self._heard:
                return f"{said!r}: {'nothing was listened to' if i else 'the wake word was not heard'}"
            heard = self._heard[-1]
            if reply == self._confirm.replace("{text}", heard) and heard == normalise(said):
                reply = await self._say("yes")
            if self._assistant.errors:
                return f"{said!r}: {self._assistant.errors[0]}"
            if not is_expected(reply, expected):
                return f"{said!r} was heard as {heard!r} and answered {told(reply)}, expected {told(expected)}"
        return ""

    async def _say(self, text: str) -> str | None:
        try:
            await asyncio.to_thread(synthesise, self._voice, text, self._wav)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            fix = "install its program, or name another: espeak-ng:en-us+f2, flite:slt, festival:ked_diphone"
            raise ConfigError(f"voice {self._voice!r} can't be had ({error})", fix=fix) from error
        self._heard.clear()
        samples = read_audio(self._wav)
        soundfile.write(self._wav, samples * (_PEAK / max(float(np.abs(samples).max()), 1e-6)), RATE)
        return await self._assistant.play(self._wav)

    async def _note(self, message: AsrTextCaptured) -> None:
        self._heard.append(message.text)
