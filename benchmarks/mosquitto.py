"""The demo on an external mosquitto, and every documented topic on the wire: `python -m benchmarks.mosquitto`.

Starts a mosquitto on a free loopback port and `mosquitto_sub -v` on `hermes/#`, runs `voice demo --broker` against it,
then `voice run --input - --broker` with a client of its own (`mosquitto_pub`) that sends each message which the
assistant only reads, and waits for the answers. Prints how often each topic of docs/protocol.md was seen, from the
assistant and from the client; exits 1 where one is missing, where one is seen that the document lacks, or where the
demo fails. `--short` leaves the demo out, `--record FILE` keeps what `mosquitto_sub` wrote.
"""

import argparse
import asyncio
import contextlib
import json
import re
import shutil
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmarks._all_topics import ask_everything
from voice import demo
from voice.audio.files import read_audio
from voice.audio.pcm import to_int16
from voice.bus.memory import matches
from voice.bus.topics import JSON_TOPICS, SOUND_TOPICS, write_frame
from voice.events import RATE

PROTOCOL = Path(__file__).parent.parent / "docs" / "protocol.md"
_LINE = re.compile(rb"((?:hermes|rhasspy|earshot)/\S+) ?(.*)", re.DOTALL)
PATIENCE_S = 30.0
"""Longest wait for an answer; the machine may be busy."""
CHUNK = 1280
CONFIG = """speech: {output: 'null'}
frames: {publish: asked}
assistant: {share_audio: true, partial_ms: 160}
dialogue: {arbitration_s: 1.0}
"""
DOCUMENTED = re.compile(r"^## `((?:hermes|rhasspy|earshot)/[^`]+)`", re.MULTILINE)
READ_ONLY = {model.topic_filter for model in (*JSON_TOPICS, *SOUND_TOPICS) if model.direction == "read"} | {
    "hermes/dialogueManager/startSession",
    "earshot/skill/+/register",
    "hermes/nlu/partialQuery",
    "earshot/hotword/markWrong",
    "hermes/tts/stop",
}
"""What the assistant never sends in this chain: here the client does."""
NOT_HERE = {"rhasspy/error/g2p"}
"""What takes a synthesiser that fails."""


def program(name: str) -> str:
    """Return the path of a program, the administrator's folders included."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"benchmarks.mosquitto: no {name}: apt-get install mosquitto mosquitto-clients")
    return found


@contextlib.asynccontextmanager
async def mosquitto() -> AsyncIterator[int]:
    """Run a broker; yield its port."""
    process, port = await start_mosquitto()
    assert process.stderr
    draining = asyncio.create_task(process.stderr.read())
    try:
        yield port
    finally:
        await end(process)
        await draining


async def start_mosquitto() -> tuple[asyncio.subprocess.Process, int]:
    """Start a broker on a free port; another process may take the port first, then on another."""
    said = b""
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = (program("mosquitto"), "-p", str(port))  # without a configuration it takes anyone on loopback only
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        assert process.stderr
        while line := await asyncio.wait_for(process.stderr.readline(), PATIENCE_S):
            said += line
            if b" running" in line:
                return process, port
        await process.wait()
    raise SystemExit(f"benchmarks.mosquitto: mosquitto does not start:\n{said.decode(errors='replace')}")


async def end(process: asyncio.subprocess.Process) -> None:
    """End a process, if it has not ended."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


class Wire:
    """What `mosquitto_sub -v` sees, and `mosquitto_pub`.

    Args:
        port: the broker's.
        record: where the lines of the subscriber go too, as they are.
    """

    def __init__(self, port: int, record: BinaryIO | None = None) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.sent: Counter[str] = Counter()
        self._at = ("-h", "127.0.0.1", "-p", str(port))
        self._record = record
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Record from the moment that the broker has the subscription."""
        if status := await self._publish("earshot/benchmark/ready", b"{}", "-r"):  # what a subscriber gets first of all
            raise SystemExit(f"benchmarks.mosquitto: mosquitto_pub: exit status {status}")
        command = (program("mosquitto_sub"), *self._at, "-t", "hermes/#", "-t", "rhasspy/#", "-t", "earshot/#", "-v")
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=2**26)
        assert process.stdout
        reading = asyncio.create_task(self._read(process.stdout))
        try:
            await self.until("earshot/benchmark/ready")
            yield
        finally:
            await end(process)
            await reading

    async def publish(self, topic: str, payload: dict[str, Any] | bytes) -> None:
        """Publish as any client does."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.sent[topic] += 1
        if await self._publish(topic, data):
            raise SystemExit(f"benchmarks.mosquitto: mosquitto_pub could not publish on {topic}")

    async def until(self, topic_filter: str, *, after: int = 0, **fields: object) -> dict[str, Any]:
        """Return the payload of the first message since `after` on a topic with these fields, waiting for it.

        Raises:
            TimeoutError: there was none.
        """

        def found() -> list[dict[str, Any]]:
            payloads = [_json(data) for topic, data in self.seen[after:] if matches(topic_filter, topic)]
            return [payload for payload in payloads if fields.items() <= payload.items()]

        try:
            async with asyncio.timeout(PATIENCE_S), self._changed:
                await self._changed.wait_for(found)
        except TimeoutError:
            raise TimeoutError(f"nothing on {topic_filter} {fields or ''}") from None
        return found()[0]

    async def _publish(self, topic: str, data: bytes, *options: str) -> int | None:
        command = (program("mosquitto_pub"), *self._at, "-t", topic, "-s" if data else "-n", "-q", "1", *options)
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=null, stderr=null)
        await process.communicate(data)
        return process.returncode

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            if self._record:
                self._record.write(line)
            if message := re.match(
                rb"((?:hermes|rhasspy|earshot)/\S+) ?(.*)", line, re.DOTALL
            ):  # else the rest of a WAV
                async with self._changed:
                    self.seen.append((message[1].decode(), message[2].rstrip(b"\n")))
                    self._changed.notify_all()


