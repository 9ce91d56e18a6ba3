"""A dangerous intent is asked back before it goes out."""

import pytest

from voice.bus import topics as t
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.site import SiteDialogue

UNLOCK = t.IntentName(intent_name="Unlock", confidence_score=0.9, dangerous=True)


@pytest.fixture
def site():
    site = SiteDialogue("default", DialogueSettings(), lambda intent, session: True)
    site.handle(t.HotwordDetected(model_id="computer"), 0.0)
    site.handle(t.AsrTextCaptured(text="unlock the door", session_id=site.session_id, likelihood=0.8), 1.0)
    return site


def parsed(site, intent, text="unlock the door", now=1.0):
    return site.handle(t.NluIntentParsed(input=text, intent=intent, session_id=site.session_id), now)


def one(kind, messages):
    (found,) = [message for message in messages if isinstance(message, kind)]
    return found


def asked_back(site):
    said = parsed(site, UNLOCK)
    assert not [message for message in said if isinstance(message, t.IntentMessage)]
    say = one(t.TtsSay, said)
    listen = site.handle(t.TtsSayFinished(id=say.id, session_id=site.session_id), 3.0)
    return say, one(t.AsrStartListening, listen)


def answer(site, name):
    site.handle(t.AsrTextCaptured(text=name.lower(), session_id=site.session_id), 4.0)
    return parsed(site, t.IntentName(intent_name=name), name.lower(), 4.0)


def test_a_yes_lets_it_go_out_as_it_was_said(site):
    say, listen = asked_back(site)
    assert (say.text, listen.intent_filter) == ("Did you say: unlock the door?", ["Yes", "No", "Stop"])
    intent = one(t.IntentMessage, answer(site, "Yes"))
    assert (intent.intent.intent_name, intent.input, intent.asr_confidence) == ("Unlock", "unlock the door", 0.8)


@pytest.mark.parametrize("name", ["No", "Stop"])
def test_a_no_ends_the_session(site, name):
    asked_back(site)
    assert one(t.SessionEnded, answer(site, name)).termination.reason == "abortedByUser"


def test_a_yes_that_may_have_been_a_no_does_nothing(site):
    asked_back(site)
    site.handle(t.AsrTextCaptured(text="yes", session_id=site.session_id), 4.0)
    unsure = t.IntentName(intent_name="Yes", dangerous=True)
    assert one(t.SessionEnded, parsed(site, unsure, "yes", 4.0)).termination.reason == "abortedByUser"


@pytest.mark.parametrize("text", ["", "unlock the door"])
def test_anything_else_does_nothing(site, text):
    asked_back(site)
    said = site.handle(t.AsrTextCaptured(text=text, session_id=site.session_id), 4.0)
    if text:
        assert one(t.NluQuery, said).intent_filter == ["Yes", "No", "Stop"]
        said = parsed(site, UNLOCK, now=4.0)
    assert one(t.SessionEnded, said).termination.reason == "intentNotRecognized"


def test_the_value_of_a_slot_may_make_it_dangerous(site):
    site.handle(t.NluIntentParsed(input="x", intent=t.IntentName(intent_name="A"), session_id=site.session_id), 1.0)
    site.handle(t.ContinueSession(session_id=site.session_id, slot="door", intent_filter=["Unlock"]), 1.0)
    site.handle(t.AsrTextCaptured(text="the front door", session_id=site.session_id), 2.0)
    slot = {"intent_name": "Unlock", "slot_name": "door", "slot": t.HermesSlot(slot_name="door"), "dangerous": True}
    said = site.handle(t.NluSlotParsed(input="the front door", session_id=site.session_id, **slot), 2.0)
    assert one(t.TtsSay, said).text == "Did you say: the front door?"
