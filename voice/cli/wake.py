"""`voice wake`: where a wake word is heard in recordings, and wakes that were wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from voice.cli.output import AsJson, Files, expand, for_each_file
from voice.cli.wrong import wrong

_STEP = 1_280  # samples a chunk: 80 ms


class _FilesFirst(TyperGroup):
    """A group whose first command needs no name: `voice wake FILE...` as ever."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name in front where none is given."""
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else ["files", *args])


def register(app: typer.Typer) -> None:
    """Add `voice wake [files] FILE...` and `voice wake wrong`."""
    group = typer.Typer(help="Find a wake word in recordings: voice wake FILE... (options: voice wake files --help).")
    group.command("files")(files_command)
    group.command("wrong")(wrong)
    app.add_typer(group, name="wake", cls=_FilesFirst)


def files_command(
    files: Files,
    *,
    model: Annotated[list[str] | None, typer.Option(help="Wake bundle, name or folder; repeatable.")] = None,
    threshold: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Instead of the bundle's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Report every detection of a wake word, then a line for each file."""
    from voice.models.bundle import load_bundle  # noqa: PLC0415 - the engine is slow to load
    from voice.models.wake import StreamingWakeDetector  # noqa: PLC0415

    paths = expand(files)
    bundles = [load_bundle(name, kind="wake") for name in model or ["computer"]]
    detectors = [StreamingWakeDetector(bundle, threshold) for bundle in bundles]

    def handle(path: Path) -> Iterator[dict[str, Any]]:
        return _detections(path, detectors)

    raise typer.Exit(for_each_file(paths, handle, as_json=as_json))


def _detections(path: Path, detectors: list[Any]) -> Iterator[dict[str, Any]]:
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.events import RATE, Chunk  # noqa: PLC0415

    samples = read_audio(path)
    for detector in detectors:
        detector.reset()
    n_found = 0
    for start in range(0, len(samples), _STEP):
        chunk = Chunk(samples[start : start + _STEP], start)
        for found in filter(None, [detector.process(chunk) for detector in detectors]):
            n_found += 1
            seconds = round(found.at / RATE, 3)
            yield {"file": str(path), "model": found.model_id, "time": seconds, "score": round(found.score, 4)}
    yield {"file": str(path), "detections": n_found, "seconds": round(len(samples) / RATE, 3)}
