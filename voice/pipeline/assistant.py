"""The always-on loop of one site: audio in, Hermes out and in. It orchestrates; thinking runs on two threads.

One thread is the ears (wake words, VAD, segmenter: order kept), one the brain (classifier, recogniser, grammar).
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from voice.bus.base import Bus
from voice.bus.topics import (
    AsrStartListening,
    AsrStopListening,
    AsrTextCaptured,
    AsrToggleOff,
    AsrToggleOn,
    AsrToken,
    ErrorMessage,
    HermesSlot,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    SessionEnded,
    SlotRange,
    SlotValue,
    on,
    send,
)
from voice.errors import EarshotError
from voice.events import RATE, Intent, Segment, Wake
from voice.pipeline.arbiter import Understander, Understanding
from voice.pipeline.ears import Ears, Heard
from voice.stages import AudioSource

_log = logging.getLogger(__name__)

Phase = Literal["idle", "woken", "listening", "thinking"]


class AssistantSettings(BaseModel):
    """The loop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site_id: str = Field("default", min_length=1, max_length=64, description="Hermes siteId of this microphone")
    patience_s: float = Field(10.0, gt=0, description="longest that a file waits for the dialogue to go on, s")
    remembered: int = Field(20, gt=0, description="utterances whose meaning is kept for the question that follows")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one utterance cost, for whoever watches."""

    session_id: str | None
    understanding: Understanding
    seconds: float
    """Length of the segment."""
    endpoint_ms: float
    """Silence between the end of speech and the end of the segment."""
    understand_ms: float
    """Computing, wall clock."""


class Assistant:
    """Runs one source through ears and brain.

    Args:
        bus: the hub.
        ears: wake words and segmenter.
        brain: what was said.
        settings: the loop's.
        watch: called with each `Heard` and `Turn`, on the event loop.
    """

    def __init__(
        self,
        bus: Bus,
        ears: Ears,
        brain: Understander,
        settings: AssistantSettings | None = None,
        *,
        watch: Callable[[Heard | Turn], None] = lambda _: None,
    ) -> None:
        self.settings = settings or AssistantSettings()
        self.phase: Phase = "idle"
        self._bus = bus
        self._ears = ears
        self._brain = brain
        self._watch = watch
        self._ears_thread = ThreadPoolExecutor(1, "ears")
        self._brain_thread = ThreadPoolExecutor(1, "brain")
        self._moved = asyncio.Condition()
        self._patient = True
        self._session: str | None = None
        self._filter: list[str] | None = None
        self._wake: Wake | None = None
        self._deaf_for: set[str] = set()  # reasons to leave speech unrecognised
        self._meanings: OrderedDict[tuple[str | None, str], Understanding] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe = (
            on(bus, HotwordToggleOn, self._hotword_on),
            on(bus, HotwordToggleOff, self._hotword_off),
            on(bus, AsrToggleOn, self._asr_on),
            on(bus, AsrToggleOff, self._asr_off),
            on(bus, AsrStartListening, self._start_listening),
            on(bus, AsrStopListening, self._stop_listening),
            on(bus, NluQuery, self._query),
            on(bus, SessionEnded, self._session_ended),
        )

    async def run(self, source: AudioSource) -> None:
        """Listen until the source ends.

        Raises:
            AudioError: the source can't be opened or read.
        """
        try:
            async for chunk in source.chunks():
                heard = await self._on_ears(partial(self._ears.process, chunk))
                self._watch(heard)
                for wake in heard.wakes[:1]:
                    await self._woken(wake)
                for segment in heard.segments:
                    self._think(segment)
                if not source.live:
                    await self._settle()
            last = await self._on_ears(partial(self._ears.stop, "end_of_stream"))
            if last is not None:
                self._think(last)
            await self._settle()
            while self._tasks:
                await asyncio.gather(*self._tasks)
        finally:
            await source.close()

    async def close(self) -> None:
        """Stop hearing the bus and end both threads."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ears_thread.shutdown()
        self._brain_thread.shutdown()

    # ---- ears --------------------------------------------------------------------------------------------------

    async def _on_ears(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._ears_thread, work)

    async def _woken(self, wake: Wake) -> None:
        self._wake = wake
        await self._go("woken")
        await send(
            self._bus,
            HotwordDetected(
                model_id=wake.model_id,
                site_id=self.settings.site_id,
                detection_signal_ms=wake.at * 1000 // RATE,
            ),
        )

    async def _hotword_on(self, message: HotwordToggleOn) -> None:
        if message.site_id == self.settings.site_id:
            await self._on_ears(partial(self._ears.toggle_hotword, True, message.reason))
            await self._go(self.phase)

    async def _hotword_off(self, message: HotwordToggleOff) -> None:
        if message.site_id == self.settings.site_id:
            await self._on_ears(partial(self._ears.toggle_hotword, False, message.reason))
            await self._go(self.phase)

    async def _asr_on(self, message: AsrToggleOn) -> None:
        """Take back a reason; the empty one takes back all, as with wake words."""
        if message.site_id == self.settings.site_id:
            self._deaf_for &= self._deaf_for - {message.reason} if message.reason else set()

    async def _asr_off(self, message: AsrToggleOff) -> None:
        if message.site_id == self.settings.site_id:
            self._deaf_for.add(message.reason)

    async def _start_listening(self, message: AsrStartListening) -> None:
        if message.site_id != self.settings.site_id:
            return
        if self._deaf_for:  # says at once that nothing was heard, so that no session waits for its deadline
            await send(self._bus, AsrTextCaptured(text="", site_id=message.site_id, session_id=message.session_id))
            return
        self._session, self._filter = message.session_id, message.intent_filter
        wake, self._wake = self._wake, None
        at = wake.at if wake else None
        await self._on_ears(partial(self._ears.listen, at, at))
        await self._go("listening")

    async def _stop_listening(self, message: AsrStopListening) -> None:
        if message.site_id == self.settings.site_id and message.session_id == self._session:
            await self._on_ears(self._ears.stop)

    async def _session_ended(self, message: SessionEnded) -> None:
        if message.site_id == self.settings.site_id:
            self._session = None
            await self._go("idle")

    # ---- brain -------------------------------------------------------------------------------------------------

    def _think(self, segment: Segment) -> None:
        self.phase, self._patient = "thinking", True
        task = asyncio.create_task(self._understand(segment, self._session, self._filter))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _understand(self, segment: Segment, session_id: str | None, intent_filter: list[str] | None) -> None:
        started = time.perf_counter()
        understood = Understanding("", None, 0.0, "open")
        try:
            understood = await asyncio.get_running_loop().run_in_executor(
                self._brain_thread, partial(self._brain.understand, segment, intent_filter)
            )
        except Exception as error:  # noqa: BLE001 - the utterance boundary: a bad utterance must not end the loop
            _log.exception("an utterance could not be recognised")
            reason = str(error) if isinstance(error, EarshotError) else type(error).__name__
            fault = ErrorMessage(component="asr", error=reason, session_id=session_id, site_id=self.settings.site_id)
            await send(self._bus, fault)
        seconds = time.perf_counter() - started
        self._remember(session_id, understood)
        end = segment.speech_end if segment.speech_end is not None else segment.end
        turn = Turn(
            session_id,
            understood,
            len(segment.samples) / segment.rate,
            (segment.end - end) * 1000 / segment.rate,
            seconds * 1000,
        )
        self._watch(turn)
        await send(
            self._bus,
            AsrTextCaptured(
                text=understood.text,
                likelihood=understood.confidence,
                seconds=seconds,
                site_id=self.settings.site_id,
                session_id=session_id,
                asr_tokens=[_tokens(understood)],
            ),
        )

    def _remember(self, session_id: str | None, understood: Understanding) -> None:
        self._meanings[session_id, understood.text] = understood
        while len(self._meanings) > self.settings.remembered:
            self._meanings.popitem(last=False)

    async def _query(self, query: NluQuery) -> None:
        """Answer what a text means: from the utterance that it came from, else by parsing it."""
        if query.site_id != self.settings.site_id:
            return
        understood = self._meanings.pop((query.session_id, query.input), None)
        if understood is None:
            understood = await asyncio.get_running_loop().run_in_executor(
                self._brain_thread, partial(self._brain.parse, query.input, query.intent_filter)
            )
        ids = {"id": query.id, "session_id": query.session_id, "site_id": query.site_id}
        if understood.intent is None:
            confidence = understood.confidence
            await send(self._bus, NluIntentNotRecognized(input=query.input, confidence_score=confidence, **ids))
            return
        intent = understood.intent
        await send(
            self._bus,
            NluIntentParsed(
                input=intent.text,
                intent=IntentName(intent_name=intent.name, confidence_score=intent.confidence),
                slots=hermes_slots(intent),
                **ids,
            ),
        )

    # ---- files wait for the dialogue ---------------------------------------------------------------------------

    async def _go(self, phase: Phase) -> None:
        async with self._moved:
            self.phase, self._patient = phase, True
            self._moved.notify_all()

    def _can_hear(self) -> bool:
        """Return whether more audio would be heard: as an answer, or for a wake word that isn't held off by speech."""
        return self.phase == "listening" or (self.phase == "idle" and self._ears.hotword_on)

    async def _settle(self) -> None:
        """Return when more audio would be heard: a source that isn't live waits for the dialogue, its speech included.

        Patience ends once for each state, so that a dialogue that stands still doesn't hold up every chunk.
        """
        if not self._patient:
            return
        async with self._moved:
            try:
                await asyncio.wait_for(self._moved.wait_for(self._can_hear), self.settings.patience_s)
            except TimeoutError:
                self._patient = False


def _tokens(understood: Understanding) -> list[AsrToken]:
    tokens, start = [], 0
    for word in understood.text.split():
        tokens.append(
            AsrToken(value=word, confidence=understood.confidence, range_start=start, range_end=start + len(word))
        )
        start += len(word) + 1
    return tokens


def hermes_slots(intent: Intent) -> list[HermesSlot]:
    """Return an intent's slots as they go over the bus."""
    return [
        HermesSlot(
            entity=slot.entity or slot.name,
            slot_name=slot.name,
            raw_value=slot.raw,
            value=SlotValue(kind="Number" if isinstance(slot.value, int | float) else "Custom", value=slot.value),
            range=SlotRange(start=slot.start, end=slot.end),
            confidence=slot.confidence,
        )
        for slot in intent.slots
    ]
