"""The house rules that a file can break by itself."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("voice", "kws_training", "asr_training", "training", "skills")
ONE_IMPORTER = {
    "sounddevice": "voice/audio/portaudio.py",
    "aiomqtt": "voice/bus/mqtt.py",
    "amqtt": "voice/bus/broker.py",
    "ai_edge_litert": "voice/models/backend.py",
    "tflite_runtime": "voice/models/backend.py",
    "webrtcvad": "voice/models/vad.py",
    "pvporcupine": "voice/models/porcupine.py",
}
MACHINE = re.compile(r"/(?:root|work|home/\w+)/|https?://[\w.-]*(?:pypi|mirror|artifactory|registry)[\w.-]*/", re.I)
BANNED_NAMES = {"utils", "helpers", "common", "misc"}


def tracked(*suffixes: str) -> list[Path]:
    """Return the text files that git knows or would add, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted(Path(name) for name in set(listed) if name.endswith(suffixes) and (ROOT / name).is_file())


def modules(*packages: str) -> list[Path]:
    """Return the Python files of packages."""
    return [path for path in tracked(".py") if path.parts[0] in packages]


def syntax(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Return the top-level names of the modules that a file imports, lazily or not."""
    names = set()
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_every_module_has_a_docstring_and_fits_four_hundred_lines(path: Path) -> None:
    assert ast.get_docstring(syntax(path)), "no docstring"
    assert (ROOT / path).read_text(encoding="utf-8").count("\n") <= 400


@pytest.mark.parametrize("path", modules("tests", "benchmarks"), ids=str)
def test_no_test_file_is_longer_than_four_hundred_lines(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8").count("\n") <= 400


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [path for path in modules(*PACKAGES) if path.stem in BANNED_NAMES]


def test_each_device_engine_and_broker_has_one_importer() -> None:
    wrong = [
        f"{path} imports {name}"
        for path in modules(*PACKAGES)
        for name in sorted(imported(path) & ONE_IMPORTER.keys())
        if path.as_posix() != ONE_IMPORTER[name]
    ]
    assert not wrong


def test_nothing_is_pickled() -> None:
    assert not [path for path in modules(*PACKAGES) if imported(path) & {"pickle", "shelve", "dill", "joblib"}]


def test_no_file_names_a_machine_or_a_registry() -> None:
    texts = tracked(".py", ".md", ".toml", ".yaml", ".yml", ".json", "Makefile", "run", "packages", ".txt", ".service")
    found = [
        f"{path}: {match.group()}"
        for path in texts
        if path != Path("tests/house/test_tree.py")
        for match in [MACHINE.search((ROOT / path).read_text(encoding="utf-8"))]
        if match
    ]
    assert not found


def test_no_stub_is_left() -> None:
    words = re.compile(r"\b(?:TODO|FIXME|XXX)\b|NotImplementedError")
    found = [str(path) for path in modules(*PACKAGES) if words.search((ROOT / path).read_text(encoding="utf-8"))]
    assert not found
