"""`voice transcribe`: free speech, written down."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from voice.cli.output import AsJson, Files, expand, for_each_file
from voice.errors import ConfigError

if TYPE_CHECKING:
    from voice.models.asr import CtcRecognizer, DecoderName

_HOT_NATS = 6.0  # what a hot word gains unless another number is given


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(transcribe)


def transcribe(
    files: Files,
    *,
    model: Annotated[str, typer.Option(help="Bundle name or folder.")] = "asr-en",
    decoder: Annotated[
        str | None,
        typer.Option(
            metavar="greedy|beam|words|lexicon", help="How text is read off.", show_default="the bundle's best"
        ),
    ] = None,
    partials: Annotated[
        bool, typer.Option("--partials", help="The texts so far first, as while someone speaks.")
    ] = False,
    every: Annotated[int, typer.Option(min=40, metavar="MS", help="Audio between two of them, ms.")] = 300,
    hotword: Annotated[
        list[str] | None, typer.Option(metavar="TEXT[:NATS]", help="Make a word or phrase likelier (repeatable).")
    ] = None,
    n_best: Annotated[int, typer.Option(min=1, metavar="N", help='With --json, "alternatives": the N best texts.')] = 1,
    as_json: AsJson = False,
) -> None:
    """Write down free speech.

    With --partials records {"file", "partial", "stable", "unstable", "sequence", "stability", "seconds"} come
    before the whole text; "stable" is never taken back by a later one.
    """
    from voice.models.asr import CtcRecognizer, DecoderName  # noqa: PLC0415 - the engine is slow to load
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    names = get_args(DecoderName)
    if decoder not in (None, *names):
        raise ConfigError(f"no decoder {decoder!r}", fix=f"choose {', '.join(names)}")
    paths = expand(files)
    recognizer = CtcRecognizer(load_bundle(model, "asr"))
    chosen: DecoderName = next((name for name in names if name == decoder), recognizer.best_decoder)
    recognizer.boost(dict(map(_hotword, hotword or [])))
    if chosen in ("words", "lexicon"):
        _ = recognizer.lexicon  # says at once where the bundle has no language model

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        if partials:
            yield from _partials(path, recognizer, chosen, every)
        yield _transcribed(path, recognizer, chosen, n_best if as_json else 1)

    raise typer.Exit(for_each_file(paths, handle, as_json=as_json))


def _hotword(text: str) -> tuple[str, float]:
    """Return the phrase and the nats of TEXT[:NATS]."""
    from voice.text import normalise  # noqa: PLC0415

    phrase, _, nats = text.partition(":")
    try:
        return normalise(phrase), float(nats or _HOT_NATS)
    except ValueError:
        raise ConfigError(f"--hotword {text}: {nats!r} is no number", fix="write TEXT or TEXT:NATS") from None


def _partials(
    path: Path, recognizer: "CtcRecognizer", decoder: "DecoderName", every_ms: int
) -> Iterator[dict[str, Any]]:
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.events import Segment  # noqa: PLC0415
    from voice.models.asr_stream import growing_text  # noqa: PLC0415
    from voice.pipeline.partials import growing  # noqa: PLC0415

    segment = Segment(read_audio(path), 0)
    for seconds, found in growing(growing_text(recognizer, decoder), segment, every_ms):
        yield {
            "file": str(path),
            "partial": found.text,
            "stable": found.stable,
            "unstable": found.unstable,
            "sequence": found.sequence,
            "stability": round(found.stability, 3),
            "seconds": round(seconds, 3),
        }


def _transcribed(path: Path, recognizer: "CtcRecognizer", decoder: "DecoderName", n_best: int) -> dict[str, Any]:
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.events import RATE, Segment  # noqa: PLC0415

    samples = read_audio(path)
    segment = Segment(samples, 0, speech_start=0, speech_end=len(samples))
    started = time.process_time()
    texts = recognizer.n_best(recognizer.log_probs(segment), n_best, decoder)
    heard = texts[0]
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
    } | (
        {"alternatives": [{"text": text.text, "confidence": round(text.confidence, 4)} for text in texts]}
        if n_best > 1
        else {}
    )
