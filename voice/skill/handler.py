"""A handler, and how it is called: isolated, in its own thread or awaited, with a deadline."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from voice.clock import Clock, within
from voice.errors import SkillError
from voice.nlu.templates import Policy
from voice.skill.replies import Ask, Reply, Say
from voice.skill.slots import Takes

Call = Callable[..., Reply | Awaitable[Reply]]

MAX_THREADS = 32
"""Calls in threads, those included that hang for ever; more are refused."""
_THREAD = "earshot-skill"


@dataclass(frozen=True)
class Handler:
    """A function and the sentences that it answers."""

    skill: str
    intent: str
    templates: Mapping[str, Mapping[str, Any]]
    """Template -> slots that it sets."""
    call: Call
    parameters: Takes
    is_answer: bool
    """True where it counts only as the answer to a question of its skill."""
    policy: Policy = field(default_factory=Policy)
    """How sure the intent must be, and whether it is asked back."""


async def call(function: Call, arguments: Mapping[str, Any], clock: Clock, deadline_s: float) -> Reply:
    """Return what a skill's function answers.

    A plain function runs in a daemon thread: one that hangs can't be ended, but holds nothing up, not even the exit.

    Raises:
        SkillError: it took too long, wanted to leave, or returned what is no reply; or too many calls hang.
        Exception: what the function raised.
    """
    bound = partial(function, **arguments)
    work = _awaited(bound) if inspect.iscoroutinefunction(function) else _in_thread(bound)
    try:
        return checked(await within(clock, deadline_s, work))
    except TimeoutError as error:
        raise SkillError(f"no answer within {deadline_s:g} s", fix="answer sooner, or use skill.after") from error


def checked(reply: Any) -> Reply:
    """Return `reply` if it is one.

    Raises:
        SkillError: it is not.
    """
    if reply is None or isinstance(reply, str):
        return reply
    if not isinstance(reply, Say | Ask):
        raise SkillError(f"returned {type(reply).__name__}", fix="return text, Say, Ask or None")
    if not isinstance(reply.text, str):
        raise SkillError(f"returned {type(reply).__name__}({reply.text!r:.40})", fix="give it text")
    if isinstance(reply, Ask) and not (_are_names(reply.expect) and isinstance(reply.data, Mapping)):
        raise SkillError(f"asks {reply.text!r:.40}", fix='give expect=["Intent", ...] and data={"name": value, ...}')
    return reply


def _are_names(expect: Any) -> bool:
    return (
        isinstance(expect, Sequence) and not isinstance(expect, str) and all(isinstance(name, str) for name in expect)
    )


async def _awaited(bound: Callable[[], Any]) -> Any:
    try:
        return await bound()
    except SystemExit as error:
        raise SkillError("called exit", fix="return instead") from error


async def _in_thread(bound: Callable[[], Any]) -> Any:
    if sum(thread.name == _THREAD for thread in threading.enumerate()) >= MAX_THREADS:
        raise SkillError(f"{MAX_THREADS} calls hang", fix="mend the skill that does not answer, then restart")
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()

    def deliver(result: Any, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(error)

    def work() -> None:
        result: Any = None
        failure: Exception | None = None
        try:
            result = bound()
        except (SystemExit, KeyboardInterrupt):
            failure = SkillError("called exit", fix="return instead")
        except Exception as error:  # noqa: BLE001 - the skill boundary: carried to the loop's side
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(deliver, result, failure)

    threading.Thread(target=work, name=_THREAD, daemon=True).start()
    return await outcome
