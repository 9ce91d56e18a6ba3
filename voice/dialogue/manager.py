"""Drive the dialogues of sites and groups of sites from the bus."""

import asyncio
from collections.abc import Callable

from voice.bus.base import Bus
from voice.bus.topics import (
    Arbitration,
    AsrTextCaptured,
    ComponentError,
    Configure,
    ContinueSession,
    DialogueToggleOff,
    DialogueToggleOn,
    EndSession,
    ErrorMessage,
    HotwordDetected,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluSlotParsed,
    Payload,
    StartSession,
    TtsSayFinished,
    VadUp,
    on,
    send,
)
from voice.clock import Cancel, Clock, LoopClock
from voice.dialogue.arbitration import Arbiter
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.site import Handles, Narrows, SiteDialogue

MAX_SITES = 100
"""Sites, or groups of sites, that one dialogue manager serves."""


class DialogueManager:
    """One `SiteDialogue` for each site or group that speaks up, and a timer for their deadlines.

    Args:
        bus: Hermes.
        settings: deadlines and bounds.
        handles: whether a handler is known to answer an intent.
        falls_back: whether somebody wants to be asked about what was not understood.
        clock: for the deadlines; None takes real time.
        narrows: which intents count after a wake word, given its id.
    """

    def __init__(
        self,
        bus: Bus,
        settings: DialogueSettings | None = None,
        handles: Handles = lambda _intent, _session: True,
        falls_back: Callable[[str], bool] = lambda _session: False,
        *,
        clock: Clock | None = None,
        narrows: Narrows = lambda _wakeword: None,
    ) -> None:
        self.sites: dict[str, SiteDialogue] = {}
        self._bus = bus
        self._settings = settings or DialogueSettings()
        self._handles = handles
        self._falls_back = falls_back
        self._narrows = narrows
        self._clock = clock or LoopClock()
        self._lock = asyncio.Lock()
        self._cancel: Cancel | None = None
        self._disabled: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._off: set[str | None] = set()  # groups that open no session; None: nobody does
        self._arbiter = Arbiter(self._settings.arbitration_s)
        openers = (
            on(bus, HotwordDetected, self._wake),
            on(bus, StartSession, self._start),
            on(bus, VadUp, self._speech),
        )
        answers = (
            on(bus, AsrTextCaptured, self._in_session),
            on(bus, NluIntentParsed, self._in_session),
            on(bus, NluIntentNotRecognized, self._in_session),
            on(bus, NluSlotParsed, self._in_session),
            on(bus, ContinueSession, self._in_session),
            on(bus, EndSession, self._in_session),
            on(bus, TtsSayFinished, self._in_session),
            on(bus, ErrorMessage, self._in_session),
            on(bus, ComponentError, self._in_session),
        )
        switches = (
            on(bus, Configure, self._configure),
            on(bus, DialogueToggleOn, self._toggle),
            on(bus, DialogueToggleOff, self._toggle),
        )
        self._unsubscribe = (*openers, *answers, *switches)

    async def close(self) -> None:
        """Stop driving."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._cancel:
            self._cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _opens(self, site_id: str) -> bool:
        """Return whether a session may be opened at a site."""
        return self._settings.serves(site_id) and not self._off & {None, self._settings.group(site_id)}

    async def _wake(self, message: HotwordDetected) -> None:
        site = self.sites.get(self._settings.group(message.site_id))
        if not self._opens(message.site_id) or (site and not site.takes_wake(message.site_id)):
            return
        await self._decided(*self._arbiter.hear(message, self._clock.now()))
        self._schedule()

    async def _decided(self, winner: HotwordDetected | None, decision: Arbitration | None) -> None:
        if decision is not None:
            await send(self._bus, decision)
        if winner is not None:
            await self._at_site(winner)

    async def _start(self, message: StartSession) -> None:
        if self._opens(message.site_id):
            await self._at_site(message)
        elif self._settings.serves(message.site_id):
            off = "sessions are switched off: send hermes/dialogueManager/toggleOn"
            await send(self._bus, ErrorMessage(component="dialogueManager", error=off, site_id=message.site_id))

    async def _speech(self, message: VadUp) -> None:
        if site := self.sites.get(self._settings.group(message.site_id)):
            await self._step(site, message)

    async def _at_site(self, message: HotwordDetected | StartSession) -> None:
        group = self._settings.group(message.site_id)
        if group not in self.sites and len(self.sites) >= MAX_SITES:
            await send(self._bus, ErrorMessage(component="dialogueManager", error="too many sites"))
            return
        if group not in self.sites:
            site = self.sites[group] = SiteDialogue(
                group, self._settings, self._handles, self._falls_back, self._narrows
            )
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

    async def _toggle(self, message: DialogueToggleOn | DialogueToggleOff) -> None:
        group = None if message.site_id is None else self._settings.group(message.site_id)
        if isinstance(message, DialogueToggleOff):
            self._off |= {group} if len(self._off) <= MAX_SITES else set()
        elif group is None:
            self._off.clear()
        else:
            self._off.discard(group)

    async def _step(self, site: SiteDialogue, message: Payload | None = None) -> None:
        async with self._lock:
            now = self._clock.now()
            for answer in site.tick(now) if message is None else site.handle(message, now):
                await send(self._bus, answer)
            self._schedule()

    def _schedule(self) -> None:
        if self._cancel:
            self._cancel()
        limits = (self._arbiter.deadline, *(site.deadline for site in self.sites.values()))
        deadlines = [limit for limit in limits if limit is not None]
        wait = max(0.0, min(deadlines) - self._clock.now()) if deadlines else None
        self._cancel = None if wait is None else self._clock.call_later(wait, self._expire)

    def _expire(self) -> None:
        task = asyncio.create_task(self._tick_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick_all(self) -> None:
        await self._decided(*self._arbiter.decide(self._clock.now()))
        for site in tuple(self.sites.values()):
            await self._step(site)
