"""Switch lights: publishes JSON on `home/lights/<room>/set`; asks for the room where none was said."""

from typing import Annotated

from voice.skill import Ask, Range, Reply, Skill

ROOMS = ("living room", "dining room", "kitchen", "bedroom", "bathroom", "hall", "office", "garage", "garden")

skill = Skill("lights", publishes=["home/lights/+/set"], description="Light on, off and its brightness, by room.")
skill.list("room", {**{room: room.replace(" ", "_") for room in ROOMS}, "hallway": "hall", "everywhere": "all"})
skill.rule("switch", "(turn|switch|put)")
skill.rule("lights", "(light|lights|lamp|lamps)")
skill.rule("the", "[the|my]")
skill.rule("percentage", "{percent} [percent]")


def _switch(room: str, change: dict[str, str | int]) -> None:
    skill.publish(f"home/lights/{room}/set", change)


def _spoken(room: str) -> str:
    return "everywhere" if room == "all" else f"in the {room.replace('_', ' ')}"


@skill.intent(
    "LightOn",
    "<switch> on <the> [{room}] <lights>",
    "<switch> <the> [{room}] <lights> on",
    "<switch> on <the> <lights> [in] <the> {room}",
    "<switch> <the> <lights> [in] <the> {room} on",
    "[{room}] <lights> on [in <the> {room}] [please]",
)
def light_on(room: str | None = None) -> Reply:
    """Switch on the lights of a room."""
    if room is None:
        return Ask("In which room?", expect=["ChooseRoom"], data={"state": "ON"})
    return choose_room(room, "ON")


@skill.intent(
    "LightOff",
    "<switch> off <the> [{room}] <lights>",
    "<switch> <the> [{room}] <lights> off",
    "<switch> off <the> <lights> [in] <the> {room}",
    "<switch> <the> <lights> [in] <the> {room} off",
    "[{room}] <lights> off [in <the> {room}] [please]",
)
def light_off(room: str | None = None) -> Reply:
    """Switch off the lights of a room."""
    if room is None:
        return Ask("In which room?", expect=["ChooseRoom"], data={"state": "OFF"})
    return choose_room(room, "OFF")


@skill.answer("ChooseRoom", "[in] <the> {room} [please]")
def choose_room(room: str, state: str) -> str:
    """Switch the lights of the room that was asked for."""
    _switch(room, {"state": state})
    return f"Light {state.lower()} {_spoken(room)}."


@skill.intent(
    "LightBrightness",
    "(dim|set|turn) <the> {room} <lights> to <percentage>",
    "(dim|set|turn) <the> <lights> in <the> {room} to <percentage>",
    "set <the> [{room}] brightness [in <the> {room}] to <percentage>",
)
def light_brightness(percent: Annotated[int, Range(10, 100, 10)], room: str = "all") -> str:
    """Set the brightness of a room's lights."""
    _switch(room, {"state": "ON", "brightness": percent})
    return f"Light at {percent} percent {_spoken(room)}."


skill.example(
    "turn on the kitchen light", "Light on in the kitchen.", published={"home/lights/kitchen/set": {"state": "ON"}}
)
skill.example("turn off the light", "In which room?", "the bedroom", "Light off in the bedroom.")
skill.example("set the hallway light to fifty percent", "Light at 50 percent in the hall.")
skill.example("turn on the news", None)
