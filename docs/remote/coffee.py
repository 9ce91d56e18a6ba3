"""A remote skill in Python: `pip install paho-mqtt`, then `python coffee.py [HOST [PORT]]`.

Try it: "make me a big coffee", or "make me something to drink" and "a tea please" after the question.
"""

import json
import sys

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

REGISTER = "earshot/skill/coffee-py/register"
SKILL = {
    "intents": {"BrewCoffee": ["(make|brew) [me] [a] <size> {drink}", "(make|brew) me something [hot] to drink"]},
    "lists": {"drink": ["coffee", "tea"]},
    "rules": {"size": "[(small|big)]"},
}


def connected(client, _data, _flags, _reason, _properties):
    """Subscribe and register; both again after each reconnect."""
    client.subscribe("hermes/intent/BrewCoffee", qos=1)
    client.publish(REGISTER, json.dumps(SKILL), qos=1, retain=True)
    print("ready", flush=True)


def heard(client, _data, message):
    """Answer an intent."""
    intent = json.loads(message.payload)
    slots = {slot["slotName"]: slot["value"]["value"] for slot in intent["slots"]}
    if "drink" not in slots:
        only = {"intentFilter": ["BrewCoffee"], "slot": "drink"}
        reply(client, "continueSession", intent, text="Coffee or tea?", **only)
    else:
        reply(client, "endSession", intent, text=f"Your {slots['drink']} is on its way.")


def reply(client, what, intent, **fields):
    """Publish an answer in the session of an intent."""
    payload = json.dumps({"sessionId": intent["sessionId"], **fields})
    client.publish(f"hermes/dialogueManager/{what}", payload, qos=1)


client = Client(CallbackAPIVersion.VERSION2)
client.will_set(REGISTER, b"", qos=1, retain=True)  # a program that dies takes its sentences along
client.on_connect, client.on_message = connected, heard
client.connect(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 1883)
client.loop_forever()
