"""What a recogniser costs in memory: measured in a process of its own, which loads nothing else.

python -m asr_training.footprint BUNDLE|pocketsphinx FILE    prints a line of JSON
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from voice.errors import DataError


def footprint(system: str, recording: Path) -> dict[str, Any]:
    """Return `rss_mib` (the most that was resident) and `load_ms` of a process that recognises one recording.

    Args:
        system: a bundle's name or folder, or `pocketsphinx`.
        recording: what it recognises.

    Raises:
        DataError: the process failed.
    """
    command = [sys.executable, "-m", "asr_training.footprint", system, str(recording)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise DataError(f"{system}: the memory could not be measured: {last}", fix="run `voice doctor`")
    return json.loads(done.stdout.splitlines()[-1])


def main(system: str, recording: Path) -> None:
    """Recognise one recording, then print what it took."""
    from voice.audio.files import read_audio  # noqa: PLC0415 - counted, as in the assistant

    samples = read_audio(recording)
    started = time.perf_counter()
    if system == "pocketsphinx":
        from pocketsphinx import Decoder  # noqa: PLC0415

        decoder = Decoder(samprate=16_000, loglevel="FATAL")
        loaded = time.perf_counter()
        decoder.start_utt()
        decoder.process_raw((samples * 32767).astype(np.int16).tobytes(), no_search=False, full_utt=True)
        decoder.end_utt()
    else:
        from voice.events import Segment  # noqa: PLC0415
        from voice.models.asr import CtcRecognizer  # noqa: PLC0415
        from voice.models.bundle import load_bundle  # noqa: PLC0415

        recognizer = CtcRecognizer(load_bundle(system, "asr"))
        if recognizer.best_decoder == "lexicon":
            _ = recognizer.lexicon
        loaded = time.perf_counter()
        recognizer.transcribe(Segment(samples, 0))
    sys.stdout.write(json.dumps({"rss_mib": round(_peak_mib(), 1), "load_ms": round(1000 * (loaded - started))}) + "\n")


def _peak_mib() -> float:
    """Return the largest resident size of this process, MiB; pages of a mapped file that were touched count."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would give the parent's where that was larger: exec does not reset it
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    import resource  # noqa: PLC0415 - not on every platform

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
