"""One site's dialogue, message by message."""

import pytest

from voice.bus.topics import (
    ActionInit,
    AsrStartListening,
    AsrTextCaptured,
    ContinueSession,
    EndSession,
    ErrorMessage,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    IntentMessage,
    IntentName,
    IntentNotRecognized,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    NotificationInit,
    SessionEnded,
    SessionQueued,
    SessionStarted,
    StartSession,
    TtsSay,
    TtsSayFinished,
)
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.site import SiteDialogue

KNOWN = {"LightOn", "Stop"}


@pytest.fixture
def site():
    return SiteDialogue("kitchen", DialogueSettings(), lambda intent, session: intent in KNOWN)


def wake(site, now=0.0):
    return site.handle(HotwordDetected(model_id="computer", site_id="kitchen"), now)


def hear(site, text="turn on the light", now=1.0):
    return site.handle(AsrTextCaptured(text=text, session_id=site.session_id, likelihood=0.9), now)


def parse(site, intent="LightOn", now=1.1):
    name = IntentName(intent_name=intent, confidence_score=0.9)
    return site.handle(NluIntentParsed(input="turn on the light", intent=name, session_id=site.session_id), now)


def one(kind, messages):
    (found,) = [message for message in messages if isinstance(message, kind)]
    return found


def kinds(messages):
    return [type(message).__name__ for message in messages]


def test_a_turn_goes_in_the_order_of_hermes(site):
    assert kinds(wake(site)) == ["HotwordToggleOff", "SessionStarted", "AsrToggleOn", "AsrStartListening"]
    assert kinds(hear(site)) == ["AsrStopListening", "NluQuery"]
    assert kinds(parse(site)) == ["IntentMessage"]
    session = site.session_id
    (say,) = site.handle(EndSession(session_id=session, text="Done."), 1.2)
    assert (say.text, say.session_id) == ("Done.", session)
    ended = site.handle(TtsSayFinished(id=say.id, session_id=session), 2.0)
    assert kinds(ended) == ["SessionEnded", "HotwordToggleOn"]
    assert ended[0].termination.reason == "nominal"


def test_an_end_without_text_ends_at_once(site):
    wake(site), hear(site), parse(site)
    ended = site.handle(EndSession(session_id=site.session_id), 1.2)
    assert kinds(ended) == ["SessionEnded", "HotwordToggleOn"]


def test_a_continued_session_asks_and_listens_with_the_filter_for_one_turn(site):
    wake(site), hear(site), parse(site)
    session = site.session_id
    ask = ContinueSession(session_id=session, text="Which room?", intent_filter=["ChooseRoom", "Stop"])
    say = one(TtsSay, site.handle(ask, 1.2))
    listen = one(AsrStartListening, site.handle(TtsSayFinished(id=say.id, session_id=session), 3.0))
    assert listen.intent_filter == ["ChooseRoom", "Stop"]
    assert one(NluQuery, hear(site, "the kitchen", 4.0)).intent_filter == ["ChooseRoom", "Stop"]
    assert one(IntentMessage, parse(site, "ChooseRoom", 4.1)).session_id == session
    site.handle(ContinueSession(session_id=session, text="And now?"), 4.2)
    assert site.tick(1000.0)[-1].intent_filter is None


def test_stop_in_place_of_an_answer_is_an_abort_by_the_user(site):
    wake(site), hear(site), parse(site)
    site.handle(ContinueSession(session_id=site.session_id, intent_filter=["ChooseRoom", "Stop"]), 1.2)
    hear(site, "stop", 2.0)
    assert one(SessionEnded, parse(site, "Stop", 2.1)).termination.reason == "abortedByUser"


def test_an_intent_outside_the_filter_was_not_recognised(site):
    wake(site), hear(site), parse(site)
    site.handle(ContinueSession(session_id=site.session_id, intent_filter=["ChooseRoom"]), 1.2)
    hear(site, "turn on the light", 2.0)
    assert one(SessionEnded, parse(site, "LightOn", 2.1)).termination.reason == "intentNotRecognized"


def test_an_intent_that_nobody_handles_ends_within_the_grace(site):
    wake(site), hear(site)
    assert kinds(parse(site, "Nobody", 1.1)) == ["IntentMessage"]
    assert site.deadline == pytest.approx(1.4)
    assert site.tick(1.39) == []
    assert one(SessionEnded, site.tick(site.deadline)).termination.reason == "intentNotRecognized"


def test_a_handler_unknown_to_the_host_may_answer_within_the_grace_and_then_take_its_time(site):
    wake(site), hear(site), parse(site, "Remote")
    site.handle(ContinueSession(session_id=site.session_id), 1.2)
    hear(site, "again", 2.0), parse(site, "Remote", 2.1)
    assert site.deadline == pytest.approx(2.1 + DialogueSettings().handling_s)


def test_nothing_said_ends_the_session(site):
    wake(site)
    ended = hear(site, " ")
    assert one(SessionEnded, ended).termination.reason == "intentNotRecognized"
    assert isinstance(ended[-1], HotwordToggleOn)


