"""Entities as Home Assistant's MQTT discovery announces them, for the skills that switch things.

Each stands in a retained message on `homeassistant/<component>/[<node>/]<object>/config`, or many of one device on
`homeassistant/device/<object>/config` (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery). Keys may be
abbreviated, `~` stands for a base topic, and an empty message takes an entity away.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voice.skill import Skill

COMMAND_TOPICS = [
    "home/#",
    "homeassistant/+/+/set",
    "homeassistant/+/+/+/set",
    "zigbee2mqtt/+/set",
    "zigbee2mqtt/+/set/+",
    "zigbee2mqtt/+/+/set",
    "cmnd/+/+",
    "+/+/+/command",
    "+/+/+/+/command",
    "shellies/+/relay/+/command",
]
"""Where the skills may publish: Zigbee2MQTT, Tasmota, ESPHome, Shelly, and what is written by hand. An entity whose
command topic is none of these is left out."""

ROOMS = ("living room", "dining room", "kitchen", "bedroom", "bathroom", "hall", "office", "garage", "garden")
"""Rooms that can be said before anything is announced."""

LONG = {
    "avty_t": "availability_topic",
    "bri_cmd_t": "brightness_command_topic",
    "bri_scl": "brightness_scale",
    "cmd_t": "command_topic",
    "cmps": "components",
    "curr_temp_t": "current_temperature_topic",
    "curr_temp_tpl": "current_temperature_template",
    "dev": "device",
    "dev_cla": "device_class",
    "mode_cmd_t": "mode_command_topic",
    "p": "platform",
    "pl_cls": "payload_close",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "pl_open": "payload_open",
    "pl_stop": "payload_stop",
    "pos_clsd": "position_closed",
    "pos_open": "position_open",
    "ret": "retain",
    "sa": "suggested_area",
    "set_pos_t": "set_position_topic",
    "stat_t": "state_topic",
    "temp_cmd_t": "temperature_command_topic",
}
MOST = 500
"""Entities of one skill; more are left out."""


@dataclass(frozen=True)
class Entity:
    """Something that can be switched or set."""

    names: tuple[str, ...]
    """How it can be called, in lower case, the best first."""
    area: str
    """Where it is, in lower case; empty where nobody says."""
    config: Mapping[str, Any]
    """Its announcement, with whole keys and topics."""

    def command(self, kind: str, payload: Any) -> tuple[str, Any, bool] | None:
        """Return topic, payload and whether to retain it; None where the entity has no such command.

        Args:
            kind: `command`, `brightness_command`, `set_position`, `temperature_command`, `mode_command`.
            payload: what to send; text as it is, anything else as JSON.
        """
        topic = self.config.get(f"{kind}_topic")
        return (topic, payload, self.config.get("retain") is True) if topic else None

    def text(self, key: str, default: str) -> str:
        """Return what the announcement says under `key`."""
        value = self.config.get(key, default)
        return value if isinstance(value, str) else default

    def number(self, key: str, default: int) -> float:
        """Return the number that the announcement says under `key`."""
        value = self.config.get(key, default)
        return value if isinstance(value, int | float) else default


class House:
    """The entities of some components.

    Args:
        skill: hears the announcements and publishes the commands.
        components: the kinds of entities that it controls: "light", "switch".
        changed: called when an entity has come, changed or gone.
    """

    def __init__(self, skill: Skill, components: Sequence[str], changed: Callable[[], None]) -> None:
        self._skill = skill
        self._components = components
        self._changed = changed
        self._found: dict[str, list[Entity]] = {}
        skill.on_message("homeassistant/{component}/{item}/config")(self.announced)
        skill.on_message("homeassistant/{component}/{node}/{item}/config")(self.announced)

    def forget(self) -> None:
        """Begin without entities."""
        self._found.clear()
        self._changed()

    def announced(self, component: str, item: str, payload: Any, node: str = "") -> None:
        """Take an announcement; one that is none is left out."""
        if component not in (*self._components, "device"):
            return
        key = f"{component}/{node}/{item}"
        before = self._found.pop(key, [])
        if isinstance(payload, dict) and len(self.entities) < MOST:
            after = [entity for entity in self._read(component, _whole(payload)) if self._may_command(entity)]
            self._found.update({key: after} if after else {})
        if before != self._found.get(key, []):
            self._changed()

    @property
    def entities(self) -> list[Entity]:
        """All of them."""
        return [entity for found in self._found.values() for entity in found]

    def named(self, name: str) -> list[Entity]:
        """Return the entities that are called so."""
        return [entity for entity in self.entities if name in entity.names]

    def within(self, area: str) -> list[Entity]:
        """Return the entities of an area; of all for an empty name."""
        return [entity for entity in self.entities if area in ("", entity.area)]

    @property
    def names(self) -> list[str]:
        """What entities are called."""
        return sorted({name for entity in self.entities for name in entity.names})

    @property
    def areas(self) -> list[str]:
        """Where entities are."""
        return sorted({entity.area for entity in self.entities if entity.area})

    def send(self, entity: Entity, kind: str, payload: Any) -> bool:
        """Command an entity; return False where it has no such command."""
        command = entity.command(kind, payload)
        if command is None:
            return False
        topic, payload, retain = command
        self._skill.publish(topic, payload, retain=retain)
        return True

    def _read(self, component: str, config: Mapping[str, Any]) -> list[Entity]:
        if component != "device":
            return [_entity(config)]
        parts = config.get("components")
        parts = parts.values() if isinstance(parts, dict) else ()
        shared = {key: value for key, value in config.items() if key != "components"}
        return [
            _entity({**shared, **part})
            for part in parts
            if isinstance(part, dict) and part.get("platform") in self._components
        ]

    def _may_command(self, entity: Entity) -> bool:
        topics = [value for key, value in entity.config.items() if re.search(r"(command|set_position)_topic$", key)]
        if not entity.names or not topics or entity.config.get("schema") == "template":
            return False
        return all(
            isinstance(topic, str) and any(_covers(pattern, topic) for pattern in self._skill.publishes)
            for topic in topics
        )


def _entity(config: Mapping[str, Any]) -> Entity:
    device = config.get("device")
    device = device if isinstance(device, dict) else {}
    own, whole = _plain(config.get("name")), _plain(device.get("name"))
    names = (own or whole, f"{whole} {own}".strip())
    return Entity(tuple(dict.fromkeys(filter(None, names))), _plain(device.get("suggested_area")), config)


def _plain(name: Any) -> str:
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", name.lower()).split()) if isinstance(name, str) else ""


def _whole(value: Any, base: str = "") -> Any:
    """Return an announcement with whole keys and topics."""
    if not isinstance(value, dict):
        return value
    base = value.get("~", base)
    whole = {LONG.get(key, key): _whole(item, base) for key, item in value.items() if key != "~"}
    return {key: _based(item, base) if key.endswith("_topic") else item for key, item in whole.items()}


def _based(topic: Any, base: Any) -> Any:
    if not isinstance(topic, str) or not isinstance(base, str):
        return topic
    return base + topic[1:] if topic.startswith("~") else topic[:-1] + base if topic.endswith("~") else topic


def _covers(pattern: str, topic: str) -> bool:
    """Return whether a topic filter matches a topic without wildcards."""
    regex = "/".join("[^/+#]+" if level == "+" else re.escape(level) for level in pattern.removesuffix("/#").split("/"))
    return re.fullmatch(regex + ("(/[^+#]*)?" if pattern.endswith("/#") else ""), topic) is not None
