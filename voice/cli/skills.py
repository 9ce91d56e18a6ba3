"""`voice skills list|show|run|new|test`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import AsJson, ConfigFile, emit, say
from voice.errors import ConfigError

if TYPE_CHECKING:
    from voice.skill import Skill
    from voice.skill.settings import SkillSettings

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A skill's name, or its .py file.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    skills = typer.Typer(help="Write skills, look at them, and try them with text.", no_args_is_help=True)
    skills.command("list")(list_skills)
    skills.command("show")(show)
    skills.command("run")(run)
    skills.command("new")(new)
    skills.command("test")(hold_examples)
    app.add_typer(skills, name="skills")


def list_skills(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the skills that load, and on standard error those that don't."""
    from voice.skill.loader import discover  # noqa: PLC0415 - keeps `voice --help` fast

    skills, errors = discover(_settings(config))
    for skill in skills:
        intents = [handler.intent for handler in skill.handlers if not handler.is_answer]
        if as_json:
            emit({"name": skill.name, "intents": intents, "publishes": [*skill.publishes]})
        else:
            typer.echo(f"{skill.name:<12} {', '.join(intents)}")
    for error in errors:
        emit({"error": str(error), "code": error.code}) if as_json else say(f"voice: {error}")
    if errors:
        raise typer.Exit(1)


def show(
    name: _Name,
    *,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a skill's sentences, slots and topics."""
    skill = _skill(name, _settings(config))
    sentences = skill.sentences()
    record: dict[str, Any] = {
        "name": skill.name,
        "publishes": [*skill.publishes],
        "intents": {intent: [*templates] for intent, templates in sentences.intents.items()},
        "answers": sorted({handler.intent for handler in skill.handlers if handler.is_answer}),
        "lists": {key: str(values) for key, values in sentences.lists.items()},
        "rules": dict(sentences.rules),
    }
    if as_json:
        emit(record)
        return
    typer.echo(f"{skill.name}  publishes: {', '.join(skill.publishes) or 'nothing'}")
    for intent, templates in record["intents"].items():
        typer.echo(f"\n{intent}{'  (answer)' if intent in record['answers'] else ''}")
        for template in templates:
            typer.echo(f"  {template}")
    for title in ("lists", "rules"):
        for key, value in record[title].items():
            typer.echo(f"\n{title[:-1]} {key}\n  {value}")


def run(
    name: _Name,
    *,
    text: Annotated[list[str], typer.Option(help="What is said; repeat it for a conversation.")],
    then: Annotated[float, typer.Option(min=0, help="Let so many seconds pass at the end, in no time.")] = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say sentences to a skill: text in, reply out. Nothing is published outside."""
    records = asyncio.run(_rehearse(_skill(name, _settings(config)), text, then))
    for record in records:
        if as_json:
            emit(record)
            continue
        if record["text"] is not None:
            typer.echo(f"> {record['text']}")
        for line in record["spoken"] or ["(not understood)" if record["reply"] is None else "(no words)"]:
            typer.echo(line)
        for topic, payload in record["published"]:
            typer.echo(f"  {topic} {payload}")
        for error in record["errors"]:
            say(f"voice: {error}")
    if any(record["errors"] for record in records):
        raise typer.Exit(1)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the skill is called.")],
    *,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where its file goes.")] = Path(),
    config: ConfigFile = None,
) -> None:
    """Write a skill's module, with golden sentences that pass at once."""
    from voice.skill.loader import discover  # noqa: PLC0415
    from voice.skill.scaffold import new_skill  # noqa: PLC0415

    if any(skill.name == name for skill in discover(_settings(config))[0]):
        raise ConfigError(f"there is a skill {name!r} already", fix="choose another name")
    path = new_skill(name, folder)
    typer.echo(f"wrote {path}\ntest it:  voice skills test {path}\ntry it:   voice skills run {path} --text ...")
    typer.echo(f"run it:   add `skills: {{folders: [{path.parent}]}}` to the configuration")


def hold_examples(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Skills or .py files; none: all that load.")
    ] = None,
    *,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold the conversations that skills give as examples. Exit status 1 when one goes wrong."""
    from voice.skill.loader import discover  # noqa: PLC0415

    settings = _settings(config)
    found, errors = ([_skill(name, settings) for name in names], []) if names else discover(settings)
    for error in errors:
        emit({"error": str(error), "code": error.code}) if as_json else say(f"voice: {error}")
    failed = [name for skill in found for name in _tested(skill, as_json=as_json)]
    if failed or errors:
        raise typer.Exit(1)


def _tested(skill: "Skill", *, as_json: bool) -> list[str]:
    """Hold a skill's examples, print each, and return the titles of those that went wrong."""
    from voice.skill.example import rehearse  # noqa: PLC0415

    failed = []
    for example in skill.examples:
        fault = asyncio.run(rehearse(skill, example))
        if as_json:
            emit({"skill": skill.name, "example": example.title, "ok": not fault, "error": fault or None})
        else:
            typer.echo(f"{'FAIL' if fault else 'ok  '}  {skill.name}: {example.title}")
            typer.echo(f"      -> {fault}") if fault else None
        failed += [example.title] if fault else []
    if not skill.examples:
        say(f"{skill.name} gives no example: add skill.example(...)")
    return failed


async def _rehearse(skill: "Skill", texts: list[str], then: float) -> list[dict[str, Any]]:
    from voice.skill import Rehearsal  # noqa: PLC0415

    records = []
    async with Rehearsal(skill) as stage:

        def taken(text: str | None, reply: str | None, intent: str | None = None) -> dict[str, Any]:
            record: dict[str, Any] = {"text": text, "intent": intent, "reply": reply, "spoken": [*stage.spoken]}
            record |= {"published": [*stage.published], "errors": [*stage.errors]}
            stage.spoken.clear()
            stage.published.clear()
            stage.errors.clear()
            return record

        for text in texts:
            intent = stage.parse(text)
            records.append(taken(text, await stage.say(text), intent.name if intent else None))
        if then:
            await stage.advance(then)
            records.append(taken(None, ""))
    return records


def _settings(config: Path | None) -> "SkillSettings":
    from voice.config import load_config  # noqa: PLC0415

    return load_config(config).skills


def _skill(name: str, settings: "SkillSettings") -> "Skill":
    from voice.skill.loader import discover, load_file  # noqa: PLC0415

    if name.endswith(".py"):
        return load_file(Path(name))
    skills, _ = discover(settings)
    for skill in skills:
        if skill.name == name:
            return skill
    if (here := Path(f"{name.replace('-', '_')}.py")).is_file():
        return load_file(here)
    raise ConfigError(f"no skill {name!r}", fix=f"one of {', '.join(sorted(s.name for s in skills))}, or a .py file")
