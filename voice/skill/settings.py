"""How skills run."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class SkillSettings(BaseModel):
    """How skills run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deadline_s: float = Field(10.0, gt=0, description="longest that a skill may take to answer, s")
    apology: str = Field("Sorry, something went wrong.", description="spoken when a skill fails; empty: nothing")
    running: int = Field(16, gt=0, description="calls at a time; more are refused with the apology")
    folders: tuple[str, ...] = Field((), description="folders of skill modules, besides the installed skills")
    only: tuple[str, ...] | None = Field(None, description="names of the skills to run; none runs all")
    language: str = Field("en", description="which of a skill's translations to take")
    settings: Mapping[str, Mapping[str, Any]] = Field({}, description="a skill's name -> its own settings")
    state: str | None = Field(None, description="folder of what skills keep; none: the user's ($XDG_STATE_HOME)")

    trusted: tuple[str, ...] = Field(
        (), description="skills that run in the assistant's process, besides built-in ones"
    )
    memory_mb: int = Field(256, ge=64, description="most memory of a skill's process, MB")
    loading_s: float = Field(20.0, gt=0, description="longest that a skill's process may take to load, s")
    reload: bool = Field(True, description="take a skill anew when its file changes")

    def state_folder(self) -> Path:
        """Return the folder of what skills keep."""
        if self.state is not None:
            return Path(self.state).expanduser()
        home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(home).expanduser() / "earshot" / "skills"
