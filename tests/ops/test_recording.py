"""Takes cut out of a stream and kept in a folder."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.test_takes import spoken
from voice.audio.takes import TakeSettings
from voice.errors import AudioError, ConfigError
from voice.events import RATE, Samples, Segment
from voice.ops.recording import TakeFolder, TakeListener, TakeSession, trimmed

PHRASE = "hey luna"


def offered(session: TakeSession, samples: Samples) -> list[tuple[str | None, str | None]]:
    """Return the file or the fault of each take in some audio."""
    verdicts = [session.offer(segment) for segment in TakeListener().takes_in(samples)]
    return [(v.path.name if v.path else None, v.fault.code if v.fault else None) for v in verdicts]


def session_in(folder: Path, speaker: str = "take") -> TakeSession:
    return TakeSession(TakeFolder(folder, PHRASE, speaker), TakeSettings.for_phrase(PHRASE), lambda take: 0.0)


def test_each_phrase_of_a_recording_is_a_take_with_a_little_quiet_around_it() -> None:
    audio = np.concatenate([spoken("aiu", seed, quiet_s=0.8) for seed in range(3)])
    takes = [trimmed(segment) for segment in TakeListener().takes_in(audio)]
    assert len(takes) == 3
    for take in takes:
        assert 0.9 < len(take) / RATE < 1.6  # 0.6 s of speech, 0.3 s on both sides
        assert np.abs(take[: RATE // 10]).max() < 0.01


def test_one_recording_tells_nothing_of_the_next() -> None:
    listener = TakeListener()
    assert [s.speech_start is not None for s in listener.takes_in(spoken("aiu", quiet_s=0.8))] == [True]
    assert [s.speech_start for s in listener.takes_in(np.zeros(2 * RATE, np.float32))] == [None]


def test_takes_are_kept_as_16_bit_wav_and_numbered_on(tmp_path: Path) -> None:
    assert offered(session_in(tmp_path / "new"), spoken("aiu", 1)) == [("take-001.wav", None)]
    session = session_in(tmp_path / "new")
    assert session.n_kept == 1
    assert offered(session, spoken("aiu", 2)) == [("take-002.wav", None)]
    info = soundfile.info(tmp_path / "new" / "take-002.wav")
    assert (info.samplerate, info.channels, info.subtype) == (RATE, 1, "PCM_16")
    assert not list((tmp_path / "new").glob("*.part"))


def test_a_bad_take_is_not_kept_and_says_why(tmp_path: Path) -> None:
    session = session_in(tmp_path)
    assert offered(session, np.zeros(RATE, np.float32)) == [(None, "silent")]
    assert offered(session, np.clip(spoken("aiu", peak=4.0), -1, 1)) == [(None, "clipped")]
    assert offered(session, spoken("aiuaiuaiuaiu")) == [(None, "long")]
    assert offered(session, spoken("aiu")[round(0.5 * RATE) :]) == [(None, "cut")]
    assert session.n_kept == 0
    assert [path.name for path in tmp_path.iterdir()] == ["phrase.txt"]


def test_a_take_of_something_else_is_rejected(tmp_path: Path) -> None:
    session = session_in(tmp_path)
    for seed in range(3):
        offered(session, spoken("aiu", seed))
    assert offered(session, spoken("uea", 9)) == [(None, "odd")]
    assert session.n_kept == 3


def test_an_earlier_take_of_something_else_is_set_aside_and_its_number_not_given_again(tmp_path: Path) -> None:
    session = session_in(tmp_path)
    offered(session, spoken("uea", 9))
    offered(session, spoken("aiu", 1))
    segment = next(iter(TakeListener().takes_in(spoken("aiu", 2))))
    verdict = session.offer(segment)
    assert verdict.path == tmp_path / "take-003.wav"
    assert [path for path, _ in verdict.set_aside] == [tmp_path / "rejected" / "take-001.wav"]
    assert (tmp_path / "rejected" / "take-001.wav").exists()
    assert session.n_kept == 2
    (tmp_path / "take-002.wav").unlink()
    (tmp_path / "take-003.wav").unlink()
    assert offered(session_in(tmp_path), spoken("aiu", 3)) == [("take-002.wav", None)]  # 001 lies in `rejected`


def test_speakers_are_numbered_and_compared_apart(tmp_path: Path) -> None:
    for seed in range(3):
        offered(session_in(tmp_path, "anna"), spoken("aiu", seed))
    assert offered(session_in(tmp_path, "ben"), spoken("uea", 9)) == [("ben-001.wav", None)]
    assert session_in(tmp_path, "anna").n_kept == 3


def test_a_folder_of_another_phrase_is_refused(tmp_path: Path) -> None:
    TakeFolder(tmp_path, "Hey, Luna!")
    TakeFolder(tmp_path, PHRASE)
    with pytest.raises(ConfigError, match=r"holds takes of .*--out"):
        TakeFolder(tmp_path, "okay nabu")
    with pytest.raises(ConfigError, match="nothing to say"):
        TakeFolder(tmp_path / "other", "?!")
    with pytest.raises(ConfigError, match="file's name"):
        TakeFolder(tmp_path, PHRASE, "../anna")


def test_a_folder_that_can_not_be_used_and_a_take_that_can_not_be_read_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="can't be used"):
        TakeFolder(tmp_path / "file", PHRASE)
    (tmp_path / "take-001.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioError, match=r"take-001\.wav can't be read"):
        session_in(tmp_path)


def test_a_wait_without_speech_is_no_take(tmp_path: Path) -> None:
    session = session_in(tmp_path)
    hum = np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
    verdict = session.offer(Segment(hum, 0, ended_by="timeout"))
    assert str(verdict.fault) == "no speech was heard: say the phrase, nearer to the microphone"
    verdict = session.offer(Segment(np.zeros(RATE, np.float32), 0, ended_by="timeout"))
    assert "check the microphone with `voice devices`" in str(verdict.fault)
