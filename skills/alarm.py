"""Alarms with or without a name, once or again and again, with snooze. They outlive a restart.

An alarm rings five times, a minute apart, until it is stopped or snoozed.
"""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from voice.skill import Ask, Context, Range, Reply, Schedule, Skill

AHEAD = {"today": 0, "tomorrow": 1, "the day after tomorrow": 2}
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
RINGS = 5
SNOOZE_MINUTES = 9
LATE = timedelta(minutes=30)
"""An alarm that comes later than this, because nobody ran, is told and does not ring; nor can it be snoozed later."""

Name = Literal["work", "school", "medicine", "workout", "meeting", "dinner", "baby", "bus"]
Hour, Minute = Annotated[int, Range(1, 12)], Annotated[int, Range(-25, 59)]
Half = Literal["am", "pm"]
Repeat = Literal["daily", "weekdays", "weekends", "weekly"]

skill = Skill("alarm", description="Set alarms, snooze, cancel, and say which are set.")
skill.list("moment", {"noon": 12, "midday": 12, "midnight": 0})
skill.list("minute", {**{str(m): m for m in range(10, 60)}, **{f"oh {m}": m for m in range(1, 10)}})
skill.list(
    "around",
    {
        **{f"{minutes} past": minutes for minutes in (5, 10, 20, 25)},
        **{f"{minutes} to": -minutes for minutes in (5, 10, 20, 25)},
        **{"quarter past": 15, "a quarter past": 15, "half past": 30, "quarter to": -15, "a quarter to": -15},
    },
)
skill.list(
    "half",
    {
        **dict.fromkeys(("a m", "am", "in the morning"), "am"),
        **dict.fromkeys(("p m", "pm", "in the afternoon", "in the evening", "at night", "tonight"), "pm"),
    },
)
skill.list("day", [*AHEAD, *WEEKDAYS])
skill.list("weekday", WEEKDAYS)
skill.list(
    "repeat",
    {
        **dict.fromkeys(("every day", "daily"), "daily"),
        **dict.fromkeys(("on weekdays", "every weekday", "on workdays"), "weekdays"),
        **dict.fromkeys(("on weekends", "every weekend"), "weekends"),
    },
)
skill.list("weekly", {"every": "weekly"})
skill.list("order", {"first": 0, "second": 1, "third": 2, "last": -1})
skill.rule("set", "(set|make|create|add|put on)")
skill.rule("cancel", "(cancel|delete|remove)")
skill.rule("time", "({moment}|({hour} [o'clock|o clock|{minute}]|{around:minute} {hour}) [{half}])")
skill.rule("day", "({day}|on {weekday:day}|{repeat}|{weekly:repeat} {weekday:day})")
skill.rule("minutes", "{minutes} [more] minutes")


@skill.intent(
    "SetAlarm",
    "(wake me [up]|get me up) [<day>] at <time> [<day>] [please]",
    "<set> (a|an|the|my|another) [{name}] alarm [<day>] (for|at) <time> [<day>] [please]",
    "[{name}] alarm (for|at) <time> [<day>]",
)
def set_alarm(
    context: Context,
    moment: int | None = None,
    hour: Hour = 12,
    minute: Minute = 0,
    half: Half | None = None,
    day: str | None = None,
    repeat: Repeat | None = None,
    name: Name | None = None,
) -> str:
    """Set an alarm for the next time that fits what was said."""
    times = _times(moment, hour, minute, half)
    due = _next(skill.now(), times, day, repeat)
    skill.schedule(ring, at=due, site=context.site, repeat=repeat, data={"name": name, "repeat": repeat})
    return f"{name.capitalize() if name else 'The'} alarm is set for {_when(due, repeat)}."


@skill.on_due
def ring(context: Context, due: datetime, name: Name | None = None) -> str:
    """Say the time, and again in a minute."""
    if skill.now() - due > LATE:
        return f"The alarm for {due:%-H:%M} was missed: nobody was running."
    return _sound(context.site, name, RINGS)


