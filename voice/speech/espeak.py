"""Text to speech by espeak-ng, as a program of its own."""

import asyncio
import contextlib
import re
from collections.abc import Sequence

from voice.errors import AudioError
from voice.speech.settings import VoiceSettings
from voice.speech.wav import mended

_STRESS = re.compile("[\u02c8\u02cc]")


async def synthesise(text: str, settings: VoiceSettings, lang: str | None = None) -> bytes:
    """Return `text` spoken, as a WAV file.

    Args:
        text: goes in on standard input, never on the command line; phoneme brackets `[[` are taken apart.
        settings: the voice.
        lang: voice or language to use instead, for example `en_GB`.

    Raises:
        AudioError: espeak-ng is not installed, fails, or takes too long.
    """
    voice = lang.replace("_", "-").lower() if lang and lang.replace("_", "").replace("-", "").isalnum() else ""
    arguments = ["-v", voice or settings.voice, "-s", str(settings.words_per_minute), "--stdin", "--stdout"]
    spoken = text[: settings.characters].replace("[[", "[ [").replace("\0", " ")
    return mended(await _run(settings, arguments, spoken))


async def voices(settings: VoiceSettings) -> list[tuple[str, str]]:
    """Return id and name of each voice.

    Raises:
        AudioError: espeak-ng is not installed, fails, or takes too long.
    """
    lines = (await _run(settings, ["--voices"], "")).decode(errors="replace").splitlines()[1:]
    rows = (line.split() for line in lines)
    return [(row[1], row[3].replace("_", " ")) for row in rows if len(row) > 3]


async def phonemes(words: Sequence[str], settings: VoiceSettings) -> list[list[str]]:
    """Return how each word is said, in the International Phonetic Alphabet, without stress marks; empty: not at all.

    Raises:
        AudioError: espeak-ng is not installed, fails, or takes too long.
    """
    lines = [" ".join(re.findall(r"[\w'-]+", word[:100])) for word in words]
    arguments = ["-v", settings.voice, "-q", "--ipa", "--sep=_", "--stdin"]
    asked = "".join(f"{line}.\n\n" for line in lines if line)  # each a sentence: a line of its own in the answer
    answers = iter((await _run(settings, arguments, asked)).decode(errors="replace").splitlines() if asked else ())
    said = [next(answers, "") if line else "" for line in lines]
    return [[sound for sound in re.split(r"[_\s]+", _STRESS.sub("", line)) if sound] for line in said]


async def _run(settings: VoiceSettings, arguments: Sequence[str], text: str) -> bytes:
    """Return what the program writes, `text` on its standard input.

    Raises:
        AudioError: it is not installed, fails, or takes too long.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            settings.program,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        fix = "install it, e.g. `apt install espeak-ng`"
        raise AudioError(f"{settings.program} can't be run ({error.strerror})", fix=fix) from error
    try:
        output, complaint = await asyncio.wait_for(process.communicate(text.encode()), settings.timeout_s)
    except TimeoutError as error:
        raise AudioError(f"{settings.program} took longer than {settings.timeout_s:g} s", fix="speak less") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        reason = complaint.decode(errors="replace").strip().splitlines()
        raise AudioError(f"{settings.program}: {reason[0] if reason else process.returncode}", fix="check speech.tts")
    return output
