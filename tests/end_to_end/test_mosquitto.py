"""An assistant, a client and an external mosquitto, each a process of its own; `mosquitto_sub -v` sees every topic."""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.mosquitto import DOCUMENTED, NOT_HERE
from tests.bus.brokers import needs_mosquitto

PROVOKED = re.compile(rb'"context":"(?:provoked|hermes/tts/say)"')
ROOT = Path(__file__).parent.parent.parent
needs_clients = pytest.mark.skipif(
    not (shutil.which("mosquitto_sub") and shutil.which("mosquitto_pub")), reason="mosquitto-clients is not installed"
)


@needs_mosquitto
@needs_clients
@pytest.mark.slow
async def test_every_documented_topic_passes_through_an_external_broker(tmp_path: Path) -> None:
    record = tmp_path / "record"
    command = (sys.executable, "-m", "benchmarks.mosquitto", "--short", "--record", str(record))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    documented = set(DOCUMENTED.findall((ROOT / "docs" / "protocol.md").read_text()))
    printed = dict(re.findall(r"^((?:hermes|rhasspy|earshot)/\S+) +(\d+ +\d+)$", output.decode(), re.MULTILINE))
    assert set(printed) == documented
    assert {topic for topic, counts in printed.items() if not any(map(int, counts.split()))} == NOT_HERE
    lines = record.read_bytes().splitlines()
    assert any(line.startswith(b"hermes/audioServer/default/playBytes/") for line in lines)
    assert not [line for line in lines if line.startswith(b"hermes/error/") and not PROVOKED.search(line)]
