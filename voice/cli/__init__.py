"""The `voice` command: rooms register their commands here; errors become one line and an exit status."""

import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import voice
from voice.cli.output import exit_status, say
from voice.errors import EarshotError

_ROOMS = (
    "run",
    "wake",
    "record",
    "audio",
    "classify",
    "transcribe",
    "understand",
    "intents",
    "speak",
    "doctor",
    "bundle",
    "skills",
    "mqtt",
    "bench",
)
_UsageError: Any = typer.BadParameter.__base__  # typer brings its own click or imports it, according to its version


class _Lines(logging.Handler):
    """Writes log records where `say` writes, so that a live view can keep them out of its picture."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, with its traceback if it has one."""
        say(self.format(record))


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
        level = logging.DEBUG if verbose else logging.WARNING
        logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", handlers=[_Lines()])
        if version:
            sys.stdout.write(f"{voice.__version__}\n")
            raise typer.Exit

    for room in _ROOMS:
        importlib.import_module(f"voice.cli.{room}").register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: what stands after `voice`; None: the process's own.
    """
    try:
        sys.exit(build()(arguments, prog_name="voice", standalone_mode=False))
    except EarshotError as error:
        say(f"voice: {error}")
        sys.exit(exit_status(error))
    except _UsageError as error:
        if line := _usage(error):
            say(line)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)


def _usage(error: Any) -> str:
    """Return one line for a wrong call; nothing where typer has answered a bare `voice` with the help."""
    message = str(error.format_message()).strip()
    if error.ctx is None or not message or "\n" in message:
        return message
    return f"voice: {message.rstrip('.')}: see `{error.ctx.command_path} --help`"
