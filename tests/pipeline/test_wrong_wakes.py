"""Wakes that somebody calls wrong: which one is meant, what is kept, and how much."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from voice.audio.files import read_audio
from voice.bus.memory import LocalBus
from voice.bus.topics import ErrorMessage, MarkedWrong, MarkWrong, SessionEnded, Termination, on, send
from voice.errors import ConfigError
from voice.events import RATE, Chunk, Wake
from voice.pipeline.wrong_wakes import INDEX, WrongWakes, WrongWakeSettings, WrongWakeStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def clip(at: int, level: float = 0.1) -> Chunk:
    start = max(0, at - 2 * RATE)
    return Chunk(np.full(at - start, level, np.float32), start)


class House:
    """A bus with a site's wrong wakes on it."""

    def __init__(self, bus: LocalBus, store: WrongWakeStore | None) -> None:
        self.bus = bus
        self.told: list[MarkedWrong] = []
        self.errors: list[str] = []
        self.wrong = WrongWakes(bus, "default", store)
        on(bus, MarkedWrong, self._tell)
        on(bus, ErrorMessage, self._fail)

    async def _tell(self, message: MarkedWrong) -> None:
        self.told.append(message)

    async def _fail(self, message: ErrorMessage) -> None:
        self.errors.append(message.error)

    def wake(self, seconds: float, word: str = "computer") -> None:
        at = round(seconds * RATE)
        self.wrong.remember(Wake(word, 0.93, at), clip(at, level=seconds / 1000))

    async def end(self, reason: str) -> None:
        await send(self.bus, SessionEnded(session_id="s", termination=Termination(reason=reason)))
        await self.bus.drain()

    async def mark(self, **fields: str) -> MarkedWrong:
        await send(self.bus, MarkWrong(**fields))
        await self.bus.drain()
        return self.told[-1]


def seconds_of(path: Path) -> float:
    """Return which wake a file holds: its level says the second."""
    return round(float(read_audio(path).mean()) * 1000)


async def test_the_last_wake_is_kept_as_a_wav_and_a_json_line(tmp_path: Path) -> None:
    async with LocalBus() as bus:
        house = House(bus, WrongWakeStore(tmp_path / "wrong"))
        assert (await house.mark()).why == "nothing"
        house.wake(30)
        answer = await house.mark(id="7")
        assert (answer.kept, answer.model_id, answer.id) == (True, "computer", "7")
        [entry] = [json.loads(line) for line in (tmp_path / "wrong" / INDEX).read_text().splitlines()]
        assert entry["file"] == answer.file
        assert (entry["word"], entry["score"], entry["ends"]) == ("computer", 0.93, 2.0)
        assert datetime.fromisoformat(entry["time"])
        assert len(read_audio(tmp_path / "wrong" / entry["file"])) == 2 * RATE
        assert (await house.mark()).why == "twice"


async def test_where_keeping_is_off_no_audio_is_held() -> None:
    async with LocalBus() as bus:
        house = House(bus, None)
        house.wake(30)
        answer = await house.mark()
        assert (answer.kept, answer.why, answer.model_id) == (False, "off", "computer")
        assert all(heard.clip is None for heard in house.wrong._heard)
    assert not WrongWakeSettings().keep_wrong_wakes


@pytest.mark.parametrize(
    ("first_ended", "apart_s", "in_session", "meant"),
    [
        ("intentNotRecognized", 20, True, 30),  # "computer, that was wrong", after a wake that led to nothing
        ("nominal", 20, True, 50),  # the wake before was a right one: this is the wrong one, "I didn't call you"
        ("intentNotRecognized", 300, True, 330),  # too long ago
        ("intentNotRecognized", 20, False, 50),  # `voice wake wrong`: the last one
    ],
)
async def test_which_wake_somebody_means(
    tmp_path: Path, first_ended: str, apart_s: int, in_session: bool, meant: int
) -> None:
    async with LocalBus() as bus:
        house = House(bus, WrongWakeStore(tmp_path))
        house.wake(30)
        await house.end(first_ended)
        house.wake(30 + apart_s)
        answer = await house.mark(**({"session_id": "s"} if in_session else {}))
        assert answer.file
        assert seconds_of(tmp_path / answer.file) == meant


async def test_a_wake_of_another_site_is_somebody_elses(tmp_path: Path) -> None:
    async with LocalBus() as bus:
        house = House(bus, WrongWakeStore(tmp_path))
        house.wake(30)
        await send(bus, MarkWrong(site_id="kitchen"))
        await bus.drain()
        assert house.told == []


async def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("in the way")
    async with LocalBus() as bus:
        house = House(bus, WrongWakeStore(tmp_path / "wrong"))
        house.wake(30)
        assert (await house.mark()).why == "error"
        assert "can't be kept" in house.errors[0]


def test_number_and_bytes_are_bounded_and_the_oldest_goes(tmp_path: Path) -> None:
    store = WrongWakeStore(tmp_path, clips=3)
    files = [store.keep(Wake("a", 0.9, RATE * (i + 9)), clip(RATE * (i + 9)), NOW + timedelta(i)) for i in range(5)]
    assert [entry["file"] for entry in store.entries()] == [path.name for path in files[2:]]
    assert sorted(tmp_path.glob("*.wav")) == sorted(files[2:])
    heavy = WrongWakeStore(tmp_path / "heavy", megabytes=1)
    long = Chunk(np.zeros(RATE * 20, np.float32), 0)  # 640 kB
    for i in range(3):
        heavy.keep(Wake("a", 0.9, long.end), long, NOW + timedelta(i))
    assert len(heavy.entries()) == 1


def test_what_is_kept_can_be_deleted_one_by_one_or_all(tmp_path: Path) -> None:
    store = WrongWakeStore(tmp_path)
    files = [store.keep(Wake("a b/c", 0.9, RATE * 9), clip(RATE * 9), NOW + timedelta(i)) for i in range(3)]
    assert store.delete([files[1].name]) == 1
    assert [entry["file"] for entry in store.entries()] == [files[0].name, files[2].name]
    with pytest.raises(ConfigError, match="is not kept"):
        store.delete(["../../etc/passwd"])
    assert store.delete() == 2
    assert store.entries() == []
    assert not list(tmp_path.glob("*.wav"))
    assert WrongWakeStore(tmp_path / "none").delete() == 0


def test_a_spoilt_line_spoils_nothing(tmp_path: Path) -> None:
    store = WrongWakeStore(tmp_path)
    kept = store.keep(Wake("a", 0.9, RATE * 9), clip(RATE * 9), NOW)
    with (tmp_path / INDEX).open("a") as index:
        index.write('{"file": "gone.wav"}\nnot json\n')
    assert [entry["file"] for entry in store.entries()] == [kept.name]
