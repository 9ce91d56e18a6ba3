"""The always-on loop of one site: audio in, Hermes out and in. It orchestrates; thinking runs on two threads.

One thread is the ears (wake words, VAD, segmenter: order kept), one the brain (classifier, recogniser, grammar).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from voice.bus.base import Bus
from voice.bus.topics import (
    Arbitration,
    AsrAudioCaptured,
    AsrRecordingFinished,
    AsrStartListening,
    AsrStopListening,
    AsrTextCaptured,
    AsrToggleOff,
    AsrToggleOn,
    ErrorMessage,
    ExampleRecorded,
    HotwordToggleOff,
    HotwordToggleOn,
    RecordExample,
    SessionEnded,
    VadDown,
    VadUp,
    on,
    send,
    write_frame,
)
from voice.errors import EarshotError
from voice.events import RATE, Segment, Wake
from voice.pipeline.activity import Activity
from voice.pipeline.arbiter import Understander, Understanding
from voice.pipeline.ears import Ears, Heard
from voice.pipeline.interpreter import Interpreter, tokens_of
from voice.pipeline.partials import Partials, due
from voice.pipeline.waking import CLIP_S, Waking
from voice.stages import AudioSource

_log = logging.getLogger(__name__)

Phase = Literal["idle", "woken", "listening", "thinking"]


class AssistantSettings(BaseModel):
    """The loop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site_id: str = Field("default", min_length=1, max_length=64, description="Hermes siteId of this microphone")
    patience_s: float = Field(10.0, gt=0, description="longest that a file waits for the dialogue to go on, s")
    remembered: int = Field(20, gt=0, description="utterances whose meaning is kept for the question that follows")
    partial_ms: int = Field(0, ge=0, description="audio between two partial texts, ms; 0: none; costs computing")
    share_audio: bool = Field(
        False, description="send recordings to clients that ask: sendAudioCaptured, recordExample"
    )


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
        waking: what is known of the wake words, and who looks at a wake again; None: nothing and nobody.
    """

    def __init__(
        self,
        bus: Bus,
        ears: Ears,
        brain: Understander,
        settings: AssistantSettings | None = None,
        *,
        watch: Callable[[Heard | Turn], None] = lambda _: None,
        waking: Waking | None = None,
    ) -> None:
        self.settings = settings or AssistantSettings()
        self.phase: Phase = "idle"
        self._bus = bus
        self._ears = ears
        self._brain = brain
        self._watch = watch
        self._waking = waking or Waking()
        self._ears_thread = ThreadPoolExecutor(1, "ears")
        self._brain_thread = ThreadPoolExecutor(1, "brain")
        self._moved = asyncio.Condition()
        self._patient = True
        self._turn = AsrStartListening()
        self._example: str | None = None
        self._activity = Activity()
        self._partial = _Partial()
        self._wake: Wake | None = None
        self._deaf_for: set[str] = set()  # reasons to leave speech unrecognised
        self._interpreter = Interpreter(bus, brain, self._brain_thread, self.settings.site_id, self.settings.remembered)
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe = (
            on(bus, HotwordToggleOn, self._hotword_on),
            on(bus, HotwordToggleOff, self._hotword_off),
            on(bus, AsrToggleOn, self._asr_on),
            on(bus, AsrToggleOff, self._asr_off),
            on(bus, AsrStartListening, self._start_listening),
            on(bus, AsrStopListening, self._stop_listening),
            on(bus, SessionEnded, self._session_ended),
            on(bus, Arbitration, self._arbitrated),
            on(bus, RecordExample, self._record_example),
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
                await self._tell(heard)
                await self._judge(heard, wait=not source.live)
                for wake in heard.wakes:
                    if await self._woken(wake, heard):
                        break
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
        self._interpreter.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ears_thread.shutdown()
        self._brain_thread.shutdown()

    # ---- ears --------------------------------------------------------------------------------------------------

    async def _on_ears(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._ears_thread, work)

    async def _tell(self, heard: Heard) -> None:
        """Publish where speech began and ended, what is forgotten, and what is recognised so far."""
        at = {"site_id": self.settings.site_id, "signal_ms": heard.at * 1000 // RATE}
        up = self._activity.process(heard)
        if up is not None:
            await send(self._bus, VadUp(**at) if up else VadDown(**at))
        for reason in heard.forgotten:
            lost = f"wake words were off for {reason!r} and nobody took it back: they are on again"
            await send(self._bus, ErrorMessage(component="hotword", error=lost, site_id=self.settings.site_id))
        due_now = due(heard.at, self._partial.at, self.settings.partial_ms)
        if due_now and self.phase == "listening" and not self._partial.running:
            segment = await self._on_ears(self._ears.so_far)
            if segment is not None:
                self._partial.at, self._partial.running = heard.at, True
                self._spawn(self._recognise_so_far(segment, self._turn, self._partial))

    async def _woken(self, wake: Wake, heard: Heard) -> bool:
        """Tell a wake, unless a second look refuses it."""
        clip = await self._on_ears(partial(self._ears.recent, wake.at - round(CLIP_S * RATE), heard.at))
        if self._waking.doubts(wake):
            look = partial(self._waking.confirms, wake, clip)
            if not await asyncio.get_running_loop().run_in_executor(self._brain_thread, look):
                await self._on_ears(partial(self._ears.rearm, wake.model_id))
                return False
        self._waking.remember(wake, clip)
        self._wake = wake
        await self._go("woken")
        await send(self._bus, self._waking.message(wake, self.settings.site_id, heard.level_dbfs))
        return True

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
        if await self._interpreter.refuses(message.intent_filter, message.session_id):
            return
        self._turn, self._partial = message, _Partial()
        wake, self._wake = self._wake, None
        at = wake.at if wake else None
        listen = partial(
            self._ears.listen, at, at, until_stopped=not message.stop_on_silence, wakes_too=message.hotword_on
        )
        await self._on_ears(listen)
        await self._go("listening")

    async def _stop_listening(self, message: AsrStopListening) -> None:
        """End the capture; where silence was not to end it, this does, and what was said counts."""
        if message.site_id != self.settings.site_id or message.session_id != self._turn.session_id:
            return
        captured = await self._on_ears(self._ears.stop)
        if not self._turn.stop_on_silence and self.phase == "listening":
            if captured is not None:
                self._think(captured)
            else:
                await self._captured(Understanding("", None, 0.0, "open"), self._turn, 0.0)

    async def _record_example(self, message: RecordExample) -> None:
        if message.site_id != self.settings.site_id:
            return
        if not self.settings.share_audio or self.phase != "idle":
            why = "not while a session runs" if self.settings.share_audio else "set assistant.share_audio to true"
            fault = ErrorMessage(component="hotword", error=f"no recording: {why}", site_id=message.site_id)
            await send(self._bus, fault)
            return
        self._example, self._turn = message.id, AsrStartListening(site_id=message.site_id)
        await self._on_ears(self._ears.listen)
        await self._go("listening")

    async def _arbitrated(self, message: Arbitration) -> None:
        """Go on waiting for a wake word where another site answers."""
        if message.site_id != self.settings.site_id and self.phase == "woken":
            self._wake = None
            await self._go("idle")

    async def _session_ended(self, message: SessionEnded) -> None:
        if message.site_id == self.settings.site_id:
            self._turn = AsrStartListening()
            await self._go("idle")

    # ---- brain -------------------------------------------------------------------------------------------------

    def _think(self, segment: Segment) -> None:
        self.phase, self._patient = "thinking", True
        if self._example is not None:
            example, self._example = self._example, None
            self._spawn(self._send_example(segment, example))
        else:
            self._spawn(self._understand(segment, self._turn))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send_example(self, segment: Segment, example: str) -> None:
        await send(self._bus, ExampleRecorded(self.settings.site_id, example, write_frame(segment.samples)))
        await self._go("idle")

    async def _understand(self, segment: Segment, turn: AsrStartListening) -> None:
        ids = {"session_id": turn.session_id, "site_id": self.settings.site_id}
        await send(self._bus, AsrRecordingFinished(**ids))
        started = time.perf_counter()
        understood = Understanding("", None, 0.0, "open")
        try:
            understood = await asyncio.get_running_loop().run_in_executor(
                self._brain_thread, partial(self._brain.understand, segment, turn.intent_filter, turn.slot)
            )
        except Exception as error:  # noqa: BLE001 - the utterance boundary: a bad utterance must not end the loop
            _log.exception("an utterance could not be recognised")
            reason = str(error) if isinstance(error, EarshotError) else type(error).__name__
            await send(self._bus, ErrorMessage(component="asr", error=reason, **ids))
        seconds = time.perf_counter() - started
        self._interpreter.remember(turn.session_id, understood)
        end = segment.speech_end if segment.speech_end is not None else segment.end
        endpoint_ms = (segment.end - end) * 1000 / segment.rate
        length = len(segment.samples) / segment.rate
        self._watch(Turn(turn.session_id, understood, length, endpoint_ms, seconds * 1000))
        if turn.send_audio_captured and self.settings.share_audio:
            wav = write_frame(segment.samples)
            await send(self._bus, AsrAudioCaptured(self.settings.site_id, turn.session_id or "", wav))
        await self._captured(understood, turn, seconds)

    async def _captured(self, understood: Understanding, turn: AsrStartListening, seconds: float) -> None:
        captured = AsrTextCaptured(
            text=understood.text,
            likelihood=understood.confidence,
            seconds=seconds,
            site_id=self.settings.site_id,
            session_id=turn.session_id,
            asr_tokens=[tokens_of(understood)],
            wakeword_id=turn.wakeword_id,
            lang=turn.lang,
        )
        await send(self._bus, captured)

    async def _recognise_so_far(self, segment: Segment, turn: AsrStartListening, so_far: "_Partial") -> None:
        """Publish a partial text, unless the turn has gone on meanwhile; one at a time, so that none piles up."""
        try:
            heard = await asyncio.get_running_loop().run_in_executor(
                self._brain_thread, partial(self._brain.recognizer.transcribe, segment)
            )
        except Exception:  # noqa: BLE001 - the utterance boundary: the text at the end will say it
            _log.debug("a partial text could not be made", exc_info=True)
            return
        finally:
            so_far.running = False
        if turn is not self._turn or self.phase != "listening" or not heard.text:
            return
        await send(self._bus, so_far.partials.next(heard).message(self.settings.site_id, turn.session_id))

    async def _judge(self, heard: Heard, *, wait: bool) -> None:
        """Let what was said before a pause decide how long the pause may last; a bare slot value is left alone."""
        if heard.pause is not None and self.phase == "listening" and self._turn.slot is None:
            judging = self._spawn(self._judge_pause(heard.pause, self._turn.intent_filter))
            if wait:
                await judging

    async def _judge_pause(self, pause: Segment, intent_filter: list[str] | None) -> None:
        try:
            said = await asyncio.get_running_loop().run_in_executor(
                self._brain_thread, partial(self._brain.progress, pause, intent_filter)
            )
        except Exception:  # noqa: BLE001 - the utterance boundary: the usual silence ends it, and its text says why
            _log.debug("a pause could not be judged", exc_info=True)
            return
        await self._on_ears(partial(self._ears.judge, pause, said))

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


@dataclass
class _Partial:
    """How far the partial texts of a turn are."""

    at: int = 0
    running: bool = False
    partials: Partials = field(default_factory=Partials)
