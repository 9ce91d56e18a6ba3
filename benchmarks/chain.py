"""The whole chain: sentences of the skills by synthetic voices that no training used, and real speech that is none.

    python -m benchmarks.chain [--speed 2] [--data FOLDER]

60 sentences (12 by each of five voices), each after the wake word in one breath, go through the live loop (ears, brain,
dialogue, skills; hub in process). Right means: the intent and every slot. Then 200 clips of other real speech (the
`dev` and `test` splits of the data pack, EARSHOT_DATA) go through the brain as if the wake word had come before them.
Intervals: Wilson, 95 %. Needs espeak-ng, flite and festival with ked_diphone.
"""

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from voice.app import always_intents, build_understanding, running, sentences_of, skills_of
from voice.audio.files import read_audio
from voice.audio.queued import QueuedSource
from voice.bus.topics import IntentMessage, SessionEnded, on
from voice.config import Config
from voice.demo.synthesise import synthesise
from voice.events import RATE, Segment
from voice.pipeline.assistant import Turn
from voice.speech.settings import SpeechSettings

VOICES = ("flite:slt", "flite:rms", "festival:ked_diphone", "espeak-ng:en-us+f2", "espeak-ng:en-gb-scotland+m3")
SENTENCES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("what time is it", "GetTime", {}),
    ("what day is it", "GetDate", {}),
    ("turn on the kitchen light", "LightOn", {"room": "kitchen"}),
    ("switch off the lights in the living room", "LightOff", {"room": "living_room"}),
    ("turn the bedroom lamp off", "LightOff", {"room": "bedroom"}),
    ("dim the office lights to forty percent", "LightBrightness", {"room": "office", "percent": 40}),
    ("set a timer for five minutes", "SetTimer", {"minutes": 5}),
    ("set a pizza timer for twelve minutes", "SetTimer", {"name": "pizza", "minutes": 12}),
    ("how long is left on the timer", "TimerLeft", {}),
    ("cancel the timer", "CancelTimer", {}),
    ("set the volume to thirty percent", "VolumeSet", {"percent": 30}),
    ("turn down the volume", "VolumeDown", {}),
)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.96, hits / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def share(hits: int, n: int) -> str:
    """Return `hits` of `n` with its interval."""
    low, high = wilson(hits, n)
    return f"{hits}/{n} = {100 * hits / max(1, n):.1f} % ({100 * low:.1f} to {100 * high:.1f})"


async def spoken(config: Config, speed: float) -> None:
    """Speak every sentence into the live loop and print what came of it."""
    source = QueuedSource(speed=speed)
    ended = asyncio.Event()
    got: list[IntentMessage] = []
    turns: list[Turn] = []

    async def intent(message: IntentMessage) -> None:
        got.append(message)

    async def end(_: SessionEnded) -> None:
        ended.set()

    right: dict[str, int] = dict.fromkeys(VOICES, 0)
    deaf = 0
    speech = SpeechSettings.model_validate({"sounds": {"enabled": False}})
    config = config.model_copy(update={"speech": speech})
    async with running(
        config, link_broker=False, watch=lambda e: turns.append(e) if isinstance(e, Turn) else None
    ) as parts:
        on(parts.bus, IntentMessage, intent)
        on(parts.bus, SessionEnded, end)
        listening = asyncio.create_task(parts.assistant.run(source))
        with tempfile.TemporaryDirectory() as folder:
            for voice in VOICES:
                for text, name, slots in SENTENCES:
                    wav = Path(folder) / "speech.wav"
                    synthesise(voice, f"computer, {text}", wav)
                    samples = read_audio(wav)
                    got.clear()
                    ended.clear()
                    await source.play(
                        np.concatenate([samples * (0.3 / abs(samples).max()), np.zeros(RATE, np.float32)])
                    )
                    try:
                        await asyncio.wait_for(ended.wait(), 20 / speed)
                    except TimeoutError:
                        deaf += 1
                    values = {slot.slot_name: slot.value.value for slot in got[-1].slots} if got else {}
                    ok = bool(got) and got[-1].intent.intent_name == name and values == slots
                    right[voice] += ok
                    if not ok:
                        heard = turns[-1].understanding.text if turns else ""
                        taken = got[-1].intent.intent_name if got else None
                        print(f"  wrong: {voice} {text!r}: {taken} {values} {heard!r}")
        await source.close()
        await listening
    for voice in VOICES:
        print(f"{voice:<30} {share(right[voice], len(SENTENCES))}")
    print(f"{'all voices':<30} {share(sum(right.values()), len(VOICES) * len(SENTENCES))}; never woke: {deaf}")
    computing = np.asarray([turn.understand_ms for turn in turns])
    waiting = np.asarray([turn.endpoint_ms for turn in turns])
    for what, values in (("computing after the endpoint", computing), ("endpoint silence", waiting)):
        p50, p95 = np.percentile(values, (50, 95))
        print(f"{what:<30} p50 {p50:.0f} ms, p95 {p95:.0f} ms, n {len(values)}")


def other_clips(data: Path, n: int) -> list[Path]:
    """Return `n` clips of the dev and test splits, evenly over the corpora's manifests."""
    clips = []
    for manifest in sorted(data.rglob("manifest.jsonl")):
        for line in manifest.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            path = manifest.parent / row["audio"]
            if row.get("split") in ("dev", "test") and row.get("text") and path.is_file():
                clips.append(path)
    chosen = np.random.default_rng(0).permutation(len(clips))[:n]
    return [clips[i] for i in sorted(chosen)]


def other_speech(config: Config, data: Path, n: int = 200) -> None:
    """Print how many clips of other speech give an intent."""
    brain = build_understanding(config, sentences_of(config), always_intents(skills_of(config)))
    accepted = []
    clips = other_clips(data, n)
    for path in clips:
        samples = read_audio(path)[: 15 * RATE]
        outcome = brain.understand(Segment(samples, 0, speech_start=0, speech_end=len(samples)))
        if outcome.intent:
            accepted.append(f"  {path.name}: {outcome.intent.name} {outcome.text!r} ({outcome.source})")
    print("\n".join(accepted))
    print(f"other real speech that gave an intent: {share(len(accepted), len(clips))}")


def main() -> int:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--speed", type=float, default=2.0)
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"))
    arguments = parser.parse_args()
    config = Config()
    asyncio.run(spoken(config, arguments.speed))
    if arguments.data is None:
        print("other speech skipped: set EARSHOT_DATA to the folder of the speech data pack", file=sys.stderr)
    else:
        other_speech(config, Path(arguments.data))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
