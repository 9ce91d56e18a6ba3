"""Play, pause and skip: publishes JSON on `home/media/set`, for whatever plays music in the house.

The payload is `{"action": "play"}`, or `pause`, `stop`, `next`, `previous`, `restart`, `shuffle`.
"""

from voice.skill import Skill

TOPIC = "home/media/set"

skill = Skill("media", publishes=[TOPIC], description="Play, pause, next and previous.")
skill.rule("music", "(music|song|track|album|playlist|radio|playback|podcast|video|movie)")
skill.rule("title", "(song|track|title|one|episode|video)")


def _do(action: str) -> None:
    skill.publish(TOPIC, {"action": action})


@skill.intent(
    "MediaPlay",
    "play [some|the|my|a] <music> [please]",
    "(resume|continue|unpause|start) [the|my] <music> [please]",
    "(put on|turn on|switch on) (some|the) music",
    "(keep playing|continue playing|start playing|resume playing|press play)",
)
def media_play() -> None:
    """Play, or go on playing."""
    _do("play")


@skill.intent("MediaPause", "pause [it|that|the <music>|this <music>|my <music>|playing] [please]", "hold the music")
def media_pause() -> None:
    """Pause what plays."""
    _do("pause")


@skill.intent(
    "MediaStop",
    "(stop|end|turn off|switch off) (the|my|this|that) <music> [please]",
    "stop playing [the <music>|music|please]",
    "(no more music|music off)",
)
def media_stop() -> None:
    """Stop what plays."""
    _do("stop")


@skill.intent(
    "MediaNext",
    "(play|skip to|go to|jump to) [the] next <title> [please]",
    "next <title> [please]",
    "skip (this|the|that) <title> [please]",
    "(skip|skip it|skip ahead|skip forward|next)",
)
def media_next() -> None:
    """Play what comes next."""
    _do("next")


@skill.intent(
    "MediaPrevious",
    "(play|skip to|go to|go back to|jump to) [the] (previous|last) <title> [please]",
    "previous <title> [please]",
    "(go back|skip back) [(one|a) <title>]",
    "previous",
)
def media_previous() -> None:
    """Play what came before."""
    _do("previous")


@skill.intent(
    "MediaRestart",
    "(play|start) (this|that|the) <title> (again|from the beginning|over)",
    "(restart|repeat|replay) (this|that|the) <title>",
    "(play it again|from the beginning)",
)
def media_restart() -> None:
    """Play what plays from its beginning."""
    _do("restart")


@skill.intent("MediaShuffle", "shuffle [the|my] <music>", "(play|put) [the|my] <music> (on shuffle|in random order)")
def media_shuffle() -> None:
    """Play in any order."""
    _do("shuffle")


skill.example("next song", "", published={TOPIC: {"action": "next"}})
skill.example("pause the music please", "", published={TOPIC: {"action": "pause"}})
skill.example("play chess with me", None)
