"""A new skill: a module that works at once, with golden sentences that pass."""

import re
from pathlib import Path

from voice.errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")

_MODULE = '''"""Say here in one line what the skill does."""

from typing import Annotated

from voice.skill import Ask, Range, Reply, Skill

skill = Skill("{name}", description="Counts to a number.")


@skill.intent("{intent}", "[{words}] count to {{number}} [please]")
def count(number: Annotated[int, Range(1, 20)]) -> Reply:
    """Count, after a question where the number is large."""
    if number > 10:
        return Ask(f"Really to {{number}}?", expect=["Yes", "No"], data={{"number": number}})
    return count_aloud(number)


@skill.answer("Yes")
def count_aloud(number: int) -> str:
    """Count."""
    return ", ".join(str(i + 1) for i in range(number)) + "."


@skill.answer("No")
def leave() -> str:
    """Do nothing."""
    return "All right."


# What is said and what must be answered; `voice skills test {file}` holds these conversations.
skill.example("count to three", "1, 2, 3.")
skill.example("{words} count to two please", "1, 2.")
skill.example("count to twelve", "Really to 12?", "no", "All right.")
skill.example("count to the moon", None)
'''


def new_skill(name: str, folder: Path) -> Path:
    """Write a skill's module and return its path.

    Args:
        name: of the skill; the module is called the same, with _ for -.
        folder: made where it is missing.

    Raises:
        ConfigError: the name can't be a skill's, the file exists, or it can't be written.
    """
    if not _NAME.fullmatch(name) or name.startswith("test"):
        fix = "use lower-case letters and digits with - or _ between, not beginning with test"
        raise ConfigError(f"{name!r} can't be the name of a skill", fix=fix)
    path = folder / f"{name.replace('-', '_')}.py"
    words = " ".join(re.findall(r"[a-z]+", name))
    intent = "".join(part.capitalize() for part in re.split("[-_]", name)) + "Count"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_MODULE.format(name=name, intent=intent, words=words, file=path.name))
    except FileExistsError as error:
        raise ConfigError(f"{path} exists", fix="choose another name, or delete it") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", fix="choose another --folder") from error
    return path
