"""The built-in skills, together and one by one."""

import importlib
import time

import pytest

from voice.app import sentences_of
from voice.config import Config
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.skill import Rehearsal


def skill(name):
    return importlib.import_module(f"skills.{name}").skill


@pytest.fixture(scope="session")
def parser():
    """Parses text against the sentences of all built-in skills."""
    return TemplateParser(compile_grammar(sentences_of(Config()), ["computer"]))


@pytest.fixture
async def stage(request):
    """One skill, named by `only`."""
    async with Rehearsal(skill(request.param)) as rehearsal:
        yield rehearsal


@pytest.fixture
def utc(monkeypatch):
    """The machine's clock is UTC, wherever it stands."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
