"""Several timers at once, with or without a name: set, cancel, how long left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from voice.skill import Ask, Context, Range, Reply, Skill

Name = Literal[
    "pizza", "egg", "tea", "coffee", "pasta", "rice", "bread", "cake", "laundry", "oven", "workout", "homework", "nap"
]  # fmt: skip
Hours, Minutes, Seconds = Annotated[int, Range(1, 24)], Annotated[int, Range(1, 99)], Annotated[int, Range(1, 99)]

skill = Skill("timer", description="Set, cancel and ask for timers.")
skill.list("order", {"first": 0, "second": 1, "third": 2, "last": -1})
skill.rule("set", "(set|start|make)")
skill.rule("cancel", "(cancel|stop|delete)")
skill.list("single", {"one": 1, "a": 1, "an": 1})
skill.rule("hours", "({single:hours} hour|{hours} hours)")  # what nobody says can't be misheard: "ten hour"
skill.rule("minutes", "({single:minutes} minute|{minutes} minutes)")
skill.rule("seconds", "({single:seconds} second|{seconds} seconds)")
skill.rule("duration", "(<hours> [[and] <minutes>]|<minutes> [[and] <seconds>]|<seconds>)")
skill.rule(
    "length",
    "({hours} (hour|hours) [[and] {minutes} (minute|minutes)]|{minutes} (minute|minutes) [[and] {seconds} "
    "(second|seconds)]|{seconds} (second|seconds))",
)


@dataclass(eq=False)
class _Timer:
    title: str
    name: str | None
    ends: datetime


_timers: list[_Timer] = []


@skill.on_start
def reset() -> None:
    """Forget all timers."""
    _timers.clear()


@skill.intent(
    "SetTimer",
    "[<set>] [a|an|the] [{name}] timer (for|to) <duration> [for [the] {name}]",
    "[<set>] [a|an] <length> [{name}] timer",
    ("<set> [a|the] [{name}] timer (for|to) half an hour", {"minutes": 30}),
    ("<set> [a|the] [{name}] timer (for|to) (an|one) hour and a half", {"hours": 1, "minutes": 30}),
)
def set_timer(
    context: Context, hours: Hours = 0, minutes: Minutes = 0, seconds: Seconds = 0, name: Name | None = None
) -> str:
    """Start a timer; it replaces one of the same name."""
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if name:
        _timers[:] = [timer for timer in _timers if timer.name != name]
    timer = _Timer(name or _spoken(length).replace("s ", " ").removesuffix("s"), name, skill.now() + length)
    _timers.append(timer)
    skill.after(length.total_seconds(), lambda: _ring(timer), context.site)
    return f"{_spoken(length).capitalize()}{f' for the {name}' if name else ''}, starting now."


@skill.intent("CancelTimer", "<cancel> [the|my] [{name}] timer")
def cancel_timer(name: Name | None = None) -> Reply:
    """Cancel the named timer or the only one; ask which where there are several."""
    found = [timer for timer in _timers if name in (None, timer.name)]
    if not found:
        return _none(name)
    if len(found) > 1:
        titles = " and ".join(f"the {timer.title} timer" for timer in found)
        return Ask(f"There is {titles}. Which one?", expect=["WhichTimer", "AllTimers"])
    return _cancel(found[0])


@skill.answer("WhichTimer", "[cancel] [the] {name} [timer|one]", "[cancel] [the] {order} [timer|one]")
def which_timer(name: Name | None = None, order: int = 0) -> str:
    """Cancel the timer that was chosen."""
    found = [timer for timer in _timers if name == timer.name] if name else _timers
    return _cancel(found[order]) if -1 <= order < len(found) else _none(name)


@skill.intent("CancelTimers", "<cancel> (all|both) [[of] (the|my)] timers", "<cancel> every timer")
def cancel_timers() -> Reply:
    """Cancel all timers, after asking."""
    if len(_timers) < 2:
        return cancel_timer()
    return Ask(f"Really cancel all {len(_timers)} timers?", expect=["Yes", "No"])


@skill.answer("Yes")
@skill.answer("AllTimers", "[cancel] (all|both) [[of] them]")
def cancel_all() -> str:
    """Cancel every timer."""
    count = len(_timers)
    _timers.clear()
    return f"Cancelled {count} timer{'s' * (count != 1)}."


@skill.answer("No")
def keep_all() -> str:
    """Keep every timer."""
    return "All right, they keep running."


@skill.intent(
    "TimerLeft",
    "how (long|much time) is left [on [the|my] [{name}] timer]",
    "how (long|much time) does the [{name}] timer have [left]",
    "how (long|much time) (on|for) the [{name}] timer",
)
def timer_left(name: Name | None = None) -> str:
    """Say how long each timer has left."""
    found = [timer for timer in _timers if name in (None, timer.name)]
    left = (f"{_spoken(timer.ends - skill.now()).capitalize()} left on the {timer.title} timer." for timer in found)
    return " ".join(left) or _none(name)


def _cancel(timer: _Timer) -> str:
    _timers.remove(timer)
    return f"Cancelled the {timer.title} timer."


def _ring(timer: _Timer) -> str | None:
    if timer not in _timers:
        return None
    _timers.remove(timer)
    return f"The {timer.title} timer is up."


def _none(name: str | None) -> str:
    return f"There is no {name} timer." if name else "There is no timer."


def _spoken(length: timedelta) -> str:
    whole = max(0, round(length.total_seconds()))
    parts = ((whole // 3600, "hour"), (whole % 3600 // 60, "minute"), (whole % 60, "second"))
    return " and ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in parts if n) or "no time"


skill.example("set a tea timer for four minutes", "4 minutes for the tea, starting now.", "stop the tea timer", ...)
skill.example("set a timer for one hour and a half", "1 hour and 30 minutes, starting now.")
skill.example("how long is left", "There is no timer.")
