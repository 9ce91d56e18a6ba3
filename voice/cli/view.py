"""The live view of `voice run`: state, level, last transcript, intent, latency; plain lines without a terminal."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from voice.app import Running
from voice.bus.base import Message
from voice.bus.topics import (
    ErrorMessage,
    HotwordDetected,
    IntentMessage,
    IntentNotRecognized,
    PlayBytes,
    SessionEnded,
    TtsSay,
    TtsSayFinished,
)
from voice.cli.stray import stray_lines
from voice.errors import BusError
from voice.pipeline.assistant import Turn
from voice.pipeline.ears import Heard

_FLOOR_DBFS = -70.0  # left end of the meter
_METER = 40  # characters
_WIDTH = 80  # widest panel
_EVERY = 3  # chunks from one look at the level to the next
_OBSERVED = (HotwordDetected, IntentMessage, IntentNotRecognized, TtsSay, TtsSayFinished, SessionEnded, ErrorMessage)


class Laps:
    """How long each stage of a turn took, from the end of speech on."""

    def __init__(self) -> None:
        self._stages: dict[str, float] = {}
        self._last = 0.0

    def start(self, **stages_ms: float) -> None:
        """Begin a turn with the stages that are known already."""
        self._stages = dict(stages_ms)
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Add the time since the last stage; a stage counts once a turn."""
        now = time.perf_counter()
        if self._stages and stage not in self._stages:
            self._stages[stage] = (now - self._last) * 1000
            self._last = now

    def clear(self) -> None:
        """Forget the turn."""
        self._stages = {}

    def __str__(self) -> str:
        stages = " · ".join(f"{stage} {ms:.0f}" for stage, ms in self._stages.items())
        return f"{stages} ms" if stages else ""


class LiveView:
    """Shows a running assistant on standard error.

    Args:
        console: where; None: standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live: Live | None = None
        self._parts: Running | None = None
        self._rows = dict.fromkeys(("state", "level", "heard", "intent", "reply", "latency", "fault"), "")
        self._laps = Laps()
        self._speaking = False
        self._chunks = 0

    @contextmanager
    def on(self, parts: Running) -> Iterator[None]:
        """Show `parts` until the block ends."""
        self._parts = parts
        with ExitStack() as stack:
            for model in _OBSERVED:
                stack.callback(parts.bus.subscribe(model.topic_filter, self._observer(model)))
            stack.callback(parts.bus.subscribe(PlayBytes.topic_filter, self._played))
            if self._console.is_terminal:
                self._live = stack.enter_context(self._picture())
            yield
        self._live = None

    @contextmanager
    def _picture(self) -> Iterator[Live]:
        """Draw on the screen itself; what others write on standard error goes above the picture."""
        with ExitStack() as stack:
            if self._console.stderr:
                self._console = Console(file=stack.enter_context(stray_lines(self._print)), force_terminal=True)
            yield stack.enter_context(Live(console=self._console, auto_refresh=False, transient=True))

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def watch(self, event: Heard | Turn) -> None:
        """Take note of what the loop heard or understood."""
        if isinstance(event, Turn):
            self._laps.start(silence=event.endpoint_ms, understand=event.understand_ms)
            words = event.understanding.text
            self._set("heard", f"{words!r} ({event.understanding.source})" if words else "no words")
            return
        if self._chunks == 0:
            self._listening()
        self._chunks += 1
        if self._live is None or self._chunks % _EVERY:
            return
        self._rows["level"] = _meter(event.level_dbfs, self._width)
        self._rows["state"] = "speaking" if self._speaking else self._parts.assistant.phase if self._parts else ""
        self._show()

    def _listening(self) -> None:
        """Say it when audio has come, not before: a deaf assistant must not look alive."""
        broker = f"Broker at {self._parts.broker}." if self._parts and self._parts.link else "No broker."
        self._print(f"Listening. {broker} Ctrl-C ends.")

    def _observer(self, model: Any) -> Any:
        """Return a handler that reads a payload and leaves the answer to a malformed one to those concerned."""

        async def observe(message: Message) -> None:
            try:
                self._note(model.parse(message))
            except BusError:
                return

        return observe

    async def _played(self, _message: Message) -> None:
        if self._speaking:
            self._laps.lap("voice")

    def _note(self, message: Any) -> None:
        match message:
            case HotwordDetected():
                self._laps.clear()
                self._rows.update(heard="", intent="", reply="", latency="", fault="")
                self._set("state", f"woken by {message.model_id}")
            case IntentMessage():
                self._laps.lap("intent")
                slots = ", ".join(f"{slot.slot_name}={slot.value.value}" for slot in message.slots)
                self._set("intent", f"{message.intent.intent_name}({slots}) {message.intent.confidence_score:.2f}")
            case IntentNotRecognized():
                self._set("intent", "none")
            case TtsSay():
                self._laps.lap("skill")
                self._speaking = True
                self._set("reply", message.text)
            case TtsSayFinished():
                self._speaking = False
                self._set("latency", str(self._laps))
            case SessionEnded():
                self._laps.lap("skill")
                self._set("latency", str(self._laps))
                self._set("state", f"session ended: {message.termination.reason}")
            case ErrorMessage():
                self._set("fault", f"{message.component}: {message.error}")

    def _set(self, row: str, text: str) -> None:
        if self._live is None and text and text != self._rows[row]:
            self._print(f"{row}: {text}")
        self._rows[row] = text
        self._show()

    def _show(self) -> None:
        if self._live is None:
            return
        self._rows["latency"] = str(self._laps)
        table = Table.grid(padding=(0, 2))
        for name, text in self._rows.items():
            if text or name != "fault":
                table.add_row(Text(name, "dim"), Text(text, "red" if name == "fault" else ""))
        self._live.update(Panel(table, title="Earshot", width=self._width, border_style="dim"), refresh=True)

    @property
    def _width(self) -> int:
        return min(_WIDTH, self._console.width) - len("^C")  # which a terminal writes behind the last line


def _meter(dbfs: float, width: int) -> str:
    """Return a bar that is full at 0 dBFS, with the number behind it."""
    length = max(4, min(_METER, width - 26))
    filled = round(min(1.0, max(0.0, 1 - dbfs / _FLOOR_DBFS)) * length)
    return f"{'█' * filled}{'·' * (length - filled)} {dbfs:4.0f} dBFS"
