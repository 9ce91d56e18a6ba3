"""The skill that the host sees of a skill in another process: its card, and functions that call over."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from voice.nlu.templates import ListValues, Policy
from voice.skill.handler import Handler
from voice.skill.listening import Fallback, Subscription
from voice.skill.process import SkillProcess
from voice.skill.replies import Context, Reply
from voice.skill.skill import Skill
from voice.skill.wire import Card, Values


class _Passed:
    """Parameters that are checked over there."""

    def __init__(self, slots: Mapping[str, Values | None]) -> None:
        self._slots = slots

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._slots)

    def spoken(self, slot: str) -> ListValues | None:
        values = self._slots.get(slot)
        return values.plain() if values else None

    def bind(self, given: Mapping[str, Any], context: Context) -> dict[str, Any]:
        return {"given": {**given}, "context": context}


_ANY = _Passed({})


def proxy_of(card: Card, process: SkillProcess) -> Skill:
    """Return the skill of a card; calls of its functions go to the process."""
    skill = Skill(card.name, card.publishes, card.description, language=card.language, needs=card.needs)

    def over(part: str, which: object) -> Callable[..., Awaitable[Reply]]:
        async def call(given: Mapping[str, Any] | None = None, context: Context | None = None) -> Reply:
            return await process.call(part, str(which), given or {}, context or Context())

        return call

    for index, answer in enumerate(card.handlers):
        policy, takes = Policy(answer.min_confidence, answer.dangerous), _Passed(answer.slots)
        templates = dict(answer.templates)
        handler = Handler(card.name, answer.intent, templates, over("handler", index), takes, answer.is_answer, policy)
        skill.handlers.append(handler)
    if card.not_recognized:
        skill.not_recognized = Handler(card.name, "", {}, over("not_recognized", 0), _ANY, is_answer=True)
    skill.lists.update({name: values.plain() for name, values in card.lists.items()})
    skill.rules.update(card.rules)
    skill.fallbacks += [Fallback(priority, over("fallback", n), _ANY) for n, priority in enumerate(card.fallbacks)]
    skill.subscriptions += [
        Subscription(pattern, over("message", n), _ANY) for n, pattern in enumerate(card.subscriptions)
    ]
    skill.due.update({name: Handler(card.name, "", {}, over("due", name), _ANY, is_answer=True) for name in card.due})
    skill.repeats += [(period_s, over("repeat", n)) for n, period_s in enumerate(card.repeats)]
    skill.starts.append(process.begin)
    process.play(skill)
    return skill
