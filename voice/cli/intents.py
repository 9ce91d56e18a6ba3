"""`voice intents`: sentences in files, checked, and imported from Rhasspy."""

from pathlib import Path
from typing import Annotated

import typer

from voice.cli.output import AsJson, emit, say
from voice.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Sentences in YAML files: check them, import them from Rhasspy.", no_args_is_help=True)
    group.command("check")(check)
    group.command("import")(import_)
    app.add_typer(group, name="intents")


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR", help="YAML in hassil's format, merged.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Compile sentences: what they cost, and which of them two intents claim."""
    from voice.nlu.conflicts import conflicts  # noqa: PLC0415 - slow to import
    from voice.nlu.templates import compile_grammar, read_sentences  # noqa: PLC0415

    grammar = compile_grammar(read_sentences(*paths))
    graph = grammar.graph()
    facts = {
        "intents": len(grammar.intents),
        "templates": len(grammar.network.templates),
        "nodes": len(graph),
        "arcs": len(graph.source),
        "megabytes": round(graph.size_mb, 2),
    }
    found = conflicts(grammar)
    if as_json:
        emit(facts | {"conflicts": [{"text": c.text, "intents": list(c.intents)} for c in found]})
        return
    typer.echo("  ".join(f"{name} {value}" for name, value in facts.items()))
    for conflict in found:
        typer.echo(f"claimed by {', '.join(conflict.intents)}: {conflict.text!r}; the first one gets it")


def import_(
    sentences: Annotated[list[Path], typer.Argument(metavar="FILE", help="Rhasspy's sentences.ini, or several.")],
    *,
    slots: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder of slot files.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write; otherwise standard output.")] = None,
) -> None:
    """Turn Rhasspy's sentences.ini and slot files into YAML."""
    from voice.nlu.importing import as_yaml, import_rhasspy  # noqa: PLC0415 - slow to import
    from voice.nlu.templates import compile_grammar, read_sentences  # noqa: PLC0415

    text = as_yaml(import_rhasspy(sentences, slots))
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror}", fix="write somewhere else") from error
    grammar = compile_grammar(read_sentences(out))
    say(f"{out}: {len(grammar.intents)} intents, {len(grammar.network.templates)} templates")
