"""Our payloads read by rhasspy-hermes 0.6.1, in an environment of its own (it pins paho-mqtt 1.5)."""

import json
import os
import subprocess

import pytest

from voice.bus import topics as t

PYTHON = os.environ.get("EARSHOT_RHASSPY_PYTHON")
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="EARSHOT_RHASSPY_PYTHON names no Python that has rhasspy-hermes 0.6.1"
)

SLOT = t.HermesSlot(slot_name="room", raw_value="hall", range=t.SlotRange(start=0, end=4), confidence=0.5)
ON = t.AsrToken(value="on", range_end=2)
MESSAGES = [
    ("wake", "HotwordDetected", t.HotwordDetected(model_id="computer")),
    ("wake", "HotwordToggleOff", t.HotwordToggleOff(reason="ttsSay")),
    ("asr", "AsrStartListening", t.AsrStartListening(session_id="s")),
    ("asr", "AsrTextCaptured", t.AsrTextCaptured(text="on", asr_tokens=[[ON]])),
    ("nlu", "NluQuery", t.NluQuery(input="hall")),
    ("nlu", "NluIntentNotRecognized", t.NluIntentNotRecognized(input="hall")),
    ("nlu", "NluIntent", t.IntentMessage(input="hall", intent=t.IntentName(intent_name="A"), slots=[SLOT])),
    ("dialogue", "DialogueStartSession", t.StartSession(init=t.ActionInit(text="which room?"))),
    ("dialogue", "DialogueSessionStarted", t.SessionStarted(session_id="s")),
    ("dialogue", "DialogueSessionEnded", t.SessionEnded(session_id="s", termination=t.Termination(reason="timeout"))),
    ("tts", "TtsSay", t.TtsSay(text="done")),
    ("tts", "TtsSayFinished", t.TtsSayFinished(id="1")),
]
READ = """
import importlib, json, sys
module, name, payload = json.loads(sys.stdin.read())
kind = getattr(importlib.import_module("rhasspyhermes." + module), name)
print(kind.from_dict(payload).payload())
"""


@pytest.mark.parametrize(("module", "name", "message"), MESSAGES, ids=[name for _, name, _ in MESSAGES])
def test_rhasspy_reads_us_and_we_read_rhasspy(module: str, name: str, message: t.Payload) -> None:
    assert PYTHON
    asked = json.dumps([module, name, json.loads(message.encode())])
    answer = subprocess.run([PYTHON, "-c", READ], input=asked, capture_output=True, text=True, check=True).stdout
    ours = type(message).model_validate(json.loads(answer))
    assert ours == message
