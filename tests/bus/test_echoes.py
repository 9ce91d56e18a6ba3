"""Our own messages, handed back by a broker without noLocal."""

from hypothesis import given
from hypothesis import strategies as st

from voice.bus import echoes
from voice.bus.base import Message
from voice.bus.echoes import Echoes

A, B = Message("t", b"a"), Message("t", b"b")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_echo_is_swallowed_once() -> None:
    seen = Echoes()
    seen.expect(A)
    assert not seen.is_ours(B)
    assert seen.is_ours(A)
    assert not seen.is_ours(A), "the same bytes from another client"


def test_an_echo_that_never_came_is_forgotten() -> None:
    clock = Clock()
    seen = Echoes(clock)
    seen.expect(A)
    clock.now = echoes.ECHO_S + 1
    assert not seen.is_ours(A)


def test_memory_is_bounded() -> None:
    seen = Echoes(Clock())
    for number in range(echoes.ECHO_LIMIT + 10):
        seen.expect(Message("t", str(number).encode()))
    assert not seen.is_ours(Message("t", b"9"))
    assert seen.is_ours(Message("t", b"10"))
    assert len(seen._order) == echoes.ECHO_LIMIT


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([A, B]))))
def test_counts_agree_with_a_multiset(steps: list[tuple[bool, Message]]) -> None:
    seen, due = Echoes(Clock()), {A: 0, B: 0}
    for sent, message in steps:
        if sent:
            seen.expect(message)
            due[message] += 1
        else:
            assert seen.is_ours(message) == (due[message] > 0)
            due[message] = max(0, due[message] - 1)
