"""A device whose microphone comes over Hermes frames is heard: `voice run --input hermes`, in process."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.test_remote_skills import quiet
from voice import demo
from voice.app import Running, running
from voice.audio.files import read_audio
from voice.bus import topics as t
from voice.bus.frames import FrameSource
from voice.cli.run import _open
from voice.config import Config

PATIENCE_S = 60


class Ears:
    """What was heard."""

    def __init__(self, parts: Running) -> None:
        self.seen: list[t.Payload] = []
        self.heard = asyncio.Event()
        t.on(parts.bus, t.HotwordDetected, self._note)
        t.on(parts.bus, t.AsrTextCaptured, self._note)

    async def _note(self, message: t.Payload) -> None:
        self.seen.append(message)
        if isinstance(message, t.AsrTextCaptured):
            self.heard.set()


@pytest.mark.slow
@pytest.mark.parametrize("samples", [256, 1024])
async def test_a_wake_word_and_a_sentence_in_frames_are_heard(samples: int) -> None:
    spoken = read_audio(Path(demo.__file__).parent / "some_light.flac")
    rest = np.random.default_rng(0).normal(0, 2e-4, 32_000).astype(np.float32)
    audio = np.concatenate([rest, spoken, rest])
    speech = {"output": "null", "sounds": {"enabled": False}}
    config = Config.model_validate({"speech": speech, "models": {"commands": None}})
    async with running(config, link_broker=False, skills=[quiet()]) as parts:
        ears, source = Ears(parts), FrameSource(parts.bus, "default")
        listening = asyncio.create_task(parts.assistant.run(source))
        for at in range(0, len(audio) - samples, samples):
            frame = t.write_frame(audio[at : at + samples], capture_ms=at // 16 if samples == 256 else None)
            await t.send(parts.bus, t.AudioFrame("default", frame))
            await parts.bus.drain()
            while source._waiting:  # noqa: ASYNC110 - as fast as it is heard; the reader tells nobody
                await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            await ears.heard.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert [type(message) for message in ears.seen] == [t.HotwordDetected, t.AsrTextCaptured]
    assert "light" in ears.seen[1].text
    assert source.dropped_samples == 0


def test_the_command_line_leaves_the_source_to_the_bus() -> None:
    assert _open(Config(), "hermes", realtime=True) is None
