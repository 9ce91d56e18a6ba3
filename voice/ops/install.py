"""Put a wake word's bundle beside an assistant's configuration, and name it there: the loop then listens for it.

The YAML is edited as text, so that comments, order and other keys stay; what comes out is read again, and written only
if it says what it said before and the wake word besides.
"""

import json
import os
import re
import shutil
from pathlib import Path

import yaml

from voice.config import Config, load_config
from voice.errors import BundleError, ConfigError, DataError
from voice.models.bundle import Bundle, load_bundle
from voice.pipeline.words import WakeSettings
from voice.yaml12 import parse_yaml

_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9_./-]*")
_PLACE = "wake"
"""Folder beside the configuration that bundles are copied into."""


def install_wake(bundle: Path, config: Path, phrase: str | None = None) -> str:
    """Copy a wake word's bundle to `wake/ID` beside a configuration and add it to that one's `models.wake`.

    A wake word of the same id is replaced, its other settings stay; the wake words that were listened for still are.
    The configuration before is kept as `NAME.bak`.

    Args:
        bundle: folder of the bundle.
        config: the assistant's YAML; made where it is missing.
        phrase: how the wake word is written, where its id doesn't say so.

    Returns:
        One line: what is listened for now, and how to start.

    Raises:
        BundleError: it is no wake word.
        ConfigError: the configuration is wrong, or written in a way that can't be added to.
        DataError: the disk refuses.
    """
    found = load_bundle(bundle, "wake")
    path = config.expanduser().resolve()
    before = load_config(path if path.exists() else None)
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        place = _copied(found, path.parent / _PLACE / found.manifest.id)
        wanted, text = _with(before, text, found.manifest.id, str(place), _phrase(found.manifest.id, phrase))
        _checked(text, before, wanted, path, place)
        _written(path, text)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", fix="choose a configuration that can be written") from error
    ids = [_id_of(word) for word in wanted]
    tuned = wanted[ids.index(found.manifest.id)]
    kept = [f"{name} {value:g}" for name in ("threshold", "sensitivity") if (value := getattr(tuned, name)) is not None]
    note = f" (with its {' and '.join(kept)} of before)" if kept else ""
    return f"installed {found.manifest.id}{note}; {path} listens for {', '.join(ids)}. Run: voice run --config {config}"


def _phrase(name: str, phrase: str | None) -> str | None:
    """Return the phrase where the loop wouldn't take the id for it."""
    return None if phrase is None or phrase.lower() == name.replace("_", " ") else phrase


def _copied(bundle: Bundle, place: Path) -> Path:
    """Copy what the loop needs of a bundle; the folder appears whole."""
    if bundle.folder.resolve() == place:
        return place
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file in (bundle.model_path, bundle.folder / "README.md", bundle.folder / "bundle.json"):
        if file.exists():
            shutil.copyfile(file, partial / file.name)
    shutil.rmtree(place, ignore_errors=True)
    partial.replace(place)
    return place


def _with(config: Config, text: str, name: str, place: str, phrase: str | None) -> tuple[tuple[WakeSettings, ...], str]:
    """Return the wake words that are wanted, and the document that names them."""
    words = config.models.wake
    same = next((i for i, word in enumerate(words) if _id_of(word) == name), None)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    models = _value(root, "models")
    listed = _value(models, "wake")
    new = WakeSettings(bundle=place, phrase=phrase)
    entries = [word for word in words if same is None and not _is(listed, yaml.SequenceNode)] + [new]
    if same is not None and listed is not None and _is(listed, yaml.SequenceNode):
        wanted = (*words[:same], words[same].model_copy(update={"bundle": place}), *words[same + 1 :])
        return wanted, _renamed(text, listed.value[same], place)
    wanted = (new,) if same is not None else (*words, new)
    if listed is not None:
        return wanted, _appended(text, listed, new)
    return wanted, _listed(text, root, models, entries)


def _is(node: yaml.Node | None, kind: type[yaml.Node]) -> bool:
    return isinstance(node, kind)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _renamed(text: str, entry: yaml.Node, place: str) -> str:
    """Return the document with another `bundle` in a wake word."""
    node = _value(entry, "bundle")
    if node is not None:
        return text[: node.start_mark.index] + _scalar(place) + text[node.end_mark.index :]
    at = entry.start_mark.index
    if _flows(entry):
        return f"{text[: at + 1]}bundle: {_scalar(place)}, {text[at + 1 :]}"
    return f"{text[:at]}bundle: {_scalar(place)}{_newline(text)}{' ' * entry.start_mark.column}{text[at:]}"


