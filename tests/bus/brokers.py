"""A real mosquitto in a process of its own, on a free loopback port, that a test may kill and start again."""

import asyncio
import contextlib
import shutil
import signal
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
    """The broker; `users` are name and password, `tls` is the folder of `make_certificates`, `options` more lines."""

    def __init__(
        self, folder: Path, *options: str, users: dict[str, str] | None = None, tls: Path | None = None
    ) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._process: asyncio.subprocess.Process | None = None
        lines = [*options, f"listener {self.port} 127.0.0.1", f"allow_anonymous {'false' if users else 'true'}"]
        if users:
            passwords = folder / "passwords"
            passwords.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
            passwords.chmod(0o600)
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
            folder.chmod(0o755)
            lines.append(f"password_file {passwords}")
        if tls:
            lines += [f"{key} {tls / name}" for key, name in (("certfile", "server.pem"), ("keyfile", "server.key"))]
        if users or tls:
            lines.append("user root")
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

    def freeze(self) -> None:
        """Stop it in its tracks, its sockets open."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)


class Relay:
    """A wire to a broker that a test can cut: only those who connect through it lose the broker."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def join(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        assert self._server
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(data)
        writer.close()
        self._writers.discard(writer)
