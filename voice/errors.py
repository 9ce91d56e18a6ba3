"""Every error that Earshot raises on purpose.

EarshotError                what, where, and what to do next; `code` is stable
+- ConfigError              a setting, a recipe or a command line is wrong (exit status 2)
+- AudioError               audio that can't be opened, read or played
|  +- DeviceError           a microphone or loudspeaker is missing, busy or gone
+- BundleError              a model folder is missing, malformed, altered or of the wrong kind
+- GrammarError             a sentence template can't be parsed or compiled
+- BusError                 the broker refuses us, or a payload breaks its schema
+- SkillError               a skill can't be loaded, raised, hung or returned nonsense
+- DataError                a training set is missing, malformed or unusable
"""


class EarshotError(Exception):
    """One line that says what is wrong, where, and what to do next.

    Args:
        message: what is wrong and where.
        fix: what the reader should do; appended to the message.
    """

    code = "error"

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(f"{message}: {fix}" if fix else message)
        self.fix = fix


class ConfigError(EarshotError):
    """A setting, a recipe or a command line is wrong."""

    code = "config"


class AudioError(EarshotError):
    """Audio that can't be opened, read or played."""

    code = "audio"


class DeviceError(AudioError):
    """A microphone or loudspeaker is missing, busy or gone."""

    code = "audio-device"


class BundleError(EarshotError):
    """A model folder is missing, malformed, altered or of the wrong kind."""

    code = "bundle"


class GrammarError(EarshotError):
    """A sentence template can't be parsed or compiled."""

    code = "grammar"


class BusError(EarshotError):
    """The broker refuses us, or a payload breaks its schema."""

    code = "bus"


class SkillError(EarshotError):
    """A skill can't be loaded, raised, hung or returned nonsense."""

    code = "skill"


class DataError(EarshotError):
    """A training set is missing, malformed or unusable."""

    code = "data"
