"""Tell the time of day, here and in the cities that the time zone database names."""

from zoneinfo import ZoneInfo, available_timezones

from voice.skill import Skill

skill = Skill("clock", description="The time, here and in other cities.")

CONTINENTS = "Africa America Asia Australia Europe".split()
ISLANDS = [
    "Atlantic/Reykjavik",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Pacific/Fiji",
    "Pacific/Tahiti",
    "Pacific/Guam",
]


def _cities() -> dict[str, str]:
    """Return how a city is said -> its time zone: "new york" -> "America/New_York"."""
    zones = sorted(zone for zone in available_timezones() if zone.partition("/")[0] in CONTINENTS or zone in ISLANDS)
    return {_city(zone).replace("-", " ").lower(): zone for zone in zones}


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


skill.list("city", _cities())
skill.rule("tell", "(what is|what's|tell me|give me|say)")
skill.rule("ask", "(do you know|can you tell me|could you tell me|tell me)")
skill.rule("now", "(now|right now|at the moment)")


@skill.intent(
    "GetTime",
    "what time is it [<now>|please]",
    "<tell> the [current|exact] time [<now>|please]",
    "<ask> (the time|what time it is) [please]",
    "(do you have|have you got) the time [please]",
    "(what time do you have|how late is it|what is the hour|what's the hour|current time) [please]",
)
def get_time() -> str:
    """Say the time of day."""
    return f"It is {skill.now():%-H:%M}."


@skill.intent(
    "GetTimeIn",
    "what time is it [<now>] in {city} [<now>|please]",
    "<tell> the [current|local] time in {city} [<now>|please]",
    "<ask> (the time|what time it is) in {city} [please]",
    "(how late is it|current time|local time|time) in {city} [please]",
)
def get_time_in(city: str) -> str:
    """Say the time of day in a city, and the day of the week, which may be another."""
    there = skill.now().astimezone(ZoneInfo(city))
    return f"It is {there:%-H:%M on %A} in {_city(city)}."


skill.example("what time is it", ...)
skill.example("what's the time in new york", ...)
skill.example("what time is love", None)
