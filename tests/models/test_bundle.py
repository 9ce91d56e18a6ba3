"""A bundle is what it says it is, or one line says why not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from voice.errors import BundleError
from voice.models.bundle import Bundle, load_bundle, shipped_bundles, write_bundle


def rewrite(folder: Path, **changes: Any) -> None:
    """Change top-level keys of a bundle's manifest on disk."""
    path = folder / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_written_is_read_back(folder: Path) -> None:
    bundle = load_bundle(folder, "commands")
    assert bundle.manifest.labels == ("_silence_", "_unknown_", "yes")
    assert bundle.manifest.model.bytes == bundle.model_path.stat().st_size


def test_writing_leaves_no_part_behind(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["bundle.json", "model.tflite"]


def test_one_flipped_bit_is_found(folder: Path) -> None:
    network = bytearray((folder / "model.tflite").read_bytes())
    network[len(network) // 2] ^= 1
    (folder / "model.tflite").write_bytes(network)
    with pytest.raises(BundleError, match="checksum differs"):
        Bundle(folder)


def test_a_missing_network_is_named(folder: Path) -> None:
    (folder / "model.tflite").unlink()
    with pytest.raises(BundleError, match=r"model\.tflite"):
        Bundle(folder)


def test_an_unknown_key_is_named(folder: Path) -> None:
    rewrite(folder, treshold=0.5)
    with pytest.raises(BundleError, match=r"bundle\.json: treshold"):
        Bundle(folder)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": 2}, "format"),
        ({"kind": "wake"}, "decision of kind commands"),
        ({"rate": 8000}, "8000"),
        ({"labels": ["yes", "yes"]}, "stands twice"),
        ({"labels": []}, "labels"),
        ({"model": {"file": "../up.tflite", "sha256": "0" * 64, "bytes": 1}}, r"model\.file"),
        ({"id": "no/slash"}, "id"),
    ],
)
def test_a_contradiction_is_refused(folder: Path, changes: dict[str, Any], complaint: str) -> None:
    rewrite(folder, **changes)
    with pytest.raises(BundleError, match=complaint):
        Bundle(folder)


def of_phones(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a recogniser of phones, its lexicon's data included."""
    decision = {"kind": "asr", "blank": 0, "units": "phones", "stride_ms": 40, "pad_frames": 8}
    return {
        **manifest,
        "kind": "asr",
        "labels": ["<blank>", "AA", "N"],
        "decision": {**decision, "accept_per_character": 1.0},
        "lexicon": {"data": [{"name": "words", "licence": "CC0-1.0", "attribution": "nobody"}]},
    }


def test_a_recogniser_of_phones_knows_how_words_are_said(tmp_path: Path, manifest: dict[str, Any]) -> None:
    bundle = write_bundle(tmp_path / "said", of_phones(manifest), b"network", lexicon=b"words")
    assert bundle.lexicon_path == bundle.folder / "lexicon.bin"
    assert bundle.manifest.lexicon is not None
    assert bundle.manifest.lexicon.bytes == 5
    (bundle.folder / "lexicon.bin").write_bytes(b"wordz")
    with pytest.raises(BundleError, match=r"lexicon\.bin: checksum differs"):
        Bundle(bundle.folder)
    rewrite(bundle.folder, lexicon=None)
    with pytest.raises(BundleError, match=r"of phones without a lexicon.*: export the bundle again") as caught:
        Bundle(bundle.folder)
    assert "\n" not in str(caught.value)


def test_a_lexicon_belongs_to_phones(tmp_path: Path, manifest: dict[str, Any]) -> None:
    lexicon = of_phones(manifest)["lexicon"]
    with pytest.raises(BundleError, match="labels aren't phones"):
        write_bundle(tmp_path / "no", {**manifest, "lexicon": lexicon}, b"network", lexicon=b"words")
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"bundle"', "\ufeff{}"])
def test_a_manifest_that_is_no_manifest_is_one_line(folder: Path, text: str) -> None:
    (folder / "bundle.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError) as caught:
        Bundle(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_binary_manifest_is_refused(folder: Path) -> None:
    (folder / "bundle.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="not JSON"):
        Bundle(folder)


def test_the_wrong_kind_is_refused(folder: Path) -> None:
    with pytest.raises(BundleError, match=r"is a commands bundle.*give a asr bundle"):
        load_bundle(folder, "asr")


def test_a_folder_may_be_below_ones_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert load_bundle(f"~/{folder.name}").folder == folder
    with pytest.raises(BundleError, match="no bundle '~nobody-of-that-name'"):
        load_bundle("~nobody-of-that-name")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(BundleError, match=re.escape("no bundle 'nowhere'")):
        load_bundle("nowhere")


def test_an_invalid_manifest_is_not_written(tmp_path: Path, manifest: dict[str, Any]) -> None:
    del manifest["licence"]
    with pytest.raises(BundleError, match="licence"):
        write_bundle(tmp_path / "new", manifest, b"network")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("path", shipped_bundles(), ids=lambda path: path.name)
def test_every_shipped_bundle_names_its_data_and_results(path: Path) -> None:
    manifest = Bundle(path).manifest
    assert manifest.training.data, "no data source is named"
    assert all(source.licence and source.attribution for source in manifest.training.data)
    assert manifest.results, "nothing was measured"
    assert re.match(r"(kws|asr)-train ", manifest.training.command)
