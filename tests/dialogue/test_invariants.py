"""Whatever comes in whatever order, these laws hold: each is a function below, and each is checked after every step."""

import dataclasses
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from voice.bus import topics as t
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.site import REASON, SiteDialogue

TEXTS = st.sampled_from(["", " ", "turn on the light", "x" * 3000])
FILTERS = st.sampled_from([None, [], ["LightOn"], ["Stop", "Yes"]])
INTENTS = st.sampled_from(["LightOn", "Stop", "Nobody", "Unlock", "Yes", "Yes"])
DATA = st.sampled_from([None, "", "mine", "x" * 100])
SITES = st.sampled_from(["room.a", "room.b"])


@dataclasses.dataclass
class Seen:
    """All that a dialogue has said so far, and what a site would make of it."""

    messages: list = dataclasses.field(default_factory=list)
    step: list = dataclasses.field(default_factory=list)
    hotword: dict = dataclasses.field(default_factory=dict)
    given_data: set = dataclasses.field(default_factory=lambda: {None})

    def all(self, kind):
        return [message for message in self.messages if isinstance(message, kind)]

    def ids(self, kind):
        return [message.session_id for message in self.all(kind)]

    def take(self, messages):
        self.step = list(messages)
        for message in messages:
            self.messages.append(message)
            if isinstance(message, t.HotwordToggleOff | t.HotwordToggleOn):
                assert message.reason == REASON
                self.hotword[message.site_id] = isinstance(message, t.HotwordToggleOn)


# ---- the laws: a function each; `dialogue` is the machine below ------------------------------------------------------


def law_01_every_session_ends_at_most_once(dialogue):
    assert max(Counter(dialogue.seen.ids(t.SessionEnded)).values(), default=0) <= 1


def law_02_every_session_starts_at_most_once(dialogue):
    assert max(Counter(dialogue.seen.ids(t.SessionStarted)).values(), default=0) <= 1


def law_03_only_what_started_ends_and_in_the_same_order(dialogue):
    started, ended = dialogue.seen.ids(t.SessionStarted), dialogue.seen.ids(t.SessionEnded)
    assert ended == started[: len(ended)]


def law_04_one_session_at_a_time(dialogue):
    open_ = len(dialogue.seen.ids(t.SessionStarted)) - len(dialogue.seen.ids(t.SessionEnded))
    assert open_ == (dialogue.site.session_id is not None)


def law_05_idle_means_no_session(dialogue):
    assert (dialogue.site.state == "idle") == (dialogue.site.session_id is None)


def law_06_the_wake_word_is_on_everywhere_while_idle(dialogue):
    if dialogue.site.state == "idle":
        assert all(dialogue.seen.hotword.values())


def law_07_the_wake_word_is_off_where_someone_is_listened_to(dialogue):
    if dialogue.site.state in ("listening", "parsing", "handling"):
        assert not dialogue.seen.hotword[dialogue.at()]


def law_08_during_speech_the_wake_word_is_on_only_for_barge_in(dialogue):
    if dialogue.site.state in ("saying", "ending"):
        assert dialogue.seen.hotword[dialogue.at()] == dialogue.limits.barge_in


def law_09_elsewhere_in_the_group_the_wake_word_is_on(dialogue):
    if dialogue.site.session_id:
        assert all(on for site, on in dialogue.seen.hotword.items() if site != dialogue.at())


def law_10_every_state_but_idle_has_a_deadline(dialogue):
    assert (dialogue.site.deadline is None) == (dialogue.site.state == "idle")


def law_11_no_deadline_is_later_than_its_state_allows(dialogue):
    limits, state = dialogue.limits, dialogue.site.state
    if state == "idle":
        return
    speech = max(limits.saying_s, limits.text / 8)
    longest = {"saying": speech, "ending": speech, "listening": limits.listening_s, "parsing": limits.parsing_s}
    assert dialogue.site.deadline <= dialogue.now + longest.get(state, limits.handling_s) + 1e-6


def law_12_nothing_outlives_its_deadline(dialogue):
    assert dialogue.site.deadline is None or not dialogue.ticked or dialogue.site.deadline > dialogue.now - 1e-6


