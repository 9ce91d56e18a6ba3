"""Several timers at once, with or without a name: set, extend, cancel, how long left. They outlive a restart."""

from datetime import timedelta
from typing import Annotated, Literal

from voice.skill import Ask, Context, Range, Reply, Schedule, Skill

Name = Literal[
    "pizza", "egg", "tea", "coffee", "pasta", "rice", "bread", "cake", "laundry", "oven", "workout", "homework", "nap"
]  # fmt: skip
Hours, Minutes, Seconds = Annotated[int, Range(1, 24)], Annotated[int, Range(1, 99)], Annotated[int, Range(1, 99)]

skill = Skill("timer", description="Set, extend, cancel and ask for timers.")
skill.list("order", {"first": 0, "second": 1, "third": 2, "last": -1})
skill.list("a", {"one": 1, "a": 1})
skill.list("an", {"one": 1, "an": 1})
skill.rule("set", "(set|start|make|create|give me)")
skill.rule("cancel", "(cancel|stop|delete|turn off)")
skill.rule("hours", "({an:hours} hour|{hours} hours)")  # what nobody says can't be misheard: "ten hour"
skill.rule("minutes", "({a:minutes} minute|{minutes} minutes)")
skill.rule("seconds", "({a:seconds} second|{seconds} seconds)")
skill.rule("duration", "(<hours> [[and] <minutes>]|<minutes> [[and] <seconds>]|<seconds>)")
skill.rule(
    "length",
    "({hours} (hour|hours) [[and] {minutes} (minute|minutes)]|{minutes} (minute|minutes) [[and] {seconds} "
    "(second|seconds)]|{seconds} (second|seconds))",
)
skill.rule("left", "how (long|much time|much longer)")


@skill.intent(
    "SetTimer",
    "[<set>] [a|an|the|another] [{name}] timer (for|to) <duration> [for [the] {name}] [please]",
    "[<set>] [a|an|another] <length> [{name}] timer [please]",
    "(tell me|let me know) when <duration> (is|are) (over|up)",
    "count down <duration>",
    ("<set> [a|the] [{name}] timer (for|to) half an hour", {"minutes": 30}),
    ("<set> [a|the] [{name}] timer (for|to) (an|one) hour and a half", {"hours": 1, "minutes": 30}),
)
def set_timer(
    context: Context, hours: Hours = 0, minutes: Minutes = 0, seconds: Seconds = 0, name: Name | None = None
) -> str:
    """Start a timer; it replaces one of the same name."""
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    title = name or _spoken(length).replace("s ", " ").removesuffix("s")
    data = {"title": title, "name": name}
    skill.schedule(ring, seconds=length.total_seconds(), key=name, site=context.site, data=data)
    return f"{_spoken(length).capitalize()}{f' for the {name}' if name else ''}, starting now."


@skill.on_due
def ring(title: str) -> str:
    """Say that a timer is up; one that ran out while the assistant was off is told when it is on again."""
    return f"The {title} timer is up."


@skill.intent(
    "ExtendTimer",
    "add <duration> [to (the|my) [{name}] timer]",
    "(extend|prolong) (the|my) [{name}] timer by <duration>",
    "(give|make) (the|my) [{name}] timer <duration> (more|longer)",
)
def extend_timer(hours: Hours = 0, minutes: Minutes = 0, seconds: Seconds = 0, name: Name | None = None) -> str:
    """Let the named timer, or the one that rings first, run longer."""
    found = _timers(name)
    if not found:
        return _none(name)
    timer, more = found[0], timedelta(hours=hours, minutes=minutes, seconds=seconds)
    skill.schedule(ring, at=timer.due + more, key=timer.key, site=timer.site, data=timer.data)
    return f"{_spoken(timer.due + more - skill.now()).capitalize()} left on the {timer.data['title']} timer."


@skill.intent("CancelTimer", "<cancel> [the|my] [{name}] timer [please]")
def cancel_timer(name: Name | None = None) -> Reply:
    """Cancel the named timer or the only one; ask which where there are several."""
    found = _timers(name)
    if not found:
        return _none(name)
    if len(found) > 1:
        titles = " and ".join(f"the {timer.data['title']} timer" for timer in found)
        return Ask(f"There is {titles}. Which one?", expect=["WhichTimer", "AllTimers"])
    return _cancel(found[0])


@skill.answer("WhichTimer", "[cancel] [the] {name} [timer|one]", "[cancel] [the] {order} [timer|one]")
def which_timer(name: Name | None = None, order: int = 0) -> str:
    """Cancel the timer that was chosen."""
    found = _timers(name)
    return _cancel(found[order]) if -len(found) <= order < len(found) else _none(name)


@skill.intent("CancelTimers", "<cancel> (all|both) [[of] (the|my)] timers [please]", "<cancel> every timer")
def cancel_timers() -> Reply:
    """Cancel all timers, after asking."""
    if len(_timers()) < 2:
        return cancel_timer()
    return Ask(f"Really cancel all {len(_timers())} timers?", expect=["Yes", "No"])


@skill.answer("Yes")
@skill.answer("AllTimers", "[cancel] (all|both) [[of] them]")
def cancel_all() -> str:
    """Cancel every timer."""
    timers = _timers()
    for timer in timers:
        skill.unschedule(timer.key)
    return f"Cancelled {len(timers)} timer{'s' * (len(timers) != 1)}."


@skill.answer("No")
def keep_all() -> str:
    """Keep every timer."""
    return "All right, they keep running."


@skill.intent(
    "TimerLeft",
    "<left> is left [on [the|my] [{name}] timer]",
    "<left> does the [{name}] timer have [left]",
    "<left> (on|for) the [{name}] timer",
    "<left> will the [{name}] timer (take|run)",
    "(what|which) timers (are [there|running|set]|do i have)",
    "(how is|check) (the|my) [{name}] timer",
)
def timer_left(name: Name | None = None) -> str:
    """Say how long each timer has left."""
    found, now = _timers(name), skill.now()
    left = (f"{_spoken(timer.due - now).capitalize()} left on the {timer.data['title']} timer." for timer in found)
    return " ".join(left) or _none(name)


def _timers(name: str | None = None) -> list[Schedule]:
    """Return the timers that run, or those of a name; the one that rings first comes first."""
    return [timer for timer in skill.schedules if name in (None, timer.data["name"])]


def _cancel(timer: Schedule) -> str:
    skill.unschedule(timer.key)
    return f"Cancelled the {timer.data['title']} timer."


def _none(name: str | None) -> str:
    return f"There is no {name} timer." if name else "There is no timer."


def _spoken(length: timedelta) -> str:
    whole = max(0, round(length.total_seconds()))
    parts = ((whole // 3600, "hour"), (whole % 3600 // 60, "minute"), (whole % 60, "second"))
    return " and ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in parts if n) or "no time"


skill.example("set a tea timer for four minutes", "4 minutes for the tea, starting now.", "stop the tea timer", ...)
skill.example("set a timer for one hour and a half", "1 hour and 30 minutes, starting now.")
skill.example("how long is left", "There is no timer.")
