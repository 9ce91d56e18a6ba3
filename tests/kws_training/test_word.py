"""`kws-train keyword` from the phrase to the bundle, its report and its promise, by networks that learn in no time."""

import base64
import io
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from kws_training.feature_store import FeatureStore, write_store
from kws_training.models.settings import BackboneSettings, HeadSettings
from kws_training.settings import BackboneRecipe, WordRecipe
from voice.errors import DataError
from voice.events import RATE, Chunk

from .conftest import PIPER, piper_voice, program

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

N_MELS = 40
SMALL = BackboneSettings(stem_channels=8, stem_kernel=5, blocks=((8, 5, 1), (12, 5, 2), (12, 5, 1)), width=6)
TINY = WordRecipe(
    head=HeadSettings(blocks=((8, 3), (6, 3)), dropout=0.0),
    n_alone=6,
    n_sentences=4,
    n_near=6,
    pooled=18,
    copies=1,
    rounds=1,
    steps=20,
    batch=64,
    tune_rounds=1,
    tune_steps=3,
    tune_batch=12,
    tracts=(1.0,),
)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """Return the folder of a small backbone that learnt nothing."""
    import keras

    from kws_training.backbone_export import export_backbone
    from kws_training.models.backbone import phone_network

    place = tmp_path_factory.mktemp("backbone")
    keras.utils.set_random_seed(3)
    network = phone_network(SMALL, N_MELS, 40)
    export_backbone(network, place / "b", place, BackboneRecipe(network=SMALL), None, 0.5, 100, 1.0)
    return place / "b"


def store(folder, n, label, *, frames=120):
    rng = np.random.default_rng(5)
    write_store(
        folder,
        [
            (
                {"label": label, "split": "train", "group": f"s{i}", "name": f"{label} {i}", "keyword_end": -1},
                rng.integers(10, 150, (frames, N_MELS)).astype(np.uint8),
            )
            for i in range(n)
        ],
    )


@pytest.fixture
def work(tmp_path):
    """Return stores as `prepare` leaves them."""
    work = tmp_path / "work"
    store(work / "speech", 40, "speech", frames=500)
    store(work / "noise", 4, "noise", frames=300)
    store(work / "words", 10, "yes")
    store(work / "wake", 10, "alexa")
    return work


def request_of(backbone, work, run, **options):
    from kws_training.word import Request

    fields = {"phrase": "hey luna", "slug": "hey_luna", "recordings": (), "negatives": ()}
    return Request(**{**fields, "work": work, "run": run, "out": run / "bundle", "backbone": backbone, **options})


def make(request, recipe=TINY, **options):
    from kws_training.word import make_word

    return make_word(request, recipe, None, **options)


class Interrupts:
    """Ctrl-C just before a file gets its name: `os.replace` tells the interpreter's auditors."""

    def __init__(self):
        self.before = None
        sys.addaudithook(self)  # for good: nobody can take it away, so it is told when to be quiet

    def __call__(self, event, arguments):
        if event == "os.rename" and self.before and re.search(self.before, str(arguments[1])):
            self.before = None
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def interrupts():
    return Interrupts()


def test_what_was_stopped_anywhere_goes_on_and_ends_the_same(backbone, work, tmp_path, interrupts):
    whole = make(request_of(backbone, work, tmp_path / "whole", report=False))
    request = request_of(backbone, work, tmp_path / "run", report=False)
    stages = ("spoken$", "head.json$", "tuned0.weights.h5$", "judged.npz$", "model.tflite$")
    for stage in stages:
        interrupts.before = stage
        with pytest.raises(KeyboardInterrupt):
            make(request)
    spoken = (request.run / "spoken" / "clips.jsonl").stat().st_mtime_ns
    again = make(request)
    assert (request.run / "spoken" / "clips.jsonl").stat().st_mtime_ns == spoken
    assert again.manifest.model.sha256 == whole.manifest.model.sha256
    assert again.manifest.decision == whole.manifest.decision
    assert not list(request.run.glob("*.part*"))


def test_report_shows_what_was_measured(backbone, work, tmp_path, capfd):
    request = request_of(backbone, work, tmp_path / "run")
    bundle = make(request)
    page = (request.run / "report.html").read_text()
    figures = json.loads((request.run / "report.json").read_text())
    assert len(re.findall("src='data:image/png;base64,", page)) == 3
    assert {row["condition"] for row in figures["recall"]} >= {"clean", "noise 10 dB", "telephone, 8 kHz"}
    assert {row["set"] for row in figures["recall"]} == {"held-out voices"}
    assert all(0 <= row["low"] <= row["value"] <= row["high"] <= 1 for row in figures["recall"])
    assert figures["worst"]
    assert [row["score"] for row in figures["worst"]] == sorted(
        (row["score"] for row in figures["worst"]), reverse=True
    )
    assert "isn't at hand: name the data pack" in page  # the store's sounds are of no corpus
    assert "http" not in page.replace("http-equiv", "")  # all is inside
    assert len(figures["near"]) == 10
    card = (bundle.folder / "README.md").read_text()
    assert "missed, telephone" in card
    assert "NOT promised" in card
    lines = capfd.readouterr().err.splitlines()
    assert "NOT promised" in lines[-1]
    assert "h of speech are too few for it, 18 h are the least" in lines[-1]


