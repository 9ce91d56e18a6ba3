"""The sentiment skill without its package."""

import sys

from skills.sentiment import skill
from voice.skill import Rehearsal


async def test_it_says_how_to_install_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "vaderSentiment", None)
    async with Rehearsal(skill) as stage:
        assert await stage.say("how do i sound") == (
            "I need the package vader sentiment for that. Install Earshot with its extra sentiment."
        )
        assert stage.expects is None
