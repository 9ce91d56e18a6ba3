"""`voice skills test|doctor`: whether skills do what they promise, alone and together."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice.cli.output import AsJson, ConfigFile, emit, say
from voice.cli.skills import find_skill, settings_of, tell
from voice.errors import EarshotError

if TYPE_CHECKING:
    from voice.skill import Skill
    from voice.skill.checkup import Utterance

_Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Skills or .py files; none: all that load.")]


def hold_examples(
    names: _Names = None,
    *,
    spoken: Annotated[bool, typer.Option("--spoken", help="Hold the examples by voice, too.")] = False,
    voice: Annotated[
        list[str] | None, typer.Option(metavar="PROGRAM:VOICE", help="Who speaks; repeat it. None: two of espeak-ng.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold the conversations that skills give as examples, and their golden files. Exit status 1 when one goes wrong.

    A file NAME.golden.yaml beside the skill's holds what must be understood and what must not; both are counted.
    With --spoken, synthetic voices speak the examples after the wake word, and the whole chain has to understand them
    among the sentences of all skills.
    """
    from voice.skill.loader import discover  # noqa: PLC0415

    settings = settings_of(config)
    found, errors = ([find_skill(name, settings) for name in names], []) if names else discover(settings)
    tell(errors, as_json=as_json)
    failed = [name for skill in found for name in _tested(skill, as_json=as_json)]
    for name in names or ():
        failed += _golden(Path(name), as_json=as_json)
    if spoken or voice:
        failed += [name for skill in found for name in _spoken(skill, config, voice, as_json=as_json)]
    if failed or errors:
        raise typer.Exit(1)


def doctor(names: _Names = None, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Look for sentences that two intents claim and intents that nothing reaches; say what each skill costs.

    Files are looked at together with the skills that load, and with the configured files of sentences. Exit status 1
    where two claim a sentence.
    """
    from voice.config import load_config  # noqa: PLC0415
    from voice.skill.checkup import costs, findings  # noqa: PLC0415
    from voice.skill.loader import clash_of, discover  # noqa: PLC0415

    settings = settings_of(config)
    skills, errors = discover(settings)
    for name in names or ():
        skill = find_skill(name, settings)
        if skill.name not in {other.name for other in skills}:
            if clash := clash_of([*skills, skill]):
                errors.append(clash)
            else:
                skills.append(skill)
    tell(errors, as_json=as_json)
    found = findings(skills, load_config(config).sentences.read())
    for finding in found:
        emit({"finding": finding.kind, "intents": [*finding.intents], "text": finding.text}) if as_json else typer.echo(
            f"{finding.kind:<12} {finding.text}"
        )
    if not as_json:
        typer.echo(f"\n{'skill':<14} {'intents':>8} {'nodes':>8} {'arcs':>8} {'search, ms':>11}")
    for cost in costs(skills, _speech(config)):
        took = "" if cost.decoding_ms is None else f"{cost.decoding_ms:.1f}"
        emit({**asdict(cost)}) if as_json else typer.echo(
            f"{cost.skill:<14} {cost.intents:>8} {cost.nodes:>8} {cost.arcs:>8} {took:>11}"
        )
    if errors or any(finding.kind != "silent" for finding in found):
        raise typer.Exit(1)


def _speech(config: Path | None) -> "Utterance | None":
    """Return a spoken sentence as the recogniser sees it; None where its model is missing."""
    from voice import demo  # noqa: PLC0415
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.config import load_config  # noqa: PLC0415
    from voice.events import Segment  # noqa: PLC0415
    from voice.models.asr import CtcRecognizer  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415
    from voice.skill.checkup import Utterance  # noqa: PLC0415

    try:
        recognizer = CtcRecognizer(load_bundle(load_config(config).models.asr, "asr"))
        samples = read_audio(Path(demo.__file__).parent / "kitchen_light.flac")
    except EarshotError as error:
        say(f"no search time: {error}")
        return None
    segment = Segment(samples, 0, speech_start=0, speech_end=len(samples))
    log_probs = recognizer.log_probs(segment)
    return Utterance(log_probs, recognizer.alphabet, recognizer.stride_seconds, recognizer.speller)


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


def _spoken(skill: "Skill", config: Path | None, voices: list[str] | None, *, as_json: bool) -> list[str]:
    """Speak a skill's examples, print what came of each, and return the titles of those that went wrong."""
    from voice.config import load_config  # noqa: PLC0415
    from voice.skill.loader import clash_of, discover  # noqa: PLC0415
    from voice.testing.spoken import VOICES, spoken_examples  # noqa: PLC0415

    settings = load_config(config)
    others = [other for other in discover(settings.skills)[0] if other.name != skill.name]
    if clash := clash_of([*others, skill]):
        raise clash
    failed = []
    for one in voices or VOICES:
        outcomes = [*spoken_examples(skill, others, settings, [one])]
        for outcome in outcomes:
            if as_json:
                kind = "rejection" if outcome.is_rejection else "example"
                emit(
                    {
                        "skill": skill.name,
                        kind: outcome.title,
                        "voice": one,
                        "ok": not outcome.fault,
                        "error": outcome.fault or None,
                    }
                )
            elif outcome.fault:
                typer.echo(f"FAIL  {skill.name}: {outcome.title}\n      -> {outcome.fault}")
        for title, rejection in (("held", False), ("rejected", True)):
            some = [outcome for outcome in outcomes if outcome.is_rejection == rejection]
            right = sum(not outcome.fault for outcome in some)
            if some and not as_json:
                typer.echo(f"{skill.name} by {one}: {right} of {len(some)} rightly {title}")
        failed += [outcome.title for outcome in outcomes if outcome.fault]
    return failed


def _golden(path: Path, *, as_json: bool) -> list[str]:
    """Hold the golden file beside a skill's file, and return what went wrong."""
    golden_path = path.with_name(f"{path.stem}.golden.yaml")
    if not golden_path.is_file():
        return []
    from voice.testing.golden import check_golden, read_golden, skills_beside  # noqa: PLC0415

    golden = read_golden(golden_path)
    outcomes = asyncio.run(check_golden(golden, skills_beside(golden, path.parent) or [path]))
    for outcome in outcomes:
        if as_json:
            kind = "rejection" if outcome.is_rejection else "utterance"
            emit({kind: outcome.text, "ok": not outcome.fault, "error": outcome.fault or None})
        elif outcome.fault:
            typer.echo(f"FAIL  {golden_path.name}: {outcome.text}\n      -> {outcome.fault}")
    if not as_json:
        for title, rejection in (("understood", False), ("rejected", True)):
            some = [outcome for outcome in outcomes if outcome.is_rejection == rejection]
            right = sum(not outcome.fault for outcome in some)
            typer.echo(f"{golden_path.name}: {right} of {len(some)} rightly {title}")
    return [outcome.text for outcome in outcomes if outcome.fault]