def _json(data: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(data)
    except ValueError:
        return {"text": data.decode(errors="replace")}
    return payload if isinstance(payload, dict) else {}


class Room:
    """A quiet room in real time on an assistant's standard input, in which a recording can be played."""

    def __init__(self, pipe: asyncio.StreamWriter) -> None:
        self._pipe = pipe
        self._pending = np.zeros(0, np.float32)
        self._noise = np.random.default_rng(0)
        self._task = asyncio.create_task(self._feed())

    def play(self, samples: np.ndarray) -> None:
        """Let a recording be heard."""
        self._pending = np.concatenate([self._pending, samples])

    async def close(self) -> None:
        """End the assistant's input."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._pipe.close()

    async def _feed(self) -> None:
        loop = asyncio.get_running_loop()
        started, n = loop.time(), 0
        while True:
            chunk = self._noise.normal(0, 2e-4, CHUNK).astype(np.float32)  # -74 dBFS
            played, self._pending = self._pending[:CHUNK], self._pending[CHUNK:]
            chunk[: len(played)] += played
            self._pipe.write(to_int16(chunk))
            await self._pipe.drain()
            n += 1
            await asyncio.sleep(max(0.0, started + n * CHUNK / RATE - loop.time()))


async def run_demo(port: int, config: Path) -> int | None:
    """Run the demo on the broker; return its exit status."""
    command = (sys.executable, "-m", "voice", "demo", "--broker", f"127.0.0.1:{port}", "--config", config)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.STDOUT)
    return await process.wait()


async def run_client(wire: Wire, port: int, config: Path) -> None:
    """Start an assistant in a quiet room and talk to it over the broker.

    Raises:
        TimeoutError: it gave no answer, or ended.
    """
    start = len(wire.seen)
    command = (sys.executable, "-m", "voice", "run", "--input", "-", "--broker", f"127.0.0.1:{port}")
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, "--config", config, stdin=pipe, stdout=null, stderr=pipe)
    assert process.stdin
    assert process.stderr
    complaints = asyncio.create_task(process.stderr.read())
    room = Room(process.stdin)
    try:
        talking = asyncio.create_task(talk(wire, room, start))
        ended = asyncio.create_task(process.wait())
        await asyncio.wait((talking, ended), return_when=asyncio.FIRST_COMPLETED)
        if not talking.done():
            talking.cancel()
            raise TimeoutError(f"voice run ended by itself, exit status {process.returncode}")
        talking.result()
        await room.close()
        await wire.until("earshot/+/status", after=start, text="offline")
    finally:
        await room.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), PATIENCE_S)
        if process.returncode is None:
            process.kill()
        sys.stdout.write((await complaints).decode(errors="replace"))


async def talk(wire: Wire, room: Room, start: int) -> None:
    """Do all that a client can, once the assistant is there."""
    await wire.until("earshot/+/status", after=start, text="online")
    await wake(wire, room)
    await ask_components(wire)
    await hold_sessions(wire)
    await ask_everything(wire, room.play)


async def wake(wire: Wire, room: Room) -> None:
    """Say the wake word and a command; what it is taken for is the demo's question."""
    start = len(wire.seen)
    room.play(read_audio(Path(demo.__file__).parent / "some_light.flac"))
    await wire.until("hermes/hotword/+/detected", after=start)
    session = (await wire.until("hermes/dialogueManager/sessionStarted", after=start))["sessionId"]
    await wire.until("hermes/asr/textCaptured", after=start, sessionId=session)
    await wire.publish("hermes/dialogueManager/endSession", {"sessionId": session})  # it may have ended by itself
    await wire.until("hermes/dialogueManager/sessionEnded", after=start, sessionId=session)


async def ask_components(wire: Wire) -> None:
    """Send what the wake word, the recogniser, the parser and the voice read."""
    for component in ("hotword", "asr", "feedback/sound"):
        await wire.publish(f"hermes/{component}/toggleOff", {"siteId": "default"})
        await wire.publish(f"hermes/{component}/toggleOn", b"")
    await wire.publish("hermes/audioServer/default/audioFrame", write_frame(np.zeros(256, np.float32)))
    for switch in (False, True):
        await wire.publish("hermes/dialogueManager/configure", {"intents": [{"intentId": "GetTime", "enable": switch}]})
    await wire.publish("hermes/nlu/query", {"input": "turn on the kitchen light", "id": "known"})
    await wire.until("hermes/nlu/intentParsed", id="known")
    await wire.publish("hermes/nlu/query", {"input": "a zebra is no lamp", "id": "unknown"})
    await wire.until("hermes/nlu/intentNotRecognized", id="unknown")
    await wire.publish("hermes/tts/say", {"text": "One moment.", "id": "said"})
    await wire.until("hermes/tts/sayFinished", id="said")
    await wire.publish("hermes/tts/say", b'{"text": "cut')
    await wire.until("hermes/error/tts", context="hermes/tts/say")


async def hold_sessions(wire: Wire) -> None:
    """Open two sessions, of which the second waits; answer in the recogniser's place."""
    action = {"type": "action", "sendIntentNotRecognized": True}
    for name in ("first", "second"):
        await wire.publish("hermes/dialogueManager/startSession", {"init": action, "customData": name})
    session = (await wire.until("hermes/dialogueManager/sessionStarted", customData="first"))["sessionId"]
    await wire.until("hermes/dialogueManager/sessionQueued", customData="second")
    await hear(wire, session, "a zebra is no lamp", "hermes/dialogueManager/intentNotRecognized")
    start = len(wire.seen)
    await wire.publish("hermes/dialogueManager/continueSession", {"sessionId": session, "text": "What?"})
    await wire.until("hermes/asr/startListening", after=start, sessionId=session)
    start = len(wire.seen)
    await hear(wire, session, "turn on the light", "hermes/intent/LightOn")
    await wire.until("hermes/dialogueManager/continueSession", after=start, sessionId=session)  # in which room?
    await wire.until("hermes/asr/startListening", after=start, sessionId=session)
    await hear(wire, session, "in the bedroom", "hermes/intent/ChooseRoom")
    await wire.until("hermes/dialogueManager/sessionEnded", sessionId=session)
    second = (await wire.until("hermes/dialogueManager/sessionStarted", customData="second"))["sessionId"]
    await wire.publish("hermes/dialogueManager/endSession", {"sessionId": second})
    await wire.until("hermes/dialogueManager/sessionEnded", sessionId=second)


async def hear(wire: Wire, session: str, text: str, answer: str) -> None:
    """Publish a text as if it had been spoken, and wait for what comes of it."""
    start = len(wire.seen)
    await wire.publish("hermes/asr/textCaptured", {"text": text, "likelihood": 1.0, "sessionId": session})
    await wire.until(answer, after=start, sessionId=session)


def report(wire: Wire, say: Callable[[str], None] = print) -> list[str]:
    """Print the table; return what is wrong with it."""
    documented = DOCUMENTED.findall(PROTOCOL.read_text(encoding="utf-8"))
    total = Counter(topic for topic, _ in wire.seen)
    say(f"\n{'topic':<48} {'assistant':>9} {'client':>7}")
    wrong = []
    for topic_filter in documented:
        seen = sum(n for topic, n in total.items() if matches(topic_filter, topic))
        client = sum(n for topic, n in wire.sent.items() if matches(topic_filter, topic))
        say(f"{topic_filter:<48} {seen - client:>9} {client:>7}")
        if topic_filter in NOT_HERE:
            continue
        if seen < client or (seen == client and topic_filter not in READ_ONLY) or not seen:
            wrong.append(f"{topic_filter} is missing")
    known = (*documented, "earshot/#")
    wrong += [f"{topic} is not documented" for topic in total if not any(matches(known_, topic) for known_ in known)]
    statuses = [data.decode() for topic, data in wire.seen if matches("earshot/+/status", topic)]
    say(f"{'earshot/<client>/status':<48} {', '.join(statuses)}")
    say(f"{len(documented)} documented topics, {sum(total.values())} messages")
    return wrong


async def measure(config: Path, *, short: bool, record: BinaryIO | None) -> list[str]:
    """Run everything; return what went wrong."""
    wrong: list[str] = []
    async with mosquitto() as port:
        wire = Wire(port, record)
        async with wire.listening():
            if not short and (status := await run_demo(port, config)):
                wrong.append(f"voice demo: exit status {status}")
            try:
                await run_client(wire, port, config)
            except TimeoutError as error:
                wrong.append(str(error))
    return wrong + report(wire)


def main() -> int:
    """Measure and print; return 1 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="without the demo")
    parser.add_argument("--record", type=argparse.FileType("wb"), help="keep what mosquitto_sub -v wrote")
    arguments = parser.parse_args()
    for needed in ("mosquitto", "mosquitto_sub", "mosquitto_pub"):
        program(needed)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "quiet.yaml")
        config.write_text(CONFIG)
        wrong = asyncio.run(measure(config, short=arguments.short, record=arguments.record))
    print("\n".join(wrong) if wrong else "every documented topic was seen")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
