"""The embedded broker: amqtt on loopback, for those who have no other."""

import asyncio
import logging
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

from voice.bus.settings import BrokerSettings
from voice.errors import BusError

_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}

_GOODBYE_S = 2.0
"""Seconds that `stop` waits for connections to close."""


class EmbeddedBroker:
    """An MQTT 3.1.1 broker in this process. Anyone on this machine may connect; nobody else can.

    Use as an async context manager, or `start` and `stop`.

    Args:
        settings: `host` must be a loopback address; `port` 0 takes a free one.

    Raises:
        BusError: the host isn't loopback.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        if not _is_loopback(settings.host):
            raise BusError(
                f"the embedded broker takes anyone, so it can't listen on {settings.host}",
                fix="set broker.host to 127.0.0.1, or broker.embedded to false and use a broker with passwords",
            )
        self._settings = settings
        self._broker: Any = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        self.port = settings.port

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def settings(self) -> BrokerSettings:
        """The settings with the port that was taken: what a link connects with."""
        return self._settings.model_copy(update={"port": self.port, "protocol": "3.1.1"})

    async def start(self) -> None:
        """Listen.

        Raises:
            BusError: the port is taken, or can't be opened.
        """
        await self._check_free()
        from amqtt.broker import Broker  # noqa: PLC0415, TID251 - the one importer; slow to load, and not needed with another broker
        from amqtt.errors import AMQTTError  # noqa: PLC0415, TID251

        logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # it writes a traceback for each client that goes away
        logging.getLogger("transitions").setLevel(logging.WARNING)
        listener = {"type": "tcp", "bind": f"{self._settings.host}:{self._settings.port}", "max_connections": 100}
        broker = Broker({"listeners": {"default": listener}, "plugins": _PLUGINS})
        self._track(broker)
        try:
            await broker.start()
        except AMQTTError as error:
            raise self._refused(str(error)) from error
        self._broker = broker
        self.port = broker._servers["default"].instance.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        broker, self._broker = self._broker, None
        if broker is None:
            return
        await broker.shutdown()
        for writer in tuple(self._writers):  # amqtt leaves sockets of clients open that are about to go
            writer.transport.abort()
        if self._serving:
            await asyncio.wait(self._serving, timeout=_GOODBYE_S)
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    def _track(self, broker: Any) -> None:
        """Note each client's connection, so that `stop` can close it."""
        serve = broker.stream_connected

        async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str) -> None:
            task = asyncio.current_task()
            self._writers.add(writer)
            if task:
                self._serving.add(task)
            try:
                await serve(reader, writer, listener_name)
            finally:
                writer.close()
                self._writers.discard(writer)
                if task:
                    self._serving.discard(task)

        broker.stream_connected = tracked

    async def _check_free(self) -> None:
        """Bind the port once ourselves: amqtt would bury the reason in a traceback."""
        try:
            server = await asyncio.start_server(lambda *_: None, self._settings.host, self._settings.port)
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        server.close()
        await server.wait_closed()

    def _refused(self, reason: str) -> BusError:
        return BusError(
            f"the embedded broker can't listen on {self._settings.address} ({reason})",
            fix=f"is a broker running there? use it with --broker {self._settings.address}, or set another broker.port",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
