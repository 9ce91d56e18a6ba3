"""Wiring: the only place that names the concrete stages."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from voice.audio import portaudio
from voice.audio.played import Played
from voice.bus.broker import EmbeddedBroker
from voice.bus.components import Components
from voice.bus.frames import FrameSettings, FrameSource, FrameTap
from voice.bus.injection import Injection
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.topics import AudioDevice, Hotword
from voice.config import Config
from voice.decoding.grammar import GrammarDecoder
from voice.dialogue.manager import DialogueManager
from voice.dialogue.remote import RemoteSkills
from voice.errors import BusError, ConfigError, DeviceError
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.models.commands import CommandsCnn
from voice.models.gate import SpeechGate
from voice.models.porcupine import PorcupineDetector, PorcupineSettings
from voice.models.vad import WebRtcVad
from voice.models.verifier import PhraseVerifier
from voice.models.wake import StreamingWakeDetector
from voice.nlu.grammar import Grammar
from voice.nlu.live import LiveGrammar
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import SkillSentences, compile_grammar, read_sentences
from voice.pipeline.arbiter import Understander
from voice.pipeline.assistant import Assistant, Turn
from voice.pipeline.ears import Ears, Heard
from voice.pipeline.elicitation import SlotAnswers
from voice.pipeline.own_voice import OwnVoice
from voice.pipeline.segmenter import Segmenter
from voice.pipeline.waking import Waking
from voice.pipeline.words import WakeWord, wake_words
from voice.pipeline.wrong_wakes import WrongWakes
from voice.skill.crew import Crew
from voice.skill.host import SkillHost
from voice.skill.learner import Learner, always_intents, merged_sentences
from voice.skill.loader import load_skills
from voice.skill.skill import Skill
from voice.speech.service import SpeechService
from voice.stages import AudioSource, SpeechRecognizer, WakeWordDetector

_log = logging.getLogger(__name__)

_YES_OR_NO = SkillSentences(
    {"Yes": ["yes [please]", "(yeah|yep|sure|okay)", "do it"], "No": ["no [thanks]", "nope", "(don't|do not) [do it]"]}
)
"""Answers to the question before a dangerous intent; they count only in such a turn."""
_MODES: tuple[portaudio.Direction, ...] = ("input", "output")


def grammar_of(config: Config, sentences: SkillSentences) -> Grammar:
    """Return what can be said: the sentences, and yes and no.

    Raises:
        GrammarError: a template can't be compiled.
    """
    return compile_grammar(sentences.merged(_YES_OR_NO), _written(config))


def words_of(config: Config) -> list[WakeWord]:
    """Return the wake words of the configured site.

    Raises:
        BundleError: one's bundle is missing or broken.
        ConfigError: they contradict each other, or there is none.
    """
    return wake_words(config.models.wake, config.assistant.site_id)


def _written(config: Config) -> tuple[str, ...]:
    """Return the ways to write the wake words."""
    return tuple(dict.fromkeys((*(word.phrase for word in words_of(config)), *config.models.wake_words)))


def build_detectors(words: Sequence[WakeWord], porcupine: PorcupineSettings) -> list[WakeWordDetector]:
    """Return a detector for each wake word of our own, and one for all of Porcupine's.

    Raises:
        BundleError: the engine refuses a model.
        ConfigError: Porcupine is asked for and can't be had.
    """
    found: list[WakeWordDetector] = [StreamingWakeDetector(word.bundle) for word in words if word.bundle is not None]
    if theirs := [word.porcupine for word in words if word.bundle is None]:
        found.append(PorcupineDetector(theirs, porcupine))
    return found


def build_ears(config: Config, played: Played | None = None) -> Ears:
    """Return wake words, VAD and segmenter.

    Args:
        config: the settings.
        played: what the loudspeaker plays, where wake words count meanwhile.

    Raises:
        BundleError: a wake word's bundle is missing or broken.
        ConfigError: the wake words contradict each other, or Porcupine can't be had.
    """
    detectors = build_detectors(words_of(config), config.models.porcupine)
    gate = SpeechGate(config.gate) if config.gate.enabled else None
    own_voice = OwnVoice(played, config.own_voice)
    return Ears(detectors, WebRtcVad(config.vad), Segmenter(config.segmenter), gate=gate, own_voice=own_voice)


def _waking(
    stack: AsyncExitStack, bus: LocalBus, config: Config, words: Sequence[WakeWord], brain: Understander
) -> Waking:
    """Return what looks at wakes again and remembers them; it ends with the stack."""
    settings = config.wrong_wakes
    wrong = WrongWakes(bus, config.assistant.site_id, settings.store() if settings.keep_wrong_wakes else None)
    stack.callback(wrong.close)
    return Waking(words, verifiers_of(words, brain.recognizer), wrong.remember)


def verifiers_of(words: Sequence[WakeWord], recognizer: SpeechRecognizer) -> dict[str, PhraseVerifier]:
    """Return who looks again at the wakes of the words that want it, by their ids; nobody where there are no labels.

    Raises:
        ConfigError: the recogniser can't spell one.
    """
    if not isinstance(recognizer, CtcRecognizer):
        return {}
    return {
        word.id: PhraseVerifier(recognizer, word.phrase, word.settings.verifier.margin)
        for word in words
        if word.settings.verifier is not None
    }


def build_understanding(config: Config, sentences: SkillSentences, always: Sequence[str] | None = None) -> Understander:
    """Return classifier, recogniser, grammar and parser for `sentences`.

    Args:
        config: bundles and thresholds.
        sentences: what can be said.
        always: the intents that need no question before them; None: all.

    Raises:
        BundleError: a bundle is missing or broken.
        GrammarError: a template can't be compiled.
    """
    recognizer = CtcRecognizer(load_bundle(config.models.asr, "asr"))
    recognizer.boost(config.models.hotwords)
    grammar = compile_grammar(sentences, _written(config)) if always is None else grammar_of(config, sentences)
    settings = config.grammar
    if settings.accept_per_character is None:
        settings = settings.model_copy(update={"accept_per_character": recognizer.decision.accept_per_character})
    speller = recognizer.speller
    decoder = GrammarDecoder(grammar, recognizer.alphabet, recognizer.stride_seconds, settings, speller)
    decoder.replace(grammar, [always])
    parser = TemplateParser(grammar)
    return Understander(
        CommandsCnn(load_bundle(config.models.commands, "commands")) if config.models.commands else None,
        recognizer,
        decoder,
        parser,
        config.arbiter,
        always,
        LiveGrammar(grammar, decoder, parser, [always]),
        SlotAnswers(parser, decoder),
    )


def hotwords_of(config: Config) -> list[Hotword]:
    """Return the wake words that are listened for, as Hermes tells them."""
    return [
        Hotword(model_id=word.id, model_words=word.phrase, model_version=word.version, model_type=word.model_type)
        for word in words_of(config)
    ]


def find_devices(test: bool) -> list[AudioDevice]:
    """Return the microphones and loudspeakers; where it is asked to, each microphone is opened.

    Raises:
        DeviceError: PortAudio is missing or fails.
    """
    found = []
    for device in portaudio.devices(rescan=True):
        for mode in _MODES:
            if device.serves(mode):
                working = _can_record(device) if test and mode == "input" else None
                found.append(AudioDevice(mode=mode, id=device.name, name=device.name, working=working))
    return found


def _can_record(device: portaudio.Device) -> bool:
    try:
        portaudio.open_input(device, lambda _: None, lambda: None).close()
    except DeviceError:
        return False
    return True


def skills_of(config: Config) -> list[Skill]:
    """Return the installed skills and those of the configured folders."""
    return load_skills(config.skills)


def sentences_of(config: Config, path: Path | None = None) -> SkillSentences:
    """Return the sentences of a file or folder; without one, those of the skills and of the configured files."""
    if path is not None:
        return read_sentences(path)
    return merged_sentences(skills_of(config)).merged(config.sentences.read())


@dataclass(frozen=True)
class Running:
    """The parts of a running assistant."""

    bus: LocalBus
    assistant: Assistant
    host: SkillHost
    link: MqttLink | None
    broker: str
    """HOST:PORT that the link talks to; empty without a link."""
    frames: FrameSettings

    async def run(self, source: AudioSource | None) -> None:
        """Listen to a source until it ends; None: to the Hermes frames of another device that has our site id.

        Raises:
            AudioError: the source can't be opened or read.
        """
        site = self.assistant.settings.site_id
        source = FrameSource(self.bus, site) if source is None else FrameTap(source, self.bus, self.frames, site)
        await self.assistant.run(source)


def _share(link: MqttLink | None, skill: Skill) -> None:
    """Let the broker carry a skill's topics."""
    if link:
        for topic in skill.topics:
            link.share(topic)


