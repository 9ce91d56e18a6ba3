"""Answers what a text means, over Hermes: from the utterance that it came from, else by parsing it."""

import asyncio
from collections import OrderedDict
from concurrent.futures import Executor
from functools import partial

from voice.bus.base import Bus
from voice.bus.topics import (
    AsrToken,
    ErrorMessage,
    HermesSlot,
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluPartialQuery,
    NluQuery,
    NluSlotParsed,
    SlotRange,
    SlotValue,
    on,
    send,
)
from voice.events import Intent, Slot
from voice.pipeline.arbiter import Understander, Understanding


class Interpreter:
    """The understanding of text at one site.

    Args:
        bus: Hermes.
        brain: what a text means.
        thread: where it thinks.
        site_id: the site.
        remembered: utterances whose meaning is kept for the question that follows.
    """

    def __init__(self, bus: Bus, brain: Understander, thread: Executor, site_id: str, remembered: int) -> None:
        self._bus = bus
        self._brain = brain
        self._thread = thread
        self._site = site_id
        self._remembered = remembered
        self._meanings: OrderedDict[tuple[str | None, str], Understanding] = OrderedDict()
        self._unsubscribe = (on(bus, NluQuery, self._query), on(bus, NluPartialQuery, self._partial_query))

    def close(self) -> None:
        """Answer no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def remember(self, session_id: str | None, understood: Understanding) -> None:
        """Keep what an utterance meant until its text is asked about."""
        self._meanings[session_id, understood.text] = understood
        while len(self._meanings) > self._remembered:
            self._meanings.popitem(last=False)

    async def refuses(self, intent_filter: list[str] | None, session_id: str | None) -> bool:
        """Return whether a filter names an intent that does not exist, and say so on `hermes/error/nlu`."""
        unknown = [name for name in intent_filter or () if not self._brain.knows(name)]
        if unknown:
            error = f"intentFilter names {unknown[0]!r}, which no skill defines"
            fault = ErrorMessage(component="nlu", error=error, session_id=session_id, site_id=self._site)
            await send(self._bus, fault)
        return bool(unknown)

    async def _query(self, query: NluQuery) -> None:
        if query.site_id != self._site:
            return
        understood = self._meanings.pop((query.session_id, query.input), None)
        if understood is None:
            if await self.refuses(query.intent_filter, query.session_id):
                return
            understood = await asyncio.get_running_loop().run_in_executor(
                self._thread, partial(self._brain.parse, query.input, query.intent_filter)
            )
        ids = {"id": query.id, "session_id": query.session_id, "site_id": query.site_id}
        if understood.intent is None:
            confidence, data = understood.confidence, query.custom_data
            none = NluIntentNotRecognized(input=query.input, confidence_score=confidence, custom_data=data, **ids)
            await send(self._bus, none)
            return
        intent = understood.intent
        name = IntentName(
            intent_name=intent.name, confidence_score=intent.confidence, dangerous=intent.dangerous or None
        )
        await send(self._bus, NluIntentParsed(input=intent.text, intent=name, slots=hermes_slots(intent), **ids))

    async def _partial_query(self, query: NluPartialQuery) -> None:
        if query.site_id != self._site:
            return
        found = await asyncio.get_running_loop().run_in_executor(
            self._thread, partial(self._brain.parse_slot, query.input, query.intent_name, query.slot_name)
        )
        spoken = self._meanings.get((query.session_id, query.input))
        is_unsure = spoken is not None and spoken.intent is not None and spoken.intent.dangerous
        answer = NluSlotParsed(
            input=query.input,
            intent_name=query.intent_name,
            slot_name=query.slot_name,
            slot=found and hermes_slot(found),
            dangerous=is_unsure or self._brain.is_dangerous(query.intent_name) or None,
            id=query.id,
            session_id=query.session_id,
            site_id=query.site_id,
        )
        await send(self._bus, answer)


def tokens_of(understood: Understanding) -> list[AsrToken]:
    """Return the words of a text with their places."""
    tokens, start = [], 0
    for word in understood.text.split():
        end = start + len(word)
        tokens.append(AsrToken(value=word, confidence=understood.confidence, range_start=start, range_end=end))
        start = end + 1
    return tokens


def hermes_slots(intent: Intent) -> list[HermesSlot]:
    """Return an intent's slots as they go over the bus."""
    return [hermes_slot(slot) for slot in intent.slots]


def hermes_slot(slot: Slot) -> HermesSlot:
    """Return a slot as it goes over the bus; nothing is rewritten before parsing, so both ranges are the same."""
    return HermesSlot(
        entity=slot.entity or slot.name,
        slot_name=slot.name,
        raw_value=slot.raw,
        value=SlotValue(kind="Number" if isinstance(slot.value, int | float) else "Custom", value=slot.value),
        range=SlotRange(start=slot.start, end=slot.end, raw_start=slot.start, raw_end=slot.end),
        confidence=slot.confidence,
    )
