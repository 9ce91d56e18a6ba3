"""Several timers at once, with or without a name: set, cancel, how long left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from voice.skill import Ask, Range, Reply, Skill

skill = Skill("timer")
skill.list(
    "name",
    [
        "pizza",
        "egg",
        "tea",
        "coffee",
        "pasta",
        "rice",
        "bread",
        "cake",
        "laundry",
        "oven",
        "workout",
        "homework",
        "nap",
    ],
)
skill.rule(
    "duration",
    "({minutes} (minute|minutes)|{seconds} (second|seconds)|{hours} (hour|hours)"
    "|{hours} (hour|hours) [and] {minutes} (minute|minutes)"
    "|{minutes} (minute|minutes) [and] {seconds} (second|seconds))",
)
skill.rule("set", "(set|start|make)")


@dataclass
class _Timer:
    name: str
    ends: datetime


_timers: list[_Timer] = []


def reset() -> None:
    """Forget all timers."""
    _timers.clear()


def _title(timer: _Timer) -> str:
    return f"the {timer.name} timer" if timer.name else "the timer"


def _words(seconds: float) -> str:
    whole = max(0, round(seconds))
    parts = ((whole // 3600, "hour"), (whole % 3600 // 60, "minute"), (whole % 60, "second"))
    return " and ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in parts if n) or "no time"


def _ring(timer: _Timer) -> str | None:
    if timer not in _timers:
        return None
    _timers.remove(timer)
    return f"{_title(timer).capitalize()} is up."


@skill.intent(
    "SetTimer",
    "<set> [a] timer for <duration>",
    "<set> [a|an] {name} timer for <duration>",
    "<set> [a] timer for <duration> for [the] {name}",
    "<set> [a] <duration> timer",
    "<set> [a] <duration> {name} timer",
    "timer [for] <duration>",
    "{name} timer [for] <duration>",
)
def set_timer(
    minutes: Annotated[int, Range(1, 120)] | None = None,
    seconds: Annotated[int, Range(1, 90)] | None = None,
    hours: Annotated[int, Range(1, 24)] | None = None,
    name: str = "",
) -> str:
    """Start a timer; one of the same name is replaced."""
    length = (hours or 0) * 3600 + (minutes or 0) * 60 + (seconds or 0)
    _timers[:] = [timer for timer in _timers if not name or timer.name != name]
    timer = _Timer(name, skill.now() + timedelta(seconds=length))
    _timers.append(timer)
    skill.after(length, lambda: _ring(timer))
    return f"{_words(length)}{f' for {name}' if name else ''}, starting now."


@skill.intent(
    "CancelTimer",
    "(cancel|stop|delete) [the|my] timer",
    "(cancel|stop|delete) [the|my] {name} timer",
    "(cancel|stop|delete) (all|all the|all my|all of the) timers",
)
def cancel_timer(name: str = "") -> Reply:
    """Cancel the named timer or the only one; ask which where there are several."""
    found = [timer for timer in _timers if not name or timer.name == name]
    if not found:
        return f"There is no {name} timer." if name else "There is no timer."
    if len(found) > 1:
        return Ask(f"You have {len(found)} timers. Cancel all of them?", expect=["Yes", "No"])
    _timers.remove(found[0])
    return f"Cancelled {_title(found[0])}."


@skill.answer("Yes", "all [of them]", "cancel (them|all)")
def cancel_all() -> str:
    """Confirm that every timer goes."""
    count = len(_timers)
    _timers.clear()
    return f"Cancelled {count} timers." if count != 1 else "Cancelled one timer."


@skill.answer("No", "keep them")
def keep_timers() -> str:
    """Keep every timer."""
    return "All right."


@skill.intent(
    "TimerLeft",
    "how (long|much time) is left [on the timer]",
    "how (long|much time) is left on [the|my] {name} timer",
    "how (long|much time) does the {name} timer have [left]",
    "how long (on|for) the timer",
)
def timer_left(name: str = "") -> str:
    """Say how long each timer has left."""
    found = [timer for timer in _timers if not name or timer.name == name]
    if not found:
        return f"There is no {name} timer." if name else "There is no timer."
    now = skill.now()
    return " ".join(
        f"{_words((timer.ends - now).total_seconds()).capitalize()} left on {_title(timer)}." for timer in found
    )
