"""What a client may ask of the components: their version, what they work with, and to train."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from voice import __version__
from voice.bus.base import Bus
from voice.bus.topics import (
    AudioDevice,
    AudioDevices,
    ComponentLoaded,
    ComponentReload,
    ErrorMessage,
    GetDevices,
    GetHotwords,
    Hotword,
    Hotwords,
    IntentGraphRequest,
    Train,
    Version,
    VersionRequest,
    on,
    send,
)
from voice.errors import EarshotError

COMPONENTS = ("asr", "audioServer", "dialogueManager", "hotword", "injection", "nlu", "tts")

Devices = Callable[[bool], Sequence[AudioDevice]]
"""Looks for microphones and loudspeakers, and where it is asked to tries each; called on a thread."""


class Components:
    """Answers for all components of one site. Needs a running event loop.

    Args:
        bus: Hermes.
        site_id: the site.
        hotwords: the wake words that are listened for.
        devices: finds the audio devices.
        reload: loads what recogniser and parser work with again; None: nothing can be loaded again.
    """

    def __init__(
        self,
        bus: Bus,
        site_id: str,
        hotwords: Sequence[Hotword] = (),
        devices: Devices = lambda _: (),
        reload: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._bus = bus
        self._site = site_id
        self._hotwords = list(hotwords)
        self._devices = devices
        self._reload = reload
        self._unsubscribe = (
            on(bus, VersionRequest, self._version),
            on(bus, ComponentReload, self._load_again),
            on(bus, GetHotwords, self._tell_hotwords),
            on(bus, GetDevices, self._tell_devices),
            on(bus, Train, self._train),
            on(bus, IntentGraphRequest, self._intent_graph),
        )

    async def announce(self) -> None:
        """Say of every component that it is ready."""
        for component in COMPONENTS:
            await send(self._bus, ComponentLoaded(component=component, version=__version__))

    async def close(self) -> None:
        """Answer no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def _version(self, message: VersionRequest) -> None:
        if message.component in COMPONENTS:
            await send(self._bus, Version(component=message.component, version=__version__))

    async def _load_again(self, message: ComponentReload) -> None:
        if message.component not in COMPONENTS:
            return
        if self._reload is None or message.component not in ("asr", "nlu"):
            await self._fail(message.component, "has nothing to load again: start the assistant anew", message.load_id)
            return
        try:
            await self._reload()
        except EarshotError as error:
            await self._fail(message.component, str(error), message.load_id)
            return
        loaded = ComponentLoaded(component=message.component, load_id=message.load_id, version=__version__)
        await send(self._bus, loaded)

    async def _tell_hotwords(self, message: GetHotwords) -> None:
        if message.site_id == self._site:
            await send(self._bus, Hotwords(models=self._hotwords, id=message.id, site_id=self._site))

    async def _tell_devices(self, message: GetDevices) -> None:
        if message.site_id != self._site:
            return
        try:
            found = await asyncio.to_thread(self._devices, message.test)
        except EarshotError as error:
            await self._fail("audioServer", str(error), message.id)
            return
        wanted = [device for device in found if device.mode in message.modes]
        await send(self._bus, AudioDevices(devices=wanted, id=message.id, site_id=self._site))

    async def _train(self, message: Train) -> None:
        if message.site_id == self._site and message.component in ("asr", "nlu"):
            why = "is not trained from a graph: what is understood are the skills' sentences (hermes/injection/perform)"
            await self._fail(message.component, why, message.id)

    async def _intent_graph(self, message: IntentGraphRequest) -> None:
        if message.site_id == self._site:
            await self._fail("nlu", "has no graph in Rhasspy's form, which is pickled Python", message.id)

    async def _fail(self, component: str, why: str, context: str | None) -> None:
        fault = ErrorMessage(component=component, error=f"{component} {why}", context=context, site_id=self._site)
        await send(self._bus, fault)
