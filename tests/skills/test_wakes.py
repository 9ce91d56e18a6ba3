"""The skill that takes somebody's word that a wake was wrong."""

from skills.wakes import ANSWERS, skill
from voice.skill import Rehearsal


async def test_the_answer_of_the_assistant_is_spoken_once():
    async with Rehearsal(skill) as stage:
        assert await stage.say("that was a false alarm") == ""
        [asked] = [payload for topic, payload in stage.published if topic == "earshot/hotword/markWrong"]
        told = {"siteId": "default", "id": asked["id"], "kept": False, "why": "off"}
        await stage.receive("earshot/hotword/markedWrong", told)
        assert stage.spoken == [ANSWERS["off"]]
        await stage.receive("earshot/hotword/markedWrong", told)
        await stage.receive("earshot/hotword/markedWrong", {"id": "of somebody else", "why": "kept"})
        await stage.receive("earshot/hotword/markedWrong", "no object")
        assert stage.spoken == [ANSWERS["off"]]


async def test_what_was_kept_is_said():
    async with Rehearsal(skill) as stage:
        await stage.say("i wasn't talking to you")
        [asked] = [payload for topic, payload in stage.published if topic == "earshot/hotword/markWrong"]
        await stage.receive("earshot/hotword/markedWrong", {"id": asked["id"], "kept": True, "why": "kept"})
        assert stage.spoken == [ANSWERS["kept"]]
