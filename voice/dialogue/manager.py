"""Drive the dialogues of sites and groups of sites from the bus."""

import asyncio

from voice.bus.base import Bus
from voice.bus.topics import (
    AsrTextCaptured,
    ComponentError,
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
from voice.clock import Cancel, Clock, LoopClock
from voice.dialogue.site import DialogueSettings, Handles, SiteDialogue

MAX_SITES = 100
"""Sites, or groups of sites, that one dialogue manager serves."""


class DialogueManager:
    """One `SiteDialogue` for each site or group that speaks up, and a timer for their deadlines.

    Args:
        bus: Hermes.
        settings: deadlines and bounds.
        handles: whether a handler is known to answer an intent.
        clock: for the deadlines; None takes real time.
    """

    def __init__(
        self,
        bus: Bus,
        settings: DialogueSettings | None = None,
        handles: Handles = lambda _intent, _session: True,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.sites: dict[str, SiteDialogue] = {}
        self._bus = bus
        self._settings = settings or DialogueSettings()
        self._handles = handles
        self._clock = clock or LoopClock()
        self._lock = asyncio.Lock()
        self._cancel: Cancel | None = None
        self._disabled: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        openers = (on(bus, HotwordDetected, self._at_site), on(bus, StartSession, self._at_site))
        answers = (
            on(bus, AsrTextCaptured, self._in_session),
            on(bus, NluIntentParsed, self._in_session),
            on(bus, NluIntentNotRecognized, self._in_session),
            on(bus, ContinueSession, self._in_session),
            on(bus, EndSession, self._in_session),
            on(bus, TtsSayFinished, self._in_session),
            on(bus, ErrorMessage, self._in_session),
            on(bus, ComponentError, self._in_session),
        )
        self._unsubscribe = (*openers, *answers, on(bus, Configure, self._configure))

    async def close(self) -> None:
        """Stop driving."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._cancel:
            self._cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _at_site(self, message: HotwordDetected | StartSession) -> None:
        if not self._settings.serves(message.site_id):
            return
        group = self._settings.group(message.site_id)
        if group not in self.sites and len(self.sites) >= MAX_SITES:
            await send(self._bus, ErrorMessage(component="dialogueManager", error="too many sites"))
            return
        if group not in self.sites:
            site = self.sites[group] = SiteDialogue(group, self._settings, self._handles)
            site.disabled |= self._disabled
        await self._step(self.sites[group], message)

    async def _in_session(self, message: Payload) -> None:
        wanted = getattr(message, "session_id", None)
        for site in tuple(self.sites.values()):
            if wanted in site.session_ids:
                await self._step(site, message)

    async def _configure(self, message: Configure) -> None:
        everywhere = [self._disabled] if message.site_id is None else []
        group = None if message.site_id is None else self._settings.group(message.site_id)
        sites = [site.disabled for site in self.sites.values() if group in (None, site.site_id)]
        for disabled in (*everywhere, *sites):
            for switch in message.intents:
                (disabled.discard if switch.enable else disabled.add)(switch.intent_id)

    async def _step(self, site: SiteDialogue, message: Payload | None = None) -> None:
        async with self._lock:
            now = self._clock.now()
            for answer in site.tick(now) if message is None else site.handle(message, now):
                await send(self._bus, answer)
            self._schedule()

    def _schedule(self) -> None:
        if self._cancel:
            self._cancel()
        deadlines = [site.deadline for site in self.sites.values() if site.deadline is not None]
        wait = max(0.0, min(deadlines) - self._clock.now()) if deadlines else None
        self._cancel = None if wait is None else self._clock.call_later(wait, self._expire)

    def _expire(self) -> None:
        task = asyncio.create_task(self._tick_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick_all(self) -> None:
        for site in tuple(self.sites.values()):
            await self._step(site)
