"""The harness for skills' tests: what it lets through, what it fails on, and the plugin that brings it to pytest."""

import re
import shutil
from pathlib import Path

import pytest

from voice.config import Config
from voice.demo.synthesise import synthesise
from voice.errors import ConfigError
from voice.skill import Ask, Context, Skill
from voice.skill.loader import load_file
from voice.testing import Assistant, Golden, Tape, check_golden, read_golden
from voice.testing.spoken import spoken_examples

COFFEE = """
from voice.skill import Ask, Skill
skill = Skill("coffee", publishes=["home/coffee"])
skill.list("kind", {"coffee": "filter", "espresso": "espresso"})

@skill.intent("Make", "make {kind}")
def make(kind: str) -> Ask | str:
    if kind == "filter":
        return Ask("How many cups?", expect=["Yes", "No"], data={"kind": kind})
    return brew(kind)

@skill.answer("Yes")
def brew(kind: str) -> str:
    skill.publish("home/coffee", {"kind": kind, "cups": 1})
    return "Coming up."

@skill.answer("No")
def leave() -> str:
    return "All right."

@skill.on_due
def cold() -> str:
    return "It is cold."

@skill.intent("Warn", "warn me")
def warn() -> None:
    skill.schedule(cold, seconds=60)

@skill.intent("Break", "break it", dangerous=True)
def break_it() -> None:
    raise ValueError("broken")

@skill.on_message("home/door")
def door(payload: str) -> str:
    return f"The door is {payload}."
"""


@pytest.fixture
def coffee(tmp_path):
    path = tmp_path / "coffee.py"
    path.write_text(COFFEE)
    return path


async def test_a_conversation_through_dialogue_and_skills(coffee):
    async with Assistant(coffee) as va:
        assert await va.say("make espresso") == "Coming up."
        va.expect_intent("Make", kind="espresso")
        va.expect_spoken("Coming up.")
        va.expect_spoken(re.compile("^Coming"))
        va.expect_message("home/coffee", kind="espresso")
        va.expect_message("home/+", {"kind": "espresso", "cups": 1})
        va.expect_no_message("home/tea")
        va.expect_ended("nominal")
        assert await va.say("make coffee") == "How many cups?"
        va.expect_ended(None)
        assert await va.say("no") == "All right."
        va.expect_no_message("home/coffee")
        assert await va.say("make tea") is None
        va.expect_intent(None)
        va.expect_ended("intentNotRecognized")
        assert await va.say("warn me") == ""
        await va.advance(59)
        va.expect_silence()
        await va.advance(1)
        va.expect_spoken("It is cold.")
        await va.receive("home/door", "open")
        va.expect_spoken("The door is open.")
        assert [turn.text for turn in va.turns][:2] == ["make espresso", "make coffee"]


async def test_a_dangerous_intent_is_asked_back_and_a_fault_has_to_be_expected(coffee):
    async with Assistant(coffee) as va:
        await va.say("break it")
        va.expect_ended(None)
        await va.say("yes")
        va.expect_error("broken")
    va = await Assistant(coffee).__aenter__()
    await va.say("break it")
    await va.say("yes")
    with pytest.raises(AssertionError, match="a skill failed: ValueError: broken"):
        await va.__aexit__(None, None, None)


@pytest.mark.parametrize(
    "expectation",
    [
        lambda va: va.expect_spoken("Coming up!"),
        lambda va: va.expect_spoken(re.compile("tea")),
        lambda va: va.expect_silence(),
        lambda va: va.expect_intent("Make", kind="filter"),
        lambda va: va.expect_intent(None),
        lambda va: va.expect_message("home/tea"),
        lambda va: va.expect_message("home/coffee", kind="filter"),
        lambda va: va.expect_message("home/coffee", "x"),
        lambda va: va.expect_no_message("home/#"),
        lambda va: va.expect_ended("timeout"),
        lambda va: va.expect_error(),
    ],
)
async def test_each_expectation_can_fail(coffee, expectation):
    async with Assistant(coffee) as va:
        await va.say("make espresso")
        with pytest.raises(AssertionError, match="expected"):
            expectation(va)


