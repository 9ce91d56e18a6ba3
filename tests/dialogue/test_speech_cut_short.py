"""Barge-in, a stop word during speech, and the window after an answer."""

import pytest

from voice.bus import topics as t
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.site import SiteDialogue

WAKE = t.HotwordDetected(model_id="computer")


def make(**settings):
    return SiteDialogue("default", DialogueSettings(**settings), lambda intent, session: intent in ("LightOn", "Stop"))


def kinds(messages):
    return [type(message).__name__ for message in messages]


def one(kind, messages):
    (found,) = [message for message in messages if isinstance(message, kind)]
    return found


def until_answer(site, now=0.0):
    """Wake, say a sentence, and let a handler answer; return what the answer leads to."""
    site.handle(WAKE, now)
    session = site.session_id
    site.handle(t.AsrTextCaptured(text="turn on the light", session_id=session), now)
    name = t.IntentName(intent_name="LightOn")
    site.handle(t.NluIntentParsed(input="turn on the light", intent=name, session_id=session), now)
    return site.handle(t.EndSession(session_id=session, text="The light is on."), now)


def test_without_barge_in_the_wake_word_stays_off_during_speech():
    site = make()
    assert kinds(until_answer(site)) == ["TtsSay"]
    assert site.handle(WAKE, 1.0) == []
    assert not site.takes_wake("default")


def test_a_wake_word_cuts_an_answer_short_and_opens_the_next_session():
    site = make(barge_in=True)
    assert kinds(until_answer(site)) == ["TtsSay", "HotwordToggleOn"]
    first = site.session_id
    said = site.handle(WAKE, 1.0)
    assert kinds(said)[:3] == ["TtsStop", "SessionEnded", "HotwordToggleOn"]
    assert kinds(said)[3:] == ["HotwordToggleOff", "SessionStarted", "AsrToggleOn", "AsrStartListening"]
    assert one(t.SessionEnded, said).termination.reason == "nominal"
    assert site.session_id != first


def test_a_wake_word_cuts_a_question_short_and_the_same_session_listens():
    site = make(barge_in=True)
    site.handle(t.StartSession(init=t.ActionInit(text="Which room, the kitchen or the hall?")), 0.0)
    session = site.session_id
    said = site.handle(WAKE, 1.0)
    assert kinds(said) == ["TtsStop", "HotwordToggleOff", "AsrToggleOn", "AsrStartListening"]
    assert site.session_id == session
    late = t.TtsSayFinished(id="x", session_id=session)
    assert site.handle(late, 1.1) == []


def test_a_wake_word_that_cuts_an_answer_short_goes_before_those_who_wait():
    site = make(barge_in=True)
    until_answer(site)
    site.handle(t.StartSession(init=t.NotificationInit(text="Tea!")), 0.5)
    assert one(t.AsrStartListening, site.handle(WAKE, 1.0)).session_id == site.session_id
    ended = site.handle(t.AsrTextCaptured(text="", session_id=site.session_id), 2.0)
    assert one(t.TtsSay, ended).text == "Tea!"


def test_a_stop_word_ends_the_speech_and_the_session():
    site = make(stop_word=True)
    listen = one(t.AsrStartListening, until_answer(site))
    assert listen.intent_filter == ["Stop"]
    assert listen.session_id != site.session_id
    query = one(t.NluQuery, site.handle(t.AsrTextCaptured(text="stop", session_id=listen.session_id), 1.0))
    assert query.intent_filter == ["Stop"]
    parsed = t.NluIntentParsed(
        input="stop", intent=t.IntentName(intent_name="Stop"), session_id=query.session_id, id=query.id
    )
    said = site.handle(parsed, 1.1)
    assert kinds(said) == ["TtsStop", "AsrStopListening", "SessionEnded", "HotwordToggleOn"]
    assert one(t.SessionEnded, said).termination.reason == "abortedByUser"


