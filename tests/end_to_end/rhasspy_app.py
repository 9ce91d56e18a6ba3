"""A program as rhasspy-hermes-app's users write them, on raw MQTT: rhasspy-hermes' messages, a decorator, an intent."""

import json
import sys
from collections.abc import Callable

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from rhasspyhermes.dialogue import DialogueEndSession
from rhasspyhermes.nlu import NluIntent

HANDLERS: dict[str, Callable] = {}


def on_intent(name: str) -> Callable:
    def note(handler: Callable) -> Callable:
        HANDLERS[NluIntent.topic(intent_name=name)] = handler
        return handler

    return note


@on_intent("BrewTea")
def brew(intent: NluIntent) -> str:
    assert intent.session_id
    (slot,) = intent.slots
    return f"{intent.site_id}: {slot.slot_name} {slot.value['value']} {slot.confidence:.1f}"


def heard(client: Client, _data: object, message: object) -> None:
    intent = NluIntent.from_dict(json.loads(message.payload))
    answer = DialogueEndSession(session_id=intent.session_id, text=HANDLERS[message.topic](intent))
    client.publish(DialogueEndSession.topic(), answer.payload())


client = Client(CallbackAPIVersion.VERSION2)
client.on_message = heard
client.on_connect = lambda client, *_: client.subscribe([(topic, 0) for topic in HANDLERS])
client.on_subscribe = lambda *_: print("ready", flush=True)
client.connect(sys.argv[1], int(sys.argv[2]))
client.loop_forever()
