"""Tell the date: today's, of days to come, and how long it is until a holiday."""

import string
from datetime import date, timedelta
from typing import Annotated, Literal

from voice.skill import Range, Skill

skill = Skill("dates", description="The date, days of the week, and how long until a holiday.")

DAYS = {"tomorrow": 1, "yesterday": -1, "the day after tomorrow": 2, "the day before yesterday": -2}
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
HOLIDAYS = {
    "new year": (1, 1),
    "new year's day": (1, 1),
    "valentine's day": (2, 14),
    "saint patrick's day": (3, 17),
    "midsummer": (6, 24),
    "halloween": (10, 31),
    "christmas eve": (12, 24),
    "christmas": (12, 25),
    "christmas day": (12, 25),
    "boxing day": (12, 26),
    "new year's eve": (12, 31),
}

skill.list("day", DAYS)
skill.list("weekday", {name: number for number, name in enumerate(WEEKDAYS)})
skill.list("holiday", list(HOLIDAYS))
skill.rule("tell", "(what is|what's|tell me|give me|say)")
skill.rule("ask", "(do you know|can you tell me|could you tell me|tell me)")
skill.rule("which", "(what|which)")
skill.rule("until", "(until|till|to|before)")


@skill.intent(
    "GetDate",
    "<which> (day|date) is (it [today]|today) [please]",
    "<which> day of the week is (it|today) [today]",
    "<tell> (the date [today]|today's date) [please]",
    "(what's|what is) today",
    "<ask> (what|which) (day|date) (it is|today is|is it|is today) [today|please]",
    "(what's|what is|tell me) the day [today]",
)
def get_date() -> str:
    """Say the day of the week and the date."""
    return f"Today is {_spoken(_today())}."


@skill.intent(
    "GetDateOf",
    "<which> (day|date) [of the week] (is|is it|will it be|was|was it) {day}",
    "<tell> the (day|date) [of|for] {day}",
    "<which> (day|date) (is it|will it be) in {ahead} days",
    "<tell> the date in {ahead} days",
    ("<tell> tomorrow's date", {"day": 1}),
    ("<tell> yesterday's date", {"day": -1}),
    ("<which> (day|date) (is it|will it be) (in a week|a week from (now|today))", {"ahead": 7}),
    ("<tell> the date (in a week|a week from (now|today))", {"ahead": 7}),
)
def get_date_of(day: int | None = None, ahead: Annotated[int, Range(2, 100)] | None = None) -> str:
    """Say the date of a day some days away."""
    days = ahead if day is None else day
    if days is None:
        return get_date()
    name = next((name for name, away in DAYS.items() if away == days), f"in {days} days")
    return f"{name.capitalize()} {'was' if days < 0 else 'is'} {_spoken(_today() + timedelta(days=days))}."


@skill.intent(
    "GetDateOfWeekday",
    "<tell> the date [on|of] [next|this|the coming] {weekday}",
    "<which> date is [it] [on] [next|this|the coming] {weekday}",
    "when is [next|this|the coming] {weekday}",
    "<which> day of the month is [next|this|the coming] {weekday}",
)
def get_date_of_weekday(weekday: int) -> str:
    """Say the date of the next such day after today."""
    today = _today()
    return f"Next is {_spoken(today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1))}."


@skill.intent(
    "DaysUntil",
    "how (many days|long) [is it|are there|are left|is left|left] <until> {holiday}",
    "how far (away|off) is {holiday}",
    "when is {holiday} [this year]",
    "<which> (day|date) is {holiday} [on] [this year]",
    "<tell> the date of {holiday}",
    "days <until> {holiday}",
)
def days_until(holiday: str) -> str:
    """Say when a holiday is next, and in how many days."""
    today, (month, day) = _today(), HOLIDAYS[holiday]
    upcoming = date(today.year + ((month, day) < (today.month, today.day)), month, day)
    name, days = string.capwords(holiday), (upcoming - today).days
    if days == 0:
        return f"{name} is today."
    return f"{name} is in {days} day{'s' * (days != 1)}, on {_spoken(upcoming)}."


@skill.intent(
    "GetCalendar",
    "<which> {part} (is it|are we in|is this)",
    "<ask> (what|which) {part} it is",
    "<tell> the [current] {part} [number]",
    ("<which> week of the year is (it|this)", {"part": "week"}),
)
def get_calendar(part: Literal["year", "month", "week"]) -> str:
    """Say which year, month or week of the year it is."""
    today = _today()
    return {"year": f"It is {today:%Y}.", "month": f"It is {today:%B}.", "week": f"It is week {today:%-V}."}[part]


def _today() -> date:
    return skill.now().date()


def _spoken(day: date) -> str:
    return f"{day:%A, %B %-d}"


skill.example("what day is it", ...)
skill.example("tell me the date please", ...)
skill.example("what date is next friday", ...)
skill.example("what day is the moon", None)
