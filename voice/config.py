"""Assemble and validate the configuration; every setting lives beside the class that it configures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voice.audio.microphone import MicrophoneSettings
from voice.bus.frames import FrameSettings
from voice.bus.settings import BrokerSettings
from voice.decoding.grammar import GrammarSettings
from voice.dialogue.settings import DialogueSettings
from voice.errors import ConfigError
from voice.models.gate import GateSettings
from voice.models.porcupine import PorcupineSettings
from voice.models.vad import VadSettings
from voice.nlu.templates import SentenceSettings
from voice.pipeline.arbiter import ArbiterSettings
from voice.pipeline.assistant import AssistantSettings
from voice.pipeline.own_voice import OwnVoiceSettings
from voice.pipeline.segmenter import SegmenterSettings
from voice.pipeline.words import WakeSettings
from voice.pipeline.wrong_wakes import WrongWakeSettings
from voice.skill.settings import SkillSettings
from voice.speech.settings import SpeechSettings
from voice.yaml12 import read_yaml

_WIDTH = 120  # of a line that `dump_config` writes
_END = "...\n"  # with which PyYAML closes a document that is a plain scalar


class ModelSettings(BaseModel):
    """Which bundles the loop runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wake: tuple[WakeSettings, ...] = Field((WakeSettings(),), min_length=1, description="wake words")
    commands: str | None = Field("commands-en", description="one-word commands; none leaves them out")
    asr: str = Field("asr-en", description="speech recogniser")
    hotwords: Mapping[str, float] = Field({}, description="words and phrases likelier in free speech, nats for each: 6")
    wake_words: tuple[str, ...] = Field((), description="further ways to write the wake words, for the grammar")
    porcupine: PorcupineSettings = PorcupineSettings()


class Config(BaseModel):
    """Everything that can be set. `voice config` prints it; `config/assistant.yaml` shows every default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    assistant: AssistantSettings = AssistantSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    vad: VadSettings = VadSettings()
    gate: GateSettings = GateSettings()
    own_voice: OwnVoiceSettings = OwnVoiceSettings()
    segmenter: SegmenterSettings = SegmenterSettings()
    models: ModelSettings = ModelSettings()
    wrong_wakes: WrongWakeSettings = WrongWakeSettings()
    arbiter: ArbiterSettings = ArbiterSettings()
    sentences: SentenceSettings = SentenceSettings()
    grammar: GrammarSettings = GrammarSettings()
    broker: BrokerSettings = BrokerSettings()
    frames: FrameSettings = FrameSettings()
    dialogue: DialogueSettings = DialogueSettings()
    skills: SkillSettings = SkillSettings()
    speech: SpeechSettings = SpeechSettings()


def load_config(path: Path | None = None) -> Config:
    """Return the configuration of a YAML file; without one, the defaults.

    Raises:
        ConfigError: one line that names the file and the key.
    """
    if path is None:
        return Config()
    data = read_yaml(path)
    if data is not None and not isinstance(data, dict):
        raise ConfigError(f"{path}: not a mapping", fix="see config/assistant.yaml")
    try:
        return Config.model_validate(data or {})
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first(error)}", fix="see config/assistant.yaml") from error


def dump_config(config: Config) -> str:
    """Return the configuration as YAML, every key with its meaning, secrets hidden."""
    return "".join(f"{line}\n" for line in _lines(config, "")).lstrip("\n")


def _lines(settings: BaseModel, indent: str) -> Iterator[str]:
    dumped = settings.model_dump(mode="json")
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from ("",) if not indent else ()
            yield f"{indent}{name}:  # {(type(value).__doc__ or name).splitlines()[0]}"
            yield from _lines(value, indent + "  ")
            continue
        if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            yield f"{indent}{name}:  # {field.description}"
            for item in value:
                first, *rest = _lines(item, indent + "    ")
                yield from (f"{indent}  - {first.lstrip()}", *rest)
            continue
        text = yaml.safe_dump(dumped[name], allow_unicode=True, default_flow_style=True, sort_keys=False, width=1000)
        line = f"{indent}{name}: {text.removesuffix(_END).rstrip()}"
        inline = f"{line}  # {field.description}"
        yield from [inline] if len(inline) <= _WIDTH else [f"{indent}# {field.description}", line]


def _first(error: ValidationError) -> str:
    detail: Any = error.errors()[0]
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {key!r}"
    return f"{key}: {detail['msg']}"
