"""Several wake words in the running loop: what each one's detection says, and what its sessions understand."""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.models.test_porcupine import FOLDER, needs_porcupine
from voice.app import running
from voice.audio.files import FileSource, read_audio
from voice.bus.topics import HotwordDetected, IntentMessage, SessionEnded, on
from voice.config import Config, load_config
from voice.errors import ConfigError
from voice.events import RATE, Chunk
from voice.models.bundle import load_bundle
from voice.models.wake import StreamingWakeDetector
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


@pytest.mark.parametrize(("phrase", "taken"), [("computer", True), ("strawberry jam", False)])
async def test_a_second_look_decides_and_is_logged(phrase: str, taken: bool, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "voice.pipeline.waking"):
        word = {"bundle": "computer", "phrase": phrase, "verifier": {"first": 0.5, "margin": 2.0}}
        seen = await heard(configured(word))
    assert bool(seen) is taken
    assert f"nats a label, {'taken' if taken else 'refused'}" in caplog.text


async def test_a_phrase_that_the_recogniser_cannot_spell_is_refused() -> None:
    with pytest.raises(ConfigError, match="can't spell '9'"):
        await heard(configured({"bundle": "computer", "phrase": "deep thought 9", "verifier": {}}))


async def test_voice_wake_wrong_keeps_lists_and_deletes_the_last_wake(tmp_path: Path) -> None:
    async def voice(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "voice", "wake", "wrong", "--json", *arguments]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        assert process.returncode == 0
        return json.loads(out or b"{}")

    file = tmp_path / "assistant.yaml"
    file.write_text(f"wrong_wakes: {{keep_wrong_wakes: true, folder: {tmp_path / 'wrong'}}}\nbroker: {{port: 0}}\n")
    config = load_config(file).model_copy(update={"speech": configured({"bundle": "computer"}).speech})
    async with running(config, skills=skills()) as parts:
        before = await voice("--broker", parts.broker)
        await parts.run(FileSource([DEMO / "kitchen_light.flac"], realtime=False))
        after = await voice("--broker", parts.broker)
    assert (before["kept"], before["why"]) == (False, "nothing")
    assert (after["kept"], after["word"]) == (True, "computer")
    listed = await voice("--config", str(file), "--list")
    assert listed["file"] == after["file"]
    clip = read_audio(tmp_path / "wrong" / after["file"])
    [wake] = filter(None, [StreamingWakeDetector(load_bundle("computer")).process(Chunk(clip, 0))])
    assert wake.at / RATE == pytest.approx(listed["ends"], abs=0.3)  # so it is a negative worth learning from
    assert await voice("--config", str(file), "--delete", after["file"]) == {"deleted": 1}
    assert await voice("--config", str(file), "--list") == {}


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
