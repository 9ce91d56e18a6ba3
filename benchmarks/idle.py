"""What the loop costs while nobody speaks: `python -m benchmarks.idle [--seconds 30]`.

Starts `voice run --input -` as a user would, feeds it a quiet room in real time, and reads the kernel's accounts: time
from start to the first audio read (limit 3 s), share of one core (limit 5 %), resident memory (limit 250 MiB).
"""

import argparse
import array
import fcntl
import os
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np

from voice.audio.pcm import to_int16

CHUNK_S = 0.08
LIMITS = {"start": 3.0, "share": 0.05, "memory": 250.0}
CONFIG = "broker: {port: 0}\nspeech: {output: 'null'}\n"


def waiting(pipe: BinaryIO) -> int:
    """Return the bytes in a pipe that nobody has read."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe.fileno(), termios.FIONREAD, count)
    return count[0]


def first_read(pipe: BinaryIO, process: subprocess.Popen[bytes]) -> float:
    """Return the seconds until the process reads the audio that waits in the pipe."""
    started = time.monotonic()
    before = waiting(pipe)
    while waiting(pipe) == before and process.poll() is None:
        time.sleep(0.005)
    return time.monotonic() - started


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """Return the resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> int:
    """Measure and print; return 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long")
    seconds = parser.parse_args().seconds
    quiet = np.random.default_rng(0).normal(0, 1e-3, 16_000).astype(np.float32)  # -60 dBFS
    chunk = to_int16(quiet[: round(CHUNK_S * 16_000)])
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "idle.yaml")
        config.write_text(CONFIG)
        command = [sys.executable, "-m", "voice", "run", "--input", "-", "--config", config]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert process.stdin
        process.stdin.write(chunk * 8)
        process.stdin.flush()
        measured = {"start": first_read(process.stdin, process)}
        starting = cpu_seconds(process.pid)
        feed(process.stdin, chunk, 3.0)
        before, started = cpu_seconds(process.pid), time.monotonic()
        feed(process.stdin, chunk, seconds)
        measured["share"] = (cpu_seconds(process.pid) - before) / (time.monotonic() - started)
        measured["memory"] = memory_mib(process.pid)
        process.stdin.close()
        process.wait(timeout=30)
    print(f"listening after {measured['start']:.2f} s   (limit {LIMITS['start']:g}), {starting:.2f} s of CPU")
    print(f"{100 * measured['share']:.1f} % of one core   (limit {100 * LIMITS['share']:g})")
    print(f"{measured['memory']:.0f} MiB resident   (limit {LIMITS['memory']:g})")
    return 1 if any(measured[name] > limit for name, limit in LIMITS.items()) else 0


def feed(pipe: BinaryIO, chunk: bytes, seconds: float) -> None:
    """Write audio in real time."""
    started = time.monotonic()
    for i in range(round(seconds / CHUNK_S)):
        pipe.write(chunk)
        pipe.flush()
        time.sleep(max(0.0, started + (i + 1) * CHUNK_S - time.monotonic()))


if __name__ == "__main__":
    raise SystemExit(main())
