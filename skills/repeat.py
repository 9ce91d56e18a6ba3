"""Say again what was said last in the same room."""

from typing import Any

from voice.skill import Context, Skill

skill = Skill("repeat", description="Says the last reply again.")

_last: dict[str, str] = {}
"""Site -> the last text that was spoken there."""


@skill.on_start
def forget() -> None:
    """Know nothing at first: what was said before a start is nobody's last reply."""
    _last.clear()


@skill.on_message("hermes/tts/say")
def remember(payload: Any) -> None:
    """Note what is spoken, whoever asked for it."""
    if isinstance(payload, dict) and isinstance(payload.get("text"), str) and payload["text"].strip():
        _last[payload.get("siteId") or "default"] = payload["text"]


@skill.intent(
    "Repeat",
    "(say|repeat) (that|it) [again] [please]",
    "(repeat [please]|repeat yourself|please (repeat|say) (that|it) [again]|please repeat)",
    "(what did you say|what was that|pardon|pardon me|excuse me|come again|once more|one more time) [please]",
    "(i did not|i didn't) (hear|get|catch|understand) (that|you|it)",
    "(can|could) you (say|repeat) that [again] [please]",
    "say again",
)
def repeat(context: Context) -> str:
    """Say the last reply again."""
    return _last.get(context.site, "I have not said anything yet.")


skill.example("say that again", ...)
skill.example("repeat after me", None)
