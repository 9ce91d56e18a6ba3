"""What a client can ask beyond a turn: the rest of docs/protocol.md, for `benchmarks.mosquitto`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from voice import demo
from voice.audio.files import read_audio
from voice.bus.topics import write_frame

SPOKEN = read_audio(Path(demo.__file__).parent / "some_light.flac")
HALF_A_SECOND = write_frame(np.zeros(8000, np.float32))


class Wire(Protocol):
    """Publishes, and waits for what others publish."""

    seen: list[tuple[str, bytes]]

    async def publish(self, topic: str, payload: dict[str, Any] | bytes) -> None:
        """Publish as any client does."""
        ...

    async def until(self, topic_filter: str, *, after: int = 0, **fields: object) -> dict[str, Any]:
        """Return the payload of the first message since `after` on a topic with these fields, waiting for it."""
        ...


async def ask_everything(wire: Wire, play: Callable[[np.ndarray], None]) -> None:
    """Publish each message that an assistant reads, and wait for each answer."""
    await ask_facts(wire)
    await ask_sounds(wire)
    await ask_names(wire)
    await ask_recordings(wire, play)
    await wake_twice(wire)


async def ask_facts(wire: Wire) -> None:
    """Ask what the components are and have; what can't be done is an error."""
    await wire.publish("hermes/asr/versionRequest", b"")
    await wire.until("hermes/asr/version")
    for topic, payload, answer in (
        ("rhasspy/hotword/getHotwords", {}, "rhasspy/hotword/hotwords"),
        ("earshot/hotword/markWrong", {"siteId": "default"}, "earshot/hotword/markedWrong"),
        ("rhasspy/audioServer/getDevices", {"modes": ["input", "output"]}, "rhasspy/audioServer/devices"),
        ("rhasspy/tts/getVoices", {}, "rhasspy/tts/voices"),
        ("rhasspy/g2p/pronounce", {"words": ["light"]}, "rhasspy/g2p/phonemes"),
    ):
        await wire.publish(topic, {**payload, "id": "asked"})
        await wire.until(answer, id="asked")
    for topic, payload in (
        ("hermes/nlu/reload", {"loadId": "provoked"}),
        ("rhasspy/asr/default/train", {"id": "provoked", "graphPath": "/x"}),
        ("rhasspy/train/getIntentGraph", {"id": "provoked"}),
    ):
        start = len(wire.seen)
        await wire.publish(topic, payload)
        await wire.until("hermes/error/#", after=start, context="provoked")


async def ask_sounds(wire: Wire) -> None:
    """Play a stream, a registered sound, quieter, and stop."""
    await wire.publish("rhasspy/audioServer/setVolume", {"volume": 0.5})
    await wire.publish("hermes/audioServer/default/playBytesStreaming/s/0/1", HALF_A_SECOND)
    await wire.until("hermes/audioServer/default/streamFinished", id="s")
    await wire.publish("hermes/tts/registerSound/gong", HALF_A_SECOND)
    await wire.publish(
        "hermes/tts/say", {"text": "Now [[sound:gong]] and a long sentence that nobody hears.", "id": "cut"}
    )
    await wire.publish("hermes/tts/stop", {})
    await wire.until("hermes/tts/sayFinished", id="cut")


async def ask_names(wire: Wire) -> None:
    """Bring sentences and names along, ask for a slot, and switch things off and on."""
    skill = {"intents": {"Brew": ["brew {drink}"]}, "lists": {"drink": ["tea"]}}
    await wire.publish("earshot/skill/bar/register", skill)
    await wire.until("earshot/skill/bar/registered")
    operations = [["add", {"bar_drink": ["cocoa"]}]]
    await wire.publish("hermes/injection/perform", {"id": "names", "operations": operations})
    await wire.until("hermes/injection/complete", requestId="names")
    query = {"input": "cocoa please", "intentName": "Brew", "slotName": "drink", "id": "slot"}
    await wire.publish("hermes/nlu/partialQuery", query)
    found = await wire.until("hermes/nlu/slotParsed", id="slot")
    if found["slot"]["value"]["value"] != "cocoa":
        raise TimeoutError(f"no cocoa in {json.dumps(found)}")
    await wire.publish("hermes/injection/statusRequest", b"")
    await wire.until("hermes/injection/status", completed=1)
    await wire.publish("hermes/injection/reset/perform", {"requestId": "names"})
    await wire.until("hermes/injection/reset/complete", requestId="names")
    for switch in ("hermes/dialogueManager", "rhasspy/handle"):
        for state in ("toggleOff", "toggleOn"):
            await wire.publish(f"{switch}/{state}", {"siteId": "nowhere"})


async def ask_recordings(wire: Wire, play: Callable[[np.ndarray], None]) -> None:
    """Ask for levels, frames, a replay, an example, and the recording of a session."""
    for topic, answer in (("toggleSummaryOn", "audioSummary"), ("toggleOn", "audioFrame")):
        await wire.publish(f"hermes/audioServer/{topic}", b"")
        await wire.until(f"hermes/audioServer/default/{answer}")
    await wire.publish("hermes/audioServer/toggleSummaryOff", b"")
    await wire.publish("hermes/audioServer/toggleOff", b"")
    await wire.publish("hermes/audioServer/default/replayRequest", {"requestId": "r", "startAtMs": 0})
    await wire.publish("hermes/audioServer/elsewhere/s/audioSessionFrame", HALF_A_SECOND)
    await wire.publish("rhasspy/hotword/recordExample", {"id": "example"})
    play(SPOKEN)
    await wire.until("rhasspy/hotword/default/exampleRecorded/example")
    start = len(wire.seen)
    await wire.publish("hermes/hotword/computer/detected", {"modelId": "computer", "sendAudioCaptured": True})
    session = (await wire.until("hermes/asr/startListening", after=start, sendAudioCaptured=True))["sessionId"]
    play(SPOKEN)
    await wire.until("hermes/asr/partialTextCaptured", after=start, sessionId=session)
    await wire.until("rhasspy/asr/recordingFinished", after=start, sessionId=session)
    await wire.until(f"rhasspy/asr/default/{session}/audioCaptured", after=start)
    await wire.publish("hermes/dialogueManager/endSession", {"sessionId": session})  # it may have ended by itself
    await wire.until("hermes/dialogueManager/sessionEnded", after=start, sessionId=session)


async def wake_twice(wire: Wire) -> None:
    """Let one wake word be heard at two sites, of which the louder answers."""
    for site in ("attic", "cellar"):  # both are known then
        start = len(wire.seen)
        await wire.publish("hermes/hotword/computer/detected", {"modelId": "computer", "siteId": site})
        session = (await wire.until("hermes/dialogueManager/sessionStarted", after=start, siteId=site))["sessionId"]
        await wire.publish("hermes/dialogueManager/endSession", {"sessionId": session})
        await wire.until("hermes/dialogueManager/sessionEnded", after=start, sessionId=session)
    for site, level in (("attic", -40.0), ("cellar", -20.0)):
        heard = {"modelId": "computer", "siteId": site, "levelDbfs": level}
        await wire.publish("hermes/hotword/computer/detected", heard)
    await wire.until("hermes/dialogueManager/arbitration", siteId="cellar")
    session = (await wire.until("hermes/dialogueManager/sessionStarted", after=start + 4, siteId="cellar"))["sessionId"]
    await wire.publish("hermes/dialogueManager/endSession", {"sessionId": session})
