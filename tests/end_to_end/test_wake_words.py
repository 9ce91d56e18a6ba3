"""Several wake words in the running loop: what each one's detection says, and what its sessions understand."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.models.test_porcupine import FOLDER, needs_porcupine
from voice.app import running
from voice.audio.files import FileSource
from voice.bus.topics import HotwordDetected, IntentMessage, SessionEnded, on
from voice.config import Config
from voice.errors import ConfigError
from voice.models.bundle import load_bundle
from voice.skill import Skill

DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"


def skills() -> list[Skill]:
    lights, jokes = Skill("lights"), Skill("jokes")
    lights.rule("room", "(kitchen|bedroom)")
    lights.intent("LightOn", "turn on the <room> light")(lambda: "")
    jokes.intent("Joke", "tell me a joke")(lambda: "")
    return [lights, jokes]


def configured(*words: dict[str, Any]) -> Config:
    return Config.model_validate(
        {"models": {"wake": words}, "speech": {"output": "null", "sounds": {"enabled": False}}},
    )


async def heard(config: Config, recording: str = "kitchen_light") -> list[Any]:
    """Return the wakes, intents and ends of sessions that a recording leads to."""
    seen: list[Any] = []

    async def keep(message: Any) -> None:
        seen.append(message)

    async with running(config, link_broker=False, skills=skills()) as parts:
        for kind in (HotwordDetected, IntentMessage, SessionEnded):
            on(parts.bus, kind, keep)
        await asyncio.wait_for(parts.run(FileSource([DEMO / f"{recording}.flac"], realtime=False)), 60)
        await parts.bus.drain()
    return seen


async def test_a_detection_says_which_word_at_which_sensitivity_and_language() -> None:
    word = {"bundle": "computer", "id": "luna", "sensitivity": 0.6, "lang": "en"}
    wake, intent, ended = await heard(configured(word))
    assert wake.topic() == "hermes/hotword/luna/detected"
    assert (wake.model_id, wake.site_id, wake.current_sensitivity, wake.lang) == ("luna", "default", 0.6, "en")
    assert (wake.model_type, wake.model_version) == ("universal", load_bundle("computer").manifest.version)
    assert (intent.intent.intent_name, intent.wakeword_id, intent.lang) == ("LightOn", "luna", "en")
    assert ended.termination.reason == "nominal"


@pytest.mark.parametrize(("skill", "reason"), [("lights", "nominal"), ("jokes", "intentNotRecognized")])
async def test_a_word_that_is_bound_to_skills_understands_only_theirs(skill: str, reason: str) -> None:
    *_, ended = await heard(configured({"bundle": "computer", "skills": [skill]}))
    assert ended.termination.reason == reason


async def test_a_word_can_be_bound_to_intents_of_which_one_is_not_there_yet() -> None:
    *_, ended = await heard(configured({"bundle": "computer", "intents": ["LightOn", "Later"]}))
    assert ended.termination.reason == "nominal"


async def test_a_word_that_is_bound_to_no_skill_of_ours_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"asks for skill 'weather'.*jokes, lights"):
        await heard(configured({"bundle": "computer", "skills": ["weather"]}))


@needs_porcupine
async def test_our_word_and_porcupines_listen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    ours = {"bundle": "computer", "sensitivity": 0.0, "threshold": None, "refractory_ms": 5000}
    theirs = {"engine": "porcupine", "bundle": "computer", "id": "picovoice", "sensitivity": 0.7}
    first = [m for m in await heard(configured(ours, theirs)) if isinstance(m, HotwordDetected)]
    alone = [m for m in await heard(configured(theirs)) if isinstance(m, HotwordDetected)]
    sys.modules.pop("pvporcupine", None)
    assert len(first) == len(alone) == 1  # a session is open when the second one hears the same word
    assert {m.model_id for m in first} <= {"computer", "picovoice"}
    assert (alone[0].model_id, alone[0].current_sensitivity) == ("picovoice", 0.7)
    assert alone[0].model_version == "porcupine 1.9.5"
