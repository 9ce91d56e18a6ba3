"""Start the processes that train one network together."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kws_training.parallel import KEY_VARIABLE, Group, set_group
from voice.errors import ConfigError


@contextmanager
def together(n_processes: int, rank: int, address: str, *, module: str = "kws_training") -> Iterator[bool]:
    """Let this process train with others; give whether it leads them.

    Args:
        n_processes: that train one network; 1 changes nothing.
        rank: of this process, where all are started by hand, as on several machines.
        address: HOST:PORT of process 0; empty starts the others here.
        module: that the others run, with this process's arguments.

    Raises:
        ConfigError: the address is malformed.
    """
    if n_processes == 1:
        yield True
        return
    started: list[subprocess.Popen[bytes]] = []
    host, port = _place(address)
    if not address:
        os.environ[KEY_VARIABLE] = secrets.token_hex(16)
        command = [sys.executable, "-m", module, *sys.argv[1:], "--address", f"{host}:{port}"]
        started = [subprocess.Popen([*command, "--rank", str(other)]) for other in range(1, n_processes)]  # noqa: S603
    group = None
    try:
        group = Group(rank, n_processes, (host, port))
        set_group(group)
        yield rank == 0
    finally:
        set_group(None)
        if group:
            group.close()
        for process in started:
            if group is None:
                process.terminate()
            process.wait()


def _place(address: str) -> tuple[str, int]:
    if not address:
        with socket.create_server(("127.0.0.1", 0)) as free:
            return "127.0.0.1", free.getsockname()[1]
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"--address {address}", fix="give HOST:PORT of process 0")
    return host, int(port)
