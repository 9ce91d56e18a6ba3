"""`voice skills list|show|set|run|serve|new|test|doctor`."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import AsJson, ConfigFile, emit, say
from voice.errors import ConfigError, EarshotError

if TYPE_CHECKING:
    from voice.nlu.templates import ListValues
    from voice.skill import Rehearsal, Skill
    from voice.skill.settings import SkillSettings

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A skill's name, its .py file or its folder.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    from voice.cli.skills_checks import doctor, hold_examples  # noqa: PLC0415 - the two halves know each other

    skills = typer.Typer(help="Write skills, look at them, and try them with text.", no_args_is_help=True)
    skills.command("list")(list_skills)
    skills.command("show")(show)
    skills.command("set")(change)
    skills.command("run")(run)
    skills.command("serve")(serve_skill)
    skills.command("new")(new)
    skills.command("test")(hold_examples)
    skills.command("doctor")(doctor)
    app.add_typer(skills, name="skills")


def list_skills(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the skills that load, and on standard error those that don't."""
    from voice.skill.loader import discover  # noqa: PLC0415 - keeps `voice --help` fast

    skills, errors = discover(settings_of(config))
    for skill in skills:
        intents = [handler.intent for handler in skill.handlers if not handler.is_answer]
        if as_json:
            record = {"name": skill.name, "description": skill.description, "intents": intents}
            emit(record | {"publishes": [*skill.publishes], "needs": [*skill.needs]})
        else:
            typer.echo(f"{skill.name:<12} {', '.join(intents)}")
    tell(errors, as_json=as_json)
    if errors:
        raise typer.Exit(1)


