import os
import subprocess
import sys
from pathlib import Path

import pytest

from voice.audio.portaudio import Device, choose
from voice.errors import DeviceError

HEADSET = Device(3, "Jabra Link 380: USB Audio (hw:1,0) (ALSA)", 1, 2, 16_000)
WEBCAM = Device(5, "HD Webcam: USB Audio (hw:2,0) (ALSA)", 2, 0, 32_000)
DEFAULT = Device(1, "default (ALSA)", 32, 32, 44_100, default_input=True, default_output=True)
ALL = [DEFAULT, HEADSET, WEBCAM]


def test_no_name_is_the_systems_choice() -> None:
    assert choose([HEADSET, DEFAULT], "", "input") is DEFAULT
    assert choose([HEADSET, WEBCAM], "", "input") is HEADSET


def test_part_of_a_stable_name_is_enough() -> None:
    assert choose(ALL, "jabra", "input") is HEADSET
    assert choose(ALL, "HD Webcam", "input") is WEBCAM


def test_a_whole_name_wins_over_a_part() -> None:
    other = Device(7, "default-2 (ALSA)", 1, 0, 16_000)
    assert choose([other, DEFAULT], "default", "input") is DEFAULT


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(DeviceError, match=r"no input device is called 'blue yeti': choose one of: .*Jabra.*Webcam"):
        choose(ALL, "blue yeti", "input")


def test_a_name_that_several_share_is_an_error_that_lists_them() -> None:
    with pytest.raises(DeviceError, match=r"2 input devices match 'usb': choose one of: Jabra.*Webcam"):
        choose(ALL, "usb", "input")


def test_a_microphone_is_no_loudspeaker() -> None:
    with pytest.raises(DeviceError, match="there is no output device"):
        choose([WEBCAM], "", "output")


def test_a_missing_portaudio_library_is_a_device_error_with_its_cure(tmp_path: Path) -> None:
    """What sounddevice does on a machine without the library."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    code = (
        "from voice.audio import portaudio\nfrom voice.errors import DeviceError\n"
        "try: portaudio.devices()\nexcept DeviceError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "the PortAudio library is missing: apt-get install libportaudio2\n"