async def test_what_is_kept_is_there_in_the_next_run(tmp_path):
    def skill():
        counter = Skill("counter")

        @counter.intent("Count", "count")
        def count(context: Context) -> str:
            counter.store["n"] = counter.store.get("n", 0) + 1
            return f"{counter.store['n']} in the {context.site}."

        return counter

    for expected in ("1 in the den.", "2 in the den."):
        async with Assistant(skill(), state=tmp_path, site="den") as va:
            assert await va.say("count") == expected


async def test_fallbacks_are_asked_through_the_dialogue():
    skill = Skill("chat")
    skill.intent("Hi", "hi")(lambda: Ask("Who?", expect=[]))

    @skill.fallback()
    def chat(context: Context) -> str | None:
        return "Nice." if "sun" in context.text else None

    async with Assistant(skill) as va:
        assert await va.say("the sun shines") == "Nice."
        va.expect_ended("nominal")
        assert await va.say("rain falls") is None
        va.expect_ended("intentNotRecognized")


async def test_a_recording_is_heard_by_the_real_ears(tmp_path):
    demo = Path(__file__).parents[2] / "voice" / "demo"
    async with Assistant("skills.lights:skill") as va:
        assert await va.play(demo / "kitchen_light.flac") == "Light on in the kitchen."
        va.expect_intent("LightOn", room="kitchen")
        va.expect_message("home/lights/kitchen/set", state="ON")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_a_recording_answers_the_question_of_one_before(tmp_path):
    for text in ("computer, turn on the light", "the kitchen"):
        synthesise("espeak-ng:en-us+f2", text, tmp_path / f"{text[:3]}.wav")
    async with Assistant("skills.lights:skill") as va:
        assert await va.play(tmp_path / "com.wav") == "In which room?"
        va.expect_ended(None)
        assert await va.play(tmp_path / "the.wav") == "Light on in the kitchen."
        va.expect_ended()


# ---- examples by voice -----------------------------------------------------------------------------------------

SPOKEN = """
from voice.skill import Ask, Skill

skill = Skill("lock")
skill.list("plant", ["orchid", "cactus"])


@skill.intent("Unlock", "unlock the front door", dangerous=True)
def unlock() -> str:
    return "Unlocked."


@skill.intent("Water", "give water to the {plant}")
def water(plant: str) -> str | Ask:
    return Ask("Really?", expect=["Yes", "No"]) if plant == "cactus" else f"Watering the {plant}."


@skill.answer("Yes")
def drown() -> str:
    return "Poor cactus."


@skill.answer("No")
def leave() -> str:
    return "It stays dry."


skill.example("unlock the front door", "Unlocked.")
skill.example("give water to the cactus", "Really?", "no", "It stays dry.")
skill.example("give water to the orchid", "Watering the tulip.")
skill.example("the river is long", None)
skill.example("unlock the front door", None)
"""


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_examples_are_spoken_and_judged(tmp_path):
    (tmp_path / "lock.py").write_text(SPOKEN)
    skill = load_file(tmp_path / "lock.py")
    asked, answered, wrong, refused, taken = spoken_examples(skill, [], Config(), ["espeak-ng:en-us+f2"])
    assert [outcome.fault for outcome in (asked, answered, refused)] == ["", "", ""]
    assert "answered 'Watering the orchid.', expected 'Watering the tulip.'" in wrong.fault
    assert taken.is_rejection
    assert "answered 'Unlocked.', expected nothing" in taken.fault


def test_a_voice_that_is_not_there_is_said(tmp_path):
    (tmp_path / "lock.py").write_text(SPOKEN)
    for voice in ("nonsense:x", "espeak-ng:nowhere"):
        with pytest.raises(ConfigError, match=f"voice '{voice}' can't be had"):
            next(spoken_examples(load_file(tmp_path / "lock.py"), [], Config(), [voice]))


# ---- tapes -----------------------------------------------------------------------------------------------------


