"""Entities that Home Assistant's MQTT discovery announces, and what the skills send them."""

import json

import pytest

from skills import climate, covers, lights, switches
from voice.skill import Rehearsal


@pytest.fixture
async def stage():
    async with Rehearsal(lights.skill, switches.skill, covers.skill, climate.skill) as rehearsal:
        yield rehearsal


async def announce(stage, topic, payload):
    await stage.bus.publish(
        f"homeassistant/{topic}/config", json.dumps(payload).encode() if payload else b"", retain=True
    )
    await stage.settle()


async def sent(stage, text):
    """Return the reply to a sentence and what it published."""
    stage.published.clear()
    reply = await stage.say(text)
    assert stage.errors == []
    return reply, stage.published


KITCHEN = {
    "name": None,
    "schema": "json",
    "brightness": True,
    "brightness_scale": 254,
    "command_topic": "zigbee2mqtt/kitchen/set",
    "state_topic": "zigbee2mqtt/kitchen",
    "device": {"name": "Kitchen Lamp", "suggested_area": "Kitchen", "identifiers": ["a"]},
}


async def test_a_room_s_lights_are_those_announced_there(stage):
    await announce(stage, "light/0x00158/light", KITCHEN)
    assert await sent(stage, "turn on the kitchen light") == (
        "Light on in the kitchen.",
        [("zigbee2mqtt/kitchen/set", {"state": "ON"})],
    )
    assert (await sent(stage, "dim the kitchen lights to fifty percent"))[1] == [
        ("zigbee2mqtt/kitchen/set", {"state": "ON", "brightness": 127})
    ]
    assert (await sent(stage, "turn off the bedroom light"))[1] == [("home/lights/bedroom/set", {"state": "OFF"})]


async def test_a_light_has_a_name(stage):
    assert await stage.say("turn on the reading lamp") is None
    await announce(
        stage,
        "light/reading",
        {"name": "Reading Lamp", "cmd_t": "~/POWER", "bri_cmd_t": "~/Dimmer", "bri_scl": 100, "~": "cmnd/lamp3"},
    )
    assert await sent(stage, "turn on the reading lamp") == ("Reading lamp on.", [("cmnd/lamp3/POWER", "ON")])
    assert await sent(stage, "dim the reading lamp to thirty percent") == (
        "Reading lamp at 30 percent.",
        [("cmnd/lamp3/Dimmer", 30), ("cmnd/lamp3/POWER", "ON")],
    )


async def test_an_area_that_is_new_can_be_said(stage):
    assert stage.parse("turn on the lights in the library") is None
    await announce(stage, "light/b", KITCHEN | {"device": {"name": "Shelf", "sa": "Library"}})
    assert (await sent(stage, "turn on the lights in the library"))[1] == [("zigbee2mqtt/kitchen/set", {"state": "ON"})]


async def test_everywhere_is_every_announced_light(stage):
    await announce(stage, "light/a", KITCHEN)
    await announce(stage, "light/b", KITCHEN | {"command_topic": "zigbee2mqtt/hall/set", "device": {"name": "Hall"}})
    assert {topic for topic, _ in (await sent(stage, "turn off all the lights"))[1]} == {
        "zigbee2mqtt/kitchen/set",
        "zigbee2mqtt/hall/set",
    }


async def test_an_empty_message_takes_it_away(stage):
    await announce(stage, "light/a", KITCHEN)
    await announce(stage, "light/a", None)
    assert (await sent(stage, "turn on the kitchen light"))[1] == [("home/lights/kitchen/set", {"state": "ON"})]


async def test_a_switch_with_its_own_payloads(stage):
    await announce(
        stage,
        "switch/garden/pump",
        {
            "name": "Pond pump",
            "command_topic": "home/pond/set",
            "payload_on": "go",
            "payload_off": "halt",
            "retain": True,
        },
    )
    assert await sent(stage, "switch the pond pump off") == ("Pond pump off.", [("home/pond/set", "halt")])


