"""The `voice` command: rooms register their commands here; errors become one line and an exit status."""

import importlib
import logging
import sys
from typing import Annotated

import typer

import voice
from voice.cli.output import exit_status, say
from voice.errors import EarshotError

_ROOMS = ("run", "understand", "wake", "classify", "audio", "bundle", "skills", "mqtt", "doctor")


def build() -> typer.Typer:
    """Return the application with every room's commands."""
    app = typer.Typer(
        name="voice",
        help="A private, local voice assistant.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def root(
        *,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens inside.")] = False,
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        logging.basicConfig(
            level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
        )
        if version:
            sys.stdout.write(f"{voice.__version__}\n")
            raise typer.Exit

    for room in _ROOMS:
        importlib.import_module(f"voice.cli.{room}").register(app)
    return app


def main() -> None:
    """Run the command line."""
    try:
        build()()
    except EarshotError as error:
        say(f"voice: {error}")
        sys.exit(exit_status(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
