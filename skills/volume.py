"""Make it louder or quieter, or silent: publishes JSON on `home/volume/set`.

The payload is `{"change": 10}` or -10 (percentage points), `{"level": 50}` (percent), or `{"muted": true}` or false.
"""

from typing import Annotated

from voice.skill import Range, Skill

skill = Skill("volume", publishes=["home/volume/set"], description="Volume up, down, to a percentage, mute.")
skill.rule("volume", "[the] (volume|sound)")
skill.rule("little", "[a bit|a little|a little bit|some more]")


@skill.intent(
    "VolumeUp",
    "[turn] <volume> up <little> [please]",
    "(turn up|raise|increase) <volume> <little> [please]",
    "[turn it|make it] [a bit|a little|a little bit|much] louder [please]",
    "turn it up <little> [please]",
    "more volume",
    "speak up",
    "[it is|it's] too quiet",
)
def volume_up() -> None:
    """Raise the volume by 10 percent."""
    skill.publish("home/volume/set", {"change": 10})


@skill.intent(
    "VolumeDown",
    "[turn] <volume> down <little> [please]",
    "(turn down|lower|decrease|reduce) <volume> <little> [please]",
    "[make it] [a bit|a little|a little bit|much] (quieter|softer) [please]",
    "turn it down <little> [please]",
    "less volume",
    "not so loud [please]",
    "[it is|it's] too loud",
)
def volume_down() -> None:
    """Lower the volume by 10 percent."""
    skill.publish("home/volume/set", {"change": -10})


@skill.intent(
    "VolumeSet",
    "[(set|turn|change|put)] <volume> (to|at) {percent} [percent] [please]",
    "volume {percent} [percent]",
    ("(set|turn|put) <volume> to (half|the middle)", {"percent": 50}),
    ("(set|turn|put) <volume> to [the] (maximum|max)", {"percent": 100}),
    ("(full volume|maximum volume|turn it all the way up)", {"percent": 100}),
)
def volume_set(percent: Annotated[int, Range(0, 100, 5)]) -> str:
    """Set the volume."""
    skill.publish("home/volume/set", {"level": percent})
    return f"Volume {percent} percent."


@skill.intent(
    "VolumeMute", "mute [it|that|the sound|the volume|the music|the speaker] [please]", "(turn|switch) off the sound"
)
def volume_mute() -> None:
    """Silence what plays."""
    skill.publish("home/volume/set", {"muted": True})


@skill.intent(
    "VolumeUnmute",
    "unmute [it|that|the sound|the volume|the music|the speaker] [please]",
    "(turn|switch) (on the sound|the sound back on)",
)
def volume_unmute() -> None:
    """Let it be heard again."""
    skill.publish("home/volume/set", {"muted": False})


skill.example("set the volume to fifty", "Volume 50 percent.", published={"home/volume/set": {"level": 50}})
skill.example("make it louder", "", published={"home/volume/set": {"change": 10}})
skill.example("mute the sound please", "", published={"home/volume/set": {"muted": True}})
skill.example("set the volume to nine hundred", None)