def law_13_an_intent_that_nobody_handles_has_300_ms(dialogue):
    intents = [message for message in dialogue.seen.step if isinstance(message, t.IntentMessage)]
    if intents and intents[-1].intent.intent_name == "Nobody" and intents[-1].session_id not in dialogue.claims:
        assert dialogue.site.deadline <= dialogue.now + 0.3 + 1e-6


def law_14_listening_and_its_end_are_paired(dialogue):
    started = Counter(session for session in dialogue.seen.ids(t.AsrStartListening) if ".stop" not in session)
    stopped = Counter(session for session in dialogue.seen.ids(t.AsrStopListening) if ".stop" not in session)
    assert all(stopped[session] <= n for session, n in started.items())
    assert not stopped.keys() - started.keys()
    if dialogue.site.state == "idle":
        assert stopped == started


def law_15_only_a_running_session_is_listened_to_spoken_in_or_asked_about(dialogue):
    kinds = t.AsrStartListening | t.TtsSay | t.NluQuery | t.NluPartialQuery | t.IntentMessage | t.IntentNotRecognized
    for message in dialogue.seen.step:
        if isinstance(message, kinds):
            assert message.session_id.split(".stop")[0] in dialogue.seen.ids(t.SessionStarted)
            assert message.session_id.split(".stop")[0] not in dialogue.seen.ids(t.SessionEnded)[:-1]


def law_16_every_message_of_a_session_is_for_its_site(dialogue):
    at = {message.session_id: message.site_id for message in dialogue.seen.all(t.SessionStarted)}
    for message in dialogue.seen.step:
        session = getattr(message, "session_id", None)
        if session and session.split(".stop")[0] in at:
            assert message.site_id == at[session.split(".stop")[0]]


def law_17_nobody_is_listened_to_for_an_answer_while_something_is_said(dialogue):
    if dialogue.site.state in ("saying", "ending"):
        assert not [m for m in dialogue.seen.step if isinstance(m, t.AsrStartListening) and ".stop" not in m.session_id]


def law_18_a_stop_word_is_listened_for_only_where_it_is_switched_on(dialogue):
    if not dialogue.limits.stop_word:
        assert not [session for session in dialogue.seen.ids(t.AsrStartListening) if ".stop" in session]


def law_19_a_stop_word_is_listened_for_only_during_speech(dialogue):
    if dialogue.site.state not in ("saying", "ending"):
        ears = [session for session in dialogue.seen.ids(t.AsrStartListening) if ".stop" in session]
        stopped = dialogue.seen.ids(t.AsrStopListening) + dialogue.answered
        assert not set(ears) - set(stopped)


def law_20_the_queue_is_bounded(dialogue):
    waiting = [s for s in dialogue.site.session_ids if s != dialogue.site.session_id and ".stop" not in s]
    assert len(waiting) <= dialogue.limits.queue


def law_21_what_was_queued_starts_in_the_order_of_the_queue(dialogue):
    queued = dialogue.seen.ids(t.SessionQueued)
    started = [session for session in dialogue.seen.ids(t.SessionStarted) if session in set(queued)]
    assert started == [session for session in queued if session in set(started)]


def law_22_no_site_is_idle_while_a_session_waits(dialogue):
    if dialogue.site.state == "idle":
        assert not dialogue.site.session_ids


def law_23_texts_and_custom_data_are_bounded(dialogue):
    for message in dialogue.seen.step:
        assert not isinstance(message, t.TtsSay) or len(message.text) <= dialogue.limits.text
        assert len(getattr(message, "custom_data", None) or "") <= dialogue.limits.custom_data


def law_24_custom_data_is_only_what_somebody_gave(dialogue):
    for message in dialogue.seen.step:
        if not isinstance(message, t.SessionQueued):
            assert getattr(message, "custom_data", None) in dialogue.seen.given_data


def law_25_a_filter_holds_for_its_turn_and_no_intent_passes_it(dialogue):
    listening = [m for m in dialogue.seen.all(t.AsrStartListening) if ".stop" not in m.session_id]
    for message in dialogue.seen.step:
        if isinstance(message, t.IntentMessage) and listening[-1].intent_filter is not None:
            turn = listening[-2] if message.intent.dangerous else listening[-1]  # the last one asked for a yes
            assert turn.intent_filter is None or message.intent.intent_name in turn.intent_filter


