"""Switch lights: those that Home Assistant's MQTT discovery announces, by name or room, and others over plain topics.

Where no announced light is in a room, JSON goes out on `home/lights/<room>/set`, as `{"state": "ON", "brightness": 50}`
(percent). Where no room was said, it is asked for.
"""

from typing import Annotated

from skills.discovery import COMMAND_TOPICS, ROOMS, Entity, House
from voice.skill import Ask, Range, Reply, Skill

skill = Skill("lights", publishes=COMMAND_TOPICS, description="Light on, off and its brightness, by room or name.")
skill.rule("switch", "(turn|switch|put)")
skill.rule("lights", "(light|lights|lamp|lamps)")
skill.rule("the", "[the|my]")
skill.rule("percentage", "{percent} [percent]")


def relist() -> None:
    """Let the rooms and the names of the announced lights be heard."""
    rooms = dict.fromkeys((*ROOMS, *house.areas))
    skill.list("room", {**{room: room.replace(" ", "_") for room in rooms}, "hallway": "hall", "everywhere": "all"})
    said_by_room = {f"{room} {kind}" for room in rooms for kind in ("light", "lights", "lamp", "lamps")}
    skill.list("lamp", [name for name in house.names if name not in said_by_room])


house = House(skill, ["light"], relist)
relist()


@skill.on_start
def begin() -> None:
    """Know no lights but those that are announced from now on."""
    house.forget()


@skill.intent(
    "LightOn",
    "<switch> on <the> [{room}] <lights>",
    "<switch> <the> [{room}] <lights> on",
    "<switch> on <the> <lights> in <the> {room}",
    "<switch> <the> <lights> in <the> {room} on",
    "[{room}] <lights> on [in <the> {room}] [please]",
    "<switch> on <the> {lamp} [please]",
    "<switch> <the> {lamp} on [please]",
    ("<switch> on all [of] <the> lights", {"room": "all"}),
)
def light_on(room: str | None = None, lamp: str | None = None) -> Reply:
    """Switch on a light, or the lights of a room."""
    if lamp:
        return _named(lamp, "ON")
    if room is None:
        return Ask("In which room?", expect=["ChooseRoom"], data={"state": "ON"})
    return choose_room(room, "ON")


@skill.intent(
    "LightOff",
    "<switch> off <the> [{room}] <lights>",
    "<switch> <the> [{room}] <lights> off",
    "<switch> off <the> <lights> in <the> {room}",
    "<switch> <the> <lights> in <the> {room} off",
    "[{room}] <lights> off [in <the> {room}] [please]",
    "<switch> off <the> {lamp} [please]",
    "<switch> <the> {lamp} off [please]",
    ("<switch> off all [of] <the> lights", {"room": "all"}),
)
def light_off(room: str | None = None, lamp: str | None = None) -> Reply:
    """Switch off a light, or the lights of a room."""
    if lamp:
        return _named(lamp, "OFF")
    if room is None:
        return Ask("In which room?", expect=["ChooseRoom"], data={"state": "OFF"})
    return choose_room(room, "OFF")


@skill.answer("ChooseRoom", "[in] <the> {room} [please]")
def choose_room(room: str, state: str) -> str:
    """Switch the lights of the room that was asked for."""
    _switch(room, state)
    return f"Light {state.lower()} {_spoken(room)}."


@skill.intent(
    "LightBrightness",
    "(dim|set|turn) <the> {room} <lights> to <percentage>",
    "(dim|set|turn) <the> <lights> in <the> {room} to <percentage>",
    "set <the> [{room}] brightness [in <the> {room}] to <percentage>",
    "(dim|set|turn) <the> {lamp} to <percentage>",
)
def light_brightness(percent: Annotated[int, Range(10, 100, 10)], room: str = "all", lamp: str | None = None) -> str:
    """Set the brightness of a light, or of a room's lights."""
    if lamp:
        return _named(lamp, "ON", percent)
    _switch(room, "ON", percent)
    return f"Light at {percent} percent {_spoken(room)}."


def _named(lamp: str, state: str, percent: int | None = None) -> str:
    for entity in house.named(lamp):
        _command(entity, state, percent)
    return f"{lamp.capitalize()} {f'at {percent} percent' if percent else state.lower()}."


def _switch(room: str, state: str, percent: int | None = None) -> None:
    found = house.within("" if room == "all" else room.replace("_", " "))
    for entity in found:
        _command(entity, state, percent)
    if not found:
        skill.publish(f"home/lights/{room}/set", {"state": state} | ({"brightness": percent} if percent else {}))


def _command(entity: Entity, state: str, percent: int | None) -> None:
    scaled = None if percent is None else round(percent * entity.number("brightness_scale", 255) / 100)
    if entity.config.get("schema") == "json":
        house.send(entity, "command", {"state": state} | ({} if scaled is None else {"brightness": scaled}))
        return
    if scaled is not None:
        house.send(entity, "brightness_command", str(scaled))
    house.send(entity, "command", entity.text(f"payload_{state.lower()}", state))


def _spoken(room: str) -> str:
    return "everywhere" if room == "all" else f"in the {room.replace('_', ' ')}"


skill.example(
    "turn on the kitchen light", "Light on in the kitchen.", published={"home/lights/kitchen/set": {"state": "ON"}}
)
skill.example("turn off the light", "In which room?", "the bedroom", "Light off in the bedroom.")
skill.example("set the hallway light to fifty percent", "Light at 50 percent in the hall.")
skill.example("turn on the news", None)
