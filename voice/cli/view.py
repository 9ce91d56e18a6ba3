"""The live view of `voice run`: state, level, last transcript, intent, latency; plain lines without a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from voice.app import Running
from voice.bus.topics import HotwordDetected, IntentMessage, SessionEnded, TtsSay, on
from voice.pipeline.assistant import Turn
from voice.pipeline.ears import Heard

_FLOOR = -70.0
_BAR = 40


class LiveView:
    """Shows a running assistant on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live: Live | None = None
        self._parts: Running | None = None
        self._rows = {"state": "starting", "level": "", "heard": "", "intent": "", "reply": "", "latency": ""}
        self._chunks = 0

    @contextmanager
    def on(self, parts: Running) -> Iterator[None]:
        """Show `parts` until the block ends."""
        self._parts = parts
        for model in (HotwordDetected, IntentMessage, TtsSay, SessionEnded):
            on(parts.bus, model, self._note)
        self._console.print(f"Listening. {'Broker at ' + parts.broker if parts.link else 'No broker'}. Ctrl-C ends.")
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as self._live:
            yield
        self._live = None

    def watch(self, event: Heard | Turn) -> None:
        """Take note of what the loop heard or understood."""
        if isinstance(event, Turn):
            self._set("heard", f"{event.understanding.text!r} ({event.understanding.source})")
            self._set(
                "latency", f"{event.endpoint_ms:.0f} ms of silence, then {event.understand_ms:.0f} ms of computing"
            )
            return
        self._chunks += 1
        if self._live is None or self._chunks % 3:
            return
        filled = int(max(0.0, min(1.0, (event.level_dbfs - _FLOOR) / -_FLOOR)) * _BAR)
        self._rows["level"] = f"{'█' * filled}{'·' * (_BAR - filled)} {event.level_dbfs:4.0f} dBFS"
        self._rows["state"] = self._parts.assistant.phase if self._parts else ""
        self._show()

    async def _note(self, message: object) -> None:
        match message:
            case HotwordDetected():
                self._set("state", f"woken by {message.model_id}")
            case IntentMessage():
                slots = ", ".join(f"{slot.slot_name}={slot.value.value}" for slot in message.slots)
                self._set("intent", f"{message.intent.intent_name}({slots}) {message.intent.confidence_score:.2f}")
            case TtsSay():
                self._set("reply", message.text)
            case SessionEnded():
                self._set("state", f"session ended: {message.termination.reason}")

    def _set(self, row: str, text: str) -> None:
        self._rows[row] = text
        if self._live is None:
            self._console.print(f"{row}: {text}", markup=False, highlight=False)
        else:
            self._show()

    def _show(self) -> None:
        if self._live is None:
            return
        table = Table.grid(padding=(0, 2))
        for name, text in self._rows.items():
            table.add_row(name, text)
        self._live.update(table, refresh=True)