def law_26_a_stop_word_never_becomes_an_intent(dialogue):
    assert not [message for message in dialogue.seen.all(t.IntentMessage) if ".stop" in message.session_id]


def law_27_a_follow_up_follows_a_session_that_ended_well(dialogue):
    ended = {message.session_id: message.termination.reason for message in dialogue.seen.all(t.SessionEnded)}
    for message in dialogue.seen.all(t.SessionStarted):
        if message.reactivated_from_session_id is not None:
            assert dialogue.limits.follow_up_s > 0
            assert ended[message.reactivated_from_session_id] == "nominal"


def law_28_speech_is_cut_short_only_by_barge_in_or_a_stop_word(dialogue):
    if not (dialogue.limits.barge_in or dialogue.limits.stop_word):
        assert not dialogue.seen.all(t.TtsStop)


def law_29_ids_are_unguessable_and_never_used_twice(dialogue):
    ids = [*dialogue.seen.ids(t.SessionStarted), *(m.id for m in dialogue.seen.all(t.TtsSay))]
    assert len(set(ids)) == len(ids)
    assert all(len(each) >= 22 for each in ids)


def law_30_a_step_says_a_bounded_number_of_things(dialogue):
    assert len(dialogue.seen.step) <= 14


def law_31_a_dangerous_intent_goes_out_only_after_a_yes(dialogue):
    for message in dialogue.seen.step:
        if isinstance(message, t.IntentMessage) and message.intent.dangerous:
            assert dialogue.last_parsed == "Yes"


LAWS = [law for name, law in sorted(globals().items()) if name.startswith("law_")]


