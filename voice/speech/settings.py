"""How Earshot speaks."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from voice.audio.speaker import SpeakerSettings


class VoiceSettings(BaseModel):
    """The synthesiser, espeak-ng."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    program: str = Field("espeak-ng", description="program that reads text on stdin and writes a WAV on stdout")
    voice: str = Field("en-gb", description="espeak-ng voice, where a message names no language")
    words_per_minute: int = Field(165, ge=80, le=450, description="speed")
    timeout_s: float = Field(10.0, gt=0, description="longest that the synthesiser may take, s")
    characters: int = Field(2000, gt=0, description="longest text that is spoken; the rest is cut off")
    waiting: int = Field(16, gt=0, description="texts that may wait for the site to be free")


class SoundSettings(BaseModel):
    """The tones at wake, at the end and at a failure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="play them, until hermes/feedback/sound/toggleOff")
    level_db: float = Field(-18.0, le=0, ge=-60, description="peak level, dB relative to full scale")


class SpeechSettings(BaseModel):
    """Speech and sounds out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: str = Field(
        "auto", description="auto: the loudspeaker; null: nothing, in real time; a folder or FILE.wav: write there"
    )
    speaker: SpeakerSettings = SpeakerSettings()
    tts: VoiceSettings = VoiceSettings()
    sounds: SoundSettings = SoundSettings()
    slack_s: float = Field(2.0, gt=0, description="wait for a lost playFinished beyond the sound's length, s")
    waiting: int = Field(16, gt=0, description="sounds that may wait for the loudspeaker; more are refused")


Sound = Literal["wake", "end", "error"]
"""Names of the tones."""
