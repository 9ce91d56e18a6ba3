"""`voice mqtt`: what passes through the broker, and the documents of the protocol."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import ConfigFile, emit

if TYPE_CHECKING:
    from voice.bus.base import Message
    from voice.bus.settings import BrokerSettings

_SHOWN = 400  # characters of a payload on a line


def register(app: typer.Typer) -> None:
    """Add `voice mqtt watch|protocol|schemas|asyncapi`."""
    mqtt = typer.Typer(help="Look at the bus.", no_args_is_help=True)
    mqtt.command("watch")(watch)
    mqtt.command("protocol")(protocol)
    mqtt.command("schemas")(schemas)
    mqtt.command("asyncapi")(asyncapi)
    app.add_typer(mqtt, name="mqtt")


def watch(
    config: ConfigFile = None,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="The broker, instead of the configured one.")
    ] = None,
    topic_filter: Annotated[str, typer.Option("--filter", help="MQTT topic filter.")] = "hermes/#",
    username: Annotated[str | None, typer.Option(help="User; its password comes from EARSHOT_MQTT_PASSWORD.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many messages.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
) -> None:
    """Print every message on the broker, until Ctrl-C."""
    from voice.config import load_config  # noqa: PLC0415 - keeps `voice --help` fast

    settings = load_config(config).broker
    settings = settings if broker in (None, "embedded") else settings.at(broker)
    if username is not None:
        settings = settings.model_copy(update={"username": username})
    asyncio.run(_watch(settings, topic_filter, count, as_json=as_json))


def protocol() -> None:
    """Print the topics and their fields in Markdown: `docs/protocol.md`."""
    from voice.bus.topics import document  # noqa: PLC0415 - keeps `voice --help` fast

    typer.echo(document.protocol(), nl=False)


def schemas() -> None:
    """Print every message as JSON Schema: `docs/schemas.json`."""
    from voice.bus.topics import schemas as documents  # noqa: PLC0415 - keeps `voice --help` fast

    typer.echo(documents.json_schemas(), nl=False)


def asyncapi() -> None:
    """Print the topics as an AsyncAPI document: `docs/asyncapi.yaml`."""
    from voice.bus.topics import schemas as documents  # noqa: PLC0415 - keeps `voice --help` fast

    typer.echo(documents.asyncapi(), nl=False)


async def _watch(settings: "BrokerSettings", topic_filter: str, count: int | None, *, as_json: bool) -> None:
    from voice.bus import mqtt  # noqa: PLC0415 - keeps `voice --help` fast

    messages = mqtt.watch(settings, topic_filter)
    seen = 0
    try:
        async for message in messages:
            emit(_record(message)) if as_json else typer.echo(_line(message))
            seen += 1
            if seen == count:
                return
    finally:
        await messages.aclose()


def _record(message: "Message") -> dict[str, Any]:
    record: dict[str, Any] = {"topic": message.topic, "retain": message.retain, "bytes": len(message.payload)}
    try:
        return record | {"payload": json.loads(message.payload or b"{}")}
    except (ValueError, RecursionError):
        return record if _is_binary(message) else record | {"payload": message.payload.decode()}


def _line(message: "Message") -> str:
    if _is_binary(message):
        return f"{message.topic}  <{len(message.payload)} bytes>"
    text = message.payload.decode()
    return f"{message.topic}  {text if len(text) <= _SHOWN else text[:_SHOWN] + '...'}"


def _is_binary(message: "Message") -> bool:
    try:
        return not message.payload.decode().replace("\n", " ").isprintable()
    except UnicodeDecodeError:
        return True
