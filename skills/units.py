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
    "weight": {"kilos": "kilogram"},
    "temperature": {
        "celsius": "degree celsius",
        "degrees": "degree celsius",
        "centigrade": "degree celsius",
        "fahrenheit": "degree fahrenheit",
    },
}


def plural(unit: str) -> str:
    """Return how several of a unit are called: "miles per hour"."""
    first, _, rest = unit.partition(" ")
    if rest and first != "fluid":
        return f"{plural(first)} {rest}"
    return PLURALS.get(unit, f"{unit}s")


skill = Skill("units", description="Converts one unit of measurement to another.")
skill.list("amount", Range(2, 1000))
skill.list("few", Range(2, 100))  # the grammar spells these for each dimension anew
skill.list("one", {"a": 1, "an": 1, "one": 1})
skill.list("none", {"zero": 0})


def _templates(dimension: str) -> list[str]:
    """Return the sentences that convert units of a dimension: what is not of one dimension can't be misheard."""
    units = UNITS[dimension]
    skill.list(dimension, {unit: unit for unit in units})
    skill.list(f"{dimension}_several", {**{plural(unit): unit for unit in units}, **ALSO_SAID.get(dimension, {})})
    one, several = f"{{one:amount}} {{{dimension}:source}}", f"{{{dimension}_several:source}}"
    measure = f"({one}|({{amount}}|{{none:amount}}) {several})"
    target = f"{{{dimension}_several:target}}"
    return [
        f"(convert|change) {measure} (to|into) {target}",
        f"how (many|much) {target} (is|are|are in|are there in|in|make) ({one}|{{few:amount}} {several})",
        f"(what is|what's|how much is|tell me) {measure} in {target}",
        f"{measure} in {target} [please]",
    ]


@skill.intent("Convert", *(template for dimension in UNITS for template in _templates(dimension)))
def convert(amount: Annotated[int, Range(0, 1000)], source: str, target: str) -> str:
    """Say an amount in another unit of the same dimension."""
    factors = next(units for units in UNITS.values() if source in units)
    if target not in factors:
        return f"{plural(source).capitalize()} can't be told in {plural(target)}."
    value = (amount * factors[source] + ZERO.get(source, 0) - ZERO.get(target, 0)) / factors[target]
    return f"{_spoken(amount, source)} {'is' if amount == 1 else 'are'} {_spoken(value, target)}."


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
