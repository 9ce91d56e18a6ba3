"""Which wake words are listened for, and what each one's settings mean."""

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from voice.errors import ConfigError
from voice.models.bundle import SHIPPED, Bundle, WakeDecision, load_bundle
from voice.models.porcupine import PorcupineWord, porcupine_version

SENSITIVITY_NATS = 6.0
"""How far the threshold's log odds move from sensitivity 0 to sensitivity 1."""
REFRACTORY_MS = 1500
"""Of Porcupine's words, whose files hold no such time."""


class VerifierSettings(BaseModel):
    """The second look at a wake: the recogniser spells the same audio."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: float | None = Field(None, gt=0, lt=1, description="threshold of the wake word meanwhile; none: its own")
    margin: float = Field(6.0, ge=0, description="most that the phrase may fit worse than anything, nats a label")


class WakeSettings(BaseModel):
    """One wake word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["earshot", "porcupine"] = Field("earshot", description="whose model it is")
    bundle: str = Field(
        "computer", description="a shipped bundle's name or a folder; Porcupine: a built-in keyword or a .ppn file"
    )
    id: str | None = Field(None, pattern=r"^[^/+#\s]+$", description="its name in messages; none: the bundle's")
    phrase: str | None = Field(None, min_length=1, description="how it is written; none: as its id")
    threshold: float | None = Field(None, gt=0, lt=1, description="overrides the bundle's")
    sensitivity: float | None = Field(None, ge=0, le=1, description="in place of a threshold; 0.5: the bundle's")
    smoothing: int | None = Field(None, gt=0, description="looks whose scores are averaged; none: the bundle's")
    refractory_ms: int | None = Field(None, ge=0, description="no second detection within, ms; none: the bundle's")
    sites: tuple[str, ...] = Field((), description="siteIds where it is listened for; none: all")
    lang: str | None = Field(None, description="language of the session that it opens")
    skills: tuple[str, ...] = Field((), description="only their intents count in its sessions; none: all")
    intents: tuple[str, ...] = Field((), description="intents that count besides; with neither: all")
    verifier: VerifierSettings | None = Field(None, description="second look at each wake; none: no second look")

    @model_validator(mode="after")
    def _consistent(self) -> "WakeSettings":
        if self.threshold is not None and self.sensitivity is not None:
            raise ValueError("threshold and sensitivity are two ways to say one thing: give one of them")
        if self.engine == "porcupine":
            if self.threshold is not None or self.smoothing is not None:
                raise ValueError("Porcupine has a sensitivity, and neither threshold nor smoothing")
            if self.verifier is not None and self.verifier.first is not None:
                raise ValueError("Porcupine has no threshold that verifier.first could lower")
        return self


@dataclass(frozen=True)
class WakeWord:
    """A wake word that is listened for."""

    settings: WakeSettings
    id: str
    """What its detections are called: Hermes' modelId."""
    phrase: str
    """How it is written, lower case."""
    version: str
    model_type: Literal["personal", "universal"]
    """Universal where it came with the program, personal where the user brought it."""
    sensitivity: float
    """0 to 1; 0.5 is what its maker chose."""
    bundle: Bundle | None
    """Its model, with what the settings override; None for Porcupine's."""

    @property
    def porcupine(self) -> PorcupineWord:
        """The word as Porcupine takes it."""
        refractory_ms = self.settings.refractory_ms
        return PorcupineWord(
            self.settings.bundle, self.id, self.sensitivity, REFRACTORY_MS if refractory_ms is None else refractory_ms
        )


def wake_words(words: Iterable[WakeSettings], site_id: str) -> list[WakeWord]:
    """Return the wake words of a site.

    Args:
        words: all that are configured.
        site_id: the site.

    Raises:
        BundleError: one's bundle is missing, broken or no wake word.
        ConfigError: two have one id, or none is listened for at this site.
    """
    found: list[WakeWord] = []
    for settings in words:
        if settings.sites and site_id not in settings.sites:
            continue
        word = _porcupine_word(settings) if settings.engine == "porcupine" else _word(settings)
        if any(word.id == other.id for other in found):
            raise ConfigError(f"two wake words are called {word.id!r}", fix="give one of them another id")
        found.append(word)
    if not found:
        raise ConfigError(f"no wake word is listened for at site {site_id!r}", fix="add it to the sites of one")
    return found


def threshold_of(threshold: float, sensitivity: float) -> float:
    """Return the threshold for a sensitivity: its log odds move, so that it stays between 0 and 1 and falls evenly.

    Args:
        threshold: the bundle's, which stands for 0.5.
        sensitivity: 0 to 1.
    """
    return 1 / (1 + math.exp(-(_log_odds(threshold) + SENSITIVITY_NATS * (0.5 - sensitivity))))


def sensitivity_of(threshold: float, chosen: float) -> float:
    """Return the sensitivity that a threshold chosen in place of the bundle's amounts to, 0 to 1."""
    return min(1.0, max(0.0, 0.5 - (_log_odds(chosen) - _log_odds(threshold)) / SENSITIVITY_NATS))


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _word(settings: WakeSettings) -> WakeWord:
    bundle = load_bundle(Path(settings.bundle).expanduser(), "wake")
    manifest, decision = bundle.manifest, bundle.manifest.decision
    assert isinstance(decision, WakeDecision)  # noqa: S101 - a bundle of kind wake has no other
    if settings.sensitivity is not None:
        threshold, sensitivity = threshold_of(decision.threshold, settings.sensitivity), settings.sensitivity
    else:
        threshold = decision.threshold if settings.threshold is None else settings.threshold
        sensitivity = sensitivity_of(decision.threshold, threshold)
    if settings.verifier is not None and settings.verifier.first is not None:
        threshold = min(threshold, settings.verifier.first)
    wanted = {
        "threshold": threshold,
        "smoothing_steps": settings.smoothing,
        "refractory_ms": settings.refractory_ms,
    }
    changed = decision.model_copy(update={name: value for name, value in wanted.items() if value is not None})
    name = settings.id or manifest.id
    tuned = copy.copy(bundle)
    tuned.manifest = manifest.model_copy(update={"id": name, "decision": changed})
    return WakeWord(
        settings,
        name,
        (settings.phrase or name.replace("_", " ")).lower(),
        manifest.version,
        "universal" if bundle.folder.parent == SHIPPED else "personal",
        sensitivity,
        tuned,
    )


def _porcupine_word(settings: WakeSettings) -> WakeWord:
    path = Path(settings.bundle)
    own = path.suffix == ".ppn"
    name = settings.id or (path.stem if own else settings.bundle.lower()).replace(" ", "_")
    phrase = settings.phrase or (name.split("_")[0] if own else settings.bundle)
    sensitivity = 0.5 if settings.sensitivity is None else settings.sensitivity
    kind: Literal["personal", "universal"] = "personal" if own else "universal"
    return WakeWord(settings, name, phrase.lower(), f"porcupine {porcupine_version()}", kind, sensitivity, None)
