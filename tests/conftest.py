"""What a test needs and this machine lacks is a reason to skip it, said once here."""

import importlib.util
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A job in the background ignores Ctrl-C, and so would the commands under test, which inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("house", deadline=None, database=None)  # a busy machine is no failure; nothing is left behind
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked `shared` without the speech data and those marked `training` without TensorFlow."""
    reasons = {}
    data = os.environ.get("EARSHOT_DATA")
    if not data or not Path(data).is_dir():
        reasons["shared"] = "needs the speech data pack: set EARSHOT_DATA to its folder"
    if not importlib.util.find_spec("tensorflow"):
        reasons["training"] = "needs TensorFlow: pip install -e '.[train]'"
    for item in items:
        for mark in item.iter_markers():
            if mark.name in reasons:
                item.add_marker(pytest.mark.skip(reason=reasons[mark.name]))


@pytest.fixture(scope="session")
def speech_data() -> Path:
    """The folder of the speech data pack; for tests marked `shared`."""
    return Path(os.environ["EARSHOT_DATA"])
