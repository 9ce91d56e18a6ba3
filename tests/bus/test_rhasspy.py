"""rhasspy-hermes 0.6.1 reads what we write, and we read what it writes: every message that it has.

It pins a paho-mqtt of 2019, so `make test` puts it beside the environment, without what it asks for, and a process of
its own imports it from there (`tests/bus/rhasspy.txt`; EARSHOT_RHASSPY names another folder).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voice.bus import topics as t
from voice.bus.base import Message

FOLDER = Path(os.environ.get("EARSHOT_RHASSPY") or Path(sys.prefix, "rhasspy"))
pytestmark = pytest.mark.skipif(
    not (FOLDER / "rhasspyhermes").is_dir(), reason="rhasspy-hermes 0.6.1 is not installed: run `make test`"
)

IDS = {"site_id": "bedroom", "session_id": "s"}
SLOT = t.HermesSlot(
    entity="room",
    slot_name="room",
    raw_value="hall",
    value=t.SlotValue(kind="Custom", value="hall"),
    range=t.SlotRange(start=0, end=4),
    confidence=0.5,
)
TOKEN = t.AsrToken(value="on", confidence=0.5, range_end=2, time=t.TokenTime(start=0.1, end=0.2))
NAME = t.IntentName(intent_name="LightOn", confidence_score=0.75)
OTHER = t.Alternative(intent_name="LightOff", confidence_score=0.1)
ERROR = {"error": "broken", "context": "c", "site_id": "bedroom", "session_id": "s"}
WAV = t.write_frame(np.zeros(16, np.float32))
MESSAGES: dict[str, t.Payload | t.Recording] = {
    "wake.HotwordDetected": t.HotwordDetected(
        model_id="computer", **IDS, detection_signal_ms=1, lang="en", send_audio_captured=True, score=0.9
    ),
    "wake.HotwordToggleOff": t.HotwordToggleOff(reason="ttsSay", site_id="bedroom"),
    "wake.HotwordToggleOn": t.HotwordToggleOn(reason="playAudio", site_id="bedroom"),
    "wake.HotwordError": t.ErrorMessage(component="hotword", **ERROR),
    "wake.GetHotwords": t.GetHotwords(id="1"),
    "wake.Hotwords": t.Hotwords(models=[t.Hotword(model_id="computer", model_words="computer")], id="1"),
    "wake.RecordHotwordExample": t.RecordExample(id="1"),
    "wake.HotwordExampleRecorded": t.ExampleRecorded("bedroom", "1", WAV),
    "asr.AsrToggleOn": t.AsrToggleOn(reason="dialogueSession"),
    "asr.AsrToggleOff": t.AsrToggleOff(reason="ttsSay"),
    "asr.AsrStartListening": t.AsrStartListening(**IDS, intent_filter=["LightOn"], slot="room", wakeword_id="computer"),
    "asr.AsrStopListening": t.AsrStopListening(**IDS),
    "asr.AsrTextCaptured": t.AsrTextCaptured(
        text="on", likelihood=0.5, seconds=0.25, **IDS, asr_tokens=[[TOKEN]], lang="en", wakeword_id="computer"
    ),
    "asr.AsrError": t.ErrorMessage(component="asr", **ERROR),
    "asr.AsrTrain": t.Train(component="asr", site_id="bedroom", id="1"),
    "asr.AsrAudioCaptured": t.AsrAudioCaptured("bedroom", "s", WAV),
    "asr.AsrRecordingFinished": t.AsrRecordingFinished(**IDS),
    "audioserver.AudioFrame": t.AudioFrame("bedroom", WAV),
    "audioserver.AudioSessionFrame": t.AudioSessionFrame("bedroom", "s", WAV),
    "audioserver.AudioPlayBytes": t.PlayBytes("bedroom", "1", WAV),
    "audioserver.AudioPlayFinished": t.PlayFinished(id="1", **IDS),
    "audioserver.AudioGetDevices": t.GetDevices(modes=["input"], id="1", test=True),
    "audioserver.AudioDevices": t.AudioDevices(devices=[t.AudioDevice(mode="output", id="0", name="pulse")], id="1"),
    "audioserver.AudioSummary": t.AudioSummary(site_id="bedroom", debiased_energy=1.5, is_speech=True),
    "audioserver.SummaryToggleOn": t.SummaryToggleOn(site_id="bedroom"),
    "audioserver.SummaryToggleOff": t.SummaryToggleOff(site_id="bedroom"),
    "audioserver.AudioToggleOn": t.AudioToggleOn(site_id="bedroom"),
    "audioserver.AudioToggleOff": t.AudioToggleOff(site_id="bedroom"),
    "audioserver.AudioRecordError": t.ErrorMessage(component="audioServer/record", **ERROR),
    "audioserver.AudioPlayError": t.ErrorMessage(component="audioServer/play", **ERROR),
    "audioserver.AudioSetVolume": t.SetVolume(volume=0.5, site_id="bedroom"),
    "dialogue.DialogueStartSession": t.StartSession(init=t.ActionInit(text="which?"), custom_data="c", lang="en"),
    "dialogue.DialogueSessionQueued": t.SessionQueued(**IDS, custom_data="c"),
    "dialogue.DialogueSessionStarted": t.SessionStarted(**IDS, custom_data="c", reactivated_from_session_id="r"),
    "dialogue.DialogueContinueSession": t.ContinueSession(
        session_id="s",
        text="which?",
        intent_filter=["A"],
        custom_data="c",
        send_intent_not_recognized=True,
        slot="room",
    ),
    "dialogue.DialogueEndSession": t.EndSession(session_id="s", text="bye", custom_data="c"),
    "dialogue.DialogueSessionEnded": t.SessionEnded(
        **IDS, termination=t.Termination(reason="timeout", component="asr"), custom_data="c"
    ),
    "dialogue.DialogueIntentNotRecognized": t.IntentNotRecognized(**IDS, input="hm", custom_data="c"),
    "dialogue.DialogueConfigure": t.Configure(intents=[t.IntentSwitch(intent_id="A", enable=False)], site_id="bedroom"),
    "dialogue.DialogueError": t.ErrorMessage(component="dialogueManager", **ERROR),
    "g2p.G2pPronounce": t.G2pPronounce(words=["hall"], id="1", **IDS),
    "g2p.G2pPhonemes": t.G2pPhonemes(word_phonemes={"hall": [t.Pronunciation(phonemes=["h"])]}, id="1", **IDS),
    "g2p.G2pError": t.G2pError(**ERROR),
    "handle.HandleToggleOn": t.HandleToggleOn(site_id="bedroom"),
    "handle.HandleToggleOff": t.HandleToggleOff(site_id="bedroom"),
    "nlu.NluQuery": t.NluQuery(input="hall", intent_filter=["A"], id="1", **IDS, lang="en", asr_confidence=0.5),
    "nlu.NluIntentParsed": t.NluIntentParsed(input="hall", intent=NAME, slots=[SLOT], id="1", **IDS),
    "nlu.NluIntent": t.IntentMessage(
        input="hall", intent=NAME, slots=[SLOT], **IDS, asr_tokens=[[TOKEN]], raw_input="Hall", alternatives=[OTHER]
    ),
    "nlu.NluIntentNotRecognized": t.NluIntentNotRecognized(input="hm", id="1", **IDS, confidence_score=0.1),
    "nlu.NluError": t.ErrorMessage(component="nlu", **ERROR),
    "nlu.NluTrain": t.Train(component="nlu", site_id="bedroom", id="1"),
    "train.IntentGraphRequest": t.IntentGraphRequest(id="1"),
    "tts.TtsSay": t.TtsSay(text="done", lang="en", id="1", **IDS, volume=0.5),
    "tts.TtsSayFinished": t.TtsSayFinished(id="1", **IDS),
    "tts.GetVoices": t.GetVoices(id="1"),
    "tts.Voices": t.Voices(voices=[t.Voice(voice_id="en-gb", description="English")], id="1"),
    "tts.TtsError": t.ErrorMessage(component="tts", **ERROR),
}
NEVER = {"asr.AsrTrainSuccess", "nlu.NluTrainSuccess", "train.IntentGraph"}
"""Answers of a training that we refuse: what Earshot understands comes from its skills."""
UNKNOWN_TO_RHASSPY = {
    "wake.HotwordDetected": {"detectionSignalMs", "score"},
    "asr.AsrStartListening": {"slot", "hotwordOn"},
    "asr.AsrTrain": {"siteId", "component"},
    "audioserver.AudioPlayFinished": {"siteId"},
    "audioserver.AudioSummary": {"siteId"},
    "dialogue.DialogueSessionStarted": {"reactivatedFromSessionId"},
    "dialogue.DialogueSessionEnded": set(),
    "dialogue.DialogueIntentNotRecognized": {"confidenceScore"},
    "nlu.NluIntent": {"alternatives"},
    "nlu.NluIntentNotRecognized": {"confidenceScore"},
    "nlu.NluTrain": {"siteId", "component"},
}
READ = """
import importlib, inspect, json, sys
from rhasspyhermes.base import Message
kinds = {}
for module in sorted({name.split(".")[0] for name in json.load(open(sys.argv[1]))}):
    for name, kind in vars(importlib.import_module("rhasspyhermes." + module)).items():
        if inspect.isclass(kind) and issubclass(kind, Message) and kind is not Message:
            kinds[module + "." + name] = kind
