"""`voice understand` and `voice transcribe`."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.cli.output import emit, expand, for_each_file, read_list
from voice.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(understand)
    app.command()(transcribe)


def understand(
    files: Annotated[list[str] | None, typer.Argument(help="FILE..., a folder, or @list.txt")] = None,
    *,
    text: Annotated[list[str] | None, typer.Option(help="Text instead of files; repeatable, or @lines.txt.")] = None,
    sentences: Annotated[
        Path | None, typer.Option(help="YAML file or folder that replaces the skills' sentences.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> None:
    """Say which intent was spoken, or written."""
    from voice.app import build_understanding, sentences_of  # noqa: PLC0415 - slow to import
    from voice.config import load_config  # noqa: PLC0415

    if not files and not text:
        raise ConfigError("nothing to understand", fix="give FILE... or --text")
    settings = load_config(config)
    brain = build_understanding(settings, sentences_of(settings, sentences))

    def record(subject: dict[str, Any], outcome: Any) -> dict[str, Any]:
        intent = outcome.intent
        return {
            **subject,
            "text": outcome.text,
            "intent": intent.name if intent else None,
            "slots": {slot.name: slot.value for slot in intent.slots} if intent else {},
            "confidence": round(outcome.confidence, 4),
            "source": outcome.source,
        }

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        yield record({"file": str(path)}, brain.understand(_segment(path, settings)))

    for line in (line for item in text or () for line in (read_list(Path(item[1:])) if item[:1] == "@" else [item])):
        answer = record({}, brain.parse(line)) | {"text": line}
        emit(answer) if as_json else typer.echo(f"{line}\t{answer['intent']}  {answer['slots']}")
    raise typer.Exit(for_each_file(expand(files or ()), handle, as_json=as_json))


def transcribe(
    files: Annotated[list[str], typer.Argument(help="FILE..., a folder, or @list.txt")],
    *,
    model: Annotated[str, typer.Option(help="Bundle name or folder.")] = "asr-en",
    decoder: Annotated[str, typer.Option(help="greedy or beam.")] = "greedy",
    beam: Annotated[int, typer.Option(min=1, max=256, help="Prefixes kept by the beam.")] = 16,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> None:
    """Write down free speech."""
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.decoding.ctc import prefix_beam  # noqa: PLC0415
    from voice.events import RATE, Segment  # noqa: PLC0415
    from voice.models.asr import CtcRecognizer  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    if decoder not in ("greedy", "beam"):
        raise ConfigError(f"no decoder {decoder!r}", fix="choose greedy or beam")
    recognizer = CtcRecognizer(load_bundle(model, "asr"))

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        samples = read_audio(path)
        segment = Segment(samples, 0, speech_start=0, speech_end=len(samples))
        started = time.process_time()
        if decoder == "greedy":
            heard = recognizer.transcribe(segment)
        else:
            heard = prefix_beam(
                recognizer.log_probs(segment), recognizer.alphabet, beam=beam, stride=recognizer.stride_seconds
            )[0]
        cpu = time.process_time() - started
        seconds = len(samples) / RATE
        yield {
            "file": str(path),
            "text": heard.text,
            "confidence": round(heard.confidence, 4),
            "seconds": round(seconds, 3),
            "rtf": round(cpu / seconds, 5),
            "tokens": [
                {
                    "text": t.text,
                    "start": round(t.start, 2),
                    "end": round(t.end, 2),
                    "confidence": round(t.confidence, 3),
                }
                for t in heard.tokens
            ],
        }

    raise typer.Exit(for_each_file(expand(files), handle, as_json=as_json))


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
