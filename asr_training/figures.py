"""The figures of an evaluation, as JSON can hold them: what the report shows and what a script may read."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from asr_training.clips import length_group, snr_group
from asr_training.evaluate import Answers, Measured
from asr_training.peers import NAME as PEER
from asr_training.scoring import (
    Edits,
    Rate,
    Scored,
    aligned,
    by_group,
    character_error_rate,
    confusions,
    cosine_similarity,
    sentence_error_rate,
    word_edits,
    word_error_difference,
    word_error_rate,
)
from voice.models.bundle import Bundle
from voice.text import edit_distance

Figures = dict[str, Any]
WORST = 20
"""Utterances that a report lets one listen to."""
_CONFUSIONS = 25
_BINS = 10


def figures_of(bundle: Bundle, measured: Sequence[Measured], command: str) -> Figures:
    """Return everything that a report says.

    Args:
        bundle: what was measured.
        measured: its sets.
        command: how to measure it again.
    """
    manifest = bundle.manifest
    return {
        "bundle": {
            "id": manifest.id,
            "version": manifest.version,
            "parameters": manifest.training.parameters,
            "bytes": manifest.model.bytes,
            "language_bytes": manifest.language.bytes if manifest.language else 0,
            "commit": manifest.training.commit,
        },
        "command": command,
        "sets": [_set(found) for found in measured],
    }


def main_system(measured: Measured) -> Answers:
    """Return the answers by which a set is judged: the decoder that was asked for last."""
    own = [answers for answers in measured.answers if answers.system != PEER]
    return own[-1]


def _set(measured: Measured) -> Figures:
    best = main_system(measured)
    scored = measured.scored(best)
    groups = {
        **({"speaker": [clip.speaker for clip in measured.clips]} if measured.clips[0].speaker_known else {}),
        "sex": [clip.sex for clip in measured.clips],
        "length": [length_group(seconds) for seconds in measured.seconds],
        "SNR": [snr_group(ratio) for ratio in measured.snr_db],
    }
    peer = measured.of(PEER)
    other = measured.scored(peer) if peer else None
    return {
        "name": measured.name,
        "utterances": len(measured.clips),
        "speakers": len({clip.speaker for clip in measured.clips}),
        "speakers_known": all(clip.speaker_known for clip in measured.clips),
        "minutes": sum(measured.seconds) / 60,
        "network_real_time_factor": measured.network_real_time_factor(),
        "system": best.system,
        "systems": [_system(measured, answers) for answers in measured.answers],
        "differences": _differences(measured),
        "groups": {kind: _groups(scored, other, names) for kind, names in groups.items()},
        "confusions": confusions(scored, _CONFUSIONS),
        "confidence": _confidence(scored, best),
        "shares": [edit_distance(s.reference.split(), s.hypothesis.split()) / len(s.reference.split()) for s in scored],
        "worst": _worst(measured, best, peer),
    }


def _system(measured: Measured, answers: Answers) -> Figures:
    scored = measured.scored(answers)
    edits = word_edits(scored)
    return {
        "system": answers.system,
        "wer": _rate(word_error_rate(scored)),
        "cer": _rate(character_error_rate(scored)),
        "ser": _rate(sentence_error_rate(scored)),
        "cosine": _rate(cosine_similarity(scored)),
        **_edits(edits),
        "real_time_factor": measured.real_time_factor(answers),
        "command_ms_median": measured.command_ms(answers, 0.5),
        "command_ms_p95": measured.command_ms(answers, 0.95),
    }


def _differences(measured: Measured) -> list[Figures]:
    """Return each decoder's word error rate less the peer's, and less the greedy one's."""
    found = []
    for base in (PEER, "greedy"):
        other = measured.of(base)
        for answers in measured.answers if other else ():
            if answers.system not in (base, PEER):
                rate = word_error_difference(measured.scored(answers), measured.scored(other)) if other else None
                found.append({"system": answers.system, "less": base, **_rate(rate)} if rate else {})
    return found