def bound_words(config: Config, host: SkillHost) -> list[WakeWord]:
    """Return the wake words of the configured site, each skill that one is bound to known.

    Raises:
        BundleError: one's bundle is missing or broken.
        ConfigError: they contradict each other, there is none, or one is bound to a skill that isn't there.
    """
    words, known = words_of(config), sorted(skill.name for skill in host.skills)
    for word in words:
        if missing := [name for name in word.settings.skills if name not in known]:
            raise ConfigError(f"wake word {word.id!r} asks for skill {missing[0]!r}", fix=f"one of: {', '.join(known)}")
    return words


def _only(words: Sequence[WakeWord], wakeword: str, host: SkillHost, brain: Understander) -> list[str] | None:
    """Return the intents that count after a wake word; one that nobody defines yet is left out, unless all are."""
    settings = next((word.settings for word in words if word.id == wakeword), None)
    if settings is None or not (settings.skills or settings.intents):
        return None
    theirs = (skill for skill in host.skills if skill.name in settings.skills)
    named = [handler.intent for skill in theirs for handler in skill.handlers if not handler.is_answer]
    wanted = list(dict.fromkeys((*named, *settings.intents)))
    return [name for name in wanted if brain.knows(name)] or wanted


class Understood:
    """All that is understood now: what skills say, what stands in files, what remote skills have registered.

    Args:
        config: the settings.
        host: the skills.
        written: the sentences of files.
    """

    def __init__(self, config: Config, host: SkillHost, written: SkillSentences) -> None:
        self._config = config
        self._host = host
        self._written = written
        self.brain = build_understanding(config, *self._with_files(host.sentences(), always_intents(host.skills)))
        self.remote: RemoteSkills | None = None

    def learn(self, sentences: SkillSentences, always: Sequence[str]) -> None:
        """Take what the skills say now; from any thread."""
        sentences, always = self._with_files(sentences, always)
        if self.remote is not None:
            sentences, always = sentences.merged(self.remote.sentences()), [*always, *self.remote.intents]
        self.brain.learn(grammar_of(self._config, sentences), always)

    async def learn_remote(self) -> None:
        """Take what remote skills have registered now."""
        await asyncio.to_thread(self.learn, self._host.sentences(), always_intents(self._host.skills))

    def _with_files(self, sentences: SkillSentences, always: Sequence[str]) -> tuple[SkillSentences, list[str]]:
        return sentences.merged(self._written), list(dict.fromkeys((*always, *self._written.names)))


