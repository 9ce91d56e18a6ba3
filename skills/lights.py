"""Switch lights: publishes JSON on `home/lights/<room>/set`; asks for the room where none was said."""

from typing import Annotated

from voice.skill import Ask, Range, Reply, Skill

skill = Skill("lights", publishes=["home/lights/+/set"])
skill.list(
    "room",
    {
        **{
            name: name.replace(" ", "_") for name in ("living room", "kitchen", "bedroom", "bathroom", "hall", "office")
        },
        **{name: name.replace(" ", "_") for name in ("garage", "garden", "dining room")},
        "hallway": "hall",
        "everywhere": "all",
    },
)
skill.rule("switch", "(turn|switch|put)")
skill.rule("lights", "(light|lights|lamp|lamps)")


def _switch(room: str, change: dict[str, str | int]) -> None:
    skill.publish(f"home/lights/{room}/set", change)


def _spoken(room: str) -> str:
    return "everywhere" if room == "all" else f"in the {room.replace('_', ' ')}"


@skill.intent(
    "LightOn",
    "<switch> on [the] <lights>",
    "<switch> [the] <lights> on",
    "<switch> on [the] {room} <lights>",
    "<switch> [the] {room} <lights> on",
    "<switch> on [the] <lights> in [the] {room}",
    "{room} <lights> on",
    "<lights> on [in the {room}]",
)
def light_on(room: str | None = None) -> Reply:
    """Switch on the lights of a room."""
    if room is None:
        return Ask("In which room?", expect=["ChooseRoom"], data={"state": "ON"})
    _switch(room, {"state": "ON"})
    return f"Light on {_spoken(room)}."


@skill.intent(
    "LightOff",
    "<switch> off [the] <lights>",
    "<switch> [the] <lights> off",
    "<switch> off [the] {room} <lights>",
    "<switch> [the] {room} <lights> off",
    "<switch> off [the] <lights> in [the] {room}",
    "{room} <lights> off",
    "<lights> off [in the {room}]",
)
def light_off(room: str | None = None) -> Reply:
    """Switch off the lights of a room."""
    if room is None:
        return Ask("In which room?", expect=["ChooseRoom"], data={"state": "OFF"})
    _switch(room, {"state": "OFF"})
    return f"Light off {_spoken(room)}."


@skill.answer("ChooseRoom", "[in] [the] {room}", "[in] [the] {room} please")
def choose_room(room: str, state: str) -> Reply:
    """Answer the question for the room."""
    _switch(room, {"state": state})
    return f"Light {state.lower()} {_spoken(room)}."


@skill.intent(
    "LightBrightness",
    "(dim|set) [the] {room} <lights> to {percent} [percent]",
    "(dim|set) [the] <lights> in [the] {room} to {percent} [percent]",
    "set [the] brightness in [the] {room} to {percent} [percent]",
)
def light_brightness(room: str, percent: Annotated[int, Range(10, 100, 10)]) -> str:
    """Set the brightness of a room's lights."""
    _switch(room, {"state": "ON", "brightness": percent})
    return f"Light at {percent} percent {_spoken(room)}."
