"""Say what can be asked, and stop when told to."""

from voice.skill import Skill

skill = Skill("help")


@skill.intent("Help", "help [me]", "what can (you do|i say)", "what do you understand")
def give_help() -> str:
    """Give examples."""
    return "Try: what time is it. Set a timer for three minutes. Turn on the kitchen light. Set the volume to fifty."


@skill.intent("Stop", "stop [it]", "cancel", "never mind", "be quiet")
def stop() -> None:
    """End the session without a word."""
