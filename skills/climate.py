"""Heating and air conditioning, announced by Home Assistant's MQTT discovery or not: warmer, cooler, on, off, how warm.

What was not announced gets JSON on `home/climate/<room>/set`, as `{"temperature": 21}`, `{"change": 1}` (degrees) or
`{"mode": "heat"}`, `{"mode": "off"}`; the room is `all` where none was said. How warm it is comes from
`home/climate/<room>/temperature`, a plain number, or from the topic that an announcement names.
"""

import re
from typing import Annotated, Any

from skills.discovery import COMMAND_TOPICS, ROOMS, Entity, House
from voice.skill import Range, Skill

STEP = 1
"""Degrees that "warmer" means."""

skill = Skill("climate", publishes=COMMAND_TOPICS, description="Heating: degrees, warmer, cooler, on, off, how warm.")
skill.rule("heating", "(heating|thermostat|temperature|heat)")
skill.rule("in_room", "[in the {room}]")

_measured: dict[str, float] = {}
"""Room, or topic of an announcement -> degrees."""
_wanted: dict[str, float] = {}
"""Room -> the degrees that were set last."""


def relist() -> None:
    """Let the rooms of the announced thermostats be heard."""
    skill.list("room", {room: room.replace(" ", "_") for room in dict.fromkeys((*ROOMS, *house.areas))})


house = House(skill, ["climate"], relist)
relist()


@skill.on_start
def begin() -> None:
    """Know nothing but what is announced and measured from now on."""
    _measured.clear()
    _wanted.clear()
    house.forget()


@skill.on_message("home/climate/{room}/temperature")
def measured(room: str, payload: Any) -> None:
    """Note how warm a room is."""
    if isinstance(payload, int | float):
        _measured[room] = float(payload)


@skill.on_message("zigbee2mqtt/{device}")
def reported(device: str, payload: Any) -> None:
    """Note what a thermostat of Zigbee2MQTT reports."""
    _note(f"zigbee2mqtt/{device}", payload)


@skill.on_message("{node}/climate/{item}/current_temperature/state")
def reported_by_esphome(node: str, item: str, payload: Any) -> None:
    """Note what a thermostat of ESPHome reports."""
    _note(f"{node}/climate/{item}/current_temperature/state", payload)


@skill.intent(
    "ClimateSet",
    "(set|turn|put|change) the [{room}] <heating> <in_room> to {degrees} [degrees] [please]",
    "(make it|heat it to|heat up to|cool down to) {degrees} degrees <in_room> [please]",
    "heat the {room} to {degrees} degrees",
    "(set|make) the {room} (to|at) {degrees} degrees",
)
def climate_set(degrees: Annotated[int, Range(5, 90)], room: str = "all") -> str:
    """Set the temperature that shall be kept."""
    found = house.within("" if room == "all" else room.replace("_", " "))
    for entity in found:
        house.send(entity, "temperature_command", str(degrees))
    if not found:
        skill.publish(f"home/climate/{room}/set", {"temperature": degrees})
    _wanted[room] = degrees
    return f"{degrees} degrees{_in(room)}."


@skill.intent(
    "ClimateWarmer",
    "(make it|turn it) [a bit|a little] warmer <in_room> [please]",
    "[it is|it's] too cold <in_room>",
    "turn up the [{room}] (heating|heat|thermostat) <in_room>",
    "turn the [{room}] (heating|heat|thermostat) up",
    "(i am|i'm) cold",
)
def climate_warmer(room: str = "all") -> str:
    """Heat more."""
    return _change(room, STEP)


@skill.intent(
    "ClimateCooler",
    "(make it|turn it) [a bit|a little] (cooler|colder) <in_room> [please]",
    "[it is|it's] too (warm|hot) <in_room>",
    "turn down the [{room}] (heating|heat|thermostat) <in_room>",
    "turn the [{room}] (heating|heat|thermostat) down",
    "(i am|i'm) (hot|sweating)",
)
def climate_cooler(room: str = "all") -> str:
    """Heat less."""
    return _change(room, -STEP)


@skill.intent(
    "ClimateOn",
    "(turn|switch) on the [{room}] (heating|heat|thermostat) <in_room>",
    "(turn|switch) the [{room}] heating on",
)
def climate_on(room: str = "all") -> str:
    """Switch the heating on."""
    return _mode(room, "heat")


@skill.intent(
    "ClimateOff",
    "(turn|switch) off the [{room}] (heating|heat|thermostat) <in_room>",
    "(turn|switch) the [{room}] heating off",
)
def climate_off(room: str = "all") -> str:
    """Switch the heating off."""
    return _mode(room, "off")


@skill.intent(
    "ClimateGet",
    "(what is|what's|tell me) the [{room}] temperature <in_room>",
    "how (warm|cold|hot) is it <in_room>",
    "how (warm|cold|hot) is the {room}",
    "what temperature is it <in_room>",
)
def climate_get(room: str = "all") -> str:
    """Say how warm it is."""
    found = {where: degrees for where, degrees in _temperatures().items() if room in ("all", where)}
    if not found:
        return f"I don't know the temperature{_in(room)}."
    return " ".join(f"It is {degrees:.1f} degrees{_in(where)}.".replace(".0 ", " ") for where, degrees in found.items())


def _change(room: str, step: int) -> str:
    found = house.within("" if room == "all" else room.replace("_", " "))
    known = _wanted.get(room, _wanted.get("all"))
    if found or known is not None:
        return climate_set(round(_temperatures().get(room, 20) if known is None else known) + step, room)
    skill.publish(f"home/climate/{room}/set", {"change": step})
    return f"{'Warmer' if step > 0 else 'Cooler'}{_in(room)}."


def _mode(room: str, mode: str) -> str:
    found = house.within("" if room == "all" else room.replace("_", " "))
    for entity in found:
        house.send(entity, "mode_command", mode)
    if not found:
        skill.publish(f"home/climate/{room}/set", {"mode": mode})
    return f"Heating {'off' if mode == 'off' else 'on'}{_in(room)}."


def _note(topic: str, payload: Any) -> None:
    """Note a temperature, where an announced thermostat measures on this topic."""
    for entity in house.entities:
        if entity.config.get("current_temperature_topic") != topic:
            continue
        key = re.search(r"value_json\.(\w+)", str(entity.config.get("current_temperature_template", "")))
        value = payload.get(key[1]) if key and isinstance(payload, dict) else payload
        if isinstance(value, int | float):
            _measured[topic] = float(value)


def _temperatures() -> dict[str, float]:
    """Return room -> degrees, as far as somebody measures it."""
    topics = {entity.config.get("current_temperature_topic"): entity for entity in house.entities}
    return {_room(topics.get(where), where): degrees for where, degrees in _measured.items()}


def _room(entity: Entity | None, where: str) -> str:
    return where if entity is None else (entity.area or entity.names[0]).replace(" ", "_")


def _in(room: str) -> str:
    return "" if room == "all" else f" in the {room.replace('_', ' ')}"


skill.example(
    "set the heating to twenty one degrees", "21 degrees.", published={"home/climate/all/set": {"temperature": 21}}
)
skill.example("it's too cold in the bedroom", "Warmer in the bedroom.")
skill.example("how warm is it in the kitchen", "I don't know the temperature in the kitchen.")
skill.example("how warm is the sun", None)
