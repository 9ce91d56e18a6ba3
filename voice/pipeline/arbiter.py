"""Who wins: a confident command word, else a sentence of the grammar, else open transcription."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from voice.events import Command, Intent, Segment, Slot, Source, Transcript
from voice.nlu.grammar import Grammar
from voice.nlu.live import LiveGrammar
from voice.pipeline.elicitation import SlotAnswers
from voice.stages import CommandClassifier, GrammarDecoder, IntentParser, Progress, SpeechRecognizer
from voice.text import normalise

DEFAULT_COMMANDS = {
    "yes": "Yes",
    "no": "No",
    "stop": "Stop",
    "up": "VolumeUp",
    "down": "VolumeDown",
    "on": "LightOn",
    "off": "LightOff",
}


class ArbiterSettings(BaseModel):
    """When which recogniser decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command_score: float = Field(0.9, ge=0, le=1, description="calibrated probability from which a command word wins")
    command_ms: int = Field(1000, gt=0, description="longest speech that can be a one-word command, ms")
    open_confidence: float = Field(0.6, ge=0, le=1, description="of a transcript from which its free words count")
    commands: Mapping[str, str] = Field(DEFAULT_COMMANDS, description="command word -> intent; other words are unknown")


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a segment was taken for; `intent` is None when it was not recognised."""

    text: str
    intent: Intent | None
    confidence: float
    source: Source


def arbitrate(
    command: Command | None,
    sentence: Callable[[], Intent | None],
    open_text: Callable[[], Transcript],
    settings: ArbiterSettings,
    worded_by: Callable[[str], Intent | None] = lambda _: None,
) -> Understanding:
    """Apply the policy; the costlier recognisers run only when the cheaper one has not decided.

    Args:
        command: the classifier's answer; None where the segment can't be a single word or the turn excludes it.
        sentence: decodes the grammar; None means that it rejected the speech.
        open_text: transcribes freely.
        settings: the thresholds and the words' intents.
        worded_by: finds a sentence with free words, which no grammar holds, in the transcript.
    """
    if command and command.label in settings.commands and command.score >= settings.command_score:
        name = settings.commands[command.label]
        word = Intent(name, text=command.label, confidence=command.score, source="command")
        return Understanding(command.label, word, command.score, "command")
    if spoken := sentence():
        return Understanding(spoken.text, spoken, spoken.confidence, "grammar")
    heard = open_text()
    if heard.confidence >= settings.open_confidence and (worded := worded_by(heard.text)):
        worded = replace(worded, source="open", confidence=heard.confidence)
        return Understanding(heard.text, worded, heard.confidence, "open")
    return Understanding(heard.text, None, heard.confidence, "open")


class Understander:
    """The brain: classifier, grammar and open recogniser behind one call.

    Args:
        classifier: one-word commands; None leaves them out.
        recognizer: the acoustic model.
        grammar: constrained CTC over the skills' sentences.
        parser: the same sentences for text.
        settings: the arbiter's.
        always: the intents that count in a turn without a filter; None: all.
        lists: changes the lists of grammar and parser; None where they are fixed.
        slots: answers to a question for one slot; None: whole sentences only.
    """

    def __init__(
        self,
        classifier: CommandClassifier | None,
        recognizer: SpeechRecognizer,
        grammar: GrammarDecoder,
        parser: IntentParser,
        settings: ArbiterSettings,
        always: Sequence[str] | None = None,
        lists: LiveGrammar | None = None,
        slots: SlotAnswers | None = None,
    ) -> None:
        self._always = always
        self.lists = lists
        self.slots = slots
        self.classifier = classifier
        self.recognizer = recognizer
        self.grammar = grammar
        self.parser = parser
        self.settings = settings

    def learn(self, grammar: Grammar, always: Sequence[str]) -> None:
        """Take other sentences from the next utterance on; from any thread.

        Args:
            grammar: what can be said.
            always: the intents that count in a turn without a filter.
        """
        if self.lists is not None:
            self.lists.take(grammar, [always])
            self._always = always

    def knows(self, intent: str) -> bool:
        """Return whether an intent can be recognised; True where nobody can tell."""
        return self.lists is None or intent in self.lists.grammar.intents or intent in self.settings.commands.values()

    def is_dangerous(self, intent: str) -> bool:
        """Return whether an intent must be confirmed before anything happens."""
        return self.lists is not None and self.lists.grammar.policy(intent).dangerous

    def understand(
        self, segment: Segment, intent_filter: Sequence[str] | None = None, slot: str | None = None
    ) -> Understanding:
        """Return what was said in `segment`.

        Args:
            segment: speech.
            intent_filter: the intents that count; None: all.
            slot: the slot of the first intent whose bare value may be said.
        """
        intent_filter = self._always if intent_filter is None else intent_filter
        if segment.speech_start is None:
            return Understanding("", None, 0.0, "open")
        return arbitrate(
            self._command(segment, intent_filter),
            lambda: self._sentence(segment, intent_filter, slot),
            lambda: self.recognizer.transcribe(segment),
            self.settings,
            lambda text: self.parser.parse_open(text, intent_filter),
        )

    def progress(self, segment: Segment, intent_filter: Sequence[str] | None = None) -> Progress:
        """Return whether a speaker who pauses has said a sentence, one that may go on, a beginning, or neither."""
        intent_filter = self._always if intent_filter is None else intent_filter
        return self.grammar.progress(self.recognizer.log_probs(segment), intent_filter)

    def parse(self, text: str, intent_filter: Sequence[str] | None = None) -> Understanding:
        """Return what written `text` means."""
        intent_filter = self._always if intent_filter is None else intent_filter
        intent = self.parser.parse(text, intent_filter)
        text = normalise(text)
        intent = intent or self._word(text, intent_filter)
        return Understanding(text, intent, intent.confidence if intent else 0.0, "text")

    def parse_slot(self, text: str, intent: str, slot: str) -> Slot | None:
        """Return the value that written `text` gives a slot; None where it gives none, or is a whole sentence."""
        return self.slots.parse(text, intent, slot) if self.slots else None

    def _sentence(self, segment: Segment, intent_filter: Sequence[str] | None, slot: str | None) -> Intent | None:
        log_probs = self.recognizer.log_probs(segment)
        if slot is not None and intent_filter and self.slots is not None:
            return self.slots.decode(log_probs, intent_filter, slot)
        return self.grammar.decode(log_probs, intent_filter)

    def _command(self, segment: Segment, intent_filter: Sequence[str] | None) -> Command | None:
        start, end = segment.speech_start, segment.speech_end
        if self.classifier is None or start is None or end is None:
            return None
        if (end - start) * 1000 > self.settings.command_ms * segment.rate:
            return None
        command = self.classifier.classify(segment)
        name = self.settings.commands.get(command.label)
        return None if name is None or (intent_filter is not None and name not in intent_filter) else command

    def _word(self, text: str, intent_filter: Sequence[str] | None) -> Intent | None:
        name = self.settings.commands.get(text)
        if name is None or (intent_filter is not None and name not in intent_filter):
            return None
        return Intent(name, text=text)
