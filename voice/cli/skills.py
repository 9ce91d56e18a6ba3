"""`voice skills list|show|run` and `voice say`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import emit, say
from voice.errors import ConfigError

if TYPE_CHECKING:
    from voice.skill import Skill
    from voice.skill.settings import SkillSettings

_Json = Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")]
_Config = Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    skills = typer.Typer(help="Look at skills and try them with text.", no_args_is_help=True)
    skills.command("list")(list_skills)
    skills.command("show")(show)
    skills.command("run")(run)
    app.add_typer(skills, name="skills")
    app.command("say")(speak)


def list_skills(*, config: _Config = None, as_json: _Json = False) -> None:
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
    name: Annotated[str, typer.Argument(help="A skill's name, or its .py file.")],
    *,
    config: _Config = None,
    as_json: _Json = False,
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
    name: Annotated[str, typer.Argument(help="A skill's name, or its .py file.")],
    *,
    text: Annotated[list[str], typer.Option(help="What is said; repeat it for a conversation.")],
    then: Annotated[float, typer.Option(min=0, help="Let so many seconds pass at the end, in no time.")] = 0,
    config: _Config = None,
    as_json: _Json = False,
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


def speak(
    text: Annotated[str, typer.Argument(help="What to say.")],
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Write a WAV file instead of playing it.")] = None,
    config: _Config = None,
) -> None:
    """Say a text aloud."""
    from voice.audio.speaker import Speaker  # noqa: PLC0415
    from voice.config import load_config  # noqa: PLC0415
    from voice.speech.espeak import synthesise  # noqa: PLC0415

    settings = load_config(config).speech
    wav = asyncio.run(synthesise(text, settings.tts))
    if out is None:
        asyncio.run(Speaker(settings.speaker).play(wav))
        return
    try:
        out.write_bytes(wav)
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror}", fix="choose another file") from error


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
    raise ConfigError(f"no skill {name!r}", fix=f"one of {', '.join(sorted(s.name for s in skills))}, or a .py file")
