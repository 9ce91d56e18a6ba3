"""Lets speech and text be understood by the sentences that skills have now. The ears never wait for it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voice.errors import GrammarError
from voice.nlu.templates import SkillSentences
from voice.skill.skill import Skill

_log = logging.getLogger(__name__)


class Learner:
    """What the crew and the host tell of changes. Needs a running event loop.

    Args:
        learn: takes sentences, and the intents that need no question before them; called on a thread.
        relist: takes the new values of lists; called on a thread.
        share: lets a broker carry topics.
    """

    def __init__(
        self,
        learn: Callable[[SkillSentences, Sequence[str]], None],
        relist: Callable[[Mapping[str, Sequence[Any]]], None],
        share: Callable[[Skill], None],
    ) -> None:
        self._learn = learn
        self._relist = relist
        self._share = share
        self._tasks: set[asyncio.Task[None]] = set()

    async def learn(self, skills: Sequence[Skill]) -> None:
        """Take the sentences of these skills.

        Raises:
            GrammarError: they can't be compiled; nothing has changed then.
        """
        await asyncio.to_thread(self._learn, merged_sentences(skills), always_intents(skills))
        for skill in skills:
            self._share(skill)

    def relist(self, skill: Skill, name: str) -> None:
        """Take the values that a skill's list has now."""
        task = asyncio.create_task(asyncio.to_thread(self._take_list, skill, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Return when nothing is being learnt."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take_list(self, skill: Skill, name: str) -> None:
        full = f"{skill.name.replace('-', '_')}_{name}"
        try:
            values = skill.sentences().lists.get(full)
            if isinstance(values, Sequence):
                self._relist({full: values})
        except GrammarError as error:
            _log.error("skill %s: %s", skill.name, error)


def merged_sentences(skills: Sequence[Skill]) -> SkillSentences:
    """Return the sentences of all skills."""
    sentences = SkillSentences()
    for skill in skills:
        sentences = sentences.merged(skill.sentences())
    return sentences


def always_intents(skills: Sequence[Skill]) -> list[str]:
    """Return the intents that need no question before them."""
    return [handler.intent for skill in skills for handler in skill.handlers if not handler.is_answer]
