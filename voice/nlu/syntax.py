"""Parse one template with hassil; say where it is wrong when it is."""

from functools import lru_cache
from pathlib import Path

from hassil.expression import Expression
from hassil.parse_expression import parse_sentence
from hassil.parser import ParseError

from voice.errors import GrammarError

_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<"}
_OPENING = {opening: closing for closing, opening in _CLOSING.items()}


class _FaultError(Exception):
    """Where and what is wrong with a template."""

    def __init__(self, at: int, problem: str) -> None:
        super().__init__(problem)
        self.at = at


@lru_cache(maxsize=16384)
def _parsed(text: str) -> Expression:
    at, problem = fault(text)
    if problem:
        raise _FaultError(at, problem)
    try:
        return parse_sentence(text).expression
    except (ParseError, ValueError, IndexError, AssertionError, RecursionError) as error:
        said = str(error).splitlines()
        raise _FaultError(at, said[0] if said else "nothing between the brackets") from error


def parse_template(text: str, where: str, file: Path | None = None) -> Expression:
    """Return the expression tree of a template.

    Args:
        text: in hassil's syntax.
        where: the intent, rule or list that it belongs to.
        file: where it was read; its line is looked up for the error.

    Raises:
        GrammarError: it can't be parsed; names file, line and column, and marks the place with a caret.
    """
    try:
        return _parsed(text)
    except _FaultError as error:
        marked = text[: error.at] + "^" + text[error.at :]
        raise GrammarError(
            f"{place(file, text)}{where}: {text!r} can't be parsed, column {error.at + 1}: {error} "
            f"at the caret in {marked!r}",
            fix="check brackets: (a|b) [optional] {list} <rule>",
        ) from error


def fault(text: str) -> tuple[int, str]:
    """Return where the brackets of a template go wrong and what is wrong there; no words where nothing is."""
    stack: list[int] = []
    escaped = False
    for at, character in enumerate(text):
        if escaped or character == "\\":
            escaped = not escaped and character == "\\"
        elif character in _OPENING:
            if stack and text[stack[-1]] in "{<":
                return at, f"{character!r} inside {text[stack[-1]]!r}"
            stack.append(at)
        elif character in _CLOSING:
            if not stack or text[stack[-1]] != _CLOSING[character]:
                return at, f"{character!r} closes nothing that is open"
            if stack.pop() + 1 == at:
                return at, "nothing between the brackets"
    return (stack[-1], f"{text[stack[-1]]!r} is never closed") if stack else (len(text), "")


def place(file: Path | None, text: str) -> str:
    """Return "file, line n: " for a template, as far as they are known."""
    if file is None:
        return ""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return f"{file}: "
    line = next((n for n, line in enumerate(lines, 1) if text in line), 0)
    return f"{file}, line {line}: " if line else f"{file}: "
