"""`voice doctor`: is everything there that the loop needs, and what to do if not."""

from dataclasses import asdict
from typing import Annotated

import typer

from voice.cli.output import emit

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def register(app: typer.Typer) -> None:
    """Add `voice doctor`."""
    app.command("doctor")(doctor)


def doctor(
    broker: Annotated[str, typer.Option(help="embedded, or HOST[:PORT] of an external broker.")] = "embedded",
    microphone: Annotated[str, typer.Option(help="Part of its name; empty: the system's choice.")] = "",
    loudspeaker: Annotated[str, typer.Option(help="Part of its name; empty: the system's choice.")] = "",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long the microphone's level is measured.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
) -> None:
    """Check microphone, models, broker, espeak-ng and loudspeaker. Exit status 1 when something required is missing."""
    from voice.models.bundle import shipped_bundles  # noqa: PLC0415 - keeps `voice --help` fast
    from voice.ops.doctor import Needs, examine, failed  # noqa: PLC0415

    embedded = broker == "embedded"
    host, port = ("127.0.0.1", 1883) if embedded else _address(broker)
    bundles = tuple(folder.name for folder in shipped_bundles())
    findings = []
    for finding in examine(Needs(microphone, loudspeaker, host, port, embedded, bundles, seconds)):
        findings.append(finding)
        if as_json:
            emit(asdict(finding))
        else:
            fix = f"\n      -> {finding.fix}" if finding.fix else ""
            typer.echo(f"{_MARKS[finding.status]}  {finding.name}: {finding.message}{fix}")
    raise typer.Exit(1 if failed(findings) else 0)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    if port and not port.isdigit():
        raise typer.BadParameter(f"{text!r} is not HOST[:PORT]")
    return host, int(port or 1883)
