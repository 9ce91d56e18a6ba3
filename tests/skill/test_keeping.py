"""What a skill keeps: its store, its settings, its schedules; and what a write that was cut short leaves."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from voice.errors import ConfigError, SkillError
from voice.skill import Context, Rehearsal, Schedule, Skill
from voice.skill.options import change_option, load_options
from voice.skill.settings import SkillSettings
from voice.skill.storage import MAX_BYTES, Home, Store


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "list")


def test_what_is_assigned_is_there_after_a_restart(home):
    store = Store(home)
    store["items"] = ["milk"]
    store["n"] = 1
    del store["n"]
    assert dict(Store(home)) == {"items": ["milk"]}
    with pytest.raises(KeyError):
        del store["n"]


def test_a_file_cut_short_is_set_aside_and_the_one_before_it_counts(home, caplog):
    store = Store(home)
    store["items"] = ["milk"]
    store["items"] = ["milk", "bread"]
    path = home.folder / "store.json"
    path.write_text(path.read_text()[:-5])
    assert Store(home)["items"] == ["milk"]
    assert "set aside" in caplog.text
    assert (home.folder / "store.json.broken").exists()


def test_a_crash_between_two_steps_of_a_write_leaves_the_old_or_the_new(home, monkeypatch):
    store = Store(home)
    store["items"] = ["milk"]

    def full(*_):
        raise OSError(28, "No space left on device")

    for step in ("os.fsync", "os.link", "pathlib.Path.replace"):
        with monkeypatch.context() as broken:
            broken.setattr(step, full)
            with pytest.raises(SkillError, match="No space left"):
                store["items"] = ["milk", "bread"]
        assert dict(Store(home)) == {"items": ["milk"]} == dict(store)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("x", {1, 2}, "can't be kept"),
        ("x", "y" * MAX_BYTES, "at most"),
        (1, "x", "text as the key"),
        ("x", float("nan"), "can't be kept"),
    ],
)
def test_what_can_not_be_kept_is_said_and_changes_nothing(home, key, value, error):
    store = Store(home)
    store["items"] = ["milk"]
    with pytest.raises(SkillError, match=error):
        store[key] = value
    assert dict(Store(home)) == {"items": ["milk"]} == dict(store)


def test_what_was_taken_out_can_be_changed_without_harm(home):
    store = Store(home)
    store["items"] = ["milk"]
    store["items"].append("bread")
    assert store["items"] == ["milk"]


# ---- settings --------------------------------------------------------------------------------------------------


class Coffee(BaseModel):
    cups: int = Field(2, ge=1, le=8, description="cups where nobody says how many")
    strong: bool = False


def test_settings_come_from_the_file_over_the_configuration_over_the_model(home):
    home.folder.mkdir()
    (home.folder / "settings.yaml").write_text("cups: 3\n")
    options = load_options("coffee", Coffee, {"cups": 5, "strong": True}, home)
    assert (options.value.cups, options.value.strong) == (3, True)
    assert options.origins == {"cups": "settings.yaml", "strong": "configuration"}
    assert load_options("coffee", Coffee, {}, Home()).origins["cups"] == "default"


@pytest.mark.parametrize("half", ["cups: [3", "cups: 30\n", "cup", "cups: 3\ncups: 4\n", "cupz: 3\n"])
def test_a_settings_file_half_written_leaves_the_last_good_settings(home, caplog, half):
    home.folder.mkdir()
    path = home.folder / "settings.yaml"
    path.write_text("cups: 3\n")
    load_options("coffee", Coffee, {}, home)
    path.write_text(half)
    assert load_options("coffee", Coffee, {}, home).value.cups == 3
    assert "the last good settings count" in caplog.text
    assert "\n" not in caplog.records[0].getMessage()


def test_a_setting_is_changed_in_its_file_or_not_at_all(home):
    assert change_option("coffee", Coffee, {}, home, "cups=4").value.cups == 4
    for change in ("cups=40", "cupz=3", "cups", "strong=[1"):
        with pytest.raises(ConfigError):
            change_option("coffee", Coffee, {}, home, change)
    assert load_options("coffee", Coffee, {}, home).value.cups == 4


async def test_a_skill_sees_its_settings():
    skill = Skill("coffee", settings=Coffee)
    skill.intent("Cups", "how many cups")(lambda: f"{skill.settings.cups} cups.")
    assert skill.settings.cups == 2
    async with Rehearsal(skill, settings=SkillSettings(settings={"coffee": {"cups": 6}})) as stage:
        assert await stage.say("how many cups") == "6 cups."
    with pytest.raises(SkillError, match="skill coffee: setting cups=60"):
        await Rehearsal(skill, settings=SkillSettings(settings={"coffee": {"cups": 60}})).__aenter__()


# ---- schedules -------------------------------------------------------------------------------------------------


def egg_timer():
    skill = Skill("egg")

    @skill.on_due
    def ring(name: str, due: datetime) -> str:
        return f"The {name} of {due:%H:%M} is done."

    @skill.intent("Set", "set it", "set it again")
    def set_it(context: Context) -> None:
        skill.schedule(ring, seconds=180, key="egg", site=context.site, data={"name": "egg"})

    @skill.intent("Wake", "wake me")
    def wake() -> None:
        skill.schedule(ring, at=datetime(2026, 1, 6, 7, 30), repeat="weekdays", data={"name": "night"})

    @skill.intent("Forget", "forget it")
    def forget() -> str:
        return f"{skill.unschedule('egg')} {skill.unschedule('egg')}"

    return skill


async def test_a_schedule_rings_after_a_restart_once(tmp_path):
    async with Rehearsal(egg_timer(), state=tmp_path) as stage:
        await stage.say("set it")
        await stage.advance(100)
        assert stage.spoken == []
    later = datetime(2026, 1, 5, 9, 1, 40)
    async with Rehearsal(egg_timer(), state=tmp_path, start=later) as stage:
        await stage.advance(79)
        assert stage.spoken == []
        await stage.advance(1)
        assert stage.spoken == ["The egg of 09:03 is done."]
    async with Rehearsal(egg_timer(), state=tmp_path, start=later + timedelta(days=1)) as stage:
        await stage.advance(10)
        assert stage.spoken == []


async def test_what_fell_due_while_the_assistant_was_off_is_done_at_once(tmp_path):
    async with Rehearsal(egg_timer(), state=tmp_path) as stage:
        await stage.say("set it")
    async with Rehearsal(egg_timer(), state=tmp_path, start=datetime(2026, 1, 5, 12, 0)) as stage:
        await stage.advance(0)
        assert stage.spoken == ["The egg of 09:03 is done."]


async def test_a_key_is_scheduled_once_and_taken_back_once(tmp_path):
    skill = egg_timer()
    async with Rehearsal(skill, state=tmp_path) as stage:
        await stage.say("set it")
        await stage.advance(60)
        await stage.say("set it again")
        assert [entry.key for entry in skill.schedules] == ["egg"]
        assert await stage.say("forget it") == "True False"
        await stage.advance(1000)
        assert stage.spoken == ["True False"]


async def test_an_alarm_of_weekdays_comes_on_weekdays():
    async with Rehearsal(egg_timer()) as stage:  # it is Monday
        await stage.say("wake me")
        await stage.advance(7 * 86400)
        assert stage.spoken == ["The night of 07:30 is done."] * 5


async def test_a_schedule_needs_a_function_that_is_due_and_one_time():
    skill = egg_timer()
    async with Rehearsal(skill):
        ring = skill.due["ring"].call
        with pytest.raises(SkillError, match="on_due"):
            skill.schedule(lambda: None, seconds=1)
        for times in ({}, {"seconds": 1, "at": datetime(2026, 1, 6)}, {"seconds": -1}, {"seconds": float("nan")}):
            with pytest.raises(SkillError, match="give one of them"):
                skill.schedule(ring, **times)
        with pytest.raises(SkillError, match="repeat"):
            skill.schedule(ring, seconds=1, repeat="yearly")
        with pytest.raises(SkillError, match="can't be kept"):
            skill.schedule(ring, seconds=1, data={"x": object()})
        assert skill.schedules == ()


async def test_a_file_of_schedules_that_is_nonsense_is_as_good_as_none(tmp_path):
    (tmp_path / "egg").mkdir()
    (tmp_path / "egg" / "schedules.json").write_text(json.dumps([{"key": 1}]))
    skill = egg_timer()
    async with Rehearsal(skill, state=tmp_path):
        assert skill.schedules == ()


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.floats(0, 10**7),
    st.sampled_from(["hourly", "daily", "weekdays", "weekends", "weekly"]),
)
def test_the_next_time_is_the_first_after_now_at_the_same_minute(due, late_s, repeat):
    now = due + timedelta(seconds=late_s)
    following = Schedule("k", "ring", due, repeat=repeat).after(now).due
    assert now < following <= now + timedelta(days=8)
    assert (following.minute, following.second) == (due.minute, due.second)
    if repeat != "hourly":
        assert following.hour == due.hour
    assert repeat != "weekdays" or following.weekday() < 5
    assert repeat != "weekends" or following.weekday() >= 5
    assert repeat != "weekly" or following.weekday() == due.weekday()