def show(
    name: _Name,
    *,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a skill's sentences, slots, topics, needs and settings."""
    settings = settings_of(config)
    skill = find_skill(name, settings)
    skill.speak(settings.language)
    sentences = skill.sentences()
    record: dict[str, Any] = {
        "name": skill.name,
        "description": skill.description,
        "publishes": [*skill.publishes],
        "hears": [subscription.topic_filter for subscription in skill.subscriptions],
        "needs": [*skill.needs],
        "intents": {intent: [*templates] for intent, templates in sentences.intents.items()},
        "answers": sorted({handler.intent for handler in skill.handlers if handler.is_answer}),
        "lists": {key: _told(values) for key, values in sentences.lists.items()},
        "rules": dict(sentences.rules),
        "settings": _settings_table(skill, settings),
    }
    if as_json:
        emit(record)
        return
    typer.echo(f"{skill.name}  {skill.description}")
    for title in ("publishes", "hears", "needs"):
        typer.echo(f"{title}: {', '.join(record[title]) or 'nothing'}")
    for intent, templates in record["intents"].items():
        typer.echo(f"\n{intent}{'  (answer)' if intent in record['answers'] else ''}")
        for template in templates:
            typer.echo(f"  {template}")
    for title in ("lists", "rules"):
        for key, value in record[title].items():
            typer.echo(f"\n{title[:-1]} {key}\n  {value}")
    for key, row in record["settings"].items():
        typer.echo(f"\nsetting {key} = {row['value']}  ({row['from']})\n  {row['description']}")


def change(
    name: _Name,
    changes: Annotated[list[str], typer.Argument(metavar="SETTING=VALUE", help="The value in YAML.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Change a skill's own settings, in its settings.yaml."""
    from voice.skill.options import FILE, change_option  # noqa: PLC0415
    from voice.skill.storage import Home  # noqa: PLC0415

    settings = settings_of(config)
    skill = find_skill(name, settings)
    if skill.model is None:
        raise ConfigError(f"skill {skill.name} has no settings", fix="give it some: Skill(..., settings=Model)")
    home = Home(settings.state_folder() / skill.name)
    for one in changes:
        change_option(skill.name, skill.model, settings.settings.get(skill.name, {}), home, one)
    typer.echo(f"wrote {settings.state_folder() / skill.name / FILE}; a skill reads it when it starts")


def run(
    name: _Name,
    *,
    text: Annotated[
        list[str] | None, typer.Option(help="What is said; repeat it for a conversation. None: standard input.")
    ] = None,
    then: Annotated[float, typer.Option(min=0, help="Let so many seconds pass at the end, in no time.")] = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say sentences to a skill: text in, reply out. Nothing is published outside.

    Without --text, each line of standard input is said; a line like +180 lets so many seconds pass.
    """
    settings = settings_of(config)
    lines: Iterable[str] = text if text is not None else _typed()
    failed = asyncio.run(_converse(find_skill(name, settings), lines, then, settings, as_json=as_json))
    if failed:
        raise typer.Exit(1)


def serve_skill(
    name: _Name,
    *,
    broker: Annotated[str, typer.Option(metavar="HOST[:PORT]", help="The assistant's broker.")] = "127.0.0.1:1883",
    username: Annotated[str | None, typer.Option(help="User; its password comes from EARSHOT_MQTT_PASSWORD.")] = None,
    config: ConfigFile = None,
) -> None:
    """Run a skill here as a program on an assistant's broker, until Ctrl-C."""
    from voice.bus.settings import BrokerSettings  # noqa: PLC0415
    from voice.skill.served import serve  # noqa: PLC0415

    settings = settings_of(config)
    skill = find_skill(name, settings)
    say(f"serving {skill.name} at {broker}; Ctrl-C ends it")
    try:
        asyncio.run(serve(skill, BrokerSettings(username=username).at(broker), settings, settings.state_folder()))
    except KeyboardInterrupt:
        say("stopped")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the skill is called.")],
    *,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where its file goes.")] = Path(),
    config: ConfigFile = None,
) -> None:
    """Write a skill's module, with golden sentences that pass at once."""
    from voice.skill.loader import discover  # noqa: PLC0415
    from voice.skill.scaffold import new_skill  # noqa: PLC0415

    if any(skill.name == name for skill in discover(settings_of(config))[0]):
        raise ConfigError(f"there is a skill {name!r} already", fix="choose another name")
    path = new_skill(name, folder)
    typer.echo(f"wrote {path}\ntest it:  voice skills test {path}\ntry it:   voice skills run {path}")
    typer.echo(f"by voice: voice skills test {path} --spoken")
    typer.echo(f"run it:   add `skills: {{folders: [{path.parent}]}}` to the configuration")


# ---- shared ----------------------------------------------------------------------------------------------------


def tell(errors: Iterable[EarshotError], *, as_json: bool) -> None:
    """Print what could not be loaded."""
    for error in errors:
        emit({"error": str(error), "code": error.code}) if as_json else say(f"voice: {error}")


def settings_of(config: Path | None) -> "SkillSettings":
    """Return how skills run."""
    from voice.config import load_config  # noqa: PLC0415

    return load_config(config).skills


def find_skill(name: str, settings: "SkillSettings") -> "Skill":
    """Return a skill by its name, file or folder.

    Raises:
        ConfigError: there is none.
        SkillError: it can't be loaded.
    """
    from voice.skill.loader import discover, load_file  # noqa: PLC0415

    if name.endswith(".py") or (Path(name) / "__init__.py").is_file():
        return load_file(Path(name))
    skills, _ = discover(settings)
    for skill in skills:
        if skill.name == name:
            return skill
    if (here := Path(f"{name.replace('-', '_')}.py")).is_file():
        return load_file(here)
    raise ConfigError(f"no skill {name!r}", fix=f"one of {', '.join(sorted(s.name for s in skills))}, or a .py file")


def _told(values: "ListValues") -> str:
    """Return what may fill a slot, as it is shown."""
    from voice.nlu.templates import ListValue, NumberRange, Wildcard  # noqa: PLC0415

    if isinstance(values, Wildcard):
        return "any words"
    if isinstance(values, NumberRange):
        return f"{values.low} to {values.high}" + (f" in steps of {values.step}" if values.step != 1 else "")
    pairs = (
        (v.spoken, v.value) if isinstance(v, ListValue) else v if isinstance(v, tuple) else (v, None) for v in values
    )
    return ", ".join(spoken if value in (None, spoken) else f"{spoken} = {value}" for spoken, value in pairs)


def _settings_table(skill: "Skill", settings: "SkillSettings") -> dict[str, dict[str, Any]]:
    from voice.skill.options import load_options  # noqa: PLC0415
    from voice.skill.storage import Home  # noqa: PLC0415

    if skill.model is None:
        return {}
    home = Home(settings.state_folder() / skill.name)
    options = load_options(skill.name, skill.model, settings.settings.get(skill.name, {}), home)
    values = options.value.model_dump(mode="json")
    return {
        key: {"value": values[key], "from": options.origins[key], "description": field.description or ""}
        for key, field in skill.model.model_fields.items()
    }


def _typed() -> Iterable[str]:
    """Yield the lines of standard input, asked for where somebody sits there."""
    if not sys.stdin.isatty():
        yield from (line.strip() for line in sys.stdin if line.strip())
        return
    say("Say something; +60 lets a minute pass; an empty line ends.")
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            return
        if not line:
            return
        yield line


async def _converse(
    skill: "Skill", lines: Iterable[str], then: float, settings: "SkillSettings", *, as_json: bool
) -> bool:
    """Hold a conversation, print it, and return whether the skill failed."""
    from voice.skill import Rehearsal  # noqa: PLC0415

    failed = False
    async with Rehearsal(skill, settings=settings) as stage:
        for line in lines:
            failed |= await _say_or_wait(stage, line, as_json=as_json)
        if then:
            await stage.advance(then)
            failed |= _print(stage, None, "", None, as_json=as_json)
    return failed


async def _say_or_wait(stage: "Rehearsal", line: str, *, as_json: bool) -> bool:
    if line.startswith("+"):
        try:
            seconds = float(line[1:])
        except ValueError as error:
            raise ConfigError(f"{line!r} is no time", fix="write + and seconds, such as +180") from error
        await stage.advance(seconds)
        return _print(stage, None, "", None, as_json=as_json)
    intent = stage.parse(line)
    reply = await stage.say(line)
    return _print(stage, line, reply, intent.name if intent else None, as_json=as_json)


def _print(stage: "Rehearsal", text: str | None, reply: str | None, intent: str | None, *, as_json: bool) -> bool:
    record: dict[str, Any] = {"text": text, "intent": intent, "reply": reply, "spoken": [*stage.spoken]}
    record |= {"published": [*stage.published], "errors": [*stage.errors]}
    for kept in (stage.spoken, stage.published, stage.errors):
        kept.clear()
    if as_json:
        emit(record)
        return bool(record["errors"])
    if text is not None:
        typer.echo(f"> {text}")
    silence = "(not understood)" if reply is None else "(no words)"
    for line in record["spoken"] or [silence] * (text is not None):
        typer.echo(line)
    for topic, payload in record["published"]:
        typer.echo(f"  {topic} {payload}")
    for error in record["errors"]:
        say(f"voice: {error}")
    return bool(record["errors"])
