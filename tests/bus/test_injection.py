"""Injection over Hermes, with the live grammar behind it."""

import asyncio
import json
from datetime import datetime

import numpy as np
import pytest

from voice.bus import topics as t
from voice.bus.injection import Injection
from voice.bus.memory import LocalBus
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.nlu.live import LiveGrammar
from voice.nlu.model import SkillSentences
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.text import ENGLISH_CHARACTERS, Alphabet

SENTENCES = SkillSentences({"Play": ["play {song}"]}, {"song": ["yesterday"]})


class Room:
    def __init__(self, bus):
        grammar = compile_grammar(SENTENCES)
        self.bus, self.parser = bus, TemplateParser(grammar)
        decoder = GrammarDecoder(grammar, Alphabet(ENGLISH_CHARACTERS), 0.04, GrammarSettings(accept_per_character=1))
        self.injection = Injection(bus, LiveGrammar(grammar, decoder, self.parser), lambda: datetime(2026, 1, 2, 3, 4))
        self.seen, self.answered = [], asyncio.Event()
        for model in (
            t.InjectionComplete,
            t.InjectionResetComplete,
            t.InjectionStatus,
            t.ErrorMessage,
            t.ComponentLoaded,
        ):
            t.on(bus, model, self.note)

    async def note(self, message):
        self.seen.append(message)
        self.answered.set()

    async def note_loaded(self, message):
        self.seen.append(message)

    async def send(self, topic, payload=b""):
        await self.bus.publish(topic, payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        await asyncio.wait_for(self.answered.wait(), 20)  # changes are made on a thread
        self.answered.clear()
        await self.bus.drain()
        seen, self.seen = self.seen, []
        return seen

    def knows(self, song):
        intent = self.parser.parse(f"play {song}")
        return intent is not None and intent.confidence == 1.0


@pytest.fixture
async def room():
    async with LocalBus() as bus:
        room = Room(bus)
        yield room
        await room.injection.close()


def perform(*operations, **fields):
    return {"operations": [list(operation) for operation in operations], **fields}


def one(kind, messages):
    (found,) = [message for message in messages if isinstance(message, kind)]
    return found


async def test_added_names_can_be_said_and_the_request_is_answered(room):
    seen = await room.send("hermes/injection/perform", perform(("add", {"song": ["let it be"]}), id="r"))
    assert one(t.InjectionComplete, seen).request_id == "r"
    assert {message.component for message in seen if isinstance(message, t.ComponentLoaded)} == {"asr", "nlu"}
    assert room.knows("let it be")
    assert room.knows("yesterday")


async def test_add_from_vanilla_begins_with_what_was_there_at_first(room):
    await room.send("hermes/injection/perform", perform(("add", {"song": ["let it be"]})))
    await room.send("hermes/injection/perform", perform(("addFromVanilla", {"song": ["help"]})))
    assert [room.knows(song) for song in ("yesterday", "let it be", "help")] == [True, False, True]


async def test_a_name_may_stand_for_another_value(room):
    await room.send("hermes/injection/perform", perform(("add", {"song": [["the blue one", "id-7"]]})))
    assert room.parser.parse("play the blue one").slots[0].value == "id-7"


async def test_snips_lexicon_and_language_are_read_and_change_nothing(room):
    fields = {"lexicon": {"let": ["l E t"]}, "crossLanguage": "fr"}
    seen = await room.send("hermes/injection/perform", perform(("add", {"song": ["let it be"]}), **fields))
    assert one(t.InjectionComplete, seen)
    assert room.knows("let it be")


async def test_a_reset_forgets_and_the_status_tells(room):
    await room.send("hermes/injection/perform", perform(("add", {"song": ["a", "b"]})))
    status = one(t.InjectionStatus, await room.send("hermes/injection/statusRequest"))
    assert (status.completed, status.failed, status.running) == (1, 0, 0)
    assert [(entity.entity, entity.count) for entity in status.entities] == [("song", 2)]
    assert status.last_injection_date == "2026-01-02T03:04:00"
    seen = await room.send("hermes/injection/reset/perform", {"requestId": "x"})
    assert one(t.InjectionResetComplete, seen).request_id == "x"
    assert not room.knows("a")
    assert one(t.InjectionStatus, await room.send("hermes/injection/statusRequest")).entities == []


@pytest.mark.parametrize(
    "payload",
    [
        perform(("add", {"film": ["x"]})),
        perform(("multiply", {"song": ["x"]})),
        perform(("add", {"song": "x"})),
        perform(("add", {"song": [""]})),
        perform(("add", {"song": [5]})),
        perform(("add", {"song": ["x" * 201]})),
        perform(("add", {"song": ["x"] * 100_001})),
        perform(*[("add", {})] * 1001),
        {},
        b"{",
        b" " * (8 * 2**20 + 1),
    ],
    ids=["list", "kind", "text", "empty", "number", "long", "many", "operations", "none", "json", "8 MiB"],
)
async def test_a_wrong_request_is_one_error_and_changes_nothing(room, payload):
    seen = await room.send("hermes/injection/perform", payload)
    assert one(t.ErrorMessage, seen).component == "injection"
    assert len(seen) == 1
    assert room.knows("yesterday")


async def test_ten_thousand_names_fit_into_one_message(room):
    words = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty"]
    names = [" ".join(words[int(digit)] for digit in f"{number:04d}") for number in np.arange(10_000)]
    payload = json.dumps(perform(("add", {"song": names}))).encode()
    assert len(payload) > t.MAX_JSON
    assert one(t.InjectionComplete, await room.send("hermes/injection/perform", payload))
    assert room.knows(names[-1])
