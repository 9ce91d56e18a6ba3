"""pytest's plugin, by the entry point `pytest11`: the fixture `assistant`, and files of golden utterances."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from voice.testing.golden import Golden
    from voice.testing.talk import Talk

_SUFFIX = ".golden.yaml"


@pytest.fixture
def assistant(request: pytest.FixtureRequest) -> "Iterator[Talk]":
    """An assistant in process: `assistant.load("coffee.py")`, then `say`, `advance`, `expect_spoken`, ..."""
    from voice.testing.talk import Talk  # noqa: PLC0415 - pytest starts without the models' libraries

    talk = Talk(request.path.parent)
    try:
        yield talk
    except BaseException:
        talk.close()
        raise
    talk.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect `*.golden.yaml`."""
    if file_path.name.endswith(_SUFFIX):
        return _File.from_parent(parent, path=file_path)
    return None


class _File(pytest.File):
    def collect(self) -> "Iterable[_Line]":
        from voice.testing.golden import Golden, read_golden  # noqa: PLC0415

        golden = read_golden(self.path)
        for utterance in golden.utterances:
            one = Golden(skills=golden.skills, settings=golden.settings, utterances=[utterance])
            yield _Line.from_parent(self, name=utterance.text, golden=one)
        for text in golden.rejections:
            one = Golden(skills=golden.skills, settings=golden.settings, rejections=[text])
            yield _Line.from_parent(self, name=f"not {text}", golden=one)


class _Line(pytest.Item):
    def __init__(self, *, golden: "Golden", name: str, parent: pytest.Collector) -> None:
        super().__init__(name, parent)
        self._golden = golden

    def runtest(self) -> None:
        import asyncio  # noqa: PLC0415

        from voice.testing.golden import check_golden, skills_beside  # noqa: PLC0415

        beside = skills_beside(self._golden, self.path.parent)
        for outcome in asyncio.run(check_golden(self._golden, beside)):
            if outcome.fault:
                raise AssertionError(f"{outcome.text!r} {outcome.fault}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name
