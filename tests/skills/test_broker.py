"""The skills on a real broker: what was announced before they came is known, and commands arrive."""

import asyncio
import json

from skills.lights import skill
from tests.bus.inbox import Inbox
from voice.bus.broker import EmbeddedBroker
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.bus.topics import HermesSlot, IntentMessage, IntentName, SlotValue, send
from voice.skill.host import SkillHost

LAMP = {"name": "Reading lamp", "command_topic": "zigbee2mqtt/reading/set", "device": {"suggested_area": "Office"}}


async def test_a_retained_announcement_and_a_command_over_the_broker():
    async with EmbeddedBroker(BrokerSettings(port=0)) as broker, LocalBus() as house, asyncio.timeout(20):
        settings = broker.settings
        async with MqttLink(house, settings.model_copy(update={"client_id": "house"})) as link:
            link.share("#")
            await link.wait_connected()
            await house.publish("homeassistant/light/reading/config", json.dumps(LAMP).encode(), retain=True)
            await link.flush()
            heard = Inbox(house, "zigbee2mqtt/#")
            async with LocalBus() as hub:
                known = asyncio.Event()
                host = SkillHost(hub, [skill])
                host.on_lists = lambda _skill, name: known.set() if skill.lists["lamp"] else None
                async with MqttLink(hub, settings.model_copy(update={"client_id": "assistant"})) as mine:
                    for topic in skill.topics:
                        mine.share(topic)
                    await known.wait()
                    slot = HermesSlot(slot_name="room", raw_value="office", value=SlotValue(value="office"))
                    intent = IntentName(intent_name="LightOn", confidence_score=1.0)
                    await send(hub, IntentMessage(input="turn on the office light", intent=intent, slots=[slot]))
                    await heard.until(b"ON")
                await host.close()
    assert [(message.topic, message.payload) for message in heard.messages] == [("zigbee2mqtt/reading/set", b"ON")]
