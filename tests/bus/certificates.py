"""A certificate authority, a server's certificate from it, and another authority that nobody trusts; by openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost\n"


def make_certificates(folder: Path) -> Path:
    """Write `ca.pem`, `server.pem`, `server.key` (valid for 127.0.0.1) and `other.pem`; return the folder."""
    for name in ("ca", "other"):
        _openssl(folder, "req", "-x509", *_KEY, *_files(name), "-out", f"{name}.pem", "-subj", f"/CN=Test {name}")
    _openssl(folder, "req", *_KEY, *_files("server"), "-out", "server.csr", "-subj", "/CN=broker")
    (folder / "names").write_text(_NAMES, encoding="utf-8")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    _openssl(folder, "x509", "-req", "-in", "server.csr", *signing, "-days", "2", "-out", "server.pem")
    return folder


def _files(name: str) -> tuple[str, ...]:
    return ("-keyout", f"{name}.key")


def _openssl(folder: Path, *arguments: str) -> None:
    assert OPENSSL
    subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True)
