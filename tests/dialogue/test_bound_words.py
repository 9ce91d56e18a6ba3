"""A wake word that is bound to intents: its sessions know nothing else."""

from voice.bus.topics import AsrStartListening, ContinueSession, EndSession, NluQuery, SessionStarted, TtsSayFinished
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.site import SiteDialogue

from .test_site import hear, kinds, one, parse, wake

BOUND = {"computer": ["LightOn", "Stop"]}


def bound(settings=None):
    handles = lambda intent, session: True  # noqa: E731 - one line of a test
    return SiteDialogue("kitchen", settings or DialogueSettings(), handles, narrows=BOUND.get)


def test_its_turns_listen_for_these_intents_only():
    site = bound()
    assert one(AsrStartListening, wake(site)).intent_filter == ["LightOn", "Stop"]
    assert one(NluQuery, hear(site)).intent_filter == ["LightOn", "Stop"]
    assert kinds(parse(site)) == ["IntentMessage"]


def test_another_intent_is_not_understood_there():
    site = bound()
    wake(site), hear(site)
    assert "SessionEnded" in kinds(parse(site, "GetTime"))


def test_a_word_that_ends_other_sessions_goes_to_its_skill():
    site = bound()
    wake(site), hear(site)
    assert kinds(parse(site, "Stop")) == ["IntentMessage"]


def test_a_question_without_a_filter_stays_in_the_set_and_one_with_a_filter_has_its_own():
    site = bound()
    wake(site), hear(site), parse(site)
    listening = site.handle(ContinueSession(session_id=site.session_id, text=""), 1.2)
    assert one(AsrStartListening, listening).intent_filter == ["LightOn", "Stop"]
    hear(site), parse(site)
    listening = site.handle(ContinueSession(session_id=site.session_id, text="", intent_filter=["Yes"]), 1.4)
    assert one(AsrStartListening, listening).intent_filter == ["Yes"]


def test_what_follows_an_answer_stays_in_the_set():
    site = bound(DialogueSettings(follow_up_s=5.0))
    wake(site), hear(site), parse(site)
    session = site.session_id
    (say,) = site.handle(EndSession(session_id=session, text="Done."), 1.2)
    after = site.handle(TtsSayFinished(id=say.id, session_id=session), 2.0)
    assert one(SessionStarted, after).reactivated_from_session_id == session
    assert one(AsrStartListening, after).intent_filter == ["LightOn", "Stop"]
