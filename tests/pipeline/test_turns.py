"""What a turn asks of the recogniser: its filter and slot narrow the decoding graph; what else is sent."""

import asyncio
import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.decoding.posteriors import ALPHABET, posteriors_of
from tests.pipeline.test_assistant import Recording, SpeechAt, WakesAt
from voice.bus import topics as t
from voice.bus.memory import LocalBus
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.events import RATE, Chunk, Intent, Transcript
from voice.nlu.live import LiveGrammar
from voice.nlu.model import Policy, SkillSentences
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.pipeline.arbiter import ArbiterSettings, Understander, Understanding
from voice.pipeline.assistant import Assistant, AssistantSettings
from voice.pipeline.ears import Ears
from voice.pipeline.elicitation import SlotAnswers
from voice.pipeline.interpreter import Interpreter
from voice.pipeline.segmenter import Segmenter

SENTENCES = SkillSentences(
    {
        "LightOn": ["turn on the {room} light", "<on> the lamp in the {lamp_room:room}"],
        "LightOff": ["turn off the light"],
        "ChooseRoom": ["[the] {room}"],
        "Stop": ["stop"],
        "Unlock": ["unlock the {door}"],
    },
    {"room": ["kitchen", ("living room", "lounge")], "lamp_room": ["attic"], "door": ["front door"]},
    {"on": "(switch|turn) on"},
    policies={"Unlock": Policy(dangerous=True)},
)
ALWAYS = ["LightOn", "LightOff", "Stop", "Unlock"]


class Says:
    """A recogniser to whom one text is spoken, clearly."""

    def __init__(self, text):
        self.text = text

    def log_probs(self, segment):
        return posteriors_of(self.text, sharpness=9.0)

    def transcribe(self, segment):
        seconds = len(segment.samples) / RATE
        words = self.text.split()
        return Transcript(" ".join(words[: max(1, round(seconds * 4))]), 0.9)


def brain(text):
    grammar = compile_grammar(SENTENCES)
    decoder = GrammarDecoder(grammar, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.0))
    decoder.replace(grammar, [ALWAYS])
    parser = TemplateParser(grammar)
    live = LiveGrammar(grammar, decoder, parser, [ALWAYS])
    return Understander(
        None, Says(text), decoder, parser, ArbiterSettings(commands={}), ALWAYS, live, SlotAnswers(parser, decoder)
    )


class Room:
    def __init__(self, bus, text, **settings):
        self.bus, self.seen = bus, []
        ears = Ears([WakesAt(0.3)], SpeechAt(1.0), Segmenter())
        self.loop = Assistant(bus, ears, brain(text), AssistantSettings(patience_s=0.1, **settings))
        kinds = (t.AsrTextCaptured, t.AsrPartialTextCaptured, t.AsrRecordingFinished, t.AsrAudioCaptured, t.VadUp)
        for model in (*kinds, t.VadDown, t.ErrorMessage, t.NluIntentParsed, t.NluIntentNotRecognized, t.NluSlotParsed):
            t.on(bus, model, self.note)
        for model in (t.HotwordDetected, t.ExampleRecorded):
            t.on(bus, model, self.note)

    async def note(self, message):
        self.seen.append(message)

    async def send(self, *messages):
        for message in messages:
            await t.send(self.bus, message)
            await self.bus.drain()

    async def hear(self, seconds=4.0):
        await self.loop.run(Recording(seconds))
        await self.bus.drain()

    def one(self, kind):
        (found,) = self.all(kind)
        return found

    def all(self, kind):
        return [message for message in self.seen if type(message) is kind]

    async def until(self, kind):
        async with asyncio.timeout(20):
            while not self.all(kind):
                await self.bus.drain()
                await asyncio.sleep(0)
        return self.one(kind)


@contextlib.asynccontextmanager
async def room(text, **settings):
    async with LocalBus() as bus:
        stage = Room(bus, text, **settings)
        yield stage
        await stage.loop.close()


async def understood(text, **turn):
    """Return the intent that a spoken text has in a turn, over the bus."""
    async with room(text) as stage:
        await stage.send(t.AsrStartListening(session_id="s", **turn))
        await stage.hear()
        heard = stage.one(t.AsrTextCaptured)
        await stage.send(t.NluQuery(input=heard.text, session_id="s", id="q", intent_filter=turn.get("intent_filter")))
        await stage.bus.drain()
        while not (stage.all(t.NluIntentParsed) or stage.all(t.NluIntentNotRecognized)):
            await stage.bus.drain()
        parsed = stage.all(t.NluIntentParsed)
        return (
            (parsed[0].intent.intent_name, {slot.slot_name: slot.value.value for slot in parsed[0].slots})
            if parsed
            else None
        )


