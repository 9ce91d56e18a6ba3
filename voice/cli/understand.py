"""`voice understand`: which intent was spoken, or written."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.cli.output import AsJson, ConfigFile, emit, expand, for_each_file, read_list
from voice.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(understand)


def understand(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="Recordings, folders of them, or @list.txt.")
    ] = None,
    *,
    text: Annotated[list[str] | None, typer.Option(help="Text instead of files; repeatable, or @lines.txt.")] = None,
    sentences: Annotated[
        Path | None, typer.Option(metavar="FILE|DIR", help="YAML in hassil's format; replaces the skills' sentences.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say which intent was spoken, or written."""
    from voice.app import build_understanding, sentences_of  # noqa: PLC0415 - slow to import
    from voice.config import load_config  # noqa: PLC0415

    if not files and not text:
        raise ConfigError("nothing to understand", fix="give FILE... or --text")
    paths, lines = expand(files or ()), [*_lines(text or ())]
    settings = load_config(config)
    grammar = sentences_of(settings, sentences)
    brain = build_understanding(settings, grammar, [*grammar.names] if sentences else None)

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        yield {"file": str(path)} | _record(brain.understand(_segment(path, settings)))

    for line in lines:
        answer = _record(brain.parse(line)) | {"text": line}
        emit(answer) if as_json else typer.echo(f"{line}\t{answer['intent']}  {answer['slots'] or ''}".rstrip())
    raise typer.Exit(for_each_file(paths, handle, as_json=as_json))


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts, and the lines of the files behind an @."""
    for text in texts:
        yield from read_list(Path(text[1:])) if text.startswith("@") else [text]


def _record(outcome: Any) -> dict[str, Any]:
    intent = outcome.intent
    return {
        "text": outcome.text,
        "intent": intent.name if intent else None,
        "slots": {slot.name: slot.value for slot in intent.slots} if intent else {},
        "confidence": round(outcome.confidence, 4),
        "source": outcome.source,
    }


def _segment(path: Path, settings: Any) -> Any:
    """Return the whole file as a segment, with speech where the VAD finds it."""
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.audio.rechunk import Rechunker  # noqa: PLC0415
    from voice.events import Chunk, Segment  # noqa: PLC0415
    from voice.models.vad import WebRtcVad  # noqa: PLC0415

    samples = read_audio(path)
    vad = WebRtcVad(settings.vad)
    voiced = [frame for frame in Rechunker(320).process(Chunk(samples, 0)) if vad.process(frame) > 0]
    start, end = (voiced[0].start, voiced[-1].end) if voiced else (None, None)
    return Segment(samples, 0, ended_by="end_of_stream", speech_start=start, speech_end=end)
