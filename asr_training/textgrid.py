"""Praat's TextGrid files, in the long text format of Praat's manual, page "TextGrid file formats"."""

from collections.abc import Sequence

from voice.decoding.alignment import Span


def textgrid(tiers: dict[str, Sequence[Span]], seconds: float) -> str:
    """Return the file's text: interval tiers that cover the recording, empty intervals where nothing is said.

    Args:
        tiers: name and spans in order of time, without overlaps; what is beyond the recording's end is cut off.
        seconds: length of the recording.
    """
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {seconds:.6f}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, spans) in enumerate(tiers.items(), 1):
        intervals = _covering(spans, seconds)
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{_quoted(name)}"',
            "        xmin = 0",
            f"        xmax = {seconds:.6f}",
            f"        intervals: size = {len(intervals)}",
        ]
        for i, (start, end, text) in enumerate(intervals, 1):
            lines += [
                f"        intervals [{i}]:",
                f"            xmin = {start:.6f}",
                f"            xmax = {end:.6f}",
                f'            text = "{_quoted(text)}"',
            ]
    return "\n".join(lines) + "\n"


def _covering(spans: Sequence[Span], seconds: float) -> list[tuple[float, float, str]]:
    """Return the spans and the gaps between them; Praat wants every interval to begin where the last one ended."""
    intervals, at, seconds = [], 0.0, round(seconds, 6)
    for span in spans:
        start, end = min(round(span.start, 6), seconds), min(round(span.end, 6), seconds)
        if end <= start:
            continue
        if start > at:
            intervals.append((at, start, ""))
        intervals.append((start, end, span.text))
        at = end
    if seconds > at or not intervals:
        intervals.append((at, seconds, ""))
    return intervals


def _quoted(text: str) -> str:
    return text.replace('"', '""')
