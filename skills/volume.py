"""Make it louder or quieter: publishes on `home/volume/set`."""

from typing import Annotated

from voice.skill import Range, Skill

skill = Skill("volume", publishes=["home/volume/set"])


@skill.intent("VolumeUp", "[turn the] volume up", "turn up the volume", "turn it up", "louder", "make it louder")
def volume_up() -> None:
    """Raise the volume by 10 percent."""
    skill.publish("home/volume/set", "+10")


@skill.intent(
    "VolumeDown", "[turn the] volume down", "turn down the volume", "turn it down", "quieter", "make it quieter"
)
def volume_down() -> None:
    """Lower the volume by 10 percent."""
    skill.publish("home/volume/set", "-10")


@skill.intent("VolumeSet", "set [the] volume to {percent} [percent]", "volume {percent} [percent]")
def volume_set(percent: Annotated[int, Range(0, 100, 5)]) -> str:
    """Set the volume."""
    skill.publish("home/volume/set", str(percent))
    return f"Volume {percent} percent."