def test_other_takes_are_learnt_from_anew(backbone, work, tmp_path, capfd):
    request = request_of(backbone, work, tmp_path / "run", report=False)
    make(request)
    before = (request.run / "head.keras").stat().st_mtime_ns
    spoken = (request.run / "spoken" / "clips.jsonl").stat().st_mtime_ns
    make(request, TINY.model_copy(update={"false_accepts_per_hour": 5.0}))
    assert (request.run / "head.keras").stat().st_mtime_ns == before  # another threshold is no other training
    make(request, TINY.model_copy(update={"steps": 15}))
    assert (request.run / "head.keras").stat().st_mtime_ns != before
    assert (request.run / "spoken" / "clips.jsonl").stat().st_mtime_ns == spoken
    assert "made from other settings, so that is made anew" in capfd.readouterr().err


def takes_of(phrase, folder, n=4):
    from kws_training.synthesis import Style, synthesise

    folder.mkdir()
    for i in range(n):
        samples = synthesise(phrase, Style("espeak-ng:en-us", 140 + 10 * i, 40 + 5 * i))
        quiet = np.random.default_rng(i).normal(0, 1e-3, RATE // 2).astype(np.float32)
        soundfile.write(folder / f"take-{i}.wav", np.concatenate([quiet, 0.5 * samples, quiet]), RATE)
    return folder


def test_without_stores_the_machine_speaks_and_nothing_is_promised(backbone, tmp_path, capfd):
    from kws_training.made_speech import prepare_speech
    from voice.models.wake import StreamingWakeDetector

    work, run = tmp_path / "empty", tmp_path / "run"
    prepare_speech(work, 1, n_sentences=30)  # the command makes more of it
    texts = [clip.name for clip in FeatureStore(work / "made-speech").clips]
    assert len(set(texts)) == 30
    request = request_of(backbone, work, run, recordings=(takes_of("hey luna", tmp_path / "takes"),))
    bundle = make(request)
    told = capfd.readouterr().err
    assert "warning: without `kws-train prepare` only synthetic speech" in told
    assert told.splitlines()[-1].endswith("NOT promised, nor any other rate: only synthetic speech judged")
    assert "h of synthetic speech" in (bundle.folder / "README.md").read_text()
    assert [data.name for data in bundle.manifest.training.data] == [
        "synthetic speech of espeak-ng, flite, festival and SVOX pico"
    ]
    page = (run / "report.html").read_text()
    sounds = re.findall("src='data:audio/ogg;base64,([^']+)'", page)
    assert sounds
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sounds[0])))
    assert rate == RATE
    assert 0.2 < len(samples) / RATE <= 2.5
    assert np.abs(samples).max() > 0.01
    assert "takes varied anew: the takes that were learnt from" in page
    assert StreamingWakeDetector(bundle).scores(Chunk(np.zeros(RATE, np.float32), 0))


def test_without_a_synthesiser_takes_are_enough_and_nothing_else_is(backbone, work, tmp_path, monkeypatch, capfd):
    takes = takes_of("hey luna", tmp_path / "takes")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="no takes, and no speech synthesiser is installed: run `apt install espeak-ng"):
        make(request_of(backbone, work, tmp_path / "run"))
    with pytest.raises(
        DataError, match="no running speech, and no speech synthesiser is installed: run `kws-train pre"
    ):
        make(request_of(backbone, tmp_path / "none", tmp_path / "run", recordings=(takes,)))
    make(request_of(backbone, work, tmp_path / "run", recordings=(takes,)))
    assert "no speech synthesiser is installed, so the takes alone" in capfd.readouterr().err
    assert "none of the synthetic voices that only judge is installed" in (tmp_path / "run" / "report.html").read_text()
    make(request_of(backbone, work, tmp_path / "template", recordings=(takes,)), template=True)
    assert (tmp_path / "template" / "report.html").exists()


def test_pipers_voices_speak_alone_where_nothing_else_is_installed(
    backbone, work, tmp_path, monkeypatch, capfd, interrupts
):
    from kws_training.piper import piper_voices

    program(tmp_path / "bin", "piper", PIPER)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    few = TINY.model_copy(update={"n_alone": 2, "n_sentences": 2, "n_near": 2})
    piper_voice(tmp_path / "my voices", "en_US-one", num_speakers=2)
    request = request_of(backbone, work, tmp_path / "run", report=False)
    request = replace(request, neural=tuple(piper_voices(tmp_path / "my voices")))
    bundle = make(request, few)
    clips = FeatureStore(request.run / "spoken").clips
    assert len(clips) == 6
    assert {clip.group for clip in clips} <= set(request.neural)
    assert bundle.manifest.training.data[-1].name == "synthetic speech of Piper"
    assert bundle.manifest.training.data[-1].attribution == "en_US-one"
    interrupts.before = "spoken$"
    with pytest.raises(KeyboardInterrupt):
        make(replace(request, neural=request.neural[:1]), few)
    assert "made from other synthetic speech, so that is made anew" in capfd.readouterr().err


def test_what_is_wrong_with_takes_is_said_before_anything_is_spoken(backbone, tmp_path, capfd):
    from kws_training.word import usable_takes

    takes = takes_of("hey luna", tmp_path / "takes", n=2)
    (takes / "notes.wav").write_text("not audio")
    request = request_of(backbone, tmp_path / "work", tmp_path / "run", recordings=(takes,))
    assert [take.path.name for take in usable_takes(request)] == ["take-0.wav", "take-1.wav"]
    assert "left out: notes.wav: it is no audio that can be read" in capfd.readouterr().err
    with pytest.raises(DataError, match="a template wants 3 takes, here are 2: record more of them"):
        make(request, template=True)
    with pytest.raises(DataError, match=r"there is no folder .*nowhere: name the folder of the takes"):
        make(replace(request, recordings=(tmp_path / "nowhere",)))
    assert not request.work.exists()
    assert not request.run.exists()