@pytest.mark.parametrize(
    ("text", "turn", "intent"),
    [
        ("turn on the kitchen light", {}, ("LightOn", {"room": "kitchen"})),
        ("the living room", {}, None),
        ("the living room", {"intent_filter": ["ChooseRoom", "Stop"]}, ("ChooseRoom", {"room": "lounge"})),
        ("turn off the light", {"intent_filter": ["ChooseRoom", "Stop"]}, None),
        ("turn off the light", {"intent_filter": ["LightOff"]}, ("LightOff", {})),
        ("turn off the light", {"intent_filter": []}, None),
    ],
)
async def test_a_turn_is_decoded_among_the_intents_of_its_filter(text, turn, intent):
    assert await understood(text, **turn) == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("in the living room", ("LightOn", {"room": "lounge"})),
        ("attic please", ("LightOn", {"room": "attic"})),
        ("turn on the kitchen light", ("LightOn", {"room": "kitchen"})),
        ("stop", ("Stop", {})),
        ("turn off the light", None),
    ],
)
async def test_a_turn_for_a_slot_hears_its_bare_value(text, intent):
    assert await understood(text, intent_filter=["LightOn", "Stop"], slot="room") == intent


@pytest.mark.parametrize(
    ("text", "value"),
    [("in the living room", "lounge"), ("kitchen", "kitchen"), ("turn on the kitchen light", None), ("zebra", None)],
)
async def test_a_partial_query_finds_the_value_of_a_slot_in_text(text, value):
    async with room("x") as stage:
        query = t.NluPartialQuery(input=text, intent_name="LightOn", slot_name="room", id="q", session_id="s")
        await stage.send(query)
        answer = await stage.until(t.NluSlotParsed)
        assert (answer.id, answer.session_id, answer.input) == ("q", "s", text)
        assert (answer.slot.value.value if answer.slot else None) == value


async def test_a_dangerous_intent_is_marked_in_both_answers():
    async with room("x") as stage:
        await stage.send(t.NluQuery(input="unlock the front door"))
        assert (await stage.until(t.NluIntentParsed)).intent.dangerous
        await stage.send(t.NluPartialQuery(input="front door", intent_name="Unlock", slot_name="door"))
        assert (await stage.until(t.NluSlotParsed)).dangerous


async def test_a_value_that_may_be_its_opposite_is_marked_when_the_slot_is_asked_about():
    unsure = Intent("LightOn", text="in the living room", dangerous=True)
    answers = []
    async with room("x") as stage:
        with ThreadPoolExecutor(1) as thread:
            interpreter = Interpreter(stage.bus, brain("x"), thread, "hall", remembered=1)
            interpreter.remember("s", Understanding(unsure.text, unsure, 0.9, "grammar"))
            for session in ("s", "other"):
                query = {"intent_name": "LightOn", "slot_name": "room", "session_id": session, "site_id": "hall"}
                await stage.send(t.NluPartialQuery(input=unsure.text, **query))
                answers.append((await stage.until(t.NluSlotParsed)).dangerous)
                stage.seen.clear()
            interpreter.close()
    assert answers == [True, None]


async def test_an_unknown_intent_in_a_filter_is_a_fault_of_the_nlu_and_nothing_is_listened_to():
    async with room("stop") as stage:
        await stage.send(t.AsrStartListening(session_id="s", intent_filter=["Stop", "Fly"]))
        error = stage.one(t.ErrorMessage)
        assert (error.component, error.session_id, "'Fly'" in error.error) == ("nlu", "s", True)
        assert stage.loop.phase == "idle"
        await stage.send(t.NluQuery(input="x", session_id="s", intent_filter=["Fly"]))
        assert len(stage.all(t.ErrorMessage)) == 2


async def test_a_wake_tells_how_sure_and_how_loud_it_was():
    async with room("stop") as stage:
        await stage.hear(1.0)
        wake = stage.one(t.HotwordDetected)
        assert (wake.score, wake.detection_signal_ms, wake.end_signal_ms) == (1.0, 300, 300)
        assert wake.level_dbfs < -90


