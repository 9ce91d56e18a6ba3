"""Drive the sites' dialogues from the bus."""

import asyncio
import logging
from collections.abc import Callable

from voice.bus.base import Bus
from voice.bus.topics import (
    AsrTextCaptured,
    Configure,
    ContinueSession,
    EndSession,
    ErrorMessage,
    HotwordDetected,
    NluIntentNotRecognized,
    NluIntentParsed,
    Payload,
    StartSession,
    TtsSayFinished,
    on,
    send,
)
from voice.dialogue.site import DialogueSettings, SiteDialogue

_log = logging.getLogger(__name__)
MAX_SITES = 100


class DialogueManager:
    """One `SiteDialogue` for each site that speaks up, and a timer for their deadlines.

    Args:
        bus: Hermes.
        settings: deadlines and bounds.
        handles: whether a known handler answers an intent, given its name and the session.
    """

    def __init__(
        self, bus: Bus, settings: DialogueSettings | None = None, handles: Callable[[str, str], bool] = lambda intent, session: True
    ) -> None:
        self.sites: dict[str, SiteDialogue] = {}
        self._bus = bus
        self._settings = settings or DialogueSettings()
        self._handles = handles
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        openers = (on(bus, HotwordDetected, self._at_site), on(bus, StartSession, self._at_site))
        answers = (
            on(bus, AsrTextCaptured, self._in_session),
            on(bus, NluIntentParsed, self._in_session),
            on(bus, NluIntentNotRecognized, self._in_session),
            on(bus, ContinueSession, self._in_session),
            on(bus, EndSession, self._in_session),
            on(bus, TtsSayFinished, self._in_session),
        )
        self._unsubscribe = (*openers, *answers, on(bus, Configure, self._configure))

    async def close(self) -> None:
        """Stop driving."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def _at_site(self, message: HotwordDetected | StartSession) -> None:
        if message.site_id not in self.sites and len(self.sites) >= MAX_SITES:
            await send(self._bus, ErrorMessage(component="dialogueManager", error="too many sites"))
            return
        site = self.sites.setdefault(message.site_id, SiteDialogue(message.site_id, self._settings, self._handles))
        await self._step(site, message)

    async def _in_session(self, message: Payload) -> None:
        wanted = getattr(message, "session_id", None)
        for site in tuple(self.sites.values()):
            if wanted and site.session_id == wanted:
                await self._step(site, message)

    async def _configure(self, message: Configure) -> None:
        for site in tuple(self.sites.values()):
            if message.site_id in (None, site.site_id):
                for switch in message.intents:
                    (site.disabled.discard if switch.enable else site.disabled.add)(switch.intent_id)

    async def _step(self, site: SiteDialogue, message: Payload | None = None) -> None:
        async with self._lock:
            now = self._loop.time()
            for answer in site.tick(now) if message is None else site.handle(message, now):
                await send(self._bus, answer)
            self._schedule()

    def _schedule(self) -> None:
        if self._timer:
            self._timer.cancel()
        deadlines = [site.deadline for site in self.sites.values() if site.deadline is not None]
        self._timer = self._loop.call_at(min(deadlines), self._expire) if deadlines else None

    def _expire(self) -> None:
        task = self._loop.create_task(self._tick_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick_all(self) -> None:
        for site in tuple(self.sites.values()):
            await self._step(site)