@asynccontextmanager
async def running(
    config: Config,
    *,
    watch: Callable[[Heard | Turn], None] = lambda _: None,
    link_broker: bool = True,
    skills: Sequence[Skill] | None = None,
    state: Path | None = None,
) -> AsyncIterator[Running]:
    """Start everything but the audio source; stop it all on leaving.

    Args:
        config: the settings.
        watch: sees each chunk's and each turn's outcome.
        link_broker: False keeps the hub in process, without MQTT.
        skills: what to run instead of the configured ones, in this process.
        state: folder of what skills keep; None leaves no trace.

    Raises:
        BundleError: a model is missing or broken.
        ConfigError: a file of sentences can't be read.
        GrammarError: a sentence can't be compiled.
        BusError: the embedded broker can't start.
    """
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(LocalBus())
        crew = None if skills is not None else await stack.enter_async_context(Crew(config.skills, state))
        loaded = crew.skills if crew else [*(skills or ())]
        host = SkillHost(bus, loaded, config.skills, state=state)
        stack.push_async_callback(host.close)
        understood = await asyncio.to_thread(Understood, config, host, config.sentences.read())
        words, played = bound_words(config, host), Played() if config.dialogue.barge_in else None
        ears = await asyncio.to_thread(build_ears, config, played)
        brain, link, address = understood.brain, None, ""
        if link_broker:
            settings = config.broker
            if settings.embedded:
                broker = await stack.enter_async_context(EmbeddedBroker(settings))
                settings = broker.settings
            link = await stack.enter_async_context(MqttLink(bus, settings))
            for skill in loaded:
                _share(link, skill)
            address = settings.address
        learner = Learner(
            understood.learn,
            lambda lists: brain.lists.replace(lists) if brain.lists else None,
            lambda skill: _share(link, skill),
        )
        stack.push_async_callback(learner.close)
        host.on_lists = learner.relist
        if crew:
            crew.follow(host, learner.learn)
        remote = understood.remote = RemoteSkills(bus, host.handles, understood.learn_remote)
        stack.push_async_callback(remote.close)
        dialogue = DialogueManager(
            bus,
            config.dialogue,
            lambda intent, session: host.handles(intent, session) or remote.handles(intent),
            host.falls_back,
            narrows=lambda wakeword: _only(words, wakeword, host, brain),
        )
        stack.push_async_callback(dialogue.close)
        site = config.assistant.site_id
        speech = SpeechService(bus, config.speech, site_id=site, hotword_off=played is None, played=played)
        stack.push_async_callback(speech.close)
        waking = _waking(stack, bus, config, words, brain)
        assistant = Assistant(bus, ears, brain, config.assistant, watch=watch, waking=waking)
        stack.push_async_callback(assistant.close)
        components = Components(bus, site, hotwords_of(config), find_devices)
        stack.push_async_callback(components.close)
        if brain.lists is not None:
            stack.push_async_callback(Injection(bus, brain.lists).close)
        await components.announce()
        yield Running(bus, assistant, host, link, address, config.frames)


__all__ = [
    "BusError",
    "Running",
    "always_intents",
    "build_ears",
    "build_understanding",
    "running",
    "sentences_of",
    "skills_of",
]
