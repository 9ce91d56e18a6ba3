"""How a dialogue goes: deadlines, bounds, and what is switched on."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class DialogueSettings(BaseModel):
    """How long each state may last, and how many sessions may wait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    saying_s: float = Field(60.0, gt=0, description="longest speech out, s")
    listening_s: float = Field(25.0, gt=0, description="longest wait for an utterance, s")
    parsing_s: float = Field(5.0, gt=0, description="longest wait for the meaning of a text, s")
    handling_s: float = Field(15.0, gt=0, description="longest wait for a handler's answer, s")
    unclaimed_s: float = Field(0.3, gt=0, description="wait for an answer to an intent that no known handler claims, s")
    follow_up_s: float = Field(
        0.0, ge=0, le=30, description="listen without a wake word after a spoken answer, s; 0: don't"
    )
    barge_in: bool = Field(
        False, description="a wake word cuts speech short; the microphone must not hear the loudspeaker"
    )
    stop_word: bool = Field(
        False, description="the intents of `abort` are listened for during speech; as with barge_in"
    )
    arbitration_s: float = Field(
        0.0, ge=0, le=2, description="wakes of several sites within this time are one: the loudest answers; 0: all do"
    )
    queue: int = Field(10, gt=0, description="sessions that may wait for a site; more are refused")
    custom_data: int = Field(64_000, gt=0, description="longest customData, characters")
    text: int = Field(2000, gt=0, le=10_000, description="longest text that is spoken, characters")
    abort: tuple[str, ...] = Field(("Stop",), description="intents that end a session in place of an answer")
    confirm: str = Field("Did you say: {text}?", description="asked before a dangerous intent goes out")
    confirmed: tuple[str, ...] = Field(("Yes",), description="intents that let a dangerous intent go out")
    refused: tuple[str, ...] = Field(("No",), description="intents that don't")
    sites: tuple[str, ...] = Field(
        (), description="sites and groups that are served, or one text with commas; none: all"
    )
    group_separator: str = Field(
        "", max_length=1, description="ends a group's name in a siteId: '.' in bedroom.front; empty: no groups"
    )

    @field_validator("sites", mode="before")
    @classmethod
    def _with_commas(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    def group(self, site_id: str) -> str:
        """Return the group of a site: what stands before the separator, or the site itself (divergence 10)."""
        return site_id.split(self.group_separator, 1)[0] if self.group_separator else site_id

    def serves(self, site_id: str) -> bool:
        """Return whether a site's sessions are ours."""
        return not self.sites or site_id in self.sites or self.group(site_id) in self.sites
