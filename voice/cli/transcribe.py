"""`voice transcribe`: free speech, written down."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import AsJson, Files, expand, for_each_file
from voice.errors import ConfigError

if TYPE_CHECKING:
    from voice.events import Transcript
    from voice.models.asr import CtcRecognizer

DECODERS = ("greedy", "beam")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(transcribe)


def transcribe(
    files: Files,
    *,
    model: Annotated[str, typer.Option(help="Bundle name or folder.")] = "asr-en",
    decoder: Annotated[str, typer.Option(metavar="|".join(DECODERS), help="How text is read off.")] = DECODERS[0],
    beam: Annotated[int, typer.Option(min=1, max=256, help="Prefixes kept by the beam.")] = 16,
    as_json: AsJson = False,
) -> None:
    """Write down free speech."""
    from voice.models.asr import CtcRecognizer  # noqa: PLC0415 - the engine is slow to load
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    if decoder not in DECODERS:
        raise ConfigError(f"no decoder {decoder!r}", fix=f"choose {' or '.join(DECODERS)}")
    paths = expand(files)
    recognizer = CtcRecognizer(load_bundle(model, "asr"))

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        yield _transcribed(path, recognizer, beam if decoder == "beam" else 0)

    raise typer.Exit(for_each_file(paths, handle, as_json=as_json))


def _transcribed(path: Path, recognizer: "CtcRecognizer", beam: int) -> dict[str, Any]:
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.events import RATE, Segment  # noqa: PLC0415

    samples = read_audio(path)
    segment = Segment(samples, 0, speech_start=0, speech_end=len(samples))
    started = time.process_time()
    heard = _beam(segment, recognizer, beam) if beam else recognizer.transcribe(segment)
    cpu = time.process_time() - started
    seconds = len(samples) / RATE
    return {
        "file": str(path),
        "text": heard.text,
        "confidence": round(heard.confidence, 4),
        "seconds": round(seconds, 3),
        "rtf": round(cpu / seconds, 5),
        "tokens": [
            {
                "text": token.text,
                "start": round(token.start, 2),
                "end": round(token.end, 2),
                "confidence": round(token.confidence, 3),
            }
            for token in heard.tokens
        ],
    }


def _beam(segment: Any, recognizer: "CtcRecognizer", beam: int) -> "Transcript":
    from voice.decoding.ctc import prefix_beam  # noqa: PLC0415

    log_probs = recognizer.log_probs(segment)
    return prefix_beam(log_probs, recognizer.alphabet, beam=beam, stride=recognizer.stride_seconds)[0]
