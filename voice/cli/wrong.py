"""`voice wake wrong`: tell a running assistant that its last wake was wrong, and see what was kept of such wakes."""

import asyncio
import secrets
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import AsJson, ConfigFile, emit
from voice.errors import BusError, ConfigError

if TYPE_CHECKING:
    from voice.bus.settings import BrokerSettings
    from voice.bus.topics import MarkedWrong
    from voice.config import Config

_ANSWER_S = 5.0
_TOPICS = ("earshot/hotword/#",)
TOLD = {
    "off": "not kept: set wrong_wakes.keep_wrong_wakes to true, and the next ones are",
    "nothing": "there was no wake yet",
    "twice": "that one is kept already",
    "error": "it could not be written: see the assistant's log",
}
"""What an answer means, for people."""


def wrong(
    *,
    config: ConfigFile = None,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="The broker, instead of the configured one.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Which site's wake; the configured one.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List what is kept instead.")] = False,
    delete: Annotated[
        list[str] | None, typer.Option(metavar="FILE|all", help="Delete what is kept instead; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say that the last wake was wrong: nobody had said the wake word."""
    from voice.config import load_config  # noqa: PLC0415 - keeps `voice --help` fast

    settings = load_config(config)
    if listed or delete:
        _kept(settings, delete or [], as_json=as_json)
        return
    link = settings.broker if broker is None else settings.broker.at(broker)
    answer = asyncio.run(_mark(link, site or settings.assistant.site_id))
    if as_json:
        emit({"kept": answer.kept, "why": answer.why, "word": answer.model_id, "file": answer.file})
        return
    sys.stdout.write(f"{answer.model_id}: kept as {answer.file}\n" if answer.kept else f"{TOLD[answer.why]}\n")


def _kept(settings: "Config", delete: list[str], *, as_json: bool) -> None:
    store = settings.wrong_wakes.store()
    if delete:
        n_gone = store.delete(None if delete == ["all"] else delete)
        emit({"deleted": n_gone}) if as_json else sys.stdout.write(f"deleted {n_gone}\n")
        return
    for entry in store.entries():
        if as_json:
            emit({**entry, "folder": str(store.folder)})
        else:
            fields: tuple[Any, ...] = (entry.get("time"), entry.get("word"), entry.get("score"))
            sys.stdout.write(f"{store.folder / entry['file']}\t" + "  ".join(map(str, fields)) + "\n")


async def _mark(settings: "BrokerSettings", site: str) -> "MarkedWrong":
    """Return a running assistant's answer.

    Raises:
        BusError: there is no broker, or nobody answers.
        ConfigError: the broker's port is any free one.
    """
    from voice.bus.memory import LocalBus  # noqa: PLC0415
    from voice.bus.mqtt import MqttLink  # noqa: PLC0415
    from voice.bus.topics import MarkedWrong, MarkWrong, on, send  # noqa: PLC0415

    if settings.port == 0:
        raise ConfigError("the broker's port is 0, any free one", fix="say which: --broker HOST:PORT")
    mine = secrets.token_hex(8)
    answered: asyncio.Future[MarkedWrong] = asyncio.get_running_loop().create_future()

    async def take(message: MarkedWrong) -> None:
        if message.id == mine and not answered.done():
            answered.set_result(message)

    update = {"send": _TOPICS, "receive": _TOPICS, "client_id": f"earshot-wrong-{mine}"}
    async with LocalBus() as bus, MqttLink(bus, settings.model_copy(update=update)):
        on(bus, MarkedWrong, take)
        await send(bus, MarkWrong(site_id=site, id=mine))
        try:
            return await asyncio.wait_for(answered, _ANSWER_S)
        except TimeoutError as error:
            fix = "start `voice run`, or name its broker and site"
            raise BusError(f"no assistant answers for site {site!r} at {settings.address}", fix=fix) from error