def test_who_asks_is_told_of_what_was_not_recognised(site):
    start = StartSession(init=ActionInit(send_intent_not_recognized=True), site_id="kitchen", custom_data="mine")
    site.handle(start, 0.0)
    hear(site, "bla")
    told = site.handle(NluIntentNotRecognized(input="bla", session_id=site.session_id), 1.2)
    assert (one(IntentNotRecognized, told).input, told[0].custom_data) == ("bla", "mine")
    assert site.state == "handling"


def test_a_notification_is_spoken_and_ends(site):
    started = site.handle(StartSession(init=NotificationInit(text="Tea!"), site_id="kitchen"), 0.0)
    assert kinds(started) == ["HotwordToggleOff", "SessionStarted", "TtsSay"]
    ended = site.handle(TtsSayFinished(id=started[-1].id, session_id=site.session_id), 1.0)
    assert kinds(ended) == ["SessionEnded", "HotwordToggleOn"]


def test_a_busy_site_queues_and_then_opens_the_next(site):
    wake(site)
    queued = site.handle(StartSession(init=NotificationInit(text="Tea!"), site_id="kitchen", custom_data="x"), 0.5)
    assert kinds(queued) == ["SessionQueued"]
    after = site.handle(EndSession(session_id=site.session_id), 1.0)
    assert kinds(after)[-3:] == ["HotwordToggleOff", "SessionStarted", "TtsSay"]
    assert (after[-2].session_id, after[-2].custom_data) == (queued[0].session_id, "x")


def test_an_action_that_may_not_wait_is_dropped(site):
    wake(site)
    assert site.handle(StartSession(init=ActionInit(can_be_enqueued=False), site_id="kitchen"), 0.5) == []


def test_the_queue_is_bounded_and_says_so(site):
    wake(site)
    request = StartSession(init=NotificationInit(text="Tea!"), site_id="kitchen")
    answers = [site.handle(request, 0.5)[0] for _ in range(12)]
    assert [type(answer) for answer in answers] == [SessionQueued] * 10 + [ErrorMessage] * 2


def test_ending_a_waiting_session_takes_it_out_of_the_queue(site):
    wake(site)
    (queued,) = site.handle(StartSession(init=NotificationInit(text="Tea!"), site_id="kitchen"), 0.5)
    assert site.handle(EndSession(session_id=queued.session_id), 0.6) == []
    assert kinds(site.handle(EndSession(session_id=site.session_id), 1.0)) == [
        "AsrStopListening",
        "SessionEnded",
        "HotwordToggleOn",
    ]


def test_a_fault_of_the_recogniser_ends_the_session(site):
    wake(site)
    ended = site.handle(ErrorMessage(component="asr", error="broken", session_id=site.session_id), 1.0)
    termination = one(SessionEnded, ended).termination
    assert (termination.reason, termination.component, termination.error) == ("error", "asr", "broken")


def test_a_disabled_intent_was_not_recognised(site):
    site.disabled.add("LightOn")
    wake(site), hear(site)
    assert one(SessionEnded, parse(site)).termination.reason == "intentNotRecognized"


def test_custom_data_stays_until_it_is_replaced(site):
    site.handle(StartSession(init=ActionInit(), site_id="kitchen", custom_data="one"), 0.0)
    hear(site)
    assert parse(site)[0].custom_data == "one"
    site.handle(ContinueSession(session_id=site.session_id), 1.2)
    hear(site, now=2.0)
    assert parse(site, now=2.1)[0].custom_data == "one"
    site.handle(ContinueSession(session_id=site.session_id, custom_data="two"), 2.2)
    hear(site, now=3.0)
    assert parse(site, now=3.1)[0].custom_data == "two"


def test_a_wanted_session_id_is_kept_but_can_not_be_guessed(site):
    started = site.handle(HotwordDetected(model_id="computer", site_id="kitchen", session_id="mine"), 0.0)
    session = one(SessionStarted, started).session_id
    assert session.startswith("mine-")
    assert len(session) > 20


def test_a_late_answer_to_an_earlier_question_is_ignored(site):
    wake(site), hear(site)
    late = IntentName(intent_name="LightOn")
    parsed = NluIntentParsed(input="x", intent=late, session_id=site.session_id, id="earlier")
    assert site.handle(parsed, 1.1) == []


def test_a_lost_say_finished_does_not_end_the_question(site):
    site.handle(StartSession(init=ActionInit(text="Hello?"), site_id="kitchen"), 0.0)
    assert kinds(site.tick(site.deadline)) == ["AsrToggleOn", "AsrStartListening"]


@pytest.mark.parametrize(("steps", "component"), [(0, "asr"), (1, "nlu"), (2, "skill")])
def test_a_silent_partner_ends_the_session_with_its_name(site, steps, component):
    for step in (wake, hear, parse)[: steps + 1]:
        step(site)
    termination = one(SessionEnded, site.tick(site.deadline)).termination
    assert (termination.reason, termination.component) == ("timeout", component)


def test_a_wake_word_in_a_session_changes_nothing(site):
    wake(site)
    assert wake(site, 1.0) == []


def test_off_and_on_carry_the_same_reason(site):
    off = one(HotwordToggleOff, wake(site))
    on = one(HotwordToggleOn, site.handle(EndSession(session_id=site.session_id), 1.0))
    assert off.reason == on.reason == "dialogueSession"
