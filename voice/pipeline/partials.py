"""What has been recognised while someone still speaks, and how much of it will not change any more."""


class Agreement:
    """Splits each text into words that the last text had too, which are stable, and the rest.

    Words that were called stable stay so: Liu et al. (2020), "Low-latency sequence-to-sequence speech recognition and
    translation by partial hypothesis selection", local agreement of n = 2.
    """

    def __init__(self) -> None:
        self._last: list[str] = []
        self._stable: list[str] = []

    def split(self, text: str) -> tuple[str, str]:
        """Return the stable words of the next text, and those that may change."""
        words = text.split()
        n = next((i for i, (old, new) in enumerate(zip(self._last, words, strict=False)) if old != new), None)
        agreed = words[: min(len(self._last), len(words)) if n is None else n]
        if len(agreed) > len(self._stable) and agreed[: len(self._stable)] == self._stable:
            self._stable = agreed
        self._last = words
        return " ".join(self._stable), " ".join(words[len(self._stable) :])
