"""Tell the time and the date."""

from voice.skill import Skill

skill = Skill("clock")


@skill.intent(
    "GetTime", "what time is it [now]", "what is the time", "what's the time", "(tell me|give me) the [current] time"
)
def get_time() -> str:
    """Say the time of day."""
    return f"It is {skill.now():%H:%M}."


@skill.intent(
    "GetDate",
    "what day is (it|today)",
    "what's (the date|today's date) [today]",
    "what is (the date|today's date) [today]",
    "(tell me|give me) the date",
)
def get_date() -> str:
    """Say the day of the week and the date."""
    return f"Today is {skill.now():%A, %B %-d}."
