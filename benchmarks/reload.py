"""Hot reload: how long from saving a skill's file until its new sentence is understood, while audio goes on.

    python -m benchmarks.reload [--times 10]

The whole assistant with all built-in skills and one of a folder listens to a recording in real time. The skill's file
is saved again and again, each time with another sentence; its time counts until a text is understood by it. How far the
ears lag behind the audio at worst is measured before and on the way; what lags less than the queue of 2 s is not lost.

Exit 1 where the median is over 1 s, or audio would have been lost.
"""

import argparse
import asyncio
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path

from voice import demo
from voice.app import Running, running
from voice.audio.files import FileSource
from voice.bus.topics import NluIntentNotRecognized, NluIntentParsed, NluQuery, on, send
from voice.config import Config
from voice.events import RATE
from voice.pipeline.assistant import Turn
from voice.pipeline.ears import Heard
from voice.speech.settings import SpeechSettings

LIMIT_S, QUEUE_S, PATIENCE_S = 1.0, 2.0, 30.0
SKILL = """
from voice.skill import Skill
skill = Skill("changing")

@skill.intent("Changing{number}", "{words} changes everything")
def answer() -> str:
    return "{number}"
"""
WORDS = ("the first", "the second", "the third", "the fourth", "the fifth", "the sixth", "the seventh", "the eighth")


class Lag:
    """How far the ears are behind the audio, by the sample clock."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self.chunks = 0
        self._began: float | None = None
        self._heard = 0

    def watch(self, event: Heard | Turn) -> None:
        """Note a chunk."""
        if isinstance(event, Heard):
            now = time.monotonic()
            self._began = now if self._began is None else self._began
            self.worst_s = max(self.worst_s, now - self._began - self._heard / RATE)
            self._heard += 1280
            self.chunks += 1


async def understood(parts: Running, text: str) -> str | None:
    """Return the intent of a text; None while there is none."""
    answer: asyncio.Queue[str | None] = asyncio.Queue()

    async def note(message: NluIntentParsed | NluIntentNotRecognized) -> None:
        await answer.put(message.intent.intent_name if isinstance(message, NluIntentParsed) else None)

    unsubscribe = on(parts.bus, NluIntentParsed, note), on(parts.bus, NluIntentNotRecognized, note)
    await send(parts.bus, NluQuery(input=text, id="reload"))
    found = await answer.get()
    for end in unsubscribe:
        end()
    return found


async def measure(times: int, folder: Path) -> int:
    """Save, wait, print."""
    path = folder / "changing.py"
    path.write_text(SKILL.format(number=0, words="nothing"))
    config = Config()
    skills = config.skills.model_copy(update={"folders": (str(folder),)})
    config = config.model_copy(update={"skills": skills, "speech": SpeechSettings(output="null")})
    lag, took = Lag(), []
    async with running(config, watch=lag.watch, link_broker=False) as parts:
        story = Path(demo.__file__).parent / "story.flac"
        listening = asyncio.create_task(parts.assistant.run(FileSource([story] * 20, realtime=True)))
        await asyncio.sleep(5)
        before_s, lag.worst_s = lag.worst_s, 0.0
        for number in range(1, times + 1):
            words = WORDS[number % len(WORDS)]
            path.write_text(SKILL.format(number=number, words=words))
            started = time.monotonic()
            while await understood(parts, f"{words} changes everything") != f"Changing{number}":
                await asyncio.sleep(0.01)
                if time.monotonic() - started > PATIENCE_S:
                    raise SystemExit(f"save {number} was not understood in {PATIENCE_S:g} s")
            took.append(time.monotonic() - started)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    print(
        f"{times} saves: {statistics.median(took):.2f} s in the median, {max(took):.2f} s at worst; ears "
        f"{lag.worst_s * 1000:.0f} ms behind at worst ({before_s * 1000:.0f} ms before the first save), over "
        f"{lag.chunks} chunks; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return 1 if statistics.median(took) > LIMIT_S or lag.worst_s > QUEUE_S else 0


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=10)
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(parser.parse_args().times, Path(folder)))


if __name__ == "__main__":
    raise SystemExit(main())
