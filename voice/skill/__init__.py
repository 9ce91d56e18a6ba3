"""The one door for skills: `from voice.skill import Skill`; their tests use `Rehearsal`."""

from voice.skill.rehearsal import Rehearsal
from voice.skill.replies import Ask, Context, Reply, Say
from voice.skill.schedule import Schedule
from voice.skill.skill import Skill
from voice.skill.slots import Range

__all__ = ["Ask", "Context", "Range", "Rehearsal", "Reply", "Say", "Schedule", "Skill"]
