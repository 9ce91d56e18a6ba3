"""Devices through PortAudio; the only module that imports sounddevice."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, Protocol

import numpy as np

from voice.errors import DeviceError
from voice.events import Chunk, Samples

Direction = Literal["input", "output"]

_BUFFER_S = 0.5
"""Sound that waits in the loudspeaker's buffer, s: with the 35 ms that devices ask for, PulseAudio ran dry on a busy
machine, and two seconds of sound took six. `abort` empties it at once, so it delays no answer."""

_LATE_S = 0.1
"""What a sound server holds beyond the latency that it tells, s."""

_lock = threading.RLock()  # PortAudio's functions are not thread-safe
_open_streams: set[int] = set()


@dataclass(frozen=True, slots=True)
class Device:
    """An input or output device."""

    index: int
    """PortAudio's number; changes from one start to the next."""
    name: str
    """Stable name: the device's own and its host API's, as in `default (ALSA)`."""
    inputs: int
    outputs: int
    rate: int
    """The device's own sampling rate, Hz."""
    default_input: bool = False
    default_output: bool = False

    def serves(self, direction: Direction) -> bool:
        """Return True where the device has channels in that direction."""
        return (self.inputs if direction == "input" else self.outputs) > 0

    def is_default(self, direction: Direction) -> bool:
        """Return True for the system's choice in that direction."""
        return self.default_input if direction == "input" else self.default_output


class Stream(Protocol):
    """An open device."""

    rate: int

    def close(self) -> None:
        """Stop at once and release the device."""
        ...


def devices(*, rescan: bool = False) -> list[Device]:
    """Return all devices.

    Args:
        rescan: look again for devices that came or went; has no effect while a device is open.

    Raises:
        DeviceError: the PortAudio library is missing or fails.
    """
    with _lock:
        sounddevice = _sounddevice()
        try:
            if rescan and not _open_streams:
                sounddevice._terminate()
                sounddevice._initialize()
            apis = sounddevice.query_hostapis()
            found = sounddevice.query_devices()
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"PortAudio fails ({_reason(error)})", fix="run `voice doctor`") from error
        default_input, default_output = sounddevice.default.device
    return [
        Device(
            index=entry["index"],
            name=f"{entry['name']} ({apis[entry['hostapi']]['name']})",
            inputs=entry["max_input_channels"],
            outputs=entry["max_output_channels"],
            rate=round(entry["default_samplerate"]),
            default_input=entry["index"] == default_input,
            default_output=entry["index"] == default_output,
        )
        for entry in found
    ]


def choose(found: list[Device], wanted: str, direction: Direction) -> Device:
    """Return the device that `wanted` names.

    Args:
        found: the devices there are.
        wanted: any part of a stable name, in upper or lower case, or the whole of it; empty for the system's choice.
        direction: what it is for.

    Raises:
        DeviceError: no device, an unknown name, or one that several devices share.
    """
    able = [device for device in found if device.serves(direction)]
    if not able:
        raise DeviceError(f"there is no {direction} device", fix="plug one in, then check with `voice devices`")
    if not wanted:
        return next((device for device in able if device.is_default(direction)), able[0])
    matches = [device for device in able if wanted.lower() in device.name.lower()]
    exact = [
        device for device in matches if wanted.lower() in (device.name.lower(), device.name.lower().split(" (")[0])
    ]
    if len(exact) == 1:
        return exact[0]
    if len(matches) == 1:
        return matches[0]
    problem = f"{len(matches)} {direction} devices match" if matches else f"no {direction} device is called"
    names = ", ".join(device.name for device in matches or able)
    raise DeviceError(f"{problem} {wanted!r}", fix=f"choose one of: {names}")


def open_input(device: Device, deliver: Callable[[Chunk], None], ended: Callable[[], None]) -> Stream:
    """Start recording the first channel of `device` at the device's own rate.

    Args:
        device: where from.
        deliver: gets each block, stamped with its sample index since the opening; runs on PortAudio's thread.
        ended: called when PortAudio ends the stream, on any thread.

    Raises:
        DeviceError: it can't be opened.
    """
    position = 0

    def callback(data: Any, n_frames: int, _time: Any, _status: Any) -> None:
        nonlocal position
        deliver(Chunk(data[:, 0].copy(), position, device.rate))
        position += n_frames

    def start(channels: int) -> Any:
        return _sounddevice().InputStream(
            device=device.index,
            samplerate=device.rate,
            channels=channels,
            dtype="float32",
            latency=0.08,
            callback=callback,
            finished_callback=ended,
        )

    return _started(start, device, device.inputs)


def play_blocking(device: Device, samples: Samples, keep_on: Callable[[], bool]) -> None:
    """Play mono samples at the device's own rate; return when they have been heard.

    Args:
        device: where to.
        samples: shape (n,), at `device.rate`.
        keep_on: asked every 100 ms; False ends it.

    Raises:
        DeviceError: the device can't be opened or fails.
    """

    def start(channels: int) -> Any:
        return _sounddevice().OutputStream(
            device=device.index, samplerate=device.rate, channels=channels, dtype="float32", latency=_BUFFER_S
        )

    stream = _started(start, device, device.outputs)
    try:
        stream.write(samples, keep_on)
    finally:
        stream.close()


class _PortAudioStream:
    def __init__(self, stream: Any, name: str) -> None:
        self.rate = round(stream.samplerate)
        self._stream = stream
        self._name = name

    def write(self, samples: Samples, keep_on: Callable[[], bool]) -> None:
        step = self.rate // 10
        silence = round((self._stream.latency + _LATE_S) * self.rate)
        pushed = np.pad(samples, (0, silence))  # moves the sound out: ALSA's PulseAudio doesn't wait for it in `stop`
        frames = np.repeat(pushed[:, None], self._stream.channels, axis=1)
        try:
            for start in range(0, len(frames), step):
                if not keep_on():
                    return self._stream.abort()
                self._stream.write(frames[start : start + step])
            self._stream.stop()
        except _sounddevice().PortAudioError as error:
            raise DeviceError(f"{self._name} fails ({_reason(error)})", fix="check with `voice devices`") from error

    def close(self) -> None:
        with _lock:
            self._stream.close(ignore_errors=True)
            _open_streams.discard(id(self))


def _started(start: Callable[[int], Any], device: Device, most_channels: int) -> _PortAudioStream:
    """Open with one channel, or with two where the hardware has no mono."""
    with _lock:
        sounddevice = _sounddevice()
        for channels in (1, 2):
            try:
                stream = start(channels)
                stream.start()
            except sounddevice.PortAudioError as error:
                if channels < min(2, most_channels):
                    continue
                problem = f"{device.name} can't be opened ({_reason(error)})"
                raise DeviceError(problem, fix="check with `voice devices`") from error
            opened = _PortAudioStream(stream, device.name)
            _open_streams.add(id(opened))
            return opened
        raise DeviceError(f"{device.name} can't be opened", fix="check with `voice devices`")


def _sounddevice() -> ModuleType:
    try:
        import sounddevice  # noqa: PLC0415, TID251 - loads the library, which may be missing
    except OSError as error:
        raise DeviceError("the PortAudio library is missing", fix="apt-get install libportaudio2") from error
    return sounddevice


def _reason(error: Exception) -> str:
    return str(error.args[0] if error.args else error).splitlines()[0].strip()