def _groups(scored: list[Scored], other: list[Scored] | None, names: list[str]) -> list[Figures]:
    rows = []
    peers = {name: rate for name, rate, _ in by_group(other, names)} if other else {}
    for name, rate, edits in by_group(scored, names):
        row = {"group": name, "utterances": rate.n, "wer": _rate(rate), **_edits(edits)}
        rows.append(row | ({"peer": _rate(peers[name])} if peers else {}))
    return sorted(rows, key=lambda row: _order(row["group"]))


def _order(name: str) -> tuple[int, float, str]:
    """Return where a group stands: "below 2 s", "2 to 5 s", ..., then names."""
    first = name.split(maxsplit=1)[0]
    number = float(first) if first.replace(".", "").isdigit() and " " in name else None
    if name.startswith("below "):
        return 0, -1.0, name
    return (2, 0.0, name) if number is None else (1, number + 0.5 * ("more" in name), name)


def _worst(measured: Measured, best: Answers, peer: Answers | None) -> list[Figures]:
    """Return the utterances with most errors for each word, the longer first of equal ones."""
    rows = []
    for i, (clip, text) in enumerate(zip(measured.clips, best.texts, strict=True)):
        words = clip.reference.split()
        errors = edit_distance(words, text.split())
        rows.append((errors / len(words), errors, i))
    chosen = [i for share, _, i in sorted(rows, reverse=True)[:WORST] if share > 0]
    return [
        {
            "audio": str(measured.clips[i].audio),
            "speaker": measured.clips[i].speaker,
            "seconds": measured.seconds[i],
            "snr_db": measured.snr_db[i],
            "reference": measured.clips[i].reference,
            "hypothesis": best.texts[i],
            "aligned": aligned(measured.clips[i].reference.split(), best.texts[i].split()),
            "peer": peer.texts[i] if peer else None,
        }
        for i in chosen
    ]


def _confidence(scored: list[Scored], answers: Answers) -> Figures | None:
    """Return how well the words' confidences say which words are right; None where there is no word."""
    pairs = [
        (token.confidence, right)
        for s, tokens in zip(scored, answers.words, strict=True)
        for token, right in zip(tokens, right_words(s), strict=True)
    ]
    if not pairs:
        return None
    confidence, right = np.array(pairs, float).T
    return {
        "words": len(right),
        "right": float(right.mean()),
        "bins": reliability(confidence, right),
        "calibration_error": calibration_error(confidence, right),
        "auc": area_under_roc(confidence, right > 0),
    }


def reliability(confidence: Any, right: Any) -> list[Figures]:
    """Return for each tenth of the confidences that has words: how many, their mean confidence, the share right."""
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    chosen = [place == i for i in range(_BINS) if np.any(place == i)]
    return [
        {"n": int(here.sum()), "confidence": float(confidence[here].mean()), "right": float(right[here].mean())}
        for here in chosen
    ]


def calibration_error(confidence: Any, right: Any) -> float:
    """Return the expected calibration error (Guo et al. 2017, equation 3) over ten bins, as a share."""
    bins = reliability(confidence, right)
    return sum(b["n"] * abs(b["confidence"] - b["right"]) for b in bins) / len(right)


def right_words(scored: Scored) -> list[bool]:
    """Return for each recognised word whether it is right, on a best alignment."""
    pairs = aligned(scored.reference.split(), scored.hypothesis.split())
    return [word == got for word, got in pairs if got is not None]


def area_under_roc(scores: Any, right: Any) -> float | None:
    """Return the probability that a right word scores higher than a wrong one; None where one kind is missing."""
    good, bad = np.asarray(scores)[right], np.asarray(scores)[~np.asarray(right)]
    if not len(good) or not len(bad):
        return None
    ranks = np.sort(bad)
    below = np.searchsorted(ranks, good, "left") + np.searchsorted(ranks, good, "right")
    return float(below.mean() / 2 / len(bad))


def _rate(rate: Rate) -> Figures:
    return {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}


def _edits(edits: Edits) -> Figures:
    return {
        "substitutions": edits.substitutions,
        "deletions": edits.deletions,
        "insertions": edits.insertions,
        "words": edits.words,
    }
