import subprocess
import sys

import pytest

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

LOAD = """
import sys
from pathlib import Path
from kws_training.trained import load_network
print(load_network(Path(sys.argv[1])).output_shape)
"""


def test_a_network_with_layers_of_its_own_is_read_by_another_process(tmp_path):
    from kws_training.models import build
    from kws_training.models.settings import BcResNetSettings

    build(BcResNetSettings(), 98, 40, 12).save(tmp_path / "best.keras")
    command = [sys.executable, "-c", LOAD, str(tmp_path / "best.keras")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(None, 12)", done.stderr
