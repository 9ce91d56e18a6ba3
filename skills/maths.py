"""Calculate with numbers that are spoken: the four operations, percentages, squares, cubes and roots."""

import math
import operator
from typing import Annotated, Literal

from voice.skill import Range, Skill

Number = Annotated[int, Range(0, 1000)]
Further = Literal["plus", "minus", "times", "divided by"]

OPERATIONS = {"plus": operator.add, "minus": operator.sub, "times": operator.mul, "divided by": operator.truediv}
FUNCTIONS = {
    "half of": lambda number: number / 2,
    "twice": lambda number: 2 * number,
    "the square of": lambda number: number**2,
    "the cube of": lambda number: number**3,
    "the square root of": math.sqrt,
}

skill = Skill("maths", description="Sums, percentages, squares and square roots.")
skill.list(
    "operation",
    {**{name: name for name in OPERATIONS}, "take away": "minus", "multiplied by": "times", "over": "divided by"},
)
skill.list("number", Range(0, 1000))
skill.list("verb", {"add": "plus", "multiply": "times", "divide": "divided by"})
skill.list("noun", {"sum": "plus", "difference": "minus", "product": "times"})
skill.list(
    "function",
    {**{name: name for name in FUNCTIONS}, "half": "half of", "double": "twice", "the root of": "the square root of"},
)
skill.list("power", {"squared": "the square of", "cubed": "the cube of"})
skill.rule("ask", "(what is|what's|how much is|calculate|compute|work out|tell me)")


@skill.intent(
    "Calculate",
    "<ask> {number:left} {operation} {number:right} [{further} {third}]",
    "<ask> the {noun:operation} (of|between) {number:left} and {number:right}",
    "{verb:operation} {number:left} (and|to|by|with) {number:right}",
    ("subtract {number:right} from {number:left}", {"operation": "minus"}),
)
def calculate(
    left: Number,
    operation: str,
    right: Number,
    further: Further | None = None,
    third: Annotated[int, Range(0, 100)] = 0,
) -> str:
    """Say the result of one operation, or of two: times and divided by go before plus and minus."""
    try:
        result = _value(left, operation, right, further, third)
    except ZeroDivisionError:
        return "Nothing can be divided by zero."
    return f"{left} {operation} {right}{f' {further} {third}' if further else ''} is {_spoken(result)}."


@skill.intent("Percentage", "<ask> {percent} percent of {number:whole}")
def percentage(percent: Annotated[int, Range(1, 100)], whole: Number) -> str:
    """Say a share of a number."""
    return f"{percent} percent of {whole} is {_spoken(whole * percent / 100)}."


@skill.intent("CalculateFunction", "<ask> {function} {number}", "<ask> {number} {power:function}")
def apply(function: str, number: Number) -> str:
    """Say half, twice, the square, the cube or the square root of a number."""
    return f"{function.capitalize()} {number} is {_spoken(FUNCTIONS[function](number))}."


def _value(left: int, operation: str, right: int, further: str | None, third: int) -> float:
    first = OPERATIONS[operation]
    if further is None:
        return first(left, right)
    second = OPERATIONS[further]
    binds_more = further in ("times", "divided by") and operation in ("plus", "minus")
    return first(left, second(right, third)) if binds_more else second(first(left, right), third)


def _spoken(value: float) -> str:
    rounded = round(value, 2)
    text = f"{rounded:.2f}".rstrip("0").rstrip(".").replace("-", "minus ")
    return text if math.isclose(value, rounded) else f"about {text}"


skill.example("what is seven times eight", "7 times 8 is 56.")
skill.example("what's two plus three times four", "2 plus 3 times 4 is 14.")
skill.example("divide one hundred by three", "100 divided by 3 is about 33.33.")
skill.example("how much is fifteen percent of two hundred and forty", "15 percent of 240 is 36.")
skill.example("what is five and a half potatoes", None)
