"""Sentences that people say to an assistant: generated commands and the lines of a text file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from asr_training.lines import read_lines
from voice.errors import DataError
from voice.text import normalise, number_words

WAKE_WORD = "computer"
_ROOMS = (
    "kitchen|living room|bedroom|bathroom|hallway|office|garage|garden|basement|attic|dining room|kids room|guest room|"
    "porch|study|balcony|laundry room|hall|cellar|nursery"
).split("|")
_COLOURS = "red|green|blue|white|warm white|yellow|orange|purple|pink|cyan".split("|")
_TIMERS = "pizza|pasta|egg|tea|coffee|laundry|oven|rice|bread|workout|cake|potato|dinner|nap".split("|")
_UNITS = ("second", "minute", "hour")
_POLITE = ("please ", "could you ", "can you ", "would you ")
_VERBS = frozenset(
    "turn switch set make dim start cancel delete pause stop tell open close lock play add speak".split()
)
_ONE_WORD = (
    "yes|no|stop|go|up|down|left|right|on|off|help|cancel|louder|quieter|mute|pause|okay|thanks|never mind|"
    "yes please|no thanks|stop it|be quiet|thank you"
).split("|")


def command(rng: np.random.Generator) -> str:
    """Return a random home command, normalised, without the wake word."""
    makers = (_light, _light, _brightness, _timer, _timer, _timer_left, _volume, _clock, _help, _one_word, _home)
    made = makers[rng.integers(len(makers))](rng)
    polite = made.split()[0] in _VERBS and rng.random() < 0.3
    lead = _pick(rng, _POLITE) if polite else ""
    tail = " please" if not lead and rng.random() < 0.08 else ""
    return normalise(lead + made + tail)


def with_wake_word(text: str, rng: np.random.Generator, share: float = 0.5) -> str:
    """Return `text`, preceded by the wake word in `share` of the calls."""
    return f"{WAKE_WORD} {text}" if rng.random() < share else text


def read_sentences(path: Path, *, min_words: int = 2, max_words: int = 12) -> dict[str, list[str]]:
    """Return normalised sentences by source from `source<TAB>sentence` lines.

    Raises:
        DataError: the file can't be read or a line has no tabulator.
    """
    sentences: dict[str, list[str]] = {}
    for number, line in enumerate(read_lines(path), 1):
        source, tab, sentence = line.partition("\t")
        if not tab:
            raise DataError(f"{path} line {number}: no tabulator", fix="expected source<TAB>sentence")
        text = normalise(sentence)
        if min_words <= len(text.split()) <= max_words:
            sentences.setdefault(source, []).append(text)
    return sentences


def mixture(texts: dict[str, list[str]], weights: dict[str, float], rng: np.random.Generator) -> Iterator[str]:
    """Yield sentences without end: a source is drawn by weight, `commands` being the generated ones.

    Raises:
        DataError: no source with a weight holds a sentence.
    """
    sources = [source for source in weights if source == "commands" or texts.get(source)]
    total = sum(weights[source] for source in sources)
    if total <= 0:
        raise DataError("no sentences to speak", fix=f"the text file needs one of the sources {sorted(weights)}")
    shares = [weights[source] / total for source in sources]
    while True:
        source = sources[rng.choice(len(sources), p=shares)]
        yield with_wake_word(command(rng) if source == "commands" else _pick(rng, texts[source]), rng)


def _pick(rng: np.random.Generator, options: list[str] | tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]


def _light(rng: np.random.Generator) -> str:
    room, state = _pick(rng, _ROOMS), _pick(rng, ("on", "off"))
    return _pick(
        rng,
        (
            f"turn {state} the {room} light",
            f"turn {state} the {room} lights",
            f"turn the {room} light {state}",
            f"turn the lights {state} in the {room}",
            f"switch {state} the light in the {room}",
            f"switch the {room} lights {state}",
            f"turn {state} the lights",
            f"turn the light {state}",
            f"lights {state}",
            f"turn {state} all the lights",
            f"set the {room} light to {_pick(rng, _COLOURS)}",
            f"make the {room} lights {_pick(rng, _COLOURS)}",
            f"{room} light {state}",
        ),
    )


def _brightness(rng: np.random.Generator) -> str:
    room, percent = _pick(rng, _ROOMS), number_words(int(rng.choice([*range(0, 101, 5), *range(1, 100)])))
    return _pick(
        rng,
        (
            f"set the {room} light to {percent} percent",
            f"set the brightness in the {room} to {percent} percent",
            f"set the {room} brightness to {percent}",
            f"dim the {room} lights to {percent} percent",
            f"dim the light in the {room}",
            f"make the {room} brighter",
        ),
    )


def _duration(rng: np.random.Generator) -> str:
    number, unit = int(rng.choice([*range(1, 61), 5, 10, 15, 20, 30, 45, 90])), _pick(rng, _UNITS)
    text = f"{number_words(number)} {unit}{'s' if number != 1 else ''}"
    if rng.random() < 0.15:
        text += f" and {number_words(int(rng.integers(2, 60)))} {_pick(rng, ('seconds', 'minutes'))}"
    return _pick(rng, (text, text, text, text, text, "half an hour", "an hour and a half", "a minute"))


def _timer(rng: np.random.Generator) -> str:
    duration, name = _duration(rng), _pick(rng, _TIMERS)
    return _pick(
        rng,
        (
            f"set a timer for {duration}",
            f"set a timer for {duration}",
            f"start a timer for {duration}",
            f"set a {name} timer for {duration}",
            f"start a {duration} timer",
            f"set the {name} timer to {duration}",
            f"remind me in {duration}",
            f"timer {duration}",
            f"{duration} timer",
        ),
    )


def _timer_left(rng: np.random.Generator) -> str:
    name = _pick(rng, _TIMERS)
    return _pick(
        rng,
        (
            f"cancel the {name} timer",
            "cancel the timer",
            f"stop the {name} timer",
            "cancel all timers",
            "how much time is left",
            f"how much time is left on the {name} timer",
            f"how long is left on the {name} timer",
            "how long is left on the timer",
            f"how long does the {name} timer have left",
            "delete the timer",
            f"pause the {name} timer",
        ),
    )


def _volume(rng: np.random.Generator) -> str:
    level = number_words(int(rng.integers(0, 101)))
    return _pick(
        rng,
        (
            "turn the volume up",
            "turn the volume down",
            "turn up the volume",
            "turn down the volume",
            "volume up",
            "volume down",
            f"set the volume to {level}",
            f"set the volume to {level} percent",
            f"volume {level}",
            "make it louder",
            "make it quieter",
            "speak louder",
            "turn it up",
            "turn it down",
            "mute the sound",
        ),
    )


def _clock(rng: np.random.Generator) -> str:
    return _pick(
        rng,
        (
            "what time is it",
            "what's the time",
            "what is the time",
            "tell me the time",
            "do you know what time it is",
            "what day is it",
            "what day is it today",
            "what date is it",
            "what is the date today",
            "what's the date",
            "what is today's date",
            "tell me the date",
        ),
    )


def _help(rng: np.random.Generator) -> str:
    return _pick(
        rng,
        (
            "what can you do",
            "what can i say",
            "help me",
            "i need help",
            "how can you help me",
            "stop talking",
            "be quiet",
            "that's enough",
            "stop that",
            "cancel that",
        ),
    )


def _one_word(rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        return _pick(rng, _ONE_WORD)
    if rng.random() < 0.5:
        return number_words(int(rng.integers(0, 101)))
    return _pick(rng, (*_ROOMS, *(f"in the {room}" for room in _ROOMS)))


def _home(rng: np.random.Generator) -> str:
    room, state = _pick(rng, _ROOMS), _pick(rng, ("open", "close"))
    degrees = number_words(int(rng.integers(12, 30)))
    return _pick(
        rng,
        (
            f"{state} the blinds in the {room}",
            f"{state} the {room} window",
            f"{state} the door",
            f"set the temperature to {degrees} degrees",
            f"set the {room} temperature to {degrees}",
            f"what is the temperature in the {room}",
            "is the front door locked",
            "lock the front door",
            "play some music",
            f"play music in the {room}",
            "what's the weather today",
            f"will it rain {_pick(rng, ('today', 'tomorrow', 'tonight'))}",
            "add milk to the shopping list",
            "wake me up at seven",
            f"set an alarm for {number_words(int(rng.integers(1, 13)))}",
            "good morning",
            "good night",
        ),
    )
