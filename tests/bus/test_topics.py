"""Hermes payloads: the documented names, and the divergences of Snips and Rhasspy (reference, section 12)."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.bus import topics
from voice.bus.base import Message
from voice.bus.memory import LocalBus, check_topic, matches
from voice.errors import BusError


def parse(model, payload, topic="hermes/x/y/z"):
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return model.parse(Message(topic, raw))


def wire(payload):
    return json.loads(payload.encode())


def test_names_on_the_wire_are_camel_case() -> None:
    sent = topics.HotwordDetected(model_id="computer", session_id="s", current_sensitivity=0.5)
    assert sent.topic() == "hermes/hotword/computer/detected"
    assert wire(sent) == {
        "siteId": "default",
        "modelId": "computer",
        "modelVersion": "",
        "modelType": "personal",
        "currentSensitivity": 0.5,
        "sessionId": "s",
    }


@pytest.mark.parametrize("topic", ["hermes/error/asr", "hermes/error/audioServer/play"])
def test_1_faults_are_published_as_rhasspy_does_and_heard_in_both_forms(topic: str) -> None:
    component = topic.removeprefix("hermes/error/")
    assert topics.ErrorMessage(component=component, error="broken").topic() == topic
    assert parse(topics.ErrorMessage, {"error": "broken"}, topic).component == component
    assert wire(topics.ErrorMessage(component=component, error="broken")) == {"siteId": "default", "error": "broken"}


async def test_1_both_forms_reach_their_handlers() -> None:
    heard = []

    async def note(error: topics.ErrorMessage) -> None:
        heard.append(error.component)

    async with LocalBus() as bus:
        topics.on(bus, topics.ErrorMessage, note)
        topics.on(bus, topics.ComponentError, note)
        await bus.publish("hermes/error/nlu", b'{"error": "x"}')
        await bus.publish("hermes/asr/error", b'{"error": "x"}')
        await bus.drain()
    assert sorted(heard) == ["asr", "nlu"]


@pytest.mark.parametrize("key", ["confidence", "confidenceScore"])
def test_2_either_slot_confidence_is_read_and_both_are_written(key: str) -> None:
    slot = parse(
        topics.IntentMessage, {"input": "x", "intent": {"intentName": "A"}, "slots": [{"slotName": "n", key: 0.7}]}
    )
    written = wire(slot)["slots"][0]
    assert written["confidence"] == written["confidenceScore"] == 0.7


def test_2_a_slot_made_here_has_both() -> None:
    assert topics.HermesSlot(slot_name="n", confidence=0.4).confidence_score == 0.4


@pytest.mark.parametrize("form", ["tokens", "asrTokens"])
def test_3_flat_and_nested_tokens_are_read_and_nested_written(form: str) -> None:
    token = {"value": "on", "confidence": 1.0, "rangeStart": 0, "rangeEnd": 2}
    captured = parse(topics.AsrTextCaptured, {"text": "on", form: [token] if form == "tokens" else [[token]]})
    assert wire(captured)["asrTokens"] == [[token]]
    assert "tokens" not in wire(captured)


def test_4_defaults_for_what_is_missing_or_null() -> None:
    start = parse(topics.StartSession, {"init": {"type": "action", "text": None}, "siteId": None})
    assert start.site_id == "default"
    assert start.init == topics.ActionInit(can_be_enqueued=True, text="")
    assert parse(topics.ContinueSession, {"sessionId": "s", "text": None}).text == ""


@pytest.mark.parametrize("form", ["nominal", {"reason": "nominal"}])
def test_5_termination_as_string_or_object(form) -> None:
    ended = parse(topics.SessionEnded, {"sessionId": "s", "termination": form})
    assert wire(ended)["termination"] == {"reason": "nominal"}


def test_7_ids_never_break_out_of_their_level() -> None:
    message = topics.IntentMessage(input="x", intent=topics.IntentName(intent_name="me:Set/#+\0"))
    assert message.topic() == "hermes/intent/me:Set%2F%23%2B%00"
    assert parse(topics.IntentMessage, message.encode(), message.topic()).intent.intent_name == "me:Set/#+\0"


async def test_7_a_slash_that_others_leave_in_an_intents_topic_is_heard() -> None:
    heard = []

    async def note(message: topics.IntentMessage) -> None:
        heard.append(message.intent.intent_name)

    async with LocalBus() as bus:
        topics.on(bus, topics.IntentMessage, note)
        await bus.publish("hermes/intent/me:room/Set", b'{"input": "x", "intent": {"intentName": "me:room/Set"}}')
        await bus.drain()
    assert heard == ["me:room/Set"]


@given(st.text(max_size=40))
def test_7_any_id_survives_its_topic(text: str) -> None:
    level = topics.safe_level(text)
    check_topic(f"hermes/{level}/x")
    assert matches("hermes/+/x", f"hermes/{level}/x")
    assert topics.plain_level(level) == text


@pytest.mark.parametrize("model", topics.JSON_TOPICS)
def test_8_unknown_fields_and_nulls_change_nothing(model) -> None:
    nulls = dict.fromkeys(model.model_json_schema(by_alias=True)["properties"])
    needed = {"text": "", "input": "", "error": "", "modelId": "m", "sessionId": "s", "intent": {"intentName": "A"}}
    needed |= {"termination": "error", "init": {"type": "action"}, "intents": [], "id": "i", "requestId": "r"}
    needed |= {"intentName": "A", "slotName": "s", "startAtMs": 0, "modes": [], "volume": 1, "devices": [], "heard": []}
    needed |= {"windowMs": 0, "models": [], "voices": [], "words": [], "wordPhonemes": {}, "debiasedEnergy": 0}
    needed |= {"version": "1", "skillId": "s", "operations": []}
    needed |= {"intents": {}} if model is topics.SkillRegister else {}
    needed = {name: value for name, value in needed.items() if name in nulls}
    assert parse(model, nulls | needed | {"novel": 1}) == parse(model, needed)


@pytest.mark.parametrize("model", [topics.HotwordToggleOn, topics.AsrToggleOff, topics.SoundToggleOn])
@pytest.mark.parametrize("payload", [b"", b"null", b"{}"])
def test_9_an_empty_payload_is_an_empty_object(model, payload: bytes) -> None:
    assert parse(model, payload).site_id == "default"


@pytest.mark.parametrize(
    "payload",
    [
        b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xfe",
        b'{"text": "cut',
        b"[1]",
        b'"text"',
        b'{"text": 5}',
        b"\xff\xff",
        b"[" * 9999,
    ],
)
def test_12_what_is_not_the_schema_is_one_line(payload: bytes) -> None:
    with pytest.raises(BusError) as caught:
        parse(topics.TtsSay, payload)
    assert "\n" not in str(caught.value)
    assert "hermes/x/y/z" in str(caught.value)


def test_12_a_huge_payload_is_refused_unread() -> None:
    with pytest.raises(BusError, match="bytes"):
        parse(topics.TtsSay, b" " * (topics.MAX_JSON + 1))


async def test_12_a_malformed_message_is_answered_and_the_next_one_heard() -> None:
    said, errors = [], []

    async def say(message: topics.TtsSay) -> None:
        said.append(message.text)

    async def fault(message: topics.ErrorMessage) -> None:
        errors.append((message.component, message.context))

    async with LocalBus() as bus:
        topics.on(bus, topics.TtsSay, say)
        topics.on(bus, topics.ErrorMessage, fault)
        await bus.publish("hermes/tts/say", b"{")
        await bus.publish("hermes/error/tts", b"{")
        await topics.send(bus, topics.TtsSay(text="hello"))
        await bus.drain()
    assert said == ["hello"]
    assert errors == [("tts", "hermes/tts/say")]


async def test_12_a_malformed_message_that_several_hear_is_answered_once() -> None:
    errors = []

    async def ignore(message: topics.TtsSay) -> None:
        del message

    async def fault(message: topics.ErrorMessage) -> None:
        errors.append(message.context)

    async with LocalBus() as bus:
        for _ in range(3):
            topics.on(bus, topics.TtsSay, ignore)
        topics.on(bus, topics.ErrorMessage, fault)
        for payload in (b"{", b"{", b"[]"):
            await bus.publish("hermes/tts/say", payload)
        await bus.drain()
    assert errors == ["hermes/tts/say"] * 3


@given(st.binary(max_size=200))
def test_12_no_bytes_raise_anything_but_a_bus_error(payload: bytes) -> None:
    for model in (*topics.JSON_TOPICS, *topics.SOUND_TOPICS):
        with contextlib.suppress(BusError):
            model.parse(Message("hermes/a/b/c/d/e", payload))


@pytest.mark.parametrize("slots", [None, []])
def test_no_slots_are_a_list(slots) -> None:
    parsed = parse(topics.IntentMessage, {"input": "x", "intent": {"intentName": "A"}, "slots": slots})
    assert wire(parsed)["slots"] == []


def test_play_finished_takes_its_site_from_the_topic() -> None:
    finished = topics.PlayFinished(site_id="kitchen/1", id="r")
    rhasspy = parse(topics.PlayFinished, {"id": "r"}, finished.topic())
    assert rhasspy == finished


def test_12_half_a_surrogate_pair_is_refused_and_a_whole_one_is_a_character() -> None:
    with pytest.raises(BusError, match="surrogate"):
        parse(topics.TtsSay, b'{"text": "\\ud83d"}')
    assert parse(topics.TtsSay, b'{"text": "\\ud83d\\ude00"}').text == "\U0001f600"
