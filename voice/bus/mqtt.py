"""The link between the hub and an MQTT broker. The loop lives on the hub and goes on without a broker."""

import asyncio
import contextlib
import logging
import random
import socket
from collections import deque
from collections.abc import AsyncGenerator, Callable
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import aiomqtt  # noqa: TID251 - the one importer
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from voice.bus.base import Message, Unsubscribe
from voice.bus.echoes import Echoes
from voice.bus.memory import LocalBus, matches
from voice.bus.newest import Newest
from voice.bus.settings import BrokerSettings
from voice.bus.tls import tls_context
from voice.bus.trouble import explain
from voice.errors import BusError, ConfigError

_log = logging.getLogger(__name__)

_client_log = logging.getLogger("voice.bus.client")
_client_log.setLevel(logging.CRITICAL)  # the client's own lines, one for each failed attempt; ours say it once

_AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""A message may not wait until the one before is acknowledged: that takes the other end up to 40 ms (RFC 896, 1122)."""

_TRIES = 3
"""Connections that may end while the same message is on its way; then it goes, so that the next ones get through."""

_SYNC_S = 2.0
"""Seconds that closing waits for messages still to be sent."""


class MqttLink:
    """Mirrors the hub to a broker: local messages go out, foreign ones come in, each once.

    While the broker is away, messages wait in a bounded queue (the oldest is dropped and counted) and go out in order
    after the reconnect. A message leaves the queue when the broker has acknowledged it (QoS 1 and 2), and one is on its
    way at a time: a connection that ends between the broker's taking that one and saying so makes it arrive twice.
    A message at which the broker hangs up each time, because it is larger than it takes, is dropped and counted.
    Foreign retained messages on `hermes/` are old events, not state, and are ignored.

    Use as an async context manager; entering never waits for the broker.

    Args:
        hub: where the loop lives.
        settings: the broker.
        jitter: source of the pauses' randomness, so that a house of satellites doesn't reconnect in step.

    Raises:
        ConfigError: the password file can't be read.
        BusError: the certificate authority can't be read.
    """

    def __init__(self, hub: LocalBus, settings: BrokerSettings, *, jitter: random.Random | None = None) -> None:
        self._hub = hub
        self._settings = settings
        self._password = settings.secret()
        self._tls = tls_context(settings)
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._send, self._receive = list(settings.send), list(settings.receive)
        self._asked: set[str] = set()
        self._waiting: deque[Message] = deque()
        self._tried: Message | None = None
        self._tries = 0
        self._filled, self._empty, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._echoes = Echoes()
        self._listeners: list[Callable[[bool], None]] = []
        self._up = asyncio.Event()
        self._complaint = ""
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Unsubscribe | None = None
        self.dropped = 0
        """Messages that the broker will never get: the queue was full, or it hung up at them."""
        self.lost = 0
        """Messages of the broker that the hub never got, because they came too fast."""
        self.sent = 0
        self.received = 0
        self._empty.set()

    async def __aenter__(self) -> Self:
        self._unsubscribe = self._hub.subscribe("#", self._outgoing)
        self._task = asyncio.create_task(self._run(), name="mqtt link")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is None or self._unsubscribe is None:
            return
        if self.connected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.flush(), _SYNC_S)
        self._unsubscribe()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._set_connected(False)

    @property
    def connected(self) -> bool:
        """Whether the broker answers and has our subscriptions."""
        return self._up.is_set()

    @property
    def waiting(self) -> int:
        """Messages that the broker has not acknowledged yet."""
        return len(self._waiting)

    async def wait_connected(self) -> None:
        """Return when the broker answers and has our subscriptions."""
        await self._up.wait()

    def on_connection(self, listener: Callable[[bool], None]) -> None:
        """Call `listener` with True at each connect and False at each loss."""
        self._listeners.append(listener)

    def share(self, topic_filter: str) -> None:
        """Also mirror these topics in both directions: what a skill declares, such as `home/#`.

        Where one filter covers another, only the wider counts, unless the broker was asked for both already: it may
        send a message once for each (MQTT 3.1.1, section 3.3.5), and only one of them would be taken for an echo.
        """
        if not any(matches(known, topic_filter) for known in self._send):
            self._send.append(topic_filter)
        if not any(matches(known, topic_filter) for known in self._receive):
            asked = self._asked
            self._receive[:] = [f for f in self._receive if f in asked or not matches(topic_filter, f)]
            self._receive.append(topic_filter)
            self._changed.set()

    async def flush(self) -> None:
        """Return when the broker has all that was published so far; waits for it if it is away."""
        await self._hub.drain()
        await self._empty.wait()

    async def _outgoing(self, message: Message) -> None:
        """Queue a message of the hub for the broker."""
        if not any(matches(topic_filter, message.topic) for topic_filter in self._send):
            return
        if len(self._waiting) >= self._settings.queue_limit:
            self._waiting.popleft()
            self.dropped += 1
            if self.dropped == 1:
                _log.warning("broker %s has been away for long: the oldest messages go", self._settings.address)
        self._waiting.append(message)
        self._empty.clear()
        self._filled.set()

    # ---- connection ----

    async def _run(self) -> None:
        attempt = 0
        while True:
            reached = False
            try:
                async with self._client() as client:
                    await self._greet(client)
                    reached = True
                    self._set_connected(True)
                    await self._serve(client)
            except (aiomqtt.MqttError, ValueError, OSError) as error:  # ValueError: what paho says of bad settings
                self._complain(error)
            finally:
                self._set_connected(False)
                self._echoes.clear()
            attempt = 0 if reached else attempt
            await asyncio.sleep(self._jitter.uniform(0, self._pause_limit(attempt)))
            attempt += 1

    def _pause_limit(self, attempt: int) -> float:
        """Exponential back-off; the caller draws from 0 to this bound (full jitter)."""
        return min(self._settings.backoff_limit_s, self._settings.backoff_s * 2.0 ** min(attempt, 30))

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        client = _connection(
            settings,
            self._password,
            self._tls,
            identifier=settings.name,
            protocol=aiomqtt.ProtocolVersion.V5 if self._v5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if self._v5 else True,
            will=aiomqtt.Will(settings.status_topic, b"offline", qos=1, retain=True),
            max_queued_incoming_messages=settings.queue_limit,
            queue_type=self._incoming,
        )
        # set also where nobody waits for it any more, and asyncio would complain that nobody took the exception
        client._disconnected.add_done_callback(lambda future: future.cancelled() or future.exception())
        return client

    def _incoming(self, maxsize: int) -> Newest[aiomqtt.Message]:
        return Newest(maxsize, self._lose)

    def _lose(self) -> None:
        self.lost += 1
        if self.lost == 1:
            _log.warning("broker %s sends faster than we read: the oldest messages go", self._settings.address)

    @property
    def _v5(self) -> bool:
        return self._settings.protocol == "5"

    async def _greet(self, client: aiomqtt.Client) -> None:
        """Subscribe from our state, then say that we are there."""
        self._asked.clear()
        await self._ask(client)
        await client.publish(self._settings.status_topic, b"online", qos=1, retain=True)

    async def _ask(self, client: aiomqtt.Client) -> None:
        """Subscribe to what this connection was not yet asked for."""
        for topic_filter in self._receive:
            if topic_filter not in self._asked:
                self._asked.add(topic_filter)
                await self._ask_for(client, topic_filter)

    async def _ask_for(self, client: aiomqtt.Client, topic_filter: str) -> None:
        qos = self._settings.qos
        options = SubscribeOptions(qos=qos, noLocal=True) if self._v5 else None
        granted: Any = await client.subscribe(topic_filter, 0 if options else qos, options=options)
        codes = [code if isinstance(code, int) else code.value for code in granted]
        if any(code >= 128 for code in codes):
            _log.error("broker %s denies us %s: check its access list", self._settings.address, topic_filter)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Carry messages both ways until the connection ends.

        Raises:
            MqttError: it ended.
        """
        tasks = [asyncio.create_task(work(client)) for work in (self._deliver, self._collect, self._follow)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(self._settings.status_topic, b"offline", qos=1, retain=True, timeout=_SYNC_S)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _set_connected(self, connected: bool) -> None:
        if connected == self.connected:
            return
        if connected:
            self._up.set()
            self._complaint = ""
            _log.info("broker %s: connected as %s", self._settings.address, self._settings.name)
        else:
            self._up.clear()
        for listener in self._listeners:
            listener(connected)

    def _complain(self, error: Exception) -> None:
        """Say in one line why there is no broker, once for each reason."""
        if self.connected:
            text = f"is lost ({error}): the loop goes on, up to {self._settings.queue_limit} messages are kept"
        else:
            text = "{}: the loop goes on: {}".format(*_explained(error, self._settings))
        if text != self._complaint:
            self._complaint = text
            _log.warning("broker %s %s", self._settings.address, text)

    # ---- messages ----

    async def _deliver(self, client: aiomqtt.Client) -> None:
        """Hub to broker, in order; a message leaves the queue when the broker has it."""
        while True:
            while self._waiting:
                if self._try_again(self._waiting[0]):
                    await self._deliver_one(client, self._waiting[0])
            self._empty.set()
            self._filled.clear()
            await self._filled.wait()

    def _try_again(self, message: Message) -> bool:
        """Count a try of the next message; give the message up, and return False, after the last one."""
        if message is not self._tried:
            self._tried, self._tries = message, 0
        self._tries += 1
        if self._tries <= _TRIES:
            return True
        self._waiting.popleft()
        self.dropped += 1
        size = f"{len(message.payload)} bytes on {message.topic}"
        _log.warning("broker %s hangs up at each try of %s: dropped", self._settings.address, size)
        return False

    async def _deliver_one(self, client: aiomqtt.Client, message: Message) -> None:
        echo = not self._v5 and any(matches(topic_filter, message.topic) for topic_filter in self._receive)
        if echo:
            self._echoes.expect(message)
        await client.publish(message.topic, message.payload, qos=self._settings.qos, retain=message.retain)
        self.sent += 1
        if self._waiting and self._waiting[0] is message:  # else it was dropped while it was on its way
            self._waiting.popleft()

    async def _collect(self, client: aiomqtt.Client) -> None:
        """Broker to hub: what others published."""
        async for incoming in client.messages:
            payload = incoming.payload if isinstance(incoming.payload, bytes) else b""
            message = Message(incoming.topic.value, payload, incoming.retain)
            stale = message.retain and message.topic.startswith("hermes/")
            if stale or self._echoes.is_ours(message):
                continue
            self.received += 1
            with contextlib.suppress(BusError):  # a topic that no conforming broker would deliver
                await self._hub.publish(message.topic, message.payload, retain=message.retain, skip=self._outgoing)

    async def _follow(self, client: aiomqtt.Client) -> None:
        """Ask for topics that were shared after the connect."""
        while True:
            self._changed.clear()
            await self._ask(client)
            await self._changed.wait()


async def watch(settings: BrokerSettings, topic_filter: str) -> AsyncGenerator[Message, None]:
    """Yield what passes through a broker, retained messages first, until the connection ends.

    Args:
        settings: the broker; the client id and the last will are not used, so that a watcher leaves no trace.
        topic_filter: an MQTT topic filter.

    Raises:
        BusError: the broker can't be reached, refuses us, or is lost.
        ConfigError: the filter is malformed, or the password file can't be read.
    """
    async with _visiting(settings) as client:
        try:
            await client.subscribe(topic_filter, qos=settings.qos)
        except ValueError as error:
            fix = "say it as MQTT does, such as hermes/#"
            raise ConfigError(f"--filter {topic_filter!r}: {error}", fix=fix) from error
        async for incoming in client.messages:
            payload = incoming.payload if isinstance(incoming.payload, bytes) else b""
            yield Message(incoming.topic.value, payload, incoming.retain)


async def knock(settings: BrokerSettings) -> None:
    """Connect to a broker as the settings say, TLS and login included, and leave again without a trace.

    Raises:
        BusError: it can't be reached, or refuses us; says what to do.
        ConfigError: the password file can't be read.
    """
    async with _visiting(settings):
        pass


@contextlib.asynccontextmanager
async def _visiting(settings: BrokerSettings) -> AsyncGenerator[aiomqtt.Client]:
    """Be connected without an id and a last will."""
    password = settings.secret() if settings.username is not None else None
    try:
        async with _connection(settings, password, tls_context(settings)) as client:
            yield client
    except (aiomqtt.MqttError, ValueError, OSError) as error:
        what, fix = _explained(error, settings)
        raise BusError(f"broker {settings.address} {what}", fix=fix) from error


def _connection(settings: BrokerSettings, password: str | None, tls: SSLContext | None, **more: Any) -> aiomqtt.Client:
    """Return a client of the broker that the settings name; nothing is connected yet."""
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=password if settings.username is not None else None,
        timeout=settings.timeout_s,
        keepalive=settings.keepalive_s,
        tls_context=tls,
        logger=_client_log,
        socket_options=_AT_ONCE,
        **more,
    )


def _explained(error: Exception, settings: BrokerSettings) -> tuple[str, str]:
    reason = error.rc if isinstance(error, aiomqtt.MqttCodeError) else None
    code = reason.value if isinstance(reason, ReasonCode) else None
    return explain(error, code=code, tls=settings.tls)
