"""Take somebody's word that the wake word was never said.

The assistant keeps the audio as a negative for the next training only where `wrong_wakes.keep_wrong_wakes` is true.
"""

from itertools import count
from typing import Any

from voice.skill import Context, Skill

skill = Skill(
    "wakes", publishes=["earshot/hotword/markWrong"], description="That was wrong: nobody had said the wake word."
)

ANSWERS = {
    "kept": "Thanks, I keep it to learn from.",
    "off": "Sorry. I keep no recordings. Set keep wrong wakes to true, and I can learn from them.",
    "nothing": "Sorry, I don't know which one.",
    "twice": "I have that one already.",
    "error": "Sorry, I could not keep it.",
}
_numbers = count(1)
_asked: set[str] = set()
"""Ids of the questions of this skill that nobody has answered yet."""


@skill.on_start
def forget() -> None:
    """Wait for no answer of an earlier start."""
    _asked.clear()


@skill.intent(
    "WrongWake",
    "that was [a] (wrong|mistake|false alarm|false wake) [wake|alarm]",
    "(i did not|i didn't) (call|mean|ask|say anything to) you",
    "(i was not|i wasn't|nobody was) talking to you",
    "nobody (called|asked) you",
    "(false|wrong) alarm",
    "(i did not|i didn't) say [the|your] (wake word|name)",
)
def wrong_wake(context: Context) -> None:
    """Ask the assistant to keep the wake as a wrong one; its answer is spoken."""
    asked = f"wakes-{next(_numbers)}"
    _asked.add(asked)
    skill.publish("earshot/hotword/markWrong", {"siteId": context.site, "sessionId": context.session, "id": asked})


@skill.on_message("earshot/hotword/markedWrong")
def tell(payload: Any) -> None:
    """Say what became of it, where it was this skill that asked."""
    if isinstance(payload, dict) and payload.get("id") in _asked:
        _asked.discard(payload["id"])
        skill.say(ANSWERS.get(str(payload.get("why")), ANSWERS["error"]), str(payload.get("siteId") or "default"))


skill.example("that was wrong", "")
skill.example("i didn't call you", "")
skill.example("that was right", None)
