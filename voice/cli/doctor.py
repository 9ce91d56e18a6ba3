"""`voice doctor`: is everything there that the loop needs, and what to do if not."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from voice.cli.output import emit

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def register(app: typer.Typer) -> None:
    """Add `voice doctor`."""
    app.command("doctor")(doctor)


def doctor(
    *,
    config: Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")] = None,
    broker: Annotated[str | None, typer.Option(help="embedded, or HOST[:PORT] of one that exists.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long the microphone's level is measured.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
) -> None:
    """Check microphone, models, broker, espeak-ng and loudspeaker. Exit status 1 when something required is missing."""
    from voice.config import load_config  # noqa: PLC0415 - keeps `voice --help` fast
    from voice.ops.doctor import examine, failed, needs_of  # noqa: PLC0415

    settings = load_config(config)
    if broker is not None:
        settings = settings.model_copy(update={"broker": settings.broker.at(broker)})
    findings = []
    for finding in examine(needs_of(settings, seconds)):
        findings.append(finding)
        if as_json:
            emit(asdict(finding))
        else:
            fix = f"\n      -> {finding.fix}" if finding.fix else ""
            typer.echo(f"{_MARKS[finding.status]}  {finding.name}: {finding.message}{fix}")
    raise typer.Exit(1 if failed(findings) else 0)
