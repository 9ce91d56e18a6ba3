"""Make it louder or quieter: publishes JSON on `home/volume/set`."""

from typing import Annotated

from voice.skill import Range, Skill

skill = Skill("volume", publishes=["home/volume/set"], description="Volume up, down and to a percentage.")
skill.rule("volume", "[the] (volume|sound)")


@skill.intent(
    "VolumeUp", "[turn] <volume> up", "(turn up|raise|increase) <volume>", "[turn it|make it] louder", "turn it up"
)
def volume_up() -> None:
    """Raise the volume by 10 percent."""
    skill.publish("home/volume/set", {"change": 10})


@skill.intent(
    "VolumeDown", "[turn] <volume> down", "(turn down|lower|decrease) <volume>", "[make it] quieter", "turn it down"
)
def volume_down() -> None:
    """Lower the volume by 10 percent."""
    skill.publish("home/volume/set", {"change": -10})


@skill.intent("VolumeSet", "[(set|turn|change)] <volume> (to|at) {percent} [percent]", "volume {percent} [percent]")
def volume_set(percent: Annotated[int, Range(0, 100, 5)]) -> str:
    """Set the volume."""
    skill.publish("home/volume/set", {"level": percent})
    return f"Volume {percent} percent."


skill.example("set the volume to fifty", "Volume 50 percent.", published={"home/volume/set": {"level": 50}})
skill.example("make it louder", "", published={"home/volume/set": {"change": 10}})
skill.example("set the volume to nine hundred", None)
