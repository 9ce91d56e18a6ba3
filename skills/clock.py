"""Tell the time and the date."""

from voice.skill import Skill

skill = Skill("clock", description="The time and the date.")


@skill.intent(
    "GetTime",
    "what time is it [now|please]",
    "(what is|what's|tell me|give me|say) the [current] time [please]",
    "(do you know|can you tell me) (the time|what time it is)",
)
def get_time() -> str:
    """Say the time of day."""
    return f"It is {skill.now():%-H:%M}."


@skill.intent(
    "GetDate",
    "what day is (it|today) [today]",
    "(what is|what's|tell me|give me|say) (the date [today]|today's date) [please]",
    "what date is it [today]",
)
def get_date() -> str:
    """Say the day of the week and the date."""
    return f"Today is {skill.now():%A, %B %-d}."


skill.example("what time is it", ...)
skill.example("tell me the date please", ...)
skill.example("what time is love", None)
