"""Whatever comes in whatever order: one end for each start, the wake word on at the end, nothing past its deadline."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NotificationInit,
    SessionEnded,
    SessionQueued,
    SessionStarted,
    StartSession,
    TtsSay,
    TtsSayFinished,
)
from voice.dialogue.site import DialogueSettings, SiteDialogue

LIMITS = DialogueSettings(queue=3)
LONGEST = max(LIMITS.saying_s, LIMITS.listening_s, LIMITS.parsing_s, LIMITS.handling_s)
TEXTS = st.sampled_from(["", "turn on the light", "x" * 3000])
FILTERS = st.sampled_from([None, [], ["LightOn"], ["Stop", "Yes"]])


class Dialogue(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.site = SiteDialogue("default", LIMITS, lambda intent, session: intent != "Nobody")
        self.now = 0.0
        self.started, self.ended, self.queued = [], [], []
        self.hotword_on, self.speech, self.listening = True, None, False

    def take(self, messages):
        for message in messages:
            match message:
                case SessionStarted():
                    assert len(self.started) == len(self.ended), "two sessions at a time"
                    assert not self.hotword_on
                    self.started.append(message.session_id)
                case SessionEnded():
                    self.ended.append(message.session_id)
                case SessionQueued():
                    self.queued.append(message.session_id)
                case HotwordToggleOff():
                    self.hotword_on = False
                case HotwordToggleOn():
                    self.hotword_on = True
                case TtsSay():
                    self.speech = message.id
                case AsrStartListening():
                    assert message.session_id == self.started[-1]

    def session(self, stale):
        return self.started[0] if stale and self.started else self.site.session_id or "none"

    @rule()
    def wake(self):
        self.take(self.site.handle(HotwordDetected(model_id="computer"), self.now))

    @rule(text=TEXTS, wait=st.booleans(), tell=st.booleans(), only=FILTERS)
    def action(self, text, wait, tell, only):
        init = ActionInit(text=text, can_be_enqueued=wait, send_intent_not_recognized=tell, intent_filter=only)
        self.take(self.site.handle(StartSession(init=init), self.now))

    @rule(text=TEXTS)
    def notification(self, text):
        self.take(self.site.handle(StartSession(init=NotificationInit(text=text)), self.now))

    @rule(text=TEXTS, stale=st.booleans())
    def text(self, text, stale):
        self.take(self.site.handle(AsrTextCaptured(text=text, session_id=self.session(stale)), self.now))

    @rule(intent=st.sampled_from(["LightOn", "Stop", "Nobody"]), stale=st.booleans())
    def parsed(self, intent, stale):
        name = IntentName(intent_name=intent)
        self.take(self.site.handle(NluIntentParsed(input="x", intent=name, session_id=self.session(stale)), self.now))

    @rule(stale=st.booleans())
    def not_parsed(self, stale):
        self.take(self.site.handle(NluIntentNotRecognized(input="x", session_id=self.session(stale)), self.now))

    @rule(text=TEXTS, only=FILTERS, tell=st.booleans(), stale=st.booleans())
    def go_on(self, text, only, tell, stale):
        message = ContinueSession(
            session_id=self.session(stale), text=text, intent_filter=only, send_intent_not_recognized=tell
        )
        self.take(self.site.handle(message, self.now))

    @rule(text=TEXTS, stale=st.booleans())
    def end(self, text, stale):
        self.take(self.site.handle(EndSession(session_id=self.session(stale), text=text), self.now))

    @precondition(lambda self: self.queued)
    @rule()
    def end_a_queued_one(self):
        self.take(self.site.handle(EndSession(session_id=self.queued[-1]), self.now))

    @rule(right=st.booleans())
    def said(self, right):
        said = TtsSayFinished(id=self.speech if right else "other", session_id=self.site.session_id)
        self.take(self.site.handle(said, self.now))

    @rule(component=st.sampled_from(["asr", "nlu", "tts"]))
    def fault(self, component):
        message = ErrorMessage(component=component, error="x", session_id=self.site.session_id)
        self.take(self.site.handle(message, self.now))

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds):
        self.now += seconds
        self.take(self.site.tick(self.now))

    @invariant()
    def one_end_for_each_start(self):
        assert self.ended == self.started[: len(self.ended)]
        assert len(self.started) - len(self.ended) == (self.site.session_id is not None)
        assert len(set(self.started)) == len(self.started)

    @invariant()
    def the_wake_word_is_on_while_idle(self):
        assert self.hotword_on == (self.site.state == "idle") == (self.site.session_id is None)

    @invariant()
    def every_state_but_idle_has_a_deadline(self):
        if self.site.state == "idle":
            assert self.site.deadline is None
        else:
            assert self.site.deadline <= self.now + max(LONGEST, LIMITS.text / 8)

    def teardown(self):
        for _ in range(2 * LIMITS.queue + 4):
            if self.site.deadline is not None:
                self.now = max(self.now, self.site.deadline)
                self.take(self.site.tick(self.now))
        while self.site.deadline is not None and len(self.started) < 200:
            self.now = max(self.now, self.site.deadline)
            self.take(self.site.tick(self.now))
        assert self.started == self.ended
        assert self.hotword_on


Dialogue.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDialogue = Dialogue.TestCase
