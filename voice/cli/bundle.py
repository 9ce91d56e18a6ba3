"""`voice bundle`: what a model folder says about itself, and whether that is true."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.cli.output import emit, say
from voice.errors import BundleError

_Json = Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")]


def register(app: typer.Typer) -> None:
    """Add `voice bundle list|show|verify|install`."""
    bundles = typer.Typer(help="Look at model bundles.", no_args_is_help=True)
    bundles.command("list")(list_bundles)
    bundles.command("show")(show)
    bundles.command("verify")(verify)
    bundles.command("install")(install)
    app.add_typer(bundles, name="bundle")


def list_bundles(as_json: _Json = False) -> None:
    """List the shipped bundles."""
    from voice.models.bundle import Bundle, shipped_bundles  # noqa: PLC0415 - keeps `voice --help` fast

    for folder in shipped_bundles():
        record = _summary(Bundle(folder))
        if as_json:
            emit(record)
        else:
            typer.echo(f"{record['name']:<16} {record['kind']:<9} {record['parameters']:>9,}  {record['description']}")


def show(
    bundle: Annotated[str, typer.Argument(help="A folder, or the name of a shipped bundle.")],
    as_json: _Json = False,
) -> None:
    """Show a bundle's labels, decision rule, training data and measured results."""
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    manifest = load_bundle(bundle).manifest
    if as_json:
        emit(manifest.model_dump(mode="json"))
        return
    typer.echo(f"{manifest.id} {manifest.version} ({manifest.kind}, {manifest.licence})")
    if manifest.description:
        typer.echo(manifest.description)
    typer.echo(f"labels    {' '.join(manifest.labels)}")
    typer.echo(f"decision  {json.dumps(manifest.decision.model_dump(exclude={'kind'}))}")
    typer.echo(f"features  {json.dumps(manifest.features.model_dump())}")
    typer.echo(f"training  {manifest.training.command}  ({manifest.training.parameters:,} parameters)")
    for source in manifest.training.data:
        typer.echo(f"data      {source.name} ({source.licence}): {source.attribution}")
    for result in manifest.results:
        interval = "" if result.low is None else f" [{result.low:g}, {result.high:g}]"
        typer.echo(f"result    {result.name} = {result.value:g}{interval} on {result.on}")


def verify(
    bundles: Annotated[list[str] | None, typer.Argument(help="Folders or names; none: every shipped bundle.")] = None,
    as_json: _Json = False,
) -> None:
    """Check checksums and manifests, and run each network once. Exit status 1 when one fails."""
    from voice.models.bundle import shipped_bundles  # noqa: PLC0415

    names = bundles or [str(folder) for folder in shipped_bundles()]
    if not names:
        raise BundleError("no bundle is shipped with this installation", fix="install Earshot again")
    failed = False
    for name in names:
        try:
            record = _verified(name)
        except BundleError as error:
            failed = True
            record = {"bundle": name, "ok": False, "error": str(error), "code": error.code}
        if as_json:
            emit(record)
        elif record["ok"]:
            typer.echo(f"ok    {Path(name).name}  {record['milliseconds']} ms for {record['window_ms']:g} ms of audio")
        else:
            say(f"fail  {record['error']}")
    raise typer.Exit(1 if failed else 0)


def _verified(name: str) -> dict[str, Any]:
    from voice.models.bundle import load_bundle  # noqa: PLC0415
    from voice.models.probe import probe  # noqa: PLC0415

    bundle = load_bundle(name)
    result = probe(bundle)
    return {
        "bundle": name,
        "ok": True,
        "sha256": bundle.manifest.model.sha256,
        "milliseconds": round(result.milliseconds, 2),
        "window_ms": result.window_ms,
    }


def _summary(bundle: Any) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "name": bundle.folder.name,
        "id": manifest.id,
        "kind": manifest.kind,
        "version": manifest.version,
        "description": manifest.description,
        "parameters": manifest.training.parameters,
        "bytes": manifest.model.bytes,
        "licence": manifest.licence,
        "folder": str(bundle.folder),
    }


def install(
    bundle: Annotated[str, typer.Argument(help="A folder, or the name of a shipped wake word.")],
    config: Annotated[Path, typer.Option(help="The assistant's YAML; made where it is missing.")],
    phrase: Annotated[str | None, typer.Option(help="How the word is written, where its id doesn't say.")] = None,
) -> None:
    """Let an assistant listen for a wake word: the bundle beside its configuration, and named there."""
    from voice.models.bundle import load_bundle  # noqa: PLC0415
    from voice.ops.install import install_wake  # noqa: PLC0415

    say(install_wake(load_bundle(bundle, "wake").folder, config, phrase))
