"""What a session says on the bus; every message of it repeats its ids and its `customData`."""

from voice.bus.topics import (
    AsrStartListening,
    AsrTextCaptured,
    IntentMessage,
    IntentNotRecognized,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluPartialQuery,
    NluQuery,
    SessionEnded,
    SessionStarted,
    Termination,
    TtsSay,
)
from voice.dialogue.session import Session


def started(session: Session) -> SessionStarted:
    """Return that a session began."""
    return SessionStarted(
        session_id=session.id,
        site_id=session.site_id,
        custom_data=session.custom_data,
        lang=session.lang,
        reactivated_from_session_id=session.follows,
    )


def ended(session: Session, termination: Termination) -> SessionEnded:
    """Return that a session ended."""
    return SessionEnded(
        session_id=session.id, site_id=session.site_id, termination=termination, custom_data=session.custom_data
    )


def say(session: Session, text: str) -> TtsSay:
    """Return what is spoken in a session."""
    return TtsSay(text=text, id=session.speech_id, session_id=session.id, site_id=session.site_id, lang=session.lang)


def listen(session: Session) -> AsrStartListening:
    """Return what asks the recogniser for the next utterance."""
    return AsrStartListening(
        session_id=session.id,
        site_id=session.site_id,
        wakeword_id=session.wakeword_id,
        intent_filter=session.intent_filter,
        slot=session.slot,
        lang=session.lang,
        send_audio_captured=session.send_audio,
    )


def query(session: Session, heard: AsrTextCaptured) -> NluQuery:
    """Return the question what a text means."""
    return NluQuery(
        input=heard.text,
        intent_filter=session.intent_filter,
        id=session.query_id,
        session_id=session.id,
        site_id=session.site_id,
        asr_confidence=heard.likelihood,
        asr_tokens=heard.asr_tokens,
        custom_data=session.custom_data,
        custom_entities=session.custom_entities,
        wakeword_id=session.wakeword_id,
        lang=session.lang,
    )


def slot_query(session: Session, heard: AsrTextCaptured, slot: str) -> NluPartialQuery:
    """Return the question which value of a slot a text holds."""
    return NluPartialQuery(
        input=heard.text,
        intent_name=(session.intent_filter or [""])[0],
        slot_name=slot,
        id=session.query_id,
        session_id=session.id,
        site_id=session.site_id,
    )


def intent(session: Session, parsed: NluIntentParsed) -> IntentMessage:
    """Return the intent for whoever handles it."""
    heard = session.heard
    return IntentMessage(
        input=parsed.input,
        intent=parsed.intent,
        slots=parsed.slots,
        alternatives=parsed.alternatives,
        session_id=session.id,
        site_id=session.site_id,
        custom_data=session.custom_data,
        custom_entities=session.custom_entities,
        raw_input=heard.text if heard else None,
        asr_confidence=heard.likelihood if heard else None,
        asr_tokens=heard.asr_tokens if heard else None,
        speaker_hypotheses=heard.speaker_hypotheses if heard else None,
        wakeword_id=session.wakeword_id,
        lang=session.lang,
    )


def not_recognized(session: Session, answer: NluIntentNotRecognized) -> IntentNotRecognized:
    """Return that a text meant nothing."""
    return IntentNotRecognized(
        session_id=session.id,
        site_id=session.site_id,
        input=answer.input,
        custom_data=session.custom_data,
        confidence_score=answer.confidence_score,
        alternatives=answer.alternatives,
        speaker_hypotheses=session.heard.speaker_hypotheses if session.heard else None,
    )