def _appended(text: str, listed: yaml.Node, new: WakeSettings) -> str:
    """Return the document with one more wake word at the end of its list."""
    if _flows(listed):
        at = listed.end_mark.index - 1  # of the closing bracket
        comma = "" if text[:at].rstrip().endswith((",", "[")) else ", "
        return f"{text[:at]}{comma}{_flow(new)}{text[at:]}"
    at = _line_end(text, _last(listed))
    newline = _newline(text)
    front = "" if text[:at].endswith("\n") else newline
    return text[:at] + front + _block([new], " " * listed.start_mark.column, newline) + text[at:]


def _listed(text: str, root: yaml.Node | None, models: yaml.Node | None, entries: list[WakeSettings]) -> str:
    """Return the document with a list of wake words that it didn't have."""
    newline = _newline(text)
    flow = f"wake: [{', '.join(map(_flow, entries))}]"
    if models is not None and _flows(models):
        at = models.start_mark.index + 1
        return f"{text[:at]}{flow}{', ' if models.value else ''}{text[at:]}"
    if models is not None:
        at = models.start_mark.index
        indent = " " * models.start_mark.column
        whole = f"wake:{newline}{_block(entries, indent + '  ', newline)}"
        return f"{text[:at]}{whole}{indent}{text[at:]}"
    if root is not None and _flows(root):
        at = root.start_mark.index + 1
        return f"{text[:at]}models: {{{flow}}}{', ' if root.value else ''}{text[at:]}"
    indent = " " * (root.start_mark.column if root else 0)
    front = "" if not text or text.endswith("\n") else newline
    whole = f"{indent}models:{newline}{indent}  wake:{newline}{_block(entries, indent + '    ', newline)}"
    return text + front + whole


def _flows(node: yaml.Node) -> bool:
    """Return whether a list or mapping is written within brackets."""
    return bool(getattr(node, "flow_style", False))


def _last(node: yaml.Node) -> int:
    """Return the index just after the last character of a node; a block's own mark lies behind comments."""
    if isinstance(node, yaml.ScalarNode) or _flows(node) or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _last(last[1] if isinstance(node, yaml.MappingNode) else last)


def _line_end(text: str, at: int) -> int:
    """Return the index just after the line that `at` is on, or just before."""
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _block(entries: list[WakeSettings], indent: str, newline: str) -> str:
    lines = []
    for entry in entries:
        first, *rest = [f"{name}: {_scalar(value)}" for name, value in _fields(entry).items()]
        lines += [f"{indent}- {first}{newline}", *(f"{indent}  {line}{newline}" for line in rest)]
    return "".join(lines)


def _flow(entry: WakeSettings) -> str:
    return "{" + ", ".join(f"{name}: {_scalar(value)}" for name, value in _fields(entry).items()) + "}"


def _fields(entry: WakeSettings) -> dict[str, str]:
    return {"bundle": entry.bundle} | ({"phrase": entry.phrase} if entry.phrase else {})


def _scalar(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)  # JSON's texts are YAML's


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _id_of(word: WakeSettings) -> str:
    if word.id or word.engine != "earshot":
        return word.id or word.bundle
    try:
        return load_bundle(word.bundle, "wake").manifest.id
    except BundleError:  # its bundle is gone: of that name all the same
        return Path(word.bundle).name


def _checked(text: str, before: Config, wanted: tuple[WakeSettings, ...], path: Path, place: Path) -> None:
    """Raise an error unless the document says what it said, and `wanted`.

    Raises:
        ConfigError: it doesn't, as where the list is an anchor that other keys share.
    """
    expected = before.model_copy(update={"models": before.models.model_copy(update={"wake": wanted})})
    fix = f"add `- bundle: {place}` to models.wake by hand; the bundle is there"
    try:
        if Config.model_validate(parse_yaml(text, where=str(path)) or {}) == expected:
            return
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{path} can't be added to", fix=fix) from error
    raise ConfigError(f"{path} can't be added to", fix=fix)


def _written(path: Path, text: str) -> None:
    """Replace a file; what it was is kept beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, part)
        shutil.copy2(path, path.with_name(f"{path.name}.bak"))
    part.replace(path)
