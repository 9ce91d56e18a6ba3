"""Say what can be asked, and stop when told to."""

from voice.skill import Skill

skill = Skill("help", description="Say what can be asked; stop.")


@skill.intent("Help", "help [me]", "what can (you do|i say|i ask [you])", "what do you (understand|know)")
def give_help() -> str:
    """Give examples."""
    return "Try: what time is it. Set a timer for three minutes. Turn on the kitchen light. Set the volume to fifty."


@skill.intent("Stop", "stop [it]", "cancel [that]", "never mind", "forget it", "be quiet")
def stop() -> None:
    """End the session without a word."""


skill.example("what can i say", ...)
skill.example("never mind", "")
