"""Convert lengths, weights, volumes (of the United States), temperatures, speeds, times and amounts of data."""

import math
from typing import Annotated

from voice.skill import Range, Skill

UNITS = {
    "length": {
        "millimeter": 0.001,
        "centimeter": 0.01,
        "meter": 1,
        "kilometer": 1000,
        "inch": 0.0254,
        "foot": 0.3048,
        "yard": 0.9144,
        "mile": 1609.344,
    },
    "weight": {"gram": 1, "kilogram": 1000, "ton": 1e6, "ounce": 28.349523125, "pound": 453.59237, "stone": 6350.29318},
    "volume": {
        "milliliter": 0.001,
        "liter": 1,
        "teaspoon": 0.00492892159,
        "tablespoon": 0.01478676478,
        "fluid ounce": 0.0295735296,
        "cup": 0.2365882365,
        "pint": 0.473176473,
        "quart": 0.946352946,
        "gallon": 3.785411784,
    },
    "temperature": {"degree celsius": 1, "degree fahrenheit": 5 / 9, "kelvin": 1},
    "speed": {"meter per second": 1, "kilometer per hour": 1 / 3.6, "mile per hour": 0.44704, "knot": 1852 / 3600},
    "time": {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "year": 31_556_952},
    "data": {"kilobyte": 1e3, "megabyte": 1e6, "gigabyte": 1e9, "terabyte": 1e12},
}
"""Dimension -> unit -> how many of its first unit of factor 1 it is."""
ZERO = {"degree fahrenheit": -160 / 9, "kelvin": -273.15}
"""What zero of a unit is in degrees Celsius, where it isn't zero."""
PLURALS = {"inch": "inches", "foot": "feet", "stone": "stone", "kelvin": "kelvin"}
ALSO_SAID = {
    "celsius": "degree celsius",
    "degrees": "degree celsius",
    "centigrade": "degree celsius",
    "fahrenheit": "degree fahrenheit",
    "kilos": "kilogram",
    "kilo": "kilogram",
}


def plural(unit: str) -> str:
    """Return how several of a unit are called: "miles per hour"."""
    first, *rest = unit.split(" ")
    if rest and first not in ("fluid",):
        return " ".join([plural(first), *rest])
    return PLURALS.get(unit, f"{unit}s")


NAMES = [unit for units in UNITS.values() for unit in units]

skill = Skill("units", description="Converts one unit of measurement to another.")
skill.list("unit", {**{unit: unit for unit in NAMES}, **{plural(unit): unit for unit in NAMES}, **ALSO_SAID})
skill.list("several", {**{plural(unit): unit for unit in NAMES}, **ALSO_SAID})
skill.list("one", {"a": 1, "an": 1})
skill.rule("measure", "({amount}|{one:amount}) {unit:source}")


@skill.intent(
    "Convert",
    "(convert|change) <measure> (to|into|in) {several:target}",
    "how (many|much) {several:target} (is|are|are in|are there in|in|make|fit into) <measure>",
    "(what is|what's|how much is|tell me) <measure> in {several:target}",
    "<measure> in {several:target} [please]",
)
def convert(amount: Annotated[int, Range(0, 1000)], source: str, target: str) -> str:
    """Say an amount in another unit of the same dimension."""
    dimension, other = _dimension(source), _dimension(target)
    if dimension != other:
        return f"{plural(source).capitalize()} are a {dimension}, {plural(target)} a {other}."
    factors = UNITS[dimension]
    value = (amount * factors[source] + ZERO.get(source, 0) - ZERO.get(target, 0)) / factors[target]
    return f"{_spoken(amount, source)} {'is' if amount == 1 else 'are'} {_spoken(value, target)}."


def _dimension(unit: str) -> str:
    return next(dimension for dimension, units in UNITS.items() if unit in units)


def _spoken(value: float, unit: str) -> str:
    """Return a value with its unit, rounded to four significant digits."""
    digits = 2 if abs(value) >= 10 or value == 0 else 3 - math.floor(math.log10(abs(value)))
    text = f"{value:.{min(digits, 9)}f}"
    text = (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "minus ")
    return f"{text} {unit if text == '1' else plural(unit)}"


skill.example("convert five miles to kilometers", "5 miles are 8.047 kilometers.")
skill.example("how many feet are in a mile", "1 mile is 5280 feet.")
skill.example("what is one hundred degrees fahrenheit in celsius", "100 degrees fahrenheit are 37.78 degrees celsius.")
skill.example("convert my old car to money", None)
