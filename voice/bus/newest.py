"""A bounded queue that keeps what is newest."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

_Item = TypeVar("_Item")


class Newest(asyncio.Queue[_Item]):
    """A queue that loses its oldest item when one comes and it is full.

    Args:
        maxsize: items that it holds.
        lose: called for each that is lost.
    """

    def __init__(self, maxsize: int, lose: Callable[[], None]) -> None:
        super().__init__(maxsize)
        self._lose = lose

    def put_nowait(self, item: _Item) -> None:
        """Put an item in, whatever it costs."""
        if self.full():
            self.get_nowait()
            self._lose()
        super().put_nowait(item)
