"""How skills run."""

from pydantic import BaseModel, ConfigDict, Field


class SkillSettings(BaseModel):
    """How skills run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deadline_s: float = Field(10.0, gt=0, description="longest that a skill may take to answer, s")
    apology: str = Field("Sorry, something went wrong.", description="spoken when a skill fails; empty: nothing")
    running: int = Field(16, gt=0, description="calls at a time; more are refused with the apology")
    folders: tuple[str, ...] = Field((), description="folders of skill modules, besides the installed skills")
    only: tuple[str, ...] | None = Field(None, description="names of the skills to run; none runs all")