answers = {"": sorted(kinds)}
for name, (topic, payload) in json.load(open(sys.argv[1])).items():
    kind = kinds[name]
    answer = {"topic": kind.is_topic(topic), "binary": kind.is_binary_payload()}
    if payload is not None:
        if name.endswith("Train"):
            payload = {**payload, "graphPath": "/x"}
        answer["payload"] = json.loads(kind.from_dict(payload).payload())
    for part in ("site_id", "session_id", "request_id"):
        if hasattr(kind, "get_" + part) and kind.is_topic(topic):
            answer[part] = getattr(kind, "get_" + part)(topic)
    answers[name] = answer
print(json.dumps(answers))
"""


def wire(message: t.Payload | t.Recording) -> Any:
    return json.loads(message.encode()) if isinstance(message, t.Payload) else None


@pytest.fixture(scope="session")
def rhasspy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it makes of all messages, in one process."""
    asked = tmp_path_factory.mktemp("rhasspy") / "messages.json"
    asked.write_text(json.dumps({name: [message.topic(), wire(message)] for name, message in MESSAGES.items()}))
    environment = {**os.environ, "PYTHONPATH": str(FOLDER)}
    command = [sys.executable, "-W", "ignore", "-c", READ, str(asked)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if "No module named 'audioop'" in done.stderr:
        pytest.skip("rhasspy-hermes needs audioop, which this Python no longer has")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def same(ours: Any, theirs: Any) -> bool:
    """Return whether they kept all that they know of."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(same(value, theirs[key]) for key, value in ours.items() if key in theirs)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs


def test_there_is_one_of_ours_for_each_message_of_rhasspys(rhasspy: dict[str, Any]) -> None:
    assert set(rhasspy[""]) == set(MESSAGES) | NEVER


@pytest.mark.parametrize("name", MESSAGES)
def test_rhasspy_reads_us_and_we_read_rhasspy(rhasspy: dict[str, Any], name: str) -> None:
    message, answer = MESSAGES[name], rhasspy[name]
    assert answer["topic"], message.topic()
    assert answer["binary"] == isinstance(message, t.Recording)
    for part in ("site_id", "session_id", "request_id"):
        assert answer.get(part) in (None, getattr(message, part, "1"))
    if isinstance(message, t.Recording):
        return
    ours, theirs = wire(message), answer["payload"]
    assert ours.keys() - theirs.keys() == UNKNOWN_TO_RHASSPY.get(name, set())
    assert same(ours, theirs)
    read = type(message).parse(Message(message.topic(), json.dumps(theirs).encode()))
    assert same(theirs, json.loads(read.model_dump_json(by_alias=True)))
