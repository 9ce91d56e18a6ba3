"""The assistant for tests that are plain functions: the same calls, without `await`."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

from voice.skill import Skill
from voice.testing.assistant import Assistant


class Talk:
    """Wraps an `Assistant`: `load` skills, then `say`, `play`, `advance`, `receive` and `expect_...`.

    Args:
        folder: what file names of skills are relative to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runner = asyncio.Runner()
        self._assistant: Assistant | None = None

    def load(self, *skills: Skill | str | Path, **options: Any) -> "Talk":
        """Begin with these skills; a second call begins anew. Options are those of `Assistant`."""
        self._end()
        beside = [self._beside(skill) for skill in skills]
        self._assistant = Assistant(*beside, **options)
        self._runner.run(self._assistant.__aenter__())
        return self

    def close(self) -> None:
        """End; a fault of a skill that nobody expected fails here."""
        try:
            self._end()
        finally:
            self._runner.close()

    def __getattr__(self, name: str) -> Any:
        if self.__dict__.get("_assistant") is None:
            raise AttributeError(f"{name}: load a skill first")
        value = getattr(self._assistant, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return lambda *arguments, **keywords: self._runner.run(value(*arguments, **keywords))

    def _beside(self, skill: Skill | str | Path) -> Skill | str | Path:
        if isinstance(skill, Skill):
            return skill
        path = self._folder / skill
        return path if path.exists() else skill

    def _end(self) -> None:
        assistant, self._assistant = self._assistant, None
        if assistant is not None:
            self._runner.run(assistant.__aexit__(None, None, None))