@skill.on_due
def ring_again(context: Context, name: Name | None = None, left: int = 0) -> str:
    """Say the time once more."""
    return _sound(context.site, name, left)


@skill.intent(
    "Snooze",
    "snooze [the alarm] [(for|in) <minutes>] [please]",
    "(wake me [up] again|remind me again) in <minutes>",
    "{minutes} more minutes [please]",
    "let me sleep [a [little] bit] [longer]",
)
def snooze(context: Context, minutes: Annotated[int, Range(1, 60)] = SNOOZE_MINUTES) -> str:
    """Let the alarm that rings ring again later."""
    rang = skill.store.get("rang")
    if rang is None or skill.now() - datetime.fromisoformat(rang["at"]) > LATE:
        return "No alarm is ringing."
    _silence()
    skill.schedule(ring, seconds=60 * minutes, key="snoozed", site=context.site, data={"name": rang["name"]})
    return f"Until {skill.now() + timedelta(minutes=minutes):%-H:%M}."


@skill.intent(
    "StopAlarm",
    "(stop|silence|turn off|switch off) (the|my|that) [{name}] alarm [please]",
    "turn (the|my|that) [{name}] alarm off",
    "(alarm off|i am awake|i'm awake)",
)
def stop_alarm(name: Name | None = None) -> Reply:
    """Silence the alarm that rings; where none does, one that is set is meant."""
    if _silence():
        return "Good."
    return cancel_alarm(name=name)


@skill.on_message("hermes/intent/Stop")
def stop_ringing() -> None:
    """Let a plain "stop" silence it too."""
    _silence()


@skill.intent(
    "CancelAlarm",
    "<cancel> (the|my) [{name}] alarm [(for|at) <time>] [please]",
    "<cancel> (the|my) ({moment}|{hour} [o'clock|{minute}]) alarm [please]",
)
def cancel_alarm(
    moment: int | None = None,
    hour: Hour | None = None,
    minute: Minute = 0,
    half: Half | None = None,
    name: Name | None = None,
) -> Reply:
    """Cancel the alarm of a time or a name, or the only one; ask which where there are several."""
    _silence()
    times = None if moment is None and hour is None else _times(moment, hour or 12, minute, half)
    found = [
        alarm
        for alarm in _alarms()
        if name in (None, alarm.data["name"]) and (times is None or alarm.due.time() in times)
    ]
    if not found:
        return "There is no such alarm." if _alarms() else "No alarm is set."
    if len(found) > 1:
        return Ask(f"There are {_told(found)}. Which one?", expect=["WhichAlarm", "AllAlarms"])
    return _cancel(found[0])


@skill.answer(
    "WhichAlarm",
    "[cancel] [the] {name} [alarm|one]",
    "[cancel] [the] {order} [alarm|one]",
    "[cancel] [the] [one] (at|for) <time>",
    "[cancel] [the] <time> [alarm|one]",
)
def which_alarm(
    moment: int | None = None,
    hour: Hour | None = None,
    minute: Minute = 0,
    half: Half | None = None,
    name: Name | None = None,
    order: int | None = None,
) -> Reply:
    """Cancel the alarm that was chosen."""
    if order is None:
        return cancel_alarm(moment, hour, minute, half, name)
    alarms = _alarms()
    return _cancel(alarms[order]) if -len(alarms) <= order < len(alarms) else "There is no such alarm."


@skill.intent("CancelAlarms", "<cancel> (all|both) [[of] (the|my)] alarms [please]", "<cancel> every alarm")
def cancel_alarms() -> Reply:
    """Cancel all alarms, after asking where there are several."""
    if len(_alarms()) < 2:
        return cancel_alarm()
    return Ask(f"Really cancel all {len(_alarms())} alarms?", expect=["Yes", "No"])


@skill.answer("Yes")
@skill.answer("AllAlarms", "[cancel] (all|both) [[of] them]")
def cancel_all() -> str:
    """Cancel every alarm."""
    alarms = _alarms()
    for alarm in alarms:
        skill.unschedule(alarm.key)
    return f"Cancelled {len(alarms)} alarms."


