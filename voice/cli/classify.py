"""`voice classify`: which command word a recording holds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.cli.output import AsJson, Files, expand, for_each_file

_ONE_SECOND = 16_000  # samples
_TAIL = _ONE_SECOND // 2  # samples of silence behind a file: a command at its end is averaged over a few steps


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("classify")(classify)


def classify(
    files: Files,
    *,
    model: Annotated[str, typer.Option(help="Commands bundle, name or folder.")] = "commands-en",
    stream: Annotated[bool, typer.Option("--stream", help="A line for every command in running audio.")] = False,
    as_json: AsJson = False,
) -> None:
    """Classify recordings of one word; of a longer one, the second around its loudest moment, or --stream."""
    from voice.models.bundle import load_bundle  # noqa: PLC0415 - the engine is slow to load
    from voice.models.commands import CommandsCnn  # noqa: PLC0415

    paths = expand(files)
    if stream:
        raise typer.Exit(for_each_file(paths, _listener(model), as_json=as_json))
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


def _listener(model: str) -> Callable[[Path], Iterator[dict[str, Any]]]:
    """Return what yields a line for every command in a file, with the time at which it was heard, s."""
    from voice.models.bundle import load_bundle  # noqa: PLC0415
    from voice.models.command_stream import CommandStream  # noqa: PLC0415

    listener = CommandStream(load_bundle(model, kind="commands"))

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        import numpy as np  # noqa: PLC0415

        from voice.audio.files import read_audio  # noqa: PLC0415
        from voice.events import Chunk  # noqa: PLC0415

        samples = np.concatenate([read_audio(path), np.zeros(_TAIL, np.float32)])
        listener.reset()
        for heard in listener.process(Chunk(samples, 0)):
            scores = {label: round(value, 4) for label, value in heard.command.scores.items()}
            line = {"file": str(path), "label": heard.command.label, "time": round(heard.at / _ONE_SECOND, 3)}
            yield {**line, "score": round(heard.command.score, 4), "scores": scores}

    return handle
