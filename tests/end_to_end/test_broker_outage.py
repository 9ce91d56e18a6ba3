"""The live chain without a broker: it goes on, and the broker's clients hear afterwards what they missed, each once."""

import asyncio
from pathlib import Path

import pytest

from tests.bus.brokers import Mosquitto, Relay, needs_mosquitto
from tests.bus.inbox import Inbox, Switch
from voice import demo
from voice.app import Running, running
from voice.audio.files import read_audio
from voice.audio.queued import QueuedSource
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.bus.topics import SessionEnded, on
from voice.config import Config
from voice.speech.settings import SoundSettings, SpeechSettings

RECORDING = Path(demo.__file__).parent / "kitchen_light.flac"


class Turns:
    """Speaks into an assistant and waits for the end of each session."""

    def __init__(self, parts: Running, source: QueuedSource) -> None:
        self._source = source
        self._ended: asyncio.Queue[SessionEnded] = asyncio.Queue()
        on(parts.bus, SessionEnded, self._ended.put)

    async def speak(self) -> None:
        """Return when a session has come of the recording, and ended."""
        await self._source.play(read_audio(RECORDING))
        async with asyncio.timeout(30):
            await self._ended.get()


@needs_mosquitto
@pytest.mark.slow
async def test_sessions_without_a_broker_reach_its_clients_once_it_is_there(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    relay, switch, source = Relay(broker.port), Switch(), QueuedSource()
    away = BrokerSettings(embedded=False, port=relay.port, client_id="earshot", backoff_s=0.02, backoff_limit_s=0.1)
    config = Config(broker=away, speech=SpeechSettings(output="null", sounds=SoundSettings(enabled=False)))
    async with LocalBus() as other, running(config) as parts, asyncio.timeout(90):
        assert parts.link
        parts.link.on_connection(switch.note)
        local, heard = Inbox(parts.bus, "hermes/#"), Inbox(other, "hermes/#")
        turns, listening = Turns(parts, source), asyncio.create_task(parts.assistant.run(source))
        await turns.speak()  # no broker at all
        assert parts.link.waiting > 0
        await broker.start()
        async with MqttLink(other, away.model_copy(update={"port": broker.port, "client_id": "other"})) as listener:
            await listener.wait_connected()
            await relay.join()
            await switch.until([True])
            await turns.speak()  # with it
            await parts.link.flush()  # nothing is on its way: that one could come twice
            await relay.cut()
            await broker.kill()
            await switch.until([True, False])
            await turns.speak()  # after its death
            await broker.start()
            await listener.wait_connected()
            await relay.join()
            await switch.until([True, False, True])
            await source.close()
            await listening
            await parts.bus.publish("hermes/end", b"end")
            await heard.until(b"end")
            await local.until(b"end")
        assert parts.link.dropped == 0
        topics = [message.topic for message in heard.messages]
        early = len(topics) - len(local.messages)  # what the parts said of themselves before anybody listened here
        assert {topic.rsplit("/", 1)[1] for topic in topics[:early]} <= {"loaded", "toggleOn"}
        assert topics[early:] == [message.topic for message in local.messages]
        assert heard.payloads[early:] == local.payloads
        await relay.cut()
        await broker.kill()