@skill.answer("No")
def keep_all() -> str:
    """Keep every alarm."""
    return "All right, they stay."


@skill.intent(
    "ListAlarms",
    "(what|which) alarms (are [there|set|on]|do i have|have i set)",
    "(do i have|are there|is there|have i set) (any|an) (alarm|alarms) [set]",
    "when (is|does) (my|the) [next] alarm [ring|go off]",
    "(when|what time) (do you wake me|will you wake me|am i getting up) [up|tomorrow]",
    "(list|tell me|read) (my|the|all) alarms",
)
def list_alarms() -> str:
    """Say which alarms are set, the next one first."""
    alarms = _alarms()
    if not alarms:
        return "No alarm is set."
    return f"There {'is' if len(alarms) == 1 else 'are'} {_told(alarms)}."


# ---- what rings --------------------------------------------------------------------------------------------------


def _sound(site: str, name: str | None, left: int) -> str:
    now = skill.now()
    skill.store["rang"] = {"at": now.isoformat(), "name": name}
    if left > 1:
        skill.schedule(ring_again, seconds=60, key="again", site=site, data={"name": name, "left": left - 1})
    return f"It is {now:%-H:%M}. This is your {name + ' ' if name else ''}alarm."


def _silence() -> bool:
    """Stop the ringing; return whether there was any."""
    return skill.unschedule("again")


def _alarms() -> list[Schedule]:
    return [alarm for alarm in skill.schedules if alarm.call == ring.__name__]


def _cancel(alarm: Schedule) -> str:
    skill.unschedule(alarm.key)
    return f"Cancelled the alarm for {_when(alarm.due, alarm.repeat)}."


# ---- times -------------------------------------------------------------------------------------------------------


def _times(moment: int | None, hour: int, minute: int, half: str | None) -> list[time]:
    """Return the times of day that a spoken time can mean: one, or two twelve hours apart."""
    if moment is not None:
        return [time(moment)]
    morning = (hour % 12 * 60 + minute) % 720
    both = [time(*divmod(minutes, 60)) for minutes in (morning, morning + 720)]
    return both[:1] if half == "am" else both[1:] if half == "pm" else both


def _next(now: datetime, times: list[time], day: str | None, repeat: str | None) -> datetime:
    """Return the first time that fits; on a day that was named, or again and again, the morning is meant."""
    if repeat or day not in (None, "today"):
        times = times[:1]
    first = now.date() + timedelta(days=AHEAD.get(day or "", 0))
    dates = (first + timedelta(days=n) for n in range(9))
    dues = (datetime.combine(each_day, each) for each_day in dates if _fits(each_day, day, repeat) for each in times)
    return next(due for due in dues if due > now)


def _fits(due: date, day: str | None, repeat: str | None) -> bool:
    weekend = due.weekday() >= 5
    if day in WEEKDAYS:
        return due.weekday() == WEEKDAYS.index(day)
    return {"weekdays": not weekend, "weekends": weekend}.get(repeat or "", True)


def _told(alarms: list[Schedule]) -> str:
    named = (f"the {alarm.data['name'] + ' ' if alarm.data['name'] else ''}alarm for " for alarm in alarms)
    return " and ".join(name + _when(alarm.due, alarm.repeat) for name, alarm in zip(named, alarms, strict=True))


def _when(due: datetime, repeat: str | None) -> str:
    at = f"{due:%-H:%M}"
    if repeat:
        often = {"daily": "every day", "weekdays": "on weekdays", "weekends": "on weekends"}
        return f"{at} {often.get(repeat, f'every {due:%A}')}"
    days = (due.date() - skill.now().date()).days
    return f"{at} {('today', 'tomorrow')[days] if days < 2 else f'on {due:%A}'}"


skill.example("wake me at seven thirty tomorrow", "The alarm is set for 7:30 tomorrow.", "what alarms are set", ...)
skill.example("cancel the alarm", "No alarm is set.")
skill.example("snooze", "No alarm is ringing.")
skill.example("alarm the neighbours", None)
