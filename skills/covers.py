"""Open and close blinds, shutters, curtains, doors and gates, announced by Home Assistant's MQTT discovery or not.

What was not announced gets JSON on `home/covers/<room>/<kind>/set`, as `{"action": "open"}`, or `close`, `stop`, or
`{"position": 50}` (percent open); the room is `all` where none was said. What lets people in opens after a question.
"""

from typing import Annotated

from skills.discovery import COMMAND_TOPICS, ROOMS, Entity, House
from voice.skill import Ask, Range, Reply, Skill

KINDS = {"blinds": "blind", "shutters": "shutter", "curtains": "curtain", "shades": "shade", "awning": "awning"}
DOORS = ("garage door", "gate")

skill = Skill("covers", publishes=COMMAND_TOPICS, description="Blinds, curtains, garage door: open, close, position.")
skill.rule("the", "[the|my|all the]")
skill.rule("cover", "((<the> [{room}] {kind}|the [{room}] {one:kind}) [in <the> {room}]|<the> {cover})")


def relist() -> None:
    """Let the rooms and names of the announced covers be heard."""
    skill.list("room", {room: room.replace(" ", "_") for room in dict.fromkeys((*ROOMS, *house.areas))})
    skill.list("kind", [*KINDS])
    skill.list("one", {one: name for name, one in KINDS.items()})
    skill.list("cover", [*dict.fromkeys((*DOORS, *house.names))])


house = House(skill, ["cover"], relist)
relist()


@skill.on_start
def begin() -> None:
    """Know no covers but those that are announced from now on."""
    house.forget()


@skill.intent("CoverOpen", "(open|raise|pull up|draw up) <cover> [please]", "<cover> up", "put <cover> up")
def cover_open(room: str = "", kind: str = "", cover: str = "") -> Reply:
    """Open a cover; ask first where people could come in."""
    if _lets_in(cover):
        return Ask(f"Really open the {cover}?", expect=["Yes", "No"], data={"cover": cover})
    return _move(room, kind, cover, "open")


@skill.answer("Yes")
def let_in(cover: str) -> str:
    """Open the door that was asked for."""
    return _move("", "", cover, "open")


@skill.answer("No")
def keep_out() -> str:
    """Leave it closed."""
    return "It stays closed."


@skill.intent(
    "CoverClose", "(close|shut|lower|pull down|draw) <cover> [please]", "<cover> down", "(put|let) <cover> down"
)
def cover_close(room: str = "", kind: str = "", cover: str = "") -> str:
    """Close a cover."""
    return _move(room, kind, cover, "close")


@skill.intent("CoverStop", "(stop|halt) <cover> [please]")
def cover_stop(room: str = "", kind: str = "", cover: str = "") -> str:
    """Stop a cover where it is."""
    return _move(room, kind, cover, "stop")


@skill.intent(
    "CoverPosition",
    "(set|move|open|close|put) <cover> to {percent} [percent]",
    ("(open|close) <cover> (halfway|half way)", {"percent": 50}),
)
def cover_position(percent: Annotated[int, Range(0, 100, 5)], room: str = "", kind: str = "", cover: str = "") -> str:
    """Open a cover so far: 0 is closed."""
    if _lets_in(cover) and percent:
        return "I only open that as a whole, after asking."
    return _move(room, kind, cover, "position", percent)


def _lets_in(cover: str) -> bool:
    classes = {entity.config.get("device_class") for entity in house.named(cover)}
    return cover in DOORS or bool(classes & {"door", "garage", "gate"})


def _move(room: str, kind: str, cover: str, action: str, percent: int = 0) -> str:
    for entity in (found := _found(room, kind, cover)):
        _command(entity, action, percent)
    if not found:
        place = f"{room or 'all'}/{(kind or cover).replace(' ', '_')}"
        skill.publish(f"home/covers/{place}/set", {"position": percent} if action == "position" else {"action": action})
    told = f"{room.replace('_', ' ')} {kind or cover}".strip().capitalize()
    done = {"open": "opening", "close": "closing", "stop": "stopped", "position": f"at {percent} percent"}
    return f"{told} {done[action]}."


def _found(room: str, kind: str, cover: str) -> list[Entity]:
    if cover:
        return house.named(cover)
    one = KINDS[kind]
    return [
        entity
        for entity in house.within(room.replace("_", " "))
        if entity.config.get("device_class", one) == one or one in entity.names[0]
    ]


def _command(entity: Entity, action: str, percent: int) -> None:
    if action != "position":
        house.send(entity, "command", entity.text(f"payload_{action}", action.upper()))
        return
    shut, wide = entity.number("position_closed", 0), entity.number("position_open", 100)
    house.send(entity, "set_position", str(round(shut + (wide - shut) * percent / 100)))


skill.example(
    "close the bedroom blinds",
    "Bedroom blinds closing.",
    published={"home/covers/bedroom/blinds/set": {"action": "close"}},
)
skill.example("open the garage door", "Really open the garage door?", "no", "It stays closed.")
skill.example("set the shutters to fifty percent", "Shutters at 50 percent.")
skill.example("open your mind", None)
