"""`voice classify`: which command word a recording holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.cli.output import AsJson, Files, expand, for_each_file

_ONE_SECOND = 16_000  # samples


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("classify")(classify)


def classify(
    files: Files,
    *,
    model: Annotated[str, typer.Option(help="Commands bundle, name or folder.")] = "commands-en",
    as_json: AsJson = False,
) -> None:
    """Classify recordings of one word; of a longer one, the second around its loudest moment."""
    from voice.models.bundle import load_bundle  # noqa: PLC0415 - the engine is slow to load
    from voice.models.commands import CommandsCnn  # noqa: PLC0415

    paths = expand(files)
    classifier = CommandsCnn(load_bundle(model, kind="commands"))

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        from voice.audio.files import read_audio  # noqa: PLC0415
        from voice.events import Segment  # noqa: PLC0415

        samples = read_audio(path)
        whole = (0, len(samples)) if len(samples) <= _ONE_SECOND else (None, None)
        answer = classifier.classify(Segment(samples, 0, speech_start=whole[0], speech_end=whole[1]))
        scores = {label: round(value, 4) for label, value in answer.scores.items()}
        yield {"file": str(path), "label": answer.label, "score": round(answer.score, 4), "scores": scores}

    raise typer.Exit(for_each_file(paths, handle, as_json=as_json))