class Dialogue(RuleBasedStateMachine):
    @initialize(barge_in=st.booleans(), stop_word=st.booleans(), follow_up_s=st.sampled_from([0.0, 4.0]))
    def begin(self, barge_in, stop_word, follow_up_s):
        self.limits = DialogueSettings(
            queue=3, custom_data=64, barge_in=barge_in, stop_word=stop_word, follow_up_s=follow_up_s
        )
        self.site = SiteDialogue("room", self.limits, lambda intent, session: intent != "Nobody")
        self.seen, self.now, self.ticked, self.claims = Seen(), 0.0, False, set()
        self.answered, self.sites, self.last_parsed = [], {}, ""

    def send(self, message, ticked=False):
        self.ticked = ticked
        self.seen.given_data.add((getattr(message, "custom_data", None) or "")[: self.limits.custom_data])
        self.seen.take(self.site.tick(self.now) if message is None else self.site.handle(message, self.now))
        for said in self.seen.step:
            if isinstance(said, t.SessionStarted):
                self.sites[said.session_id] = said.site_id

    def claim(self):
        """Note that whoever asked for the sessions of this step looks after them."""
        kinds = t.SessionStarted | t.SessionQueued
        self.claims |= {said.session_id for said in self.seen.step if isinstance(said, kinds)}

    def at(self):
        return self.sites[self.site.session_id]

    def session(self, which):
        ended = self.seen.ids(t.SessionEnded)
        ears = [session for session in self.site.session_ids if ".stop" in session]
        if which == "ear" and ears:
            self.answered += ears  # nobody has to stop a capture that has ended by itself
            return ears[0]
        return ended[-1] if which == "ended" and ended else self.site.session_id or "none"

    WHICH = st.sampled_from(["running", "running", "ear", "ended"])

    @rule(site=SITES)
    def wake(self, site):
        self.send(t.HotwordDetected(model_id="computer", site_id=site))

    @rule(text=TEXTS, wait=st.booleans(), tell=st.booleans(), only=FILTERS, data=DATA, site=SITES)
    def action(self, text, wait, tell, only, data, site):
        init = t.ActionInit(text=text, can_be_enqueued=wait, send_intent_not_recognized=tell, intent_filter=only)
        self.send(t.StartSession(init=init, custom_data=data, site_id=site))
        self.claim()

    @rule(text=TEXTS, site=SITES)
    def notification(self, text, site):
        self.send(t.StartSession(init=t.NotificationInit(text=text), site_id=site))
        self.claim()

    @rule(text=TEXTS, which=WHICH)
    def text(self, text, which):
        self.send(t.AsrTextCaptured(text=text, session_id=self.session(which)))

    @rule(intent=INTENTS, which=WHICH, unsure=st.booleans())
    def parsed(self, intent, which, unsure=False):
        """Understand; `unsure` where it could be the opposite."""
        name = t.IntentName(intent_name=intent, dangerous=intent == "Unlock" or unsure or None)
        self.last_parsed = f"{intent}?" if unsure else intent
        self.send(t.NluIntentParsed(input="x", intent=name, session_id=self.session(which)))

    @rule(intent=INTENTS, site=SITES)
    def a_whole_turn(self, intent, site):
        for step in (
            lambda: self.wake(site),
            lambda: self.text("x", "running"),
            lambda: self.parsed(intent, "running"),
        ):
            step()
            self.every_law_holds()

    @rule(intent=INTENTS, only=FILTERS, tell=st.booleans())
    def a_whole_turn_with_a_filter(self, intent, only, tell):
        self.action("", wait=False, tell=tell, only=only, data=None, site="room.a")
        self.every_law_holds()
        self.text("x", "running")
        self.every_law_holds()
        self.parsed(intent, "running")

    @precondition(lambda self: self.site.state == "idle")
    @rule(answer=st.sampled_from(["Yes", "Yes", "Stop", "LightOn"]), site=SITES, unsure=st.booleans())
    def a_dangerous_intent_and_an_answer(self, answer, site, unsure):
        self.a_whole_turn("Unlock", site)
        for step in (
            lambda: self.said(True),
            lambda: self.text("x", "running"),
            lambda: self.parsed(answer, "running", unsure),
        ):
            step()
            self.every_law_holds()

    @rule(which=WHICH)
    def not_parsed(self, which):
        self.send(t.NluIntentNotRecognized(input="x", session_id=self.session(which)))

    @rule(found=st.booleans(), which=WHICH)
    def slot_parsed(self, found, which):
        slot = t.HermesSlot(slot_name="room", confidence=1.0) if found else None
        names = {"intent_name": "LightOn", "slot_name": "room"}
        self.send(t.NluSlotParsed(input="x", **names, slot=slot, session_id=self.session(which)))

    @rule(text=TEXTS, only=FILTERS, tell=st.booleans(), which=WHICH, slot=st.sampled_from([None, "room"]), data=DATA)
    def go_on(self, text, only, tell, which, slot, data):
        ids = {"session_id": self.session(which), "custom_data": data}
        message = t.ContinueSession(**ids, text=text, intent_filter=only, send_intent_not_recognized=tell, slot=slot)
        self.claims.add(message.session_id)
        self.send(message)

    @rule(text=TEXTS, which=WHICH, data=DATA)
    def end(self, text, which, data):
        self.send(t.EndSession(session_id=self.session(which), text=text, custom_data=data))

    @precondition(lambda self: self.seen.ids(t.SessionQueued))
    @rule()
    def end_a_queued_one(self):
        self.send(t.EndSession(session_id=self.seen.ids(t.SessionQueued)[-1]))

    @rule(right=st.booleans())
    def said(self, right):
        spoken = self.seen.all(t.TtsSay)
        self.send(t.TtsSayFinished(id=spoken[-1].id if right and spoken else "other", session_id=self.site.session_id))

    @rule(site=SITES)
    def speech_begins(self, site):
        self.send(t.VadUp(site_id=site))

    @rule(component=st.sampled_from(["asr", "nlu", "tts"]), which=WHICH)
    def fault(self, component, which):
        self.send(t.ErrorMessage(component=component, error="x", session_id=self.session(which)))

    @rule(seconds=st.floats(0, 300))
    def time_passes(self, seconds):
        self.now += seconds
        self.send(None, ticked=True)

    @invariant()
    def every_law_holds(self):
        for law in LAWS:
            law(self)

    def teardown(self):
        for _ in range(2000):
            if getattr(self, "site", None) is None or self.site.deadline is None:
                break
            self.now = max(self.now, self.site.deadline)
            self.send(None, ticked=True)
        if getattr(self, "site", None) is not None:
            assert self.seen.ids(t.SessionStarted) == self.seen.ids(t.SessionEnded), "left alone, everything ends"
            assert all(self.seen.hotword.values())
            self.every_law_holds()


def test_there_are_enough_laws():
    assert len(LAWS) >= 20


Dialogue.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestDialogue = Dialogue.TestCase
