"""Test skills without microphone, broker or waiting: an assistant in process, and a pytest plugin.

    def test_espresso(assistant):
        assistant.load("coffee.py")
        assert assistant.say("make espresso") == "Coming up."

The plugin brings the fixture `assistant` (a `Talk`) and collects `*.golden.yaml` files.
"""

from voice.testing.assistant import Assistant, Turn
from voice.testing.golden import Golden, Outcome, check_golden, read_golden
from voice.testing.talk import Talk
from voice.testing.tape import Tape

__all__ = ["Assistant", "Golden", "Outcome", "Talk", "Tape", "Turn", "check_golden", "read_golden"]