async def test_a_device_announces_many_at_once(stage):
    await announce(
        stage,
        "device/strip",
        {
            "dev": {"name": "Desk strip"},
            "o": {"name": "test"},
            "cmps": {
                "one": {"p": "switch", "name": "Left", "cmd_t": "home/strip/1"},
                "two": {"p": "switch", "name": "Right", "cmd_t": "home/strip/2"},
                "three": {"p": "sensor", "name": "Power", "stat_t": "home/strip/power"},
            },
        },
    )
    assert (await sent(stage, "turn on the desk strip left"))[1] == [("home/strip/1", "ON")]
    assert (await sent(stage, "turn on the right"))[1] == [("home/strip/2", "ON")]


async def test_covers_of_a_room_and_by_name(stage):
    await announce(
        stage,
        "cover/blind",
        {
            "name": "Blind",
            "device_class": "blind",
            "cmd_t": "home/blind/set",
            "set_pos_t": "home/blind/position",
            "dev": {"name": "Bedroom", "sa": "Bedroom"},
        },
    )
    assert (await sent(stage, "close the bedroom blinds"))[1] == [("home/blind/set", "CLOSE")]
    assert (await sent(stage, "set the blinds to thirty percent"))[1] == [("home/blind/position", 30)]
    assert (await sent(stage, "open the bedroom blind"))[1] == [("home/blind/set", "OPEN")]


async def test_what_lets_people_in_opens_after_a_question(stage):
    await announce(stage, "cover/d", {"name": "Barn", "device_class": "garage", "command_topic": "home/barn/set"})
    assert await sent(stage, "open the barn") == ("Really open the barn?", [])
    assert await sent(stage, "yes") == ("Barn opening.", [("home/barn/set", "OPEN")])
    assert await sent(stage, "open the barn to fifty percent") == ("I only open that as a whole, after asking.", [])


async def test_a_thermostat_is_set_and_says_how_warm_it_is(stage):
    await announce(
        stage,
        "climate/t",
        {
            "name": None,
            "temp_cmd_t": "zigbee2mqtt/radiator/set",
            "mode_cmd_t": "zigbee2mqtt/radiator/set/mode",
            "curr_temp_t": "zigbee2mqtt/radiator",
            "curr_temp_tpl": "{{ value_json.local_temperature }}",
            "dev": {"name": "Radiator", "sa": "Office"},
        },
    )
    assert (await sent(stage, "set the office heating to twenty one degrees"))[1] == [("zigbee2mqtt/radiator/set", 21)]
    assert (await sent(stage, "make it warmer in the office"))[1] == [("zigbee2mqtt/radiator/set", 22)]
    assert (await sent(stage, "turn the heating off"))[1] == [("zigbee2mqtt/radiator/set/mode", "off")]
    await stage.bus.publish("zigbee2mqtt/radiator", b'{"local_temperature": 19.5}')
    await stage.bus.publish("zigbee2mqtt/door", b'{"local_temperature": 5}')
    await stage.bus.publish("home/climate/hall/temperature", b"17")
    await stage.settle()
    assert (await sent(stage, "how warm is it in the office"))[0] == "It is 19.5 degrees in the office."
    assert (await sent(stage, "what's the temperature"))[0] == (
        "It is 19.5 degrees in the office. It is 17 degrees in the hall."
    )


@pytest.mark.parametrize(
    "payload",
    [
        "light",
        ["light"],
        {},
        {"name": "Odd lamp"},
        {"name": 5, "command_topic": "home/x"},
        {"name": "Odd lamp", "command_topic": 5},
        {"name": "Odd lamp", "command_topic": "secret/door"},
        {"name": "Odd lamp", "command_topic": "home/+/set"},
        {"name": "Odd lamp", "command_topic": "~/set", "~": ["home"]},
        {"name": "Odd lamp", "command_topic": "home/x", "device": "lamp", "schema": "template"},
    ],
)
async def test_a_bad_announcement_is_left_out(stage, payload):
    await announce(stage, "light/odd", payload)
    assert stage.errors == []
    assert await stage.say("turn on the odd lamp") is None
