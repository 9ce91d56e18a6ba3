"""Hermes payloads about the components themselves: version, readiness, training."""

from pydantic import Field

from voice.bus.topics.wire import Payload, SitePayload


class VersionRequest(Payload):
    """Which version is this component? asr, nlu, tts, hotword, dialogueManager, audioServer, injection."""

    topic_filter = "hermes/+/versionRequest"
    direction = "read"
    in_topic = ("component",)
    component: str = "unknown"


class Version(Payload):
    """The version of a component."""

    topic_filter = "hermes/+/version"
    direction = "written"
    in_topic = ("component",)
    component: str = "unknown"
    version: str


class ComponentReload(Payload):
    """Load what a component works with again."""

    topic_filter = "hermes/+/reload"
    direction = "read"
    in_topic = ("component",)
    component: str = "unknown"
    load_id: str | None = None


class ComponentLoaded(Payload):
    """A component is ready, or has what it works with anew: sent at the start, and after `reload` and injection."""

    topic_filter = "hermes/+/loaded"
    direction = "written"
    in_topic = ("component",)
    component: str = "unknown"
    load_id: str | None = None
    version: str = ""


class Train(SitePayload):
    """Train on a graph of Rhasspy's: refused with an error, because the skills are what Earshot understands."""

    topic_filter = "rhasspy/+/+/train"
    direction = "read"
    in_topic = ("component", "site_id")
    component: str = "unknown"
    id: str | None = None


class IntentGraphRequest(SitePayload):
    """Send the intent graph in Rhasspy's form: refused with an error, because that form is pickled Python."""

    topic_filter = "rhasspy/train/getIntentGraph"
    direction = "read"
    id: str | None = None


class SkillRegister(Payload):
    """A remote skill says what it answers. Publish it retained; an empty payload takes it back. Earshot's own."""

    topic_filter = "earshot/skill/+/register"
    in_topic = ("skill_id",)
    skill_id: str = Field("", max_length=100)
    intents: dict[str, list[str]] = Field(
        default_factory=dict, max_length=200, description="intent to templates; none: an intent that is known already"
    )
    lists: dict[str, list[str]] = Field(default_factory=dict, max_length=200, description="list to the words in it")
    rules: dict[str, str] = Field(default_factory=dict, max_length=200, description="rule to its template")


class SkillRegistered(Payload):
    """What came of a registration. Earshot's own."""

    topic_filter = "earshot/skill/+/registered"
    in_topic = ("skill_id",)
    skill_id: str
    intents: list[str]
    error: str | None = None
