"""`voice record-keyword`: takes of your own wake word."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import AsJson, ConfigFile, emit, expand, say
from voice.errors import AudioError, ConfigError

if TYPE_CHECKING:
    from voice.audio.microphone import MicrophoneSource
    from voice.events import Chunk
    from voice.ops.recording import TakeSession, Verdict
    from voice.stages import AudioSource

_TAKES = 10
_PATIENCE = 3  # times in a row that nothing is said
_MICROPHONE = "microphone"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("record-keyword")(record_keyword)


def record_keyword(  # noqa: PLR0913 - the options of a command
    phrase: Annotated[str, typer.Argument(help="What to say, as in 'hey luna'.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Further recordings, behind --input.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the takes; the same one goes on with them.")],
    takes: Annotated[int, typer.Option(min=1, help="How many there shall be in the end.")] = _TAKES,
    speaker: Annotated[str, typer.Option(help="Who speaks: begins the files' names.")] = "take",
    source: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="FILE", help="Recordings instead of the microphone."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Any part of the microphone's name.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Record takes of a wake word: cut out, checked, and asked for again where one is no good."""
    from voice.audio.takes import TakeSettings  # noqa: PLC0415 - numpy is slow to load
    from voice.models.spoken_phrase import SpokenPhrase  # noqa: PLC0415
    from voice.ops.recording import TakeFolder, TakeSession  # noqa: PLC0415

    if more and source is None:
        raise ConfigError(f"{more[0]!r} stands behind the phrase", fix=f"quote it: '{' '.join([phrase, *more])}'")
    folder = TakeFolder(out, phrase, speaker)
    session = TakeSession(folder, TakeSettings.for_phrase(phrase), SpokenPhrase(phrase).score)
    recorder = _Recorder(session, phrase, takes, as_json=as_json)
    try:
        if source is None and recorder.complete:
            say(f"there are {session.n_kept} takes already: ask for more with --takes")
            status = 0
        elif source is not None:
            status = recorder.from_files(expand([*source, *(more or ())]))
        else:
            asyncio.run(recorder.from_microphone(_microphone(device, config)))
            status = 0
    finally:
        if session.n_kept:
            train = f"train with `kws-train keyword {phrase!r} --recordings {out}`"
            then = train if recorder.complete else "the same command goes on with them"
            say(f"{session.n_kept} takes in {out}; {then}")
    raise typer.Exit(status if session.n_kept else 1)


def _microphone(device: str | None, config: Path | None) -> "MicrophoneSource":
    from voice.audio.microphone import MicrophoneSource, find_microphone  # noqa: PLC0415
    from voice.config import load_config  # noqa: PLC0415

    settings = load_config(config).microphone
    if device is not None:
        settings = settings.model_copy(update={"device": device})
    find_microphone(settings)
    return MicrophoneSource(settings, lambda error: say(f"voice: {error}"))


class _Recorder:
    """Asks, listens, and says what became of each take."""

    def __init__(self, session: "TakeSession", phrase: str, wanted: int, *, as_json: bool) -> None:
        from voice.ops.recording import TakeListener  # noqa: PLC0415

        self._session = session
        self._phrase = phrase
        self._wanted = wanted
        self._as_json = as_json
        self._listener = TakeListener()

    @property
    def complete(self) -> bool:
        """Whether there are enough takes."""
        return self._session.n_kept >= self._wanted

    def from_files(self, paths: list[Path]) -> int:
        """Judge every take in recordings; return the exit status: 1 where a file can't be read."""
        from voice.audio.files import read_audio  # noqa: PLC0415

        status = 0
        for path in paths:
            try:
                samples = read_audio(path)
            except AudioError as error:
                status = 1
                unread = {"file": str(path), "error": str(error), "code": error.code}
                emit(unread) if self._as_json else say(f"voice: {error}")
                continue
            for segment in self._listener.takes_in(samples):
                self._tell(self._session.offer(segment), str(path))
        return status

    async def from_microphone(self, microphone: "AudioSource") -> None:
        """Ask for takes until there are enough.

        Raises:
            DeviceError: the microphone can't be opened.
            AudioError: nobody speaks, or a take can't be written.
        """
        from voice.audio.rechunk import Rechunker  # noqa: PLC0415
        from voice.events import RATE  # noqa: PLC0415

        n_silent = 0
        frames = Rechunker(RATE // 50)
        try:
            async for chunk in microphone.chunks():
                for frame in frames.process(chunk):
                    spoken = None if self.complete else self._hear(frame)
                    if spoken is not None:
                        n_silent = 0 if spoken else n_silent + 1
                    if n_silent == _PATIENCE:
                        raise AudioError("nothing was said for 30 s", fix="check the microphone with `voice devices`")
                if self.complete:
                    await microphone.close()  # ends the loop
        finally:
            await microphone.close()

    def _hear(self, frame: "Chunk") -> bool | None:
        """Ask where nobody has been asked; return whether something was said where a take has ended, else None."""
        if self._listener.waits:
            say(f"{self._session.n_kept + 1} of {self._wanted}: say {self._phrase!r}")
            self._listener.ask(frame.start)
        if (segment := self._listener.process(frame)) is None:
            return None
        self._tell(self._session.offer(segment), _MICROPHONE)
        return segment.speech_start is not None

    def _tell(self, verdict: "Verdict", source: str) -> None:
        if self._as_json:
            emit(_record(verdict, source))
        facts, fault = verdict.facts, verdict.fault
        of = "" if source == _MICROPHONE else f"{Path(source).name}: "  # among many, which one to record again
        if fault is not None:
            say(f"  {of}not kept: {fault}")
        elif verdict.path is not None:
            figures = f"{facts.speech_s:.2f} s, {facts.level_dbfs:.0f} dBFS, {facts.snr_db:.0f} dB above the rest"
            say(f"  {of}kept: {verdict.path.name} ({figures})")
        for path, why in verdict.set_aside:
            say(f"  set aside: {path.name}, {why.what}")


def _record(verdict: "Verdict", source: str) -> dict[str, Any]:
    facts, fault = verdict.facts, verdict.fault
    return {
        "file": source,
        "take": str(verdict.path) if verdict.path else None,
        "seconds": round(facts.speech_s, 2),
        "level_dbfs": round(facts.level_dbfs, 1),
        "snr_db": round(facts.snr_db, 1),
        **({"code": fault.code, "reason": fault.what, "fix": fault.fix} if fault else {}),
        "set_aside": [{"take": str(path), "reason": why.what} for path, why in verdict.set_aside],
    }
