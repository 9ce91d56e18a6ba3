"""Say what can be asked, in general and about a subject, and stop when told to."""

from voice.skill import Skill

skill = Skill("help", description="Say what can be asked; stop.")

EXAMPLES = {
    "time": "What time is it. What's the time in Tokyo. What date is next Friday.",
    "timers": "Set a timer for three minutes. How long is left. Cancel the timer.",
    "alarms": "Wake me at seven thirty. What alarms are set. Snooze.",
    "lights": "Turn on the kitchen light. Dim the bedroom lights to thirty percent. Lights off.",
    "heating": "Make it warmer. Set the heating to twenty one degrees. How warm is it in the kitchen.",
    "blinds": "Open the blinds. Close the bedroom curtains. Set the shutters to fifty percent.",
    "devices": "Turn on the fan. Switch off the television. Start the dishwasher.",
    "music": "Play some music. Next song. Pause.",
    "volume": "Set the volume to fifty. Make it louder. Mute.",
    "lists": "Add milk to the shopping list. What's on my shopping list. Add something to my to do list.",
    "notes": "Take a note. Read my notes. Delete the last note.",
    "maths": "What is seven times eight. How much is fifteen percent of eighty. Convert five miles to kilometers.",
    "games": "Roll two dice. Flip a coin. Give me a number between one and ten.",
    "system": "How much memory is free. How long have you been running. What is your network address.",
}
"""Subject -> sentences that the built-in skills understand; a test says each to them."""
OTHER_NAMES = {
    "the time": "time",
    "the date": "time",
    "dates": "time",
    "the timer": "timers",
    "the alarm": "alarms",
    "the lights": "lights",
    "the music": "music",
    "the heating": "heating",
    "the temperature": "heating",
    "curtains": "blinds",
    "switches": "devices",
    "the volume": "volume",
    "shopping": "lists",
    "the shopping list": "lists",
    "math": "maths",
    "units": "maths",
    "numbers": "maths",
    "dice": "games",
    "the system": "system",
}

skill.list("subject", {**{name: name for name in EXAMPLES}, **OTHER_NAMES})


@skill.intent(
    "Help",
    "help [me|please]",
    "what can (you do|i say|i ask [you]|you understand)",
    "what do you (understand|know)",
    "what (are your skills|else can you do|can you help me with)",
    "(which|what) (commands|sentences|skills) (are there|do you (know|have|understand))",
    "i need [some] help",
)
def give_help() -> str:
    """Give examples, one of each of the most wanted subjects."""
    first = (EXAMPLES[subject].partition(". ")[0] for subject in ("time", "timers", "lights", "volume", "lists"))
    return f"Try: {'. '.join(first)}."


@skill.intent(
    "HelpWith",
    "help [me] with {subject}",
    "what can (i say|i ask [you]|you do) (about|with) {subject}",
    "how (do i use|does it work with|do i ask about) {subject}",
    "what do you (understand|know) about {subject}",
)
def give_help_with(subject: str) -> str:
    """Give examples of one subject."""
    return f"Try: {EXAMPLES[subject]}"


@skill.intent(
    "Stop",
    "stop [it|that|please|talking]",
    "cancel [that|it]",
    "never mind",
    "nevermind",
    "(forget|drop|leave) it",
    "forget (about it|that)",
    "be quiet",
    "(shut up|enough|that's enough|that is enough|quiet please|silence)",
    "(no thanks|nothing|that's all|that is all)",
)
def stop() -> None:
    """End the session without a word."""


skill.example("what can i say", ...)
skill.example("help me with music", "Try: Play some music. Next song. Pause.")
skill.example("never mind", "")
skill.example("stop the world", None)
