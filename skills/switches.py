"""Switch plugs, fans and machines: those that Home Assistant's MQTT discovery announces, and others over plain topics.

What was not announced gets JSON on `home/switches/<name>/set`, as `{"state": "ON"}`.
"""

from skills.discovery import COMMAND_TOPICS, House
from voice.skill import Skill

USUAL = (
    "air purifier", "boiler", "christmas tree", "coffee machine", "dehumidifier", "dishwasher", "fan", "fountain",
    "heater", "humidifier", "kettle", "plug", "printer", "pump", "sprinkler", "stove", "television", "toaster",
    "washing machine",
)  # fmt: skip
"""What many houses have, whether it was announced or not."""

skill = Skill("switches", publishes=COMMAND_TOPICS, description="Plugs, fans and machines on and off, by name.")
skill.rule("switch", "(turn|switch|put)")
skill.rule("the", "[the|my]")


def relist() -> None:
    """Let the names of the announced switches be heard."""
    names = dict.fromkeys((*USUAL, *house.names))
    skill.list("device", {**{name: name for name in names}, "t v": "television", "tv": "television"})


house = House(skill, ["switch", "fan"], relist)
relist()


@skill.on_start
def begin() -> None:
    """Know no switches but those that are announced from now on."""
    house.forget()


@skill.intent(
    "SwitchOn",
    "<switch> on <the> {device} [please]",
    "<switch> <the> {device} on [please]",
    "start the {device} [please]",
    "{device} on [please]",
)
def switch_on(device: str) -> str:
    """Switch a device on."""
    return _switch(device, "ON")


@skill.intent(
    "SwitchOff",
    "<switch> off <the> {device} [please]",
    "<switch> <the> {device} off [please]",
    "shut off <the> {device} [please]",
    "{device} off [please]",
)
def switch_off(device: str) -> str:
    """Switch a device off."""
    return _switch(device, "OFF")


def _switch(device: str, state: str) -> str:
    found = house.named(device)
    for entity in found:
        house.send(entity, "command", entity.text(f"payload_{state.lower()}", state))
    if not found:
        skill.publish(f"home/switches/{device.replace(' ', '_')}/set", {"state": state})
    return f"{device.capitalize()} {state.lower()}."


skill.example("turn on the fan", "Fan on.", published={"home/switches/fan/set": {"state": "ON"}})
skill.example("switch the coffee machine off please", "Coffee machine off.")
skill.example("turn on the charm", None)