async def test_a_tape_tells_what_has_changed(coffee, tmp_path):
    steps = [("say", ["make coffee"]), ("say", ["yes"]), ("advance", [60]), ("receive", ["home/door", "open"])]
    async with Assistant(coffee) as va:
        tape = await Tape.record(va, steps)
    tape.save(tmp_path / "coffee.tape.json")
    again = Tape.read(tmp_path / "coffee.tape.json")
    async with Assistant(coffee) as va:
        assert await again.replay(va) == []
    coffee.write_text(COFFEE.replace("Coming up.", "Here it comes."))
    async with Assistant(coffee) as va:
        changed = await again.replay(va)
    assert changed[0] == "say yes"
    assert any("+hermes/tts/say" in line and "Here it comes." in line for line in changed)
    assert not any(line.startswith("say make coffee") for line in changed)


@pytest.mark.parametrize("text", ["", "[1]", '[{"say": ["x"]}]', "{}x", '[{"messages": []}]'])
def test_what_is_no_tape_is_said(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ConfigError, match="is no tape"):
        Tape.read(tmp_path / "x.json")


# ---- golden utterances -----------------------------------------------------------------------------------------

GOLDEN = """
skills: [coffee.py]
utterances:
  - {text: make espresso, intent: Make, slots: {kind: espresso}, reply: Coming up.}
  - {text: make coffee, intent: Make, slots: {kind: espresso}}
  - {text: make espresso please, intent: Make}
  - {text: make espresso, intent: Make, slots: {kind: espresso}, reply: No.}
rejections: [make tea, warn me]
"""


async def test_utterances_and_rejections_are_judged_apart(coffee, tmp_path):
    (tmp_path / "x.golden.yaml").write_text(GOLDEN)
    outcomes = await check_golden(read_golden(tmp_path / "x.golden.yaml"), [coffee])
    assert [(outcome.is_rejection, bool(outcome.fault)) for outcome in outcomes] == [
        (False, False),
        (False, True),
        (False, True),
        (False, True),
        (True, False),
        (True, True),
    ]
    assert "expected Make({'kind': 'espresso'})" in outcomes[1].fault
    assert "expected 'No.'" in outcomes[3].fault
    assert outcomes[5].fault == "was taken for Warn({})"
    assert await check_golden(Golden(), [coffee]) == []


def test_a_mistake_in_a_golden_file_names_it(tmp_path):
    (tmp_path / "x.golden.yaml").write_text("utterances: [{text: x}]")
    with pytest.raises(ConfigError, match=r"x\.golden\.yaml: utterances\.0\.intent"):
        read_golden(tmp_path / "x.golden.yaml")


# ---- the plugin ------------------------------------------------------------------------------------------------

pytest_plugins = ["pytester"]

TESTS = """
import pytest

def test_right(assistant):
    assistant.load("coffee.py")
    assert assistant.say("make espresso") == "Coming up."
    assistant.expect_message("home/coffee", kind="espresso")
    assistant.clock
    assistant.say("warn me")
    assistant.advance(60)
    assistant.expect_spoken("It is cold.")

def test_wrong(assistant):
    assistant.load("coffee.py")
    assert assistant.say("make espresso") == "No."

def test_fault(assistant):
    assistant.load("coffee.py")
    assistant.say("break it")
    assistant.say("yes")
"""


def test_the_plugin_brings_the_fixture_and_the_golden_files(pytester, coffee):
    pytester.makepyfile(coffee=COFFEE, test_coffee=TESTS)
    Path(pytester.path, "coffee.golden.yaml").write_text(GOLDEN)
    loaded = () if _is_installed() else ("-p", "voice.testing.plugin")
    result = pytester.runpytest_subprocess(*loaded, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, failed=5, errors=1)
    result.stdout.fnmatch_lines(["*'warn me' was taken for Warn({})*"])


def _is_installed():
    from importlib.metadata import entry_points

    return any(point.name == "earshot" for point in entry_points(group="pytest11"))
