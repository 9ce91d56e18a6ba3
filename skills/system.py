"""Say how the machine is: load, memory, disk, how long it has been up, and its network address.

Everything comes from the standard library; what a platform doesn't tell is said to be unknown.
"""

import os
import shutil
import socket
from pathlib import Path

from voice.skill import Skill

skill = Skill("system", needs=["network"], description="Load, memory, disk, uptime, network address.")
skill.rule("machine", "(the|this|your) (machine|system|device|box)")
skill.rule("tell", "(what is|what's|tell me)")


@skill.intent(
    "SystemStatus",
    "[<tell> [the]] system status",
    "<tell> the status of <machine>",
    "how (is <machine>|[are] you) (doing|feeling|running)",
    "how is <machine>",
    "(are you all right|are you okay|status report|give me a status report|run a system check)",
)
def system_status() -> str:
    """Say load, memory and disk in one breath."""
    return " ".join((system_load(), system_memory(), system_disk()))


@skill.intent(
    "SystemLoad",
    "<tell> [the|your] [current] (system|processor) load",
    "how busy (are you|is <machine>|is the processor)",
    "(are you|is <machine>) [very] busy",
    "how much (processor|computing power) (are you using|is used|is in use)",
)
def system_load() -> str:
    """Say the share of the processors that the last minute's work kept busy."""
    try:
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:
        return "The load is unknown here."
    return f"The load is {100 * load:.0f} percent."


@skill.intent(
    "SystemMemory",
    "how much (memory|ram) is (free|left|available|used|in use)",
    "how much (free|available) memory (is there|is left|do you have|have you got|does <machine> have)",
    "how much memory (do you have [left]|are you using|does <machine> have [left])",
    "<tell> [the|your] memory (usage|use|status)",
    "how full is (the|your) memory",
)
def system_memory() -> str:
    """Say how much memory new programs could take."""
    try:
        page, total = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
        free = _available() or page * os.sysconf("SC_AVPHYS_PAGES")
    except (ValueError, OSError):
        return "The memory is unknown here."
    return f"{_size(free)} of {_size(page * total)} memory are free."


@skill.intent(
    "SystemDisk",
    "how much (disk space|space|storage) is (free|left|available|used) [on (the disk|<machine>)]",
    "how much (disk space|storage) (do you have [left]|does <machine> have [left])",
    "how full is (the|your) (disk|hard drive|hard disk|drive)",
    "<tell> [the|your] [free] disk (space|usage|status)",
    "is the disk full",
)
def system_disk() -> str:
    """Say how much of the disk is free."""
    disk = shutil.disk_usage(Path.home().anchor)
    return f"{_size(disk.free)} of {_size(disk.total)} disk are free."


@skill.intent(
    "SystemUptime",
    "how long (have you|has <machine>) been (running|up|on|awake)",
    "<tell> [the|your] [system] uptime",
    "(when did you|when did <machine>) (start|boot)",
    "(since when are you|since when is <machine>) (running|on)",
)
def system_uptime() -> str:
    """Say how long ago the machine started."""
    try:
        seconds = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except OSError:
        return "The uptime is unknown here."
    minutes = int(seconds // 60)
    parts = ((minutes // 1440, "day"), (minutes % 1440 // 60, "hour"), (minutes % 60, "minute"))
    spoken = " and ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in parts if n)
    return f"Up for {spoken or 'less than a minute'}."


@skill.intent(
    "SystemAddress",
    "<tell> [the|your|my] (network|ip|i p|internet) address",
    "(what|which) (network|ip|i p) address do you have",
    "where (are you|can i find you|can i reach you) (on|in) the network",
    "(what|tell me what) your (network|ip|i p) address is",
    "<tell> the (network|ip|i p) address of <machine>",
)
def system_address() -> str:
    """Say the address under which other machines of the network find this one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737); connecting sends nothing
        except OSError:
            return "This machine is in no network."
        address = probe.getsockname()[0]
    return f"The address is {address.replace('.', ' dot ')}."


def _available() -> int | None:
    """Return the bytes that new programs could take, as Linux reckons them; None elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)


def _size(n_bytes: float) -> str:
    gigabytes = n_bytes / 1e9
    return f"{gigabytes:.0f} gigabytes" if gigabytes >= 10 else f"{gigabytes:.1f} gigabytes"


skill.example("how much memory is free", ...)
skill.example("what is your network address", ...)
skill.example("how are you to know", None)
