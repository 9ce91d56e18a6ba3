"""What is told of a wake word that was heard."""

from voice.bus.topics import HotwordDetected
from voice.events import RATE, Wake
from voice.pipeline.words import WakeWord


def detected(wake: Wake, word: WakeWord | None, site_id: str, level_dbfs: float) -> HotwordDetected:
    """Return the message on `hermes/hotword/<id>/detected`.

    Args:
        wake: what was heard.
        word: what is known of the word.
        site_id: where.
        level_dbfs: how loud it was.
    """
    known = (
        {
            "model_version": word.version,
            "model_type": word.model_type,
            "current_sensitivity": round(word.sensitivity, 3),
            "lang": word.settings.lang,
        }
        if word
        else {}
    )
    return HotwordDetected(
        model_id=wake.model_id,
        site_id=site_id,
        detection_signal_ms=wake.at * 1000 // RATE,
        end_signal_ms=wake.at * 1000 // RATE,
        score=round(wake.score, 4),
        level_dbfs=round(level_dbfs, 1),
        **known,
    )