def test_what_is_no_stop_word_is_listened_past():
    site = make(stop_word=True)
    listen = one(t.AsrStartListening, until_answer(site))
    site.handle(t.AsrTextCaptured(text="turn on the light", session_id=listen.session_id), 1.0)
    again = site.handle(t.NluIntentNotRecognized(input="x", session_id=listen.session_id), 1.1)
    assert one(t.AsrStartListening, again).session_id not in (listen.session_id, site.session_id)
    assert site.state == "ending"


def test_a_recogniser_that_is_switched_off_does_not_turn_the_stop_word_into_a_loop():
    site = make(stop_word=True)
    said = until_answer(site)
    captures = 0
    while listens := [message for message in said if isinstance(message, t.AsrStartListening)]:
        captures += 1
        said = site.handle(t.AsrTextCaptured(text="", session_id=listens[0].session_id), 1.0)
    assert captures == 30


def test_an_answer_is_never_heard_in_what_was_said_during_the_question():
    site = make(stop_word=True)
    asked = site.handle(t.StartSession(init=t.ActionInit(text="Which room?")), 0.0)
    ear, say = one(t.AsrStartListening, asked).session_id, one(t.TtsSay, asked)
    listening = site.handle(t.TtsSayFinished(id=say.id, session_id=site.session_id), 1.0)
    assert kinds(listening) == ["AsrStopListening", "AsrToggleOn", "AsrStartListening"]
    assert site.handle(t.AsrTextCaptured(text="which room", session_id=ear), 1.1) == []


def test_after_a_spoken_answer_the_site_listens_on():
    site = make(follow_up_s=4)
    first = until_answer(site)
    done = t.TtsSayFinished(id=one(t.TtsSay, first).id, session_id=site.session_id)
    ended = site.session_id
    said = site.handle(done, 2.0)
    started = one(t.SessionStarted, said)
    assert kinds(said)[:2] == ["SessionEnded", "HotwordToggleOn"]
    assert started.reactivated_from_session_id == ended
    assert site.deadline == pytest.approx(6.0)
    over = site.tick(6.0)
    assert kinds(over) == ["AsrStopListening", "SessionEnded", "HotwordToggleOn"]


def test_who_began_to_speak_in_the_window_may_finish():
    site = make(follow_up_s=4)
    say = one(t.TtsSay, until_answer(site))
    site.handle(t.TtsSayFinished(id=say.id, session_id=site.session_id), 2.0)
    site.handle(t.VadUp(site_id="elsewhere"), 5.0)
    assert site.deadline == pytest.approx(6.0)
    site.handle(t.VadUp(), 5.9)
    assert site.tick(6.0) == []
    heard = site.handle(t.AsrTextCaptured(text="turn it off", session_id=site.session_id), 8.0)
    assert one(t.NluQuery, heard).input == "turn it off"


@pytest.mark.parametrize("text", ["", "The light is on."])
def test_only_a_spoken_answer_is_followed_and_not_a_notification(text):
    site = make(follow_up_s=4)
    if text:
        started = site.handle(t.StartSession(init=t.NotificationInit(text=text)), 0.0)
        ended = site.handle(t.TtsSayFinished(id=one(t.TtsSay, started).id, session_id=site.session_id), 1.0)
    else:
        site.handle(WAKE, 0.0)
        ended = site.handle(t.EndSession(session_id=site.session_id), 1.0)
    assert isinstance(ended[-1], t.HotwordToggleOn)
    assert site.state == "idle"


def test_those_who_wait_go_before_a_follow_up():
    site = make(follow_up_s=4)
    say = one(t.TtsSay, until_answer(site))
    site.handle(t.StartSession(init=t.NotificationInit(text="Tea!")), 1.0)
    ended = site.handle(t.TtsSayFinished(id=say.id, session_id=site.session_id), 2.0)
    assert one(t.TtsSay, ended).text == "Tea!"