async def test_where_speech_begins_and_ends_is_told():
    async with room("stop") as stage:
        await stage.hear()
        assert stage.one(t.VadUp).signal_ms in range(1000, 1200)
        assert stage.one(t.VadDown).signal_ms in range(1900, 2200)


@pytest.mark.parametrize(("share", "asked"), [(False, True), (True, False), (True, True)])
async def test_a_recording_is_sent_only_where_it_is_asked_for_and_allowed(share, asked):
    async with room("stop", share_audio=share) as stage:
        await stage.send(t.AsrStartListening(session_id="s", send_audio_captured=asked))
        await stage.hear()
        assert stage.one(t.AsrRecordingFinished).session_id == "s"
        recordings = stage.all(t.AsrAudioCaptured)
        assert len(recordings) == (share and asked)
        for recording in recordings:
            assert recording.session_id == "s"
            assert len(t.read_wav(recording.wav).samples) > RATE // 2


@pytest.mark.parametrize("share", [False, True])
async def test_an_example_is_recorded_only_where_it_is_allowed(share):
    async with room("stop", share_audio=share) as stage:
        await stage.send(t.RecordExample(id="7"))
        await stage.hear()
        assert [example.request_id for example in stage.all(t.ExampleRecorded)] == ["7"] * share
        assert len(stage.all(t.ErrorMessage)) == (not share)
        assert stage.all(t.AsrTextCaptured) == []


async def test_partial_texts_grow_and_what_is_stable_stays():
    text = "turn on the light in the kitchen and then"
    async with room(text, partial_ms=100) as stage:
        stage.loop._ears._vad._ranges = [(RATE, 3 * RATE)]
        await stage.send(t.AsrStartListening(session_id="s"))
        await stage.hear(6.0)
        partials = stage.all(t.AsrPartialTextCaptured)
    assert len(partials) >= 3
    for before, after in itertools.pairwise(partials):
        assert after.stable_text.startswith(before.stable_text)
    for partial in partials:
        assert f"{partial.stable_text} {partial.unstable_text}".split() == partial.text.split()
    assert stage.all(t.AsrTextCaptured)
    assert stage.seen.index(partials[-1]) < stage.seen.index(stage.one(t.AsrTextCaptured))


async def test_by_default_there_are_no_partial_texts():
    async with room("stop") as stage:
        await stage.send(t.AsrStartListening(session_id="s"))
        await stage.hear()
        assert stage.all(t.AsrPartialTextCaptured) == []


async def test_without_stop_on_silence_the_client_ends_the_recording():
    async with room("turn off the light") as stage:
        await stage.send(t.AsrStartListening(session_id="s", stop_on_silence=False))
        await stage.hear(4.0)
        assert stage.one(t.AsrTextCaptured).text == "turn off the light"  # the recording has an end
    async with room("turn off the light") as stage:
        await stage.send(t.AsrStartListening(session_id="s", stop_on_silence=False))
        for start in range(0, 3 * RATE, 1280):
            for segment in stage.loop._ears.process(Chunk(np.zeros(1280, np.float32), start)).segments:
                raise AssertionError(f"silence ended {segment}")
        await stage.send(t.AsrStopListening(session_id="other"))
        assert stage.all(t.AsrTextCaptured) == []
        await stage.send(t.AsrStopListening(session_id="s"))
        assert (await stage.until(t.AsrTextCaptured)).text == "turn off the light"


async def test_a_reason_that_nobody_takes_back_is_forgotten_and_told():
    async with room("stop") as stage:
        stage.loop._ears._off_limit = RATE
        await stage.send(t.HotwordToggleOff(reason="ttsSay"), t.HotwordToggleOff(reason=""))
        await stage.hear(3.0)
        assert "'ttsSay'" in stage.one(t.ErrorMessage).error
        assert stage.one(t.ErrorMessage).component == "hotword"
        assert not stage.loop._ears.hotword_on, "who asks for silence without a reason gets it until he takes it back"


async def test_another_site_that_won_ends_the_wait():
    async with room("stop") as stage:
        await stage.hear(0.5)
        assert stage.loop.phase == "woken"
        await stage.send(t.Arbitration(site_id="kitchen", heard=[], window_ms=300))
        assert stage.loop.phase == "idle"
