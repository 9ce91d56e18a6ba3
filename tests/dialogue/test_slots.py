"""Asking for the value of one slot (reference, section 6.1, rule 7)."""

import pytest

from voice.bus import topics as t
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.site import SiteDialogue

KITCHEN = t.HermesSlot(slot_name="room", entity="room", raw_value="kitchen", confidence=0.9)


@pytest.fixture
def site():
    site = SiteDialogue("default", DialogueSettings(), lambda intent, session: True)
    site.handle(t.StartSession(init=t.ActionInit()), 0.0)
    return site


def ask(site, slot="room", only=("LightOn",), text=""):
    message = t.ContinueSession(session_id=site.session_id, text=text, slot=slot, intent_filter=list(only))
    return site.handle(message, 1.0)


def one(kind, messages):
    (found,) = [message for message in messages if isinstance(message, kind)]
    return found


def hear(site, text):
    return site.handle(t.AsrTextCaptured(text=text, session_id=site.session_id, likelihood=0.9), 2.0)


def test_the_value_of_a_slot_is_asked_for_and_becomes_the_intent(site):
    listen = one(t.AsrStartListening, ask(site))
    assert (listen.intent_filter, listen.slot) == (["LightOn", "Stop"], "room")
    query = one(t.NluPartialQuery, hear(site, "in the kitchen"))
    assert (query.intent_name, query.slot_name, query.input) == ("LightOn", "room", "in the kitchen")
    found = {"intent_name": "LightOn", "slot_name": "room", "slot": KITCHEN, "id": query.id}
    intent = one(t.IntentMessage, site.handle(t.NluSlotParsed(input="x", session_id=site.session_id, **found), 2.1))
    assert (intent.intent.intent_name, intent.intent.confidence_score) == ("LightOn", 0.9)
    assert intent.slots == [KITCHEN]


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [("turn on the hall light", "LightOn", t.IntentMessage), ("stop", "Stop", t.SessionEnded)],
)
def test_instead_of_a_value_the_whole_sentence_or_a_stop_word_may_be_said(site, text, name, kind):
    ask(site)
    query = one(t.NluPartialQuery, hear(site, text))
    none = {"intent_name": "LightOn", "slot_name": "room", "id": query.id}
    again = one(t.NluQuery, site.handle(t.NluSlotParsed(input=text, session_id=site.session_id, **none), 2.1))
    assert (again.input, again.intent_filter) == (text, ["LightOn", "Stop"])
    intent = t.IntentName(intent_name=name)
    parsed = t.NluIntentParsed(input=text, intent=intent, session_id=site.session_id, id=again.id)
    assert one(kind, site.handle(parsed, 2.2)).session_id


@pytest.mark.parametrize("only", [[], ["LightOn", "LightOff"]])
def test_a_slot_of_no_single_intent_is_a_fault_and_the_turn_goes_on_without_it(site, only):
    said = ask(site, only=only)
    assert one(t.ErrorMessage, said).component == "dialogueManager"
    assert one(t.AsrStartListening, said).slot is None
    assert one(t.NluQuery, hear(site, "in the kitchen")).intent_filter == only


def test_a_slot_holds_for_one_turn(site):
    ask(site)
    site.handle(t.ContinueSession(session_id=site.session_id), 3.0)
    assert one(t.NluQuery, hear(site, "turn on the light")).intent_filter is None
