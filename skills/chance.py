"""Leave it to chance: dice, coins, random numbers, yes or no."""

import secrets
from typing import Annotated

from voice.skill import Range, Skill

skill = Skill("chance", description="Dice, coins, random numbers.")
skill.rule("pick", "(give me|tell me|pick|choose|think of|say|i need)")


@skill.intent(
    "RollDice",
    "(roll|throw|cast) [a|the|one|some] (die|dice) [for me|please]",
    "(roll|throw|cast) {count} dice [for me|please]",
    "(roll|throw) a {sides} sided (die|dice)",
    "(roll|throw) {count} {sides} sided dice",
    "roll the dice again",
)
def roll_dice(count: Annotated[int, Range(1, 10)] = 1, sides: Annotated[int, Range(4, 100)] = 6) -> str:
    """Roll dice, and say their sum where there are several."""
    rolled = [1 + secrets.randbelow(sides) for _ in range(count)]
    told = ", ".join(map(str, rolled[:-1])) + f" and {rolled[-1]}" if count > 1 else str(rolled[0])
    return f"{told}{f', {sum(rolled)} together' if count > 1 else ''}."


@skill.intent(
    "FlipCoin",
    "(flip|toss|throw) (a|the) coin [for me|please|again]",
    "heads or tails [please]",
    "(do|make) a coin (flip|toss)",
)
def flip_coin() -> str:
    """Say heads or tails."""
    return secrets.choice(("Heads.", "Tails."))


@skill.intent(
    "RandomNumber",
    "(<pick> (a|any) [random] number|random number) [(between|from) {low} (and|to) {high}|please]",
)
def random_number(low: Annotated[int, Range(0, 1000)] = 1, high: Annotated[int, Range(0, 1000)] = 100) -> str:
    """Say a number between two numbers, both included; without them, between 1 and 100."""
    low, high = min(low, high), max(low, high)
    return f"{low + secrets.randbelow(high - low + 1)}."


@skill.intent(
    "YesOrNo",
    "yes or no [please]",
    "(decide|choose) for me [please]",
    "(should i do it|shall i do it)",
    "say yes or no",
)
def yes_or_no() -> str:
    """Decide what nobody else wants to decide."""
    return secrets.choice(("Yes.", "No."))


skill.example("flip a coin", ...)
skill.example("roll two dice please", ...)
skill.example("give me a number between five and five", "5.")
skill.example("roll up the carpet", None)
