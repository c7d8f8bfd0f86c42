"""What never changes, kept for a while: folders of commits, and contents by their id."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sized
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound=Sized)


class Kept(Generic[Key, Value]):
    """The last used of them, as many as weigh `most` together; each weighs its length and one."""

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key, fetch: Callable[[], Value]) -> Value:
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = fetch()
            self._weight += len(found) + 1
            while self._weight > self._most:
                _, gone = self._kept.popitem(last=False)
                self._weight -= len(gone) + 1
        else:
            self._kept.move_to_end(key)
        return found
