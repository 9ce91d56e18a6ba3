"""Text to speech by espeak-ng, as a program of its own."""

import asyncio
import contextlib

from voice.errors import AudioError
from voice.speech.settings import VoiceSettings
from voice.speech.wav import mended


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
        wav, complaint = await asyncio.wait_for(process.communicate(spoken.encode()), settings.timeout_s)
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
    return mended(wav)
