"""The commands `kws-train prepare` and `kws-train inspect`."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from kws_training.data_settings import DataSettings, Layout, SplitRule
from kws_training.dataset import Protocol
from voice.errors import ConfigError, DataError

Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="folders or archives: Speech Commands, Kaggle's challenge, <label>/*.wav, the data pack"),
]
Pack = Annotated[Path | None, typer.Option("--data", envvar="EARSHOT_DATA", help="where no folder is named")]
LayoutOption = Annotated[Layout, typer.Option(help="how the folders are laid out")]
Labels = Annotated[str, typer.Option(help="12, 20, 30, 35, all, or words: a,b,c; auto: 12, or all of own folders")]
Split = Annotated[SplitRule, typer.Option(help="who trains, validates and tests")]
Resample = Annotated[bool, typer.Option("--resample", help="take clips of another rate than 16 kHz")]
Speaker = Annotated[str, typer.Option(help="pattern of a file's name whose first group is the speaker")]
Test = Annotated[Path | None, typer.Option(help="folder or archive of an official test set")]
Processes = Annotated[int, typer.Option(min=1, help="that read clips and compute features")]
_SPEAKER = str(DataSettings.model_fields["speaker"].default)


def prepare(  # noqa: PLR0913 - the options of a command
    *,
    work: Annotated[Path, typer.Option(help="folder for feature stores; outside the repository")],
    folders: Folders = None,
    data: Pack = None,
    layout: LayoutOption = "auto",
    labels: Labels = "auto",
    split: Split = "auto",
    protocol: Annotated[Protocol, typer.Option(help="unknown and silence: all, or the papers' rules A and B")] = "all",
    test: Test = None,
    dev_share: Annotated[float, typer.Option(help="of the clips, with --split speaker")] = 0.1,
    test_share: Annotated[float, typer.Option(help="of the clips, with --split speaker")] = 0.1,
    speaker: Speaker = _SPEAKER,
    silence: Annotated[bool | None, typer.Option(help="a label for no speech")] = None,
    unknown: Annotated[bool | None, typer.Option(help="a label for other words")] = None,
    apart: Annotated[bool | None, typer.Option(help="learn each other word for itself")] = None,
    noise: Annotated[list[Path] | None, typer.Option(help="folder of noise; repeatable")] = None,
    more: Annotated[list[Path] | None, typer.Option(help="folder of running speech; repeatable")] = None,
    skip: Annotated[list[Path] | None, typer.Option(help="list of clips of running speech to leave out")] = None,
    resample: Resample = False,
    drop_clashes: Annotated[bool | None, typer.Option(help="leave out sounds that stand under two labels")] = None,
    samples_rate: Annotated[int, typer.Option(min=0, help="keep raw samples too, at this rate (8000)")] = 0,
    download: Annotated[Literal["v1", "v2"] | None, typer.Option(help="get Speech Commands first")] = None,
    seed: Annotated[int, typer.Option(help="of what is drawn")] = 59185,
    processes: Processes = 1,
) -> None:
    """Compute the features of a data set, once; its labels and splits go into WORK/dataset.json."""
    from kws_training.prepare_dataset import prepare_dataset  # noqa: PLC0415

    settings = _settings(
        folders=_places(folders, data, download),
        download=download,
        layout=layout,
        labels=labels,
        split=split,
        protocol=protocol,
        test=test,
        dev_share=dev_share,
        test_share=test_share,
        speaker=speaker,
        silence=silence,
        unknown=unknown,
        apart=apart,
        noise=noise or (),
        speech=more or (),
        skip=skip or (),
        resample=resample,
        drop_clashes=drop_clashes,
        samples_rate=samples_rate,
        seed=seed,
    )
    prepare_dataset(settings, work, processes)


def inspect(  # noqa: PLR0913 - the options of a command
    *,
    folders: Folders = None,
    data: Pack = None,
    layout: LayoutOption = "auto",
    split: Split = "auto",
    speaker: Speaker = _SPEAKER,
    test: Test = None,
    resample: Resample = False,
    out: Annotated[Path | None, typer.Option(help="folder for report.json and pictures")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="write the report as JSON")] = False,
    processes: Processes = 1,
) -> None:
    """Report what a data set is like; fails where a speaker is in two splits or a sound under two labels."""
    from kws_training.clip_facts import workers  # noqa: PLC0415
    from kws_training.data_report import data_report, examples, problems, written  # noqa: PLC0415
    from kws_training.survey import survey  # noqa: PLC0415

    settings = _settings(
        folders=_places(folders, data), layout=layout, split=split, speaker=speaker, test=test, resample=resample
    )
    with workers(processes) as pool, tempfile.TemporaryDirectory() as scratch:
        found = survey(settings, Path(scratch), pool)
        report = data_report(found)
        if out is not None:
            from kws_training.data_plots import draw  # noqa: PLC0415

            draw(report, examples(found), out)
            (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps(report) if as_json else written(report))
    wrong = problems(report)
    if wrong:
        raise DataError("; ".join(wrong), fix="put it right before training: see --out and --json for the files")


def _places(folders: list[Path] | None, data: Path | None, download: str | None = None) -> tuple[Path, ...]:
    """Return the folders to read: those named, or else the data pack of the environment."""
    if folders or data is None or download:
        return tuple(folders or ())
    return (data,)


def _settings(**values: Any) -> DataSettings:
    from kws_training.survey import require_data  # noqa: PLC0415

    try:
        settings = DataSettings(**values)
    except ValidationError as error:
        detail = error.errors()[0]
        option = str(detail["loc"][0]).replace("_", "-")
        raise ConfigError(f"--{option}: {detail['msg']}", fix="see kws-train prepare --help") from error
    require_data(settings)
    missing = [place for place in settings.folders if not place.exists()]
    if missing:
        raise DataError(f"{missing[0]} is not there", fix="name an existing folder or archive")
    return settings


def register(app: typer.Typer) -> None:
    """Add the commands to `kws-train`."""
    app.command()(prepare)
    app.command()(inspect)
