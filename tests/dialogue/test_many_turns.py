"""The script of benchmarks/turns.py, shortened: no session is lost, whatever happens."""

import asyncio

import pytest

from benchmarks.turns import Count, House, run
from voice.bus.memory import LocalBus


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_five_hundred_turns_lose_no_session(seed: int) -> None:
    count = await run(500, seed)
    assert count.turns >= 500
    assert count.wrong() == []
    assert set(count.ended) == {"nominal", "intentNotRecognized", "abortedByUser", "timeout", "error"}


def test_what_is_wrong_is_noticed() -> None:
    count = Count(started={"s": 0.0}, double=1, overdue=1, memory_kb=[0, 0, 0, 9999])
    count.hotword["ttsSay"] = 1
    assert len(count.wrong()) == 5


async def test_after_many_turns_nothing_is_left_running() -> None:
    async with LocalBus() as bus:
        house = House(bus, 0)
        before = len(asyncio.all_tasks())
        for _ in range(300):
            await house.happen()
        await house.finish()
        assert len(asyncio.all_tasks()) <= before + 1
        await house.close()
