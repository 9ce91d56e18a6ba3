"""A real mosquitto in a process of its own, on a free loopback port, that a test may kill and start again."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """The broker; `users` are name and password."""

    def __init__(self, folder: Path, *, users: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._process: asyncio.subprocess.Process | None = None
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'false' if users else 'true'}"]
        if users:
            passwords = folder / "passwords"
            passwords.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
            passwords.chmod(0o600)
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
            folder.chmod(0o755)
            lines += [f"password_file {passwords}", "user root"]
        self._config.write_text("\n".join(lines) + "\n")

    async def start(self) -> None:
        """Start it and wait until it answers."""
        assert MOSQUITTO
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(self._config), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
        )
        assert self._process.stderr
        async with asyncio.timeout(10):
            async for line in self._process.stderr:
                if b" running" in line:
                    return
        raise AssertionError("mosquitto did not start")

    async def kill(self) -> None:
        """End it without a word to its clients."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()
        self._process = None
